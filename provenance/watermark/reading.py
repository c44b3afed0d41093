"""Finding the mark in a recording of unknown origin, without the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage

from .code import CODED, SERIALS, decode, encode, nearest
from .layout import BANDS, BINS, BLOCK, FIRST_BIN, FRAME, PERIOD, RATE, Pattern, false_positive_bound

BOUND = 1e-6  # a mark is only reported when sound without one would give it more rarely
LEAST_SECONDS = 5.0
_RATE = RATE // 2
_FRAME, _HOP = FRAME // 2, 256
_EACH = BLOCK // 2 // _HOP  # frames per block
_PHASES = range(0, _EACH, 2)
_TRIED = 24  # of the positions, the likeliest
GIVEN_AT_MOST = 2**20  # numbers: so many are tried in seconds
_CORRELATIONS = 4_000_000  # positions times numbers: half a second
_CLIP = 2.5
_AROUND = (9, 3)  # cells, in time and frequency: music is as restless there as it is here
_HIDDEN_DB = 50.0  # under the whole: what is softer was too quiet to be marked, or is a coder's
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
    samples: np.ndarray,
    sample_rate: int,
    pattern: Pattern,
    *,
    speeds: Sequence[float] = (1.0,),
    given: int = 0,
) -> Found | None:
    """The serial in (channels, n) float samples, or None. speeds: 1.01 looks for a copy that plays 1 % too fast.

    given: numbers 1 to this one were given so far. Each of them is tried, so that a weaker mark is enough: fewer
    numbers can come out by chance. 0, and more than GIVEN_AT_MOST: only what the code can correct is read.
    """
    best: Found | None = None
    spectrum = _heard(samples, sample_rate)
    candidates = len(_PHASES) * PERIOD * len(speeds)
    for speed in speeds:
        flat = _soft(spectrum, pattern, speed)
        found = None if flat is None else _likeliest(flat, candidates, given, speed)
        if found is not None and (best is None or found.score > best.score):
            best = found
    return best


def readable(samples: np.ndarray, sample_rate: int, pattern: Pattern, serial: int) -> bool:
    """Whether `read` finds this serial in these samples, untouched, even once GIVEN_AT_MOST numbers were given."""
    flat = _soft(_heard(samples, sample_rate), pattern, 1.0)
    if flat is None:
        return False
    score = float((flat @ encode(serial)).max())
    return 2 * false_positive_bound(score, len(flat), GIVEN_AT_MOST) <= BOUND


def _heard(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """`_below` of the sum of the channels, at the rate it is made for; nothing of what is too short."""
    import soxr

    mono = np.ascontiguousarray(np.atleast_2d(samples).mean(axis=0), np.float32)
    if len(mono) < LEAST_SECONDS * sample_rate:
        mono = mono[:0]
    elif sample_rate != _RATE:
        mono = soxr.resample(mono, sample_rate, _RATE, quality="HQ")
    return _below(mono)


def _soft(below: np.ndarray, pattern: Pattern, speed: float) -> np.ndarray | None:
    """(positions, CODED): correlated with a codeword, each row gives its score there. None for too little sound."""
    if not len(below):
        return None
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
        loud = cells > np.maximum(10 * np.log10(_LIMIT) + 10, _level(cells) - _HIDDEN_DB)
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
    return flat / norms[:, None]


def _likeliest(flat: np.ndarray, candidates: int, given: int, speed: float) -> Found | None:
    order = np.argsort(-(flat**2).sum(axis=1))
    found = _corrected(flat, order[:_TRIED])
    searches = [(SERIALS, found)]
    if 0 < given <= GIVEN_AT_MOST:
        searches.append((given, _given(flat, order[: max(_TRIED, _CORRELATIONS // given)], given)))
    best: Found | None = None
    for messages, some in searches:
        for place, serial, score in some:
            bound = len(searches) * false_positive_bound(score, candidates, messages)
            if bound <= BOUND and (best is None or score > best.score):
                errors = int((flat[place] * encode(serial) < 0).sum())
                best = Found(serial, score, bound, errors, speed)
    return best


def _corrected(flat: np.ndarray, places: np.ndarray) -> list[tuple[int, int, float]]:
    """(place, serial, score) where what was heard can be corrected to a serial, whichever."""
    heard = zip(places.tolist(), decode(flat[places]), strict=True)
    return [(at, serial, float(flat[at] @ encode(serial))) for at, serial in heard if serial is not None]


def _given(flat: np.ndarray, places: np.ndarray, given: int) -> list[tuple[int, int, float]]:
    """(place, serial, score) of the likeliest of the numbers that were given."""
    scores, serials = nearest(flat[places], given)
    best = int(scores.argmax())
    return [(int(places[best]), int(serials[best]), float(scores[best]))]


def _level(cells: np.ndarray) -> float:
    """Of all bands together, in dB, on average over the recording."""
    return float(10.0 * np.log10(np.mean(10.0 ** (cells / 10.0)) * BANDS))


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
    """What the neighbours do not explain, limited, and weighed by how little it is around each cell; 0 in silence.

    Nothing of it knows the pattern, so the bound on false positives holds whatever the weights are.
    """
    expected = sum(
        weight * one for weight, one in zip(weights, _neighbours(cells - cells.mean()), strict=True)
    )
    left = cells - cells.mean() - expected
    left -= left.mean(axis=0)
    square = np.clip(left, -6, 6) ** 2
    count = _AROUND[0] * _AROUND[1]
    around = (scipy.ndimage.uniform_filter(square, _AROUND, mode="nearest") * count - square) / (count - 1)
    # a little of the whole band's, as so few cells tell a spread badly
    spread = np.sqrt(np.maximum(0.9 * around + 0.1 * square.mean(axis=0), 0.0) + 0.01)
    return np.where(loud, np.clip(left / spread, -_CLIP, _CLIP) / spread, 0.0)
