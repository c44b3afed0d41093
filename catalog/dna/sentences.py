"""One sentence or two for each part of the DNA: what the data shows, with its figures, and no praise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.dna.figures import percent, tracks
from catalog.dna.narration import collection, drift, families
from catalog.dna.palette import LITTLE, MUCH, NAMES

_BANDS = {
    "sub_bass": "sub",
    "bass": "bass",
    "low_mid": "low mids",
    "mid": "mids",
    "high_mid": "upper mids",
    "presence": "presence",
    "brilliance": "air above 6 kHz",
}
_ASPECTS = {
    "sonic_palette": "sonic palette",
    "rhythm": "rhythm",
    "harmony": "harmony",
    "energy": "energy",
    "dynamics": "dynamics",
}
_NUMBERS = (
    "No",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
)


_BY_CHANCE = 0.15


def sentences(dna: Mapping[str, Any]) -> dict[str, str]:
    """A sentence for each part of the document: what the data shows."""
    return {
        "palette": _palette(dna),
        "tempo": _tempo(dna["bpm_profile"]),
        "key": _key(dna["key_profile"]),
        "energy": _energy(dna["energy_profile"]),
        "coherence": _coherence(dna),
        "genres": _genres(dna),
        "genealogy": _genealogy(dna["influence_genealogy"]),
        "families": families(dna["measured_families"]),
        "drift": drift(dna["drift"]),
        "collection": collection(dna["collection"]),
    }


def _count(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"


def _palette(dna: Mapping[str, Any]) -> str:
    rank, n = dna["sonic_palette_rank"], dna["sonic_palette_reference_count"]
    if any(rank[name] is None for name in NAMES):
        return "Nothing measured yet. Add audio to see where its power sits."
    where = "recordings near your tempo" if dna["bpm_profile"]["measured"] else "recordings"
    top = max(NAMES, key=lambda name: rank[name])
    low = min(NAMES, key=lambda name: rank[name])
    said = []
    if rank[top] >= MUCH:
        said.append(f"More {_BANDS[top]} than {round(rank[top] * n)} of {n} reference {where}.")
    if rank[low] <= LITTLE:
        fuller = n - round(rank[low] * n)
        said.append(
            f"Less {_BANDS[low]} than {fuller} of {n}."
            if said
            else f"Less {_BANDS[low]} than {fuller} of {n} reference {where}."
        )
    if not said:
        most = max(NAMES, key=lambda name: dna["sonic_palette"][name])
        said.append(
            f"Balanced as {n} reference {where} are; "
            f"{percent(dna['sonic_palette'][most])} of the power is {_BANDS[most]}."
        )
    return " ".join(said)


def _tempo(profile: Mapping[str, Any]) -> str:
    if not profile["n"]:
        return "No tempo measured yet."
    centres = profile["centres"]
    if profile["n"] == 1:
        return f"One track, at {round(profile['median'])} BPM."
    if not centres or centres[0]["count"] < 2:
        return (
            f"No centre: {round(profile['min'])} to {round(profile['max'])} BPM over {tracks(profile['n'])}."
        )

    def told(centre: Mapping[str, Any], first: bool) -> str:
        felt = f", felt at {round(centre['bpm'] / 2)}," if centre["half_time"] * 2 > centre["count"] else ""
        unit = " BPM" if first else ""
        return f"{centre['bpm']}{unit}{felt} in {tracks(centre['count']) if first else format(centre['count'], ',')}"

    intro = {1: "One centre: ", 2: "Two centres: ", 3: "Three centres: "}[len(centres)]
    text = intro + "; ".join(told(c, i == 0) for i, c in enumerate(centres)) + "."
    if len(centres) == 1 and centres[0]["count"] == profile["n"]:
        felt = (
            f", felt at {round(centres[0]['bpm'] / 2)}" if centres[0]["half_time"] * 2 > profile["n"] else ""
        )
        text = f"One centre: {centres[0]['bpm']} BPM{felt}, in all {tracks(profile['n'])}."
    half = profile["half_time_count"]
    main = sum(c["half_time"] for c in centres if c["half_time"] * 2 > c["count"])
    if half > main:
        other = half - main
        text += f" {_count(other)} {'track is' if other == 1 else 'tracks are'} felt at half time."
    return text


def _key(profile: Mapping[str, Any]) -> str:
    n, leading = profile["n"], profile["leading"]
    if not n:
        return "No key measured yet."
    if n == 1:
        return f"One track, in {leading['name']}."
    minor = round(profile["minor_share"] * n)
    modes = (
        f"All {n:,} in minor."
        if minor == n
        else f"All {n:,} in major."
        if not minor
        else f"{minor:,} of {n:,} in minor."
    )
    rest, mixing = n - leading["count"], profile["compatible_with_leading"]
    text = f"{modes} {leading['name']} leads with {leading['count']:,}"
    if not rest:
        return f"All {n:,} in {leading['name']}."
    if leading["count"] == 1:
        return f"{modes} No key repeats."
    if not mixing:
        return text + "; none of the others is its neighbour on the wheel."
    held = "all" if mixing == rest else f"{mixing:,} of the other {rest:,}"
    close = ", so your tracks mix" if mixing * 2 >= rest else ""
    text += f"; its neighbours on the wheel hold {held}{' of the rest' if mixing == rest else ''}{close}."
    most = profile["played_most"]
    return text + (f" By plays, {most['name']} comes first." if most else "")


def _energy(profile: Mapping[str, Any]) -> str:
    if not profile["n"]:
        return "No energy measured yet: no tag holds it, it has to be heard."
    middle = round(100 * profile["p50"])
    if profile["n"] == 1:
        return f"One track, with more energy than {middle} of 100 reference recordings."
    low, high = round(100 * profile["p10"]), round(100 * profile["p90"])
    return (
        f"The middle track has more energy than {middle} of 100 reference recordings; "
        f"most of the catalog lies between {low} and {high}."
    )


def _coherence(dna: Mapping[str, Any]) -> str:
    value, detail = dna["taste_coherence"], dna["taste_coherence_detail"]
    if value is None:
        return (
            "Coherence compares tracks with each other: it needs two."
            if detail["n"]
            else "Nothing to compare yet."
        )
    aspects = {name: score for name, score in detail["aspects"].items() if score is not None}
    most, least = max(aspects, key=lambda a: aspects[a]), min(aspects, key=lambda a: aspects[a])
    text = f"{tracks(detail['n']).capitalize()} agree at {percent(value)}"
    text += ", hardly more than music drawn at random does." if value < _BY_CHANCE else "."
    if aspects[most] - aspects[least] >= 0.05:
        text += (
            f" {_ASPECTS[most].capitalize()} holds them together most ({percent(aspects[most])}), "
            f"{_ASPECTS[least]} least ({percent(aspects[least])})."
        )
    if detail["n"] < 10:
        text += " Under ten tracks this figure still moves."
    return text


def _genres(dna: Mapping[str, Any]) -> str:
    genres, total = dna["genres"], dna["track_count"]
    if not genres:
        return (
            "No genre tags. What is measured here is not called a genre." if total else "No genre tags yet."
        )
    named = [f"{g['name']} on {g['count']:,}" for g in genres[:3]]
    text = f"Tagged {named[0]} of {tracks(total)}"
    if named[1:]:
        text += ", " + ", ".join(named[1:])
    untagged = dna["untagged_count"]
    return text + (
        f"; {untagged:,} carry no genre." if untagged > 1 else "; one carries no genre." if untagged else "."
    )


def _genealogy(lineage: Mapping[str, Any]) -> str:
    if not lineage["from_tags"]:
        return "No tag places your tracks in the lineage yet."
    line = lineage["from_tags"][0]["line"]
    told = " → ".join(f"{g['name']} ({g['place']}, {g['year']})" for g in line[-4:])
    text = f"Your taste traces: {told}."
    rest = [one["name"] for one in lineage["from_tags"][1:3]]
    if rest:
        text += f" Beside it {' and '.join(rest)}."
    if lineage["unplaced"]:
        text += f" {tracks(lineage['unplaced']).capitalize()} {'is' if lineage['unplaced'] == 1 else 'are'} unplaced."
    return text
