"""What is said of a stretch of music while it is learned: rules a person can read, from tags and analysis.

The words and their order are those that a request is written in (`engines.neural.words`), so that what was learned
answers to them: genre, energy, key figures of the sound beside the background, tempo, key, and the part of the track.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.analysis import TrackAnalysis
from generation.engines.neural.words import SECTIONS, energy_words

SURE_TEMPO, SURE_KEY = 0.3, 0.3


@dataclass(frozen=True)
class Known:
    """What is known of a track beside its analysis. genres: as tagged or corrected. palette: words for its bands."""

    genres: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()


def caption(known: Known, heard: TrackAnalysis, start: float, end: float) -> str:
    """The caption of the passage from `start` to `end` (seconds)."""
    parts = [
        *known.genres[:1],
        energy_words(heard.energy),
        *known.palette,
        f"{round(heard.bpm)} BPM" if heard.bpm and heard.bpm_confidence >= SURE_TEMPO else "",
        heard.key.name if heard.key and heard.key.confidence >= SURE_KEY else "",
        _section(heard, (start + end) / 2),
    ]
    return ", ".join(part for part in parts if part) or "instrumental music"


def _section(heard: TrackAnalysis, middle: float) -> str:
    """Words for the part of the track that this moment is in."""
    name = next((one.name for one in heard.sections if one.start <= middle < one.end), "")
    return SECTIONS.get(name, ("", 1.0))[0]
