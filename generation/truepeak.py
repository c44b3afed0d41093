"""Peaks between the samples, as BS.1770-4 annex 2 measures them: at four times the rate, only where it matters.

A sample of the oversampled signal lies between two samples of the signal, and differs from the straight line between
them by a filter of the signal's second difference. That bounds every peak from two cheap measures; what the bound
shows to be low enough is not computed. Everything here is elementwise, in a fixed order: a block's peak depends on
the samples within twelve of it and on nothing else, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

OVERSAMPLING = 4
REACH = 12  # samples on either side that a sample between two others is made of; twice the standard's example
BLOCK = 16  # samples for each value below
PAGE = 16 * BLOCK  # samples computed together
PIECE = 2**16  # samples looked at together


@dataclass(frozen=True)
class _Kernel:
    """even, odd: (12,) of the quarter points, half: (12,) of the middle; slack, bend: of the bound (see `_bounds`)."""

    even: np.ndarray
    odd: np.ndarray
    half: np.ndarray
    slack: float
    bend: float


class TruePeaks:
    """The true peak of each block of (channels, n) float32, over channels; computed where `above` asks for it."""

    def __init__(self, samples: np.ndarray) -> None:
        self._samples = samples
        self.samples = block_peaks(samples)  # of the samples alone
        self._bounds = _bounds(samples, self.samples)
        pages = -(-self.samples.size * BLOCK // PAGE)
        self._known = np.zeros(pages, dtype=bool)
        self._peaks = self.samples.copy()

    def above(self, level: float) -> np.ndarray:
        """(blocks,) float32: exact for each block whose peak may exceed `level`; no other is above it either way."""
        each = PAGE // BLOCK
        loud = np.pad(self._bounds > level * (1.0 - 1e-5), (0, -self._bounds.size % each)).reshape(-1, each)
        pages = np.flatnonzero(loud.any(axis=1) & ~self._known)
        for start in range(0, len(pages), 64):  # what is worked on at once stays in the cache
            some = pages[start : start + 64]
            found = _oversampled(_gathered(self._samples, some))
            at = (some[:, None] * each + np.arange(each)).ravel()
            inside = at < self._peaks.size
            at, found = at[inside], found.ravel()[inside]
            self._peaks[at] = np.maximum(self.samples[at], found)
        self._known[pages] = True
        return self._peaks

    def highest(self) -> float:
        """The largest of all."""
        level = float(self.samples.max(initial=0.0))
        return float(self.above(level).max(initial=0.0))


def true_peak_dbtp(samples: np.ndarray) -> float:
    """Highest four times oversampled peak of (channels, samples), in dBTP; -inf for silence."""
    return decibels(TruePeaks(samples).highest())


def decibels(value: float) -> float:
    """20 log10; -inf for nothing."""
    return float(20.0 * np.log10(value)) if value > 0.0 else float("-inf")


def block_peaks(samples: np.ndarray) -> np.ndarray:
    """(blocks,) float32: the largest magnitude in each BLOCK samples of (channels, n), over channels."""
    return _largest(samples)


def _largest(samples: np.ndarray, *, bends: bool = False) -> np.ndarray:
    """(blocks,) float32: the largest magnitude of the samples, or of their second differences, in each block."""
    count = samples.shape[1]
    out = np.zeros(-(-count // BLOCK), dtype=np.float32)
    for start in range(0, count, PIECE):
        end = min(count, start + PIECE)
        highest = np.zeros(end - start, dtype=np.float32)
        for channel in samples:
            piece = channel[start:end]
            if bends:
                around = np.zeros(end - start + 2, dtype=np.float32)
                low, high = max(0, start - 1), min(count, end + 1)
                around[low - start + 1 : high - start + 1] = channel[low:high]
                piece = around[2:] - piece
                piece -= around[1:-1]
                piece += around[:-2]
            np.maximum(highest, np.abs(piece), out=highest)
        out[start // BLOCK : -(-end // BLOCK)] = np.maximum.reduceat(
            highest, np.arange(0, highest.size, BLOCK)
        )
    return out


@lru_cache(maxsize=1)
def _kernel() -> _Kernel:
    from scipy.signal import firwin

    taps = 2 * REACH * OVERSAMPLING + 1
    whole = firwin(taps, 1.0 / OVERSAMPLING, window=("kaiser", 4.0)) * OVERSAMPLING
    quarter, half = (phase / phase.sum() for phase in (whole[1::OVERSAMPLING], whole[2::OVERSAMPLING]))
    slack = bend = 0.0
    for fraction, phase in ((0.25, quarter[::-1]), (0.5, half)):
        # against a straight line from sample REACH - 1 to the next
        left = phase.copy()
        left[REACH - 1] -= 1.0 - fraction
        left[REACH] -= fraction
        # what is not a second difference is a little slope
        slope = float(left @ (np.arange(2 * REACH) - (REACH - 1)))
        left[REACH] -= slope
        left[REACH - 1] += slope
        bends = np.cumsum(np.cumsum(left))
        slack = max(slack, 2.0 * abs(slope))
        bend = max(bend, float(np.abs(bends).sum()))
    return _Kernel(
        even=((quarter[:REACH] + quarter[: -REACH - 1 : -1]) / 2.0).astype(np.float32),
        odd=((quarter[:REACH] - quarter[: -REACH - 1 : -1]) / 2.0).astype(np.float32),
        half=half[:REACH].astype(np.float32),
        slack=slack,
        bend=bend,
    )


def _bounds(samples: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """(blocks,) what no oversampled value in a block exceeds."""
    kernel = _kernel()
    curved = _widened(_largest(samples, bends=True))
    return _widened(highest) * np.float32(1.0 + kernel.slack) + curved * np.float32(kernel.bend)


def _widened(blocks: np.ndarray) -> np.ndarray:
    """Each value or its larger neighbour."""
    out = blocks.copy()
    np.maximum(out[1:], blocks[:-1], out=out[1:])
    np.maximum(out[:-1], blocks[1:], out=out[:-1])
    return out


def _gathered(samples: np.ndarray, pages: np.ndarray) -> np.ndarray:
    """(channels * pages, PAGE + 2 REACH) samples of the pages and around them, zero beyond the ends."""
    count = samples.shape[1]
    at = pages[:, None] * PAGE + np.arange(-REACH, PAGE + REACH)
    inside = (at >= 0) & (at < count)
    found = samples[:, np.clip(at, 0, count - 1)]
    if not inside.all():
        found[:, ~inside] = 0.0
    return found


def _oversampled(near: np.ndarray) -> np.ndarray:
    """(channels, pages, PAGE + 2 REACH) -> (pages, blocks of a page): the largest value between the samples."""
    kernel = _kernel()
    even = np.zeros((*near.shape[:2], PAGE), dtype=np.float32)
    odd, half, scratch = np.zeros_like(even), np.zeros_like(even), np.zeros_like(even)
    for k in range(REACH):
        after = near[:, :, 2 * REACH - k : 2 * REACH - k + PAGE]
        before = near[:, :, 1 + k : 1 + k + PAGE]
        both = after + before
        np.multiply(both, kernel.even[k], out=scratch)
        even += scratch
        np.multiply(both, kernel.half[k], out=scratch)
        half += scratch
        np.subtract(after, before, out=both)
        np.multiply(both, kernel.odd[k], out=scratch)
        odd += scratch
    highest = np.abs(half, out=half)
    # a quarter and three quarters of the way: even + odd and even - odd
    np.maximum(highest, np.abs(even, out=even) + np.abs(odd, out=odd), out=highest)
    return np.asarray(highest.max(axis=0).reshape(near.shape[1], -1, BLOCK).max(axis=2))
