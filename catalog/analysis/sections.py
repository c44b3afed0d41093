"""The arrangement: intro, build, drop, break, outro, found on bar lines by how full the bars are."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from catalog.analysis.model import Bars, Section

Array = npt.NDArray[np.float64]
_LEAST_BARS = 4
_CLEAR_STEP = 0.08
# Shares of the fullest section's level: a drop is nearly as full, a build on its way there.
_FULL, _HALF_FULL = 0.9, 0.6


def fullness(bars: Bars) -> Array:
    """(n,) how full each bar is, 0..1 within this track: level, low end and onsets; 1 = fullest."""
    if not len(bars):
        return np.zeros(0)
    level = np.clip((bars.rms_db - np.max(bars.rms_db) + 24) / 24, 0, 1)
    low = np.clip((bars.low - np.max(bars.low) + 2.5) / 2.5, 0, 1)
    busy = bars.onset / max(float(np.percentile(bars.onset, 95)), 1e-6)
    mixed = 0.45 * level + 0.3 * low + 0.25 * np.clip(busy, 0, 1.2)
    return np.asarray(np.clip(mixed / max(float(np.percentile(mixed, 95)), 1e-6), 0, 1), np.float64)


def sections_of(bars: Bars) -> tuple[Section, ...]:
    """The sections of a track in order, covering all its bars; none for a track without bars."""
    count = len(bars)
    if not count:
        return ()
    full = fullness(bars)
    edges = _edges(bars, full)
    levels = [float(full[a:b].mean()) for a, b in itertools.pairwise(edges)]
    names = _names(full, edges, levels)
    merged: list[tuple[str, int, int]] = []
    for name, a, b in zip(names, edges[:-1], edges[1:], strict=True):
        if merged and merged[-1][0] == name:
            merged[-1] = (name, merged[-1][1], b)
        else:
            merged.append((name, a, b))
    return tuple(
        Section(name, round(float(bars.start[a]), 5), round(float(bars.end[b - 1]), 5), a, b - a)
        for name, a, b in merged
    )


def _edges(bars: Bars, full: Array) -> list[int]:
    """Bar numbers where the arrangement turns, at least four bars apart, ends included."""
    count = len(bars)
    timbre = (bars.timbre - bars.timbre.mean(axis=0)) / (bars.timbre.std(axis=0) + 1e-6)
    described = np.column_stack([4 * (full - full.mean()) / (full.std() + 1e-6), timbre, 6 * bars.chroma])
    novelty = np.zeros(count)
    for bar in range(1, count):
        reach = min(4, bar, count - bar)
        gap = described[bar : bar + reach].mean(axis=0) - described[bar - reach : bar].mean(axis=0)
        # Turns fall on every fourth bar far more often than not; half of them on every eighth.
        grid = 1.0 + 0.25 * (bar % 4 == 0) + 0.15 * (bar % 8 == 0)
        novelty[bar] = np.linalg.norm(gap) * grid * (reach / 4) ** 0.5
    threshold = novelty[1:].mean() + 0.6 * novelty[1:].std() if count > 1 else 0.0
    chosen: list[int] = []
    for bar in np.argsort(-novelty):
        spaced = all(abs(int(bar) - other) >= _LEAST_BARS for other in [0, count, *chosen])
        turns = novelty[bar] > threshold or _step(full, int(bar)) > _CLEAR_STEP
        if novelty[bar] > 0 and turns and spaced:
            chosen.append(int(bar))
    return [0, *sorted(chosen), count]


def _step(full: Array, bar: int) -> float:
    """How much the fullness of the four bars from here on differs from that of the four before."""
    return abs(float(full[bar : bar + 4].mean() - full[max(0, bar - 4) : bar].mean())) if bar else 0.0


def _names(full: Array, edges: list[int], levels: list[float]) -> list[str]:
    parts = len(levels)
    if parts == 1:
        return ["drop"]
    top = max(levels)
    loud = [level >= _FULL * top for level in levels]
    first, last = loud.index(True), parts - 1 - loud[::-1].index(True)
    names = []
    for i in range(parts):
        if loud[i]:
            names.append("drop")
        elif i > last:
            names.append("outro")
        elif i < first:
            names.append("intro" if i == 0 else "build")
        elif loud[i + 1] and (
            (levels[i] >= _HALF_FULL * top and levels[i] > levels[i - 1])
            or _rises(full[edges[i] : edges[i + 1]])
        ):
            names.append("build")
        else:
            names.append("break")
    return names


def _rises(values: Array) -> bool:
    """Whether the second half of these bars is clearly fuller than the first."""
    half = len(values) // 2
    return half > 0 and float(values[half:].mean() - values[:half].mean()) > 0.04
