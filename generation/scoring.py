"""How near a take is to the catalog, how exact, and how much of it is somebody's recording verbatim."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from catalog.analysis.pulse import Pulse, pulse_of, surest
from catalog.matching import Matched
from generation.brief import Brief
from generation.engines.base import Rendering

PERCUSSION = ("kick", "drums")


def pulse(rendering: Rendering) -> tuple[Pulse, str] | None:
    """The take held against the tempo it was planned at, and in what: its mix, or its drums where they are surer.

    None where nothing was planned at a tempo.
    """
    bpm = rendering.plan.get("bpm")
    if not bpm:
        return None
    found = {"mix": pulse_of(rendering.audio, rendering.sample_rate, float(bpm))}
    drums = [rendering.stems[name] for name in PERCUSSION if name in rendering.stems]
    if drums:
        found["drums"] = pulse_of(np.sum(drums, axis=0), rendering.sample_rate, float(bpm))
    name = surest(found)
    return found[name], name


def measured(matched: Matched, held: tuple[Pulse, str] | None = None) -> dict[str, Any]:
    """What was measured on the finished take. held: what `pulse` found.

    The tempo is what the onsets keep where they were held against a plan's and tell; else the analysis' own reading,
    which knows no plan.
    """
    analysis = matched.analysis
    bpm = held[0].bpm if held and held[0].bpm is not None else analysis.bpm
    return {
        "bpm": None if bpm is None else round(bpm, 2),
        "tempo": _tempo(held),
        "key": analysis.key.name if analysis.key else None,
        "camelot": analysis.key.camelot if analysis.key else None,
        "energy": None if analysis.energy is None else round(analysis.energy, 3),
        "lufs": None if analysis.lufs is None else round(analysis.lufs, 1),
        "duration": round(analysis.duration, 2),
    }


def _tempo(held: tuple[Pulse, str] | None) -> dict[str, Any] | None:
    if held is None:
        return None
    found, where = held
    if found.bpm is None:
        return {"planned": found.asked, "unclear": found.why}
    return {
        "planned": found.asked,
        "in": where,
        "error": round(found.error or 0.0, 6),
        "margin": round(found.margin or 0.0, 6),
    }


def requested(brief: Brief) -> dict[str, Any]:
    return {
        "bpm": brief.bpm,
        "key": brief.key.name if brief.key else None,
        "camelot": brief.key.camelot if brief.key else None,
        "energy": brief.energy,
        "duration": brief.duration_seconds,
    }


def novelty(rendering: Rendering, matched: Matched, titles: dict[str, str]) -> dict[str, Any]:
    """Two independent answers: the engine's own edit list (exact) and fingerprints against the catalog (measured).

    bars_by_source counts a bar once for each source that sounds in it; share is of all such pairs.
    """
    pairs = {(entry["bar"], entry["track_id"]) for entry in rendering.built_from if entry.get("track_id")}
    used = Counter(track for _, track in pairs)
    most = used.most_common(1)
    longest = matched.passages[0] if matched.passages else None
    copy = matched.copy_of
    return {
        "sources": len(used),
        "bars_by_source": [
            {"id": track, "title": titles.get(track, ""), "bars": bars} for track, bars in used.most_common()
        ],
        "largest_share": round(most[0][1] / max(1, len(pairs)), 4) if most else 0.0,
        "longest_passage": None
        if longest is None
        else {"id": longest.track_id, "title": longest.title, "seconds": longest.seconds},
        "copy_of": None if copy is None else {"id": copy.track_id, "title": copy.title},
        "sentence": _sentence(len(used), longest.seconds if longest else 0.0, copy.title if copy else ""),
    }


def _sentence(sources: int, seconds: float, copy: str) -> str:
    if copy:
        return f"Close to a copy of “{copy}”: {seconds:.0f} seconds in a row are the same recording."
    text = f"No copy found. Built from {sources} recordings" if sources else "No copy found"
    return text + (f"; longest passage from one: {seconds:.1f} seconds." if seconds else ".")


def similarity(matched: Matched, *, without_donors: float | None) -> dict[str, Any]:
    match = matched.match
    return {
        "breakdown": {name: round(value, 4) for name, value in match.breakdown.items()},
        "tracks_compared": match.n,
        "confidence": round(match.confidence, 3),
        "low_confidence": match.low_confidence,
        "reasons": list(match.reasons),
        "without_donors": None if without_donors is None else round(without_donors, 4),
    }
