"""The artist's own recordings as what a model goes by: a melody to follow, or bars to go on from.

Which bars: those that were asked for, else those in which the harmony is clearest and the sound fullest. They begin
and end on bar lines, and are bent to the tempo and key of the take, so that the model hears them as they should be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.analysis import TrackAnalysis
from generation.brief import Brief, Reference
from generation.engines.base import CorpusTrack, EngineError
from generation.engines.mosaic.separate import separate, split_bass
from generation.engines.mosaic.stretch import stretched
from generation.engines.neural.exact import MOST_SHIFT, SAMPLE_RATE, semitones_to

MOST_BEND = 0.12
COPIED_SECONDS = 6.0  # in a row from one recording of the catalog: too much for a new piece


@dataclass(frozen=True, eq=False)
class Excerpt:
    """Bars of the artist's own. sound: (2, n) float32 at 44.1 kHz in the take's tempo and key, where they were near."""

    sound: np.ndarray
    sources: tuple[dict[str, Any], ...]

    @property
    def seconds(self) -> float:
        return self.sound.shape[1] / SAMPLE_RATE


def excerpt(
    brief: Brief,
    corpus: Sequence[CorpusTrack],
    *,
    seconds: float,
    melodic: bool,
    tick: Callable[[], None],
) -> Excerpt | None:
    """Whole bars of the reference tracks, one after the other, of about `seconds` together; None without references.

    melodic: without drums and bass, which would drown the notes. Raises EngineError when a track is gone.
    """
    if not brief.references:
        return None
    tracks = {track.id: track for track in corpus}
    pieces, sources = [], []
    for reference in brief.references:
        if (track := tracks.get(reference.track_id)) is None:
            raise EngineError(
                "A reference track of this request is no recording of your own, or was deleted. Choose another."
            )
        tick()
        piece, source = _piece(track, reference, brief, seconds / len(brief.references), melodic)
        pieces.append(piece)
        sources.append(source)
    sound = np.concatenate(pieces, axis=1)
    if not float(np.abs(sound).max(initial=0.0)) > 1e-4:
        raise EngineError("The reference is silent in these bars. Choose others, or another track.")
    return Excerpt(sound, tuple(sources))


def salient(analysis: TrackAnalysis, count: int) -> int:
    """The first of `count` bars in a row that say most about the music; 0 for a track with fewer."""
    bars = analysis.bars
    if len(bars) <= count:
        return 0
    clear = bars.chroma.max(axis=1) / np.maximum(bars.chroma.sum(axis=1), 1e-6)
    loud = np.clip((bars.rms_db - np.percentile(bars.rms_db, 10)) / 20.0, 0.0, 1.0)
    worth = clear * (0.3 + loud) * (1.0 - 0.5 * np.clip(bars.drums, 0.0, 1.0))
    sums = np.convolve(worth, np.ones(count), mode="valid")
    return int(np.argmax(np.round(sums, 6)))


def _piece(
    track: CorpusTrack, reference: Reference, brief: Brief, seconds: float, melodic: bool
) -> tuple[np.ndarray, dict[str, Any]]:
    analysis, bars = track.analysis, track.analysis.bars
    start, end, first, count = 0.0, min(seconds, analysis.duration), None, 0
    if len(bars):
        bar_seconds = float(np.median(bars.end - bars.start))
        wanted = max(1, int(seconds / max(bar_seconds, 0.1)))
        asked = reference.start_bar is not None or reference.end_bar is not None
        low = min(reference.start_bar or 0, len(bars) - 1)
        high = min(reference.end_bar or len(bars), len(bars))
        count = min(wanted, max(1, high - low) if asked else len(bars))
        first = low if asked else salient(analysis, count)
        start, end = float(bars.start[first]), float(bars.end[min(first + count, len(bars)) - 1])
    sound = track.load()[:, round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    if melodic:
        _, harmonic = separate(np.ascontiguousarray(sound))
        _, sound = split_bass(harmonic)
    factor = brief.bpm / analysis.bpm if analysis.bpm else 1.0
    factor = factor if abs(factor - 1.0) <= MOST_BEND else 1.0
    shift = semitones_to(analysis.key, brief.key) or 0
    shift = shift if abs(shift) <= MOST_SHIFT else 0
    source = {
        "track_id": track.id,
        "title": track.title,
        "first_bar": first,
        "bars": count,
        "start": round(start, 3),
        "end": round(end, 3),
        "stretch": round(factor, 5),
        "shift": shift,
    }
    return stretched(np.ascontiguousarray(sound), factor=factor, semitones=shift), source
