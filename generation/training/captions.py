"""What is said of a stretch of music while it is learned: rules a person can read, from tags and analysis.

The words are those a prompt is likely to use, so that what was learned answers to them. Each rule adds one part, in
this order: genre, key figures of the sound beside the background, energy of the track, how full this passage is,
tempo, key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.analysis import TrackAnalysis

HIGH_ENERGY, LOW_ENERGY = 0.7, 0.3
FULL, SPARSE = 0.8, 0.45
SURE_TEMPO, SURE_KEY = 0.3, 0.3


@dataclass(frozen=True)
class Known:
    """What is known of a track beside its analysis. genres: as tagged or corrected. palette: words for its bands."""

    genres: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()


def caption(known: Known, heard: TrackAnalysis, start: float, end: float) -> str:
    """The caption of the passage from `start` to `end` (seconds)."""
    parts = [
        ", ".join(genre.lower() for genre in known.genres[:2]) or "instrumental music",
        *known.palette[:3],
        _energy(heard.energy),
        _passage(heard, start, end),
        f"{heard.bpm:.0f} bpm" if heard.bpm and heard.bpm_confidence >= SURE_TEMPO else "",
        heard.key.name if heard.key and heard.key.confidence >= SURE_KEY else "",
    ]
    return ", ".join(part for part in parts if part)


def _energy(value: float) -> str:
    if value >= HIGH_ENERGY:
        return "high energy"
    return "calm" if value <= LOW_ENERGY else ""


def _passage(heard: TrackAnalysis, start: float, end: float) -> str:
    """How full the bars inside are, beside the fullest ones of the same track."""
    inside: Sequence[float] = [
        value
        for value, first, last in zip(heard.energy_curve, heard.bars.start, heard.bars.end, strict=False)
        if first >= start - 0.05 and last <= end + 0.05
    ]
    if not inside:
        return ""
    mean = sum(inside) / len(inside)
    return "full arrangement" if mean >= FULL else "sparse arrangement" if mean <= SPARSE else ""
