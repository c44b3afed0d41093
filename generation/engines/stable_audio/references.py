"""A reference as a sound to begin from: its fullest bars, brought to the tempo and key of the take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.brief import Brief
from generation.engines.base import CorpusTrack, EngineError, Material
from generation.engines.mosaic.stretch import stretched
from generation.engines.neural.finishing import BEATS, RATE, key_shift

MOST_STRETCH = 0.15  # it is heard under noise: a little more than a finished take may be bent


@dataclass(frozen=True)
class Excerpt:
    """sound: (2, n) float32 at 44.1 kHz. said: where it is from, as the plan remembers it."""

    sound: np.ndarray
    said: dict[str, Any]


def excerpt(brief: Brief, material: Material, seconds: float) -> Excerpt | None:
    """The first reference of the brief, at most so long; None without references. Raises EngineError."""
    if not brief.references:
        return None
    reference = brief.references[0]
    track = next((one for one in material.corpus if one.id == reference.track_id), None)
    if track is None:
        raise EngineError(
            "The reference is not one of your own recordings with their sound here. Choose another, or none."
        )
    bpm = track.analysis.bpm
    factor = 1.0
    if bpm:
        factors = [brief.bpm / (bpm * times) for times in (0.5, 1.0, 2.0)]
        nearest = min(factors, key=lambda one: abs(one - 1.0))
        factor = nearest if abs(nearest - 1.0) <= MOST_STRETCH else 1.0
    shift = key_shift(track.analysis.key, brief.key) or 0
    wanted = seconds * factor  # of the recording
    start, end = span(track, reference.start_bar, reference.end_bar, wanted)
    sound = track.load()[:, round(start * RATE) : round(end * RATE)]
    if sound.shape[1] < RATE:
        raise EngineError(
            f"The chosen bars of “{track.title}” are too short to begin from. Choose more of them."
        )
    bent = stretched(np.ascontiguousarray(sound), factor=factor, semitones=shift)
    said = {
        "track_id": track.id,
        "start": round(start, 3),
        "end": round(end, 3),
        "stretch": round(factor, 6),
        "shift": shift,
    }
    return Excerpt(bent, said)


def span(
    track: CorpusTrack, start_bar: int | None, end_bar: int | None, seconds: float
) -> tuple[float, float]:
    """(start, end) in seconds of a track: the named bars, else from the downbeat where it is fullest for so long."""
    analysis = track.analysis
    first, period = analysis.first_downbeat, analysis.beat_period
    if first is None or not period:
        begin = max(0.0, (analysis.duration - seconds) / 2)
        return begin, min(analysis.duration, begin + seconds)
    bar = BEATS * period
    if start_bar is not None or end_bar is not None:
        begin = first + (start_bar or 0) * bar
        close = first + end_bar * bar if end_bar is not None else analysis.duration
        return begin, min(close, begin + seconds, analysis.duration)
    curve = np.asarray(analysis.energy_curve or (1.0,), dtype=np.float64)
    count = max(1, min(len(curve), int(seconds / bar)))
    sums = np.convolve(curve, np.ones(count), mode="valid")
    begin = first + int(np.argmax(sums)) * bar
    return begin, min(analysis.duration, begin + seconds)
