"""What each part of the DNA rests on, in a line: how many tracks, how many of them heard, and the confidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.dna.figures import percent, tracks


def footing(dna: Mapping[str, Any]) -> dict[str, str]:
    """A line for each part that has something to rest on; parts without data are left out."""
    detail = dna["taste_coherence_detail"]
    lines = {
        "palette": _heard(dna["sonic_palette_detail"]),
        "tempo": _tagged_too(dna["bpm_profile"]),
        "key": _tagged_too(dna["key_profile"]),
        "energy": _heard(dna["energy_profile"]),
        "coherence": f"{_of(detail['n'], detail['of'])} measured. Confidence {percent(detail['confidence'])}."
        if dna["taste_coherence"] is not None
        else "",
        "families": _families(dna["measured_families"]),
        "genres": _tags(dna["genre_profile"]),
        "genealogy": _placed(dna),
        "drift": _dated(dna["drift"]),
    }
    return {part: line for part, line in lines.items() if line}


def _of(n: int, of: int) -> str:
    return tracks(n) if n == of else f"{n:,} of {tracks(of)}"


def _sure(profile: Mapping[str, Any]) -> str:
    return f"Confidence {percent(profile['confidence'])}."


def _heard(profile: Mapping[str, Any]) -> str:
    return f"{_of(profile['n'], profile['of'])} measured. {_sure(profile)}" if profile["n"] else ""


def _tagged_too(profile: Mapping[str, Any]) -> str:
    if not profile["n"]:
        return ""
    tagged = profile["n"] - profile["measured"]
    how = (
        "measured"
        if not tagged
        else "as tagged"
        if not profile["measured"]
        else f"{profile['measured']:,} measured and {tagged:,} as tagged"
    )
    joint = ": " if tagged and profile["measured"] else " "
    weighed = " Percentiles weighted by plays." if profile["weighted"] and "median" in profile else ""
    return f"{_of(profile['n'], profile['of'])}{joint}{how}.{weighed} {_sure(profile)}"


def _families(profile: Mapping[str, Any]) -> str:
    rows = profile["families"]
    if not rows:
        return ""
    placed = sum(row["count"] for row in rows)
    mean = sum(row["confidence"] * row["count"] for row in rows) / placed
    return f"{_of(placed, profile['n'])} placed. Mean confidence {percent(mean)}."


def _tags(profile: Mapping[str, Any]) -> str:
    return f"{_of(profile['n'], profile['of'])} tagged. {_sure(profile)}" if profile["n"] else ""


def _placed(dna: Mapping[str, Any]) -> str:
    count = dna["influence_genealogy"]["placed"]
    return f"{_of(count, dna['track_count'])} tagged with a style the genealogy knows." if count else ""


def _dated(profile: Mapping[str, Any]) -> str:
    if not profile["n"]:
        return ""
    count = len(profile["windows"])
    return f"{_of(profile['n'], profile['of'])} dated, in {count} {profile['period']}{'' if count == 1 else 's'}."
