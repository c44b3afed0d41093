"""What one track is: tempo and grid, key, loudness, energy, palette, sections and embedding.

Pure: numpy in, values out. One module per question; `analyse` asks them all over one shared pass.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from catalog.analysis.bars import bars_of, downbeat_of, felt_of
from catalog.analysis.context import TempoContext
from catalog.analysis.embedding import embed, ltas
from catalog.analysis.energy import measures_of, raw_energy
from catalog.analysis.frontend import FPS, Front, front_end
from catalog.analysis.grid import Grid, fine_onsets, grid_of
from catalog.analysis.key import Chroma, chroma_of, key_of
from catalog.analysis.keys import Key, compatible, parse_key
from catalog.analysis.loudness import measure, true_peak
from catalog.analysis.model import (
    ANALYSIS_VERSION,
    BANDS,
    VECTOR_SIZE,
    Bars,
    Felt,
    Floats,
    Section,
    TrackAnalysis,
)
from catalog.analysis.palette import palette_of
from catalog.analysis.sections import fullness, sections_of
from catalog.analysis.tempo import Tempo, tempo_of
from catalog.repeatable import one_thread

__all__ = [
    "ANALYSIS_VERSION",
    "BANDS",
    "VECTOR_SIZE",
    "Bars",
    "Key",
    "Section",
    "TempoContext",
    "TrackAnalysis",
    "analyse",
    "compatible",
    "parse_key",
]


@one_thread
def analyse(
    samples: Floats,
    sample_rate: int,
    *,
    context: TempoContext | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> TrackAnalysis:
    """Everything measured on one track.

    Args:
        samples: (channels, samples) float32, full scale 1, untrimmed.
        sample_rate: Hz; full bandwidth gives the palette its upper bands.
        context: what is known of the tempo beforehand; may choose between readings of the sound.
        on_progress: told fractions 0..1 as work proceeds; may raise to stop.

    Raises:
        ValueError: samples are not (channels, samples) with at least one sample.
    """
    samples = np.atleast_2d(np.asarray(samples, dtype=np.float32))
    if samples.ndim != 2 or not samples.shape[0] or not samples.shape[1]:
        raise ValueError("Analysis needs samples shaped (channels, samples), with at least one sample.")
    if not np.isfinite(samples.sum()):
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    tell = on_progress or (lambda fraction: None)
    front = front_end(samples, sample_rate)
    tell(0.35)
    loudness = measure(samples, sample_rate)
    tell(0.55)
    chroma = chroma_of(front)
    key, scores = (None, np.zeros(24)) if front.silent else key_of(chroma)
    tell(0.75)
    tempo = None if front.silent else tempo_of(front, context)
    grid, downbeat, sure = _placed(front, chroma, tempo, context)
    bars = Bars.none() if grid is None or downbeat is None else bars_of(front, chroma, grid, downbeat)
    felt: tuple[Felt, float] = ("straight", 0.0)
    if grid is not None and downbeat is not None:
        felt = felt_of(front, grid, downbeat)
    tell(0.9)
    measures = measures_of(front, bars, loudness)
    analysis = TrackAnalysis(
        version=ANALYSIS_VERSION,
        duration=front.duration,
        bpm=None if grid is None else 60 / grid.period,
        bpm_confidence=0.0 if tempo is None else tempo.confidence,
        bpm_alternatives=() if tempo is None else tempo.alternatives,
        bpm_evidence="none" if tempo is None else tempo.evidence,
        felt=felt[0],
        felt_confidence=felt[1],
        tempo_steady=grid is not None and grid.steady,
        tempo_drift=0.0 if grid is None else grid.drift,
        beat_period=None if grid is None else grid.period,
        first_downbeat=downbeat,
        downbeat_confidence=sure,
        bars=bars,
        key=key,
        tuning_cents=100 * chroma.tuning,
        key_scores=tuple(float(s) for s in scores),
        lufs=loudness.lufs,
        loudness_range=loudness.range,
        peak_dbfs=loudness.peak_dbfs,
        true_peak_dbtp=true_peak(samples, sample_rate),
        energy=_percentile(measures),
        energy_curve=tuple(float(f) for f in fullness(bars)),
        sections=sections_of(bars),
        palette=palette_of(samples, sample_rate),
        ltas=ltas(front),
        vector=embed(front, chroma),
        measures=measures,
    )
    tell(1.0)
    return analysis


def _placed(
    front: Front, chroma: Chroma, tempo: Tempo | None, context: TempoContext | None
) -> tuple[Grid | None, float | None, float]:
    if tempo is None:
        return None, None, 0.0
    grid = grid_of(front, tempo.bpm, fine_onsets(front))
    some, sure = downbeat_of(front, chroma, grid)
    if context is not None and (line := _bar_line(grid, context)) is not None:
        some, sure = line, max(sure, 0.9)
    bar = 4 * grid.period
    # The first bar line at which the music already sounds, allowing for the edge of a level frame.
    earliest = max(0.0, front.first / FPS - 0.06) - 0.01
    first = some + np.ceil((earliest - some) / bar) * bar
    return grid, float(max(0.0, first)), sure


def _bar_line(grid: Grid, context: TempoContext) -> float | None:
    """The measured beat at which a collection's grid begins a bar, if the two are one grid.

    Somebody has looked at that grid, so that which beat is the first it knows better than the sound does. Where
    exactly the beat lies is the sound's: decoders differ by up to 50 ms in where an MP3 begins.
    """
    bpm, start = context.grid_bpm, context.grid_start
    if bpm is None or start is None or abs(bpm * grid.period / 60 - 1) > 0.001:
        return None
    beat = round((start - grid.phase) / grid.period)
    at = grid.phase + beat * grid.period
    return at if abs(at - start) <= min(0.06, 0.2 * grid.period) else None


def _percentile(measures: dict[str, float]) -> float:
    from catalog.similarity.background import Background  # the one upward glance: the frozen reference

    raw = raw_energy(measures)
    return 0.0 if raw is None else Background.load().energy_percentile(raw)
