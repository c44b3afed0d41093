"""The artist's word on tempo, carried through the grid and the bars.

A correction by an octave is the common one: the pulse was counted at half or twice its speed. The
measured grid stays exact; only how many of its beats make a bar changes, and with it whether the
pulse counts as half-time. Every derived figure is computed anew: none can contradict the tempo.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from catalog.analysis.model import Bars, Felt, Floats, TrackAnalysis
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
            felt_confidence=0.0,
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
    felt, sure = _felt(analysis, factor)
    return replace(
        analysis,
        bpm=analysis.bpm * factor,
        bpm_evidence="artist",
        bpm_alternatives=others[:4],
        felt=felt,
        felt_confidence=sure,
        beat_period=analysis.beat_period / factor,
        bars=bars,
        energy_curve=tuple(float(f) for f in fullness(bars)),
        sections=sections_of(bars),
    )


def _felt(analysis: TrackAnalysis, factor: float) -> tuple[Felt, float]:
    """The feel at the new tempo: what the body nods to stays; only its relation to the count changes.

    Drum and bass counted at 87 with snares on every off-beat is 174 straight; dubstep counted at 140
    with the snare on three is 70 straight.
    """
    nods = {"half-time": 0.5, "straight": 1.0, "double-time": 2.0}[analysis.felt] / factor
    for felt, share in (("half-time", 0.5), ("straight", 1.0), ("double-time", 2.0)):
        if nods == share:
            return cast(Felt, felt), analysis.felt_confidence
    return "straight", 0.0


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
