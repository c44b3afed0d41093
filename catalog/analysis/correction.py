"""The artist's word on tempo, carried through the grid and the bars.

A correction by an octave is the common one: the pulse was counted at half or twice its speed. The
measured grid stays exact; only how many of its beats make a bar changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from catalog.analysis.model import Bars, Floats, TrackAnalysis
from catalog.analysis.sections import fullness, sections_of

_TOLERANCE = 0.03


def with_bpm(analysis: TrackAnalysis, bpm: float) -> TrackAnalysis:
    """The analysis as if the tempo had been read as `bpm`.

    Twice or half the measured tempo (within 3 %): the grid, bars and sections are read anew, at the
    measured precision. About the measured tempo: nothing changes. Any other tempo contradicts the
    grid, so that grid, bars and sections are dropped rather than trusted.
    """
    if analysis.bpm is None or analysis.beat_period is None:
        return replace(analysis, bpm=bpm, bpm_evidence="artist")
    ratio = bpm / analysis.bpm
    for factor in (1.0, 2.0, 0.5):
        if abs(ratio / factor - 1) <= _TOLERANCE:
            break
    else:
        return replace(
            analysis,
            bpm=bpm,
            bpm_evidence="artist",
            felt="straight",
            tempo_steady=False,
            beat_period=None,
            first_downbeat=None,
            bars=Bars.none(),
            energy_curve=(),
            sections=(),
        )
    if factor == 1.0:
        return replace(analysis, bpm_evidence="artist")
    bars = _split(analysis.bars) if factor == 2.0 else _joined(analysis.bars)
    others = tuple(b for b in (analysis.bpm, *analysis.bpm_alternatives) if abs(b / bpm - 1) > _TOLERANCE)
    return replace(
        analysis,
        bpm=analysis.bpm * factor,
        bpm_evidence="artist",
        bpm_alternatives=others[:3],
        felt="straight",
        beat_period=analysis.beat_period / factor,
        bars=bars,
        energy_curve=tuple(float(f) for f in fullness(bars)),
        sections=sections_of(bars),
    )


def _split(bars: Bars) -> Bars:
    """Each bar as two halves that share what was measured on it."""

    def twice(values: Floats) -> Floats:
        return np.repeat(values, 2, axis=0)

    middle = (bars.start + bars.end) / 2
    start = np.stack([bars.start, middle], axis=1).ravel()
    end = np.stack([middle, bars.end], axis=1).ravel()
    return Bars(
        start,
        end,
        *(twice(v) for v in (bars.rms_db, bars.low, bars.onset, bars.drums, bars.chroma, bars.timbre)),
    )


def _joined(bars: Bars) -> Bars:
    """Two bars as one; an odd last bar is left out, as an unfinished one is."""
    count = len(bars) // 2
    if not count:
        return Bars.none()

    def mean(values: Floats) -> Floats:
        paired = values[: 2 * count].reshape(count, 2, *values.shape[1:])
        averaged: Floats = paired.mean(axis=1).astype(np.float32)
        return averaged

    def mean_db(values: Floats, step: float) -> Floats:
        powers: Floats = np.power(np.float32(10), values / np.float32(step))
        return (step * np.log10(mean(powers))).astype(np.float32)

    return Bars(
        bars.start[: 2 * count : 2],
        bars.end[1 : 2 * count : 2],
        mean_db(bars.rms_db, 10.0),
        mean_db(bars.low, 1.0),
        mean(bars.onset),
        mean(bars.drums),
        mean(bars.chroma),
        mean(bars.timbre),
    )
