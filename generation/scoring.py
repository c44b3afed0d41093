"""How near a take is to the catalog, how exact, and how much of it is somebody's recording verbatim."""

from __future__ import annotations

from collections import Counter
from typing import Any

from catalog.matching import Matched
from generation.brief import Brief
from generation.engines.base import Rendering


def measured(matched: Matched) -> dict[str, Any]:
    """What the analysis of the finished take found."""
    analysis = matched.analysis
    return {
        "bpm": None if analysis.bpm is None else round(analysis.bpm, 2),
        "key": analysis.key.name if analysis.key else None,
        "camelot": analysis.key.camelot if analysis.key else None,
        "energy": None if analysis.energy is None else round(analysis.energy, 3),
        "lufs": None if analysis.lufs is None else round(analysis.lufs, 1),
        "duration": round(analysis.duration, 2),
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
