"""Finding the mark in a recording of unknown origin, without the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft

from .code import CODED, SERIALS, decode, encode
from .layout import BANDS, BINS, BLOCK, FIRST_BIN, FRAME, PERIOD, RATE, Pattern, false_positive_bound

BOUND = 1e-6  # a mark is only reported when sound without one would give it more rarely
LEAST_SECONDS = 5.0
_RATE = RATE // 2
_FRAME, _HOP = FRAME // 2, 256
_EACH = BLOCK // 2 // _HOP  # frames per block
_PHASES = range(0, _EACH, 2)
_TRIED = 24  # of the positions, the likeliest
_CLIP = 2.5
_NEAR = [(t, b) for t in (-2, -1, 0, 1, 2) for b in (-2, -1, 0, 1, 2) if (t, b) != (0, 0)]
_LIMIT = 1e-9


@dataclass(frozen=True)
class Found:
    """A serial that was read. false_positive: at most how likely it would be read where there is no mark.

    errors: of the coded bits, how many were wrong and have been corrected. speed: at which it was found.
    """

    serial: int
    score: float
    false_positive: float
    errors: int
    speed: float = 1.0


def read(
    samples: np.ndarray, sample_rate: int, pattern: Pattern, *, speeds: Sequence[float] = (1.0,)
) -> Found | None:
    """The serial in (channels, n) float samples, or None. speeds: 1.01 looks for a copy that plays 1 % too fast."""
    import soxr

    mono = np.ascontiguousarray(np.atleast_2d(samples).mean(axis=0), np.float32)
    if len(mono) < LEAST_SECONDS * sample_rate:
        return None
    best: Found | None = None
    if sample_rate != _RATE:
        mono = soxr.resample(mono, sample_rate, _RATE, quality="HQ")
    spectrum = _below(mono)
    candidates = len(_PHASES) * PERIOD * len(speeds)
    for speed in speeds:
        found = _at(spectrum, pattern, speed, candidates)
        if found is not None and (best is None or found.score > best.score):
            best = found
    return best


def _at(below: np.ndarray, pattern: Pattern, speed: float, candidates: int) -> Found | None:
    levels = _levels(below, speed)
    total = np.concatenate([np.zeros((1, BANDS)), np.cumsum(levels, axis=0)])
    weights = None
    soft = np.zeros((len(_PHASES), PERIOD, CODED))
    folded = []
    for index, phase in enumerate(_PHASES):
        blocks = int((len(levels) - phase) // (_EACH / speed))
        if blocks < 8:
            return None
        edges = phase + np.arange(blocks + 1) * (_EACH / speed)
        cells = _between(total, edges)
        loud = cells > 10 * np.log10(_LIMIT) + 10
        if weights is None:
            weights = _weights(cells)
        left = _left(cells, weights, loud)
        rows = np.zeros((-(-blocks // PERIOD) * PERIOD, BANDS))
        rows[:blocks] = left
        sums = rows.reshape(-1, PERIOD, BANDS).sum(axis=0)
        folded.append(sums)
        for shift in range(PERIOD):
            soft[index, shift] = np.bincount(
                pattern.places.ravel(), (np.roll(sums, shift, axis=0) * pattern.signs).ravel(), CODED
            )
    flat = soft.reshape(-1, CODED)
    norm = np.array([np.linalg.norm(one) for one in folded])
    norms = np.repeat(norm, PERIOD)
    if not norms.all():
        return None
    order = np.argsort(-(flat**2).sum(axis=1) / norms**2)[:_TRIED]
    best: Found | None = None
    for place, serial in zip(order, decode(flat[order]), strict=True):
        if serial is None:
            continue
        word = encode(serial)
        score = float(flat[place] @ word / norms[place])
        bound = false_positive_bound(score, candidates, SERIALS)
        if bound <= BOUND and (best is None or score > best.score):
            best = Found(serial, score, bound, int((flat[place] * word < 0).sum()), speed)
    return best


def _below(mono: np.ndarray) -> np.ndarray:
    """(frames, bins + 1) float32: power summed from 0 up to each bin, of which any band is a difference."""
    if len(mono) < _FRAME:
        return np.zeros((0, 2), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(mono, _FRAME)[::_HOP]
    window = np.hanning(_FRAME).astype(np.float32)
    top = FIRST_BIN + BANDS * BINS + 48
    out = np.zeros((len(frames), top + 1), np.float64)
    for at in range(0, len(frames), 1024):
        spectrum = scipy.fft.rfft(frames[at : at + 1024] * window, axis=1)[:, :top]
        np.cumsum(spectrum.real**2 + spectrum.imag**2, axis=1, out=out[at : at + 1024, 1:])
    return out


def _levels(below: np.ndarray, speed: float) -> np.ndarray:
    """(frames, BANDS) in dB."""
    edges = (FIRST_BIN + BINS * np.arange(BANDS + 1)) * speed
    if speed == 1.0:
        upto = below[:, edges.astype(np.int64)]
    else:
        whole = edges.astype(np.int64)
        part = edges - whole
        upto = below[:, whole] * (1 - part) + below[:, whole + 1] * part
    return np.asarray(10.0 * np.log10(np.maximum(np.diff(upto, axis=1), 0.0) + _LIMIT))


def _between(total: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Means of the frames between neighbouring edges, which may lie between frames."""
    whole = np.minimum(edges.astype(np.int64), len(total) - 2)
    part = (edges - whole)[:, None]
    upto = total[whole] * (1 - part) + total[whole + 1] * part
    return np.asarray(np.diff(upto, axis=0) / np.diff(edges)[:, None])


def _neighbours(cells: np.ndarray) -> list[np.ndarray]:
    around = np.pad(cells, 2, mode="edge")
    rows, columns = cells.shape
    return [around[2 + t : 2 + t + rows, 2 + b : 2 + b + columns] for t, b in _NEAR]


def _weights(cells: np.ndarray) -> np.ndarray:
    """How a cell follows from its 24 neighbours in this recording: least squares over all cells."""
    near = np.stack([one.ravel() for one in _neighbours(cells)])
    near = near - near.mean(axis=1, keepdims=True)
    own = cells.ravel() - cells.mean()
    square = near @ near.T
    square[np.diag_indices_from(square)] += 1e-3 * np.trace(square) / len(square) + 1e-9
    return np.asarray(np.linalg.solve(square, near @ own))


def _left(cells: np.ndarray, weights: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """What the neighbours do not explain, in units of the band's spread, limited; 0 where nothing sounds."""
    expected = sum(
        weight * one for weight, one in zip(weights, _neighbours(cells - cells.mean()), strict=True)
    )
    left = cells - cells.mean() - expected
    left -= left.mean(axis=0)
    spread = np.sqrt(np.mean(np.clip(left, -6, 6) ** 2, axis=0)) + 0.1
    return np.where(loud, np.clip(left / spread, -_CLIP, _CLIP) / spread, 0.0)
