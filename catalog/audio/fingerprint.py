"""Acoustic fingerprints, and the longest passage that two recordings share.

After J. Haitsma and T. Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002): every
46 ms one 32-bit number, whose bits say whether the difference between neighbouring bands (33 of
them, 300 to 2000 Hz) grows or shrinks. The same recording after MP3 or AAC coding, equalising or
mixing changes few bits; other music changes about half of them. A change of speed is survived by
asking again with the speed undone (`fingerprints_at`). Not survived: a change of pitch alone, and
sounds that hold still for seconds (their bits follow the noise of the coder).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft

RATE = 5512
_WINDOW, _HOP, _BANDS = 2048, 256, 33
_LOWEST, _HIGHEST = 300.0, 2000.0
FRAME_SECONDS = _HOP / RATE
WINDOW_FRAMES = 43  # two seconds: 1376 bits
# Measured over two-second windows: MP3, AAC and Opus copies and excerpts of them differ in 2 to 10 % of
# the bits, at worst in 15 %; the most alike windows of different demo tracks of one artist in 31 %, of
# two drum loops made with the same sounds in 26 %.
THRESHOLD = 0.20
_BLOCK = 2048  # frames transformed at once
_CELLS = 1 << 22  # cells compared at once


@dataclass(frozen=True)
class Run:
    """The longest passage two fingerprints share.

    `seconds` is its length and `share` its part of the first recording (0 to 1); `at_a` and `at_b`
    are where it begins in each, in seconds. All zero when nothing is shared.
    """

    seconds: float
    share: float
    at_a: float
    at_b: float


def fingerprint(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Fingerprint of `samples` (channels, n) float: uint32, one per FRAME_SECONDS.

    Empty for sounds shorter than about 0.42 s. Where nothing sounds the value is 0.
    """
    edges = _edges()
    blocks = [np.add.reduceat(power, edges, axis=1)[:, :_BANDS] for power in _power(samples, sample_rate)]
    return _bits(np.concatenate(blocks)) if blocks else np.zeros(0, np.uint32)


def fingerprints_at(samples: np.ndarray, sample_rate: int, speeds: Sequence[float]) -> list[np.ndarray]:
    """What the fingerprint would be with the speed undone, for each of `speeds` (1.03: played 3 % too fast).

    Of one spectrum: the bands are moved and the frames interpolated, which at speed 1 differs from
    `fingerprint` in few bits or none.
    """
    edges = _edges()
    levels: list[list[np.ndarray]] = [[] for _ in speeds]
    for power in _power(samples, sample_rate):
        below = np.zeros((len(power), power.shape[1] + 1))
        np.cumsum(power, axis=1, out=below[:, 1:])
        for kept, speed in zip(levels, speeds, strict=True):
            place = edges * speed
            whole = place.astype(np.int64)
            part = place - whole
            upto = below[:, whole] * (1 - part) + below[:, whole + 1] * part
            kept.append(np.diff(upto, axis=1))
    if not levels or not levels[0]:
        return [np.zeros(0, np.uint32) for _ in speeds]
    return [_bits(_slowed(np.concatenate(kept), speed)) for kept, speed in zip(levels, speeds, strict=True)]


def _power(samples: np.ndarray, sample_rate: int) -> Iterator[np.ndarray]:
    """(frames, bins) float32 power spectra, in blocks; nothing for a sound of less than two frames."""
    import soxr

    mono = np.ascontiguousarray(np.atleast_2d(samples).mean(axis=0), np.float32)
    if sample_rate != RATE:
        mono = soxr.resample(mono, sample_rate, RATE, quality="HQ")
    count = 1 + (len(mono) - _WINDOW) // _HOP if len(mono) >= _WINDOW else 0
    if count < 2:
        return
    frames = np.lib.stride_tricks.sliding_window_view(mono, _WINDOW)[::_HOP]
    window = np.hanning(_WINDOW).astype(np.float32)
    for start in range(0, count, _BLOCK):
        spectrum = scipy.fft.rfft(frames[start : start + _BLOCK] * window, axis=1)
        yield spectrum.real**2 + spectrum.imag**2


def _slowed(energy: np.ndarray, speed: float) -> np.ndarray:
    """(frames, bands) energy at the moments the frames of the unchanged recording would have."""
    at = np.arange(int((len(energy) - 1) * speed) + 1) / speed
    whole = np.minimum(at.astype(np.int64), len(energy) - 2)
    part = (at - whole)[:, None]
    return np.asarray(energy[whole] * (1 - part) + energy[whole + 1] * part)


def _bits(energy: np.ndarray) -> np.ndarray:
    """The numbers of (frames, 33) band energies: one fewer than there are frames."""
    energy = energy.astype(np.float64)
    slope = energy[:, :-1] - energy[:, 1:]
    change = slope[1:] - slope[:-1]
    weights = np.uint32(1) << np.arange(_BANDS - 1, dtype=np.uint32)
    return np.asarray((change > 0).astype(np.uint32) @ weights, np.uint32)


def _edges() -> np.ndarray:
    """First FFT bins of the bands, and of what lies above them."""
    frequencies = np.geomspace(_LOWEST, _HIGHEST, _BANDS + 1)
    return np.rint(frequencies * _WINDOW / RATE).astype(np.int64)


def longest_run(a: np.ndarray, b: np.ndarray) -> Run:
    """The longest passage of `a` that also sounds in `b`, at whatever place.

    Every alignment is tried. A passage is a chain of overlapping two-second windows in each of
    which fewer than THRESHOLD of the bits differ; shorter echoes do not count.
    """
    best = (0, 0, 0)  # frames, start in a, start in b
    if min(len(a), len(b)) < WINDOW_FRAMES:
        return Run(0.0, 0.0, 0.0, 0.0)
    a, b = np.ascontiguousarray(a, np.uint32), np.ascontiguousarray(b, np.uint32)
    limit = int(THRESHOLD * 32 * WINDOW_FRAMES)
    silent = a == 0
    # Where neither overlaps the other the alternating filler differs in half of all bits from both.
    filler = np.full(len(a) - WINDOW_FRAMES, 0x5555_5555, np.uint32)
    padded = np.concatenate([filler, b, filler])
    shifts = np.lib.stride_tricks.sliding_window_view(padded, len(a))
    step = max(1, _CELLS // len(a))
    for first in range(0, len(shifts), step):
        errors = np.bitwise_count(shifts[first : first + step] ^ a)
        errors[:, silent] = 16  # silence is no evidence: it counts as unlike, whatever it meets
        sums = np.cumsum(errors, axis=1, dtype=np.int32)
        windows = sums[:, WINDOW_FRAMES - 1 :].copy()
        windows[:, 1:] -= sums[:, :-WINDOW_FRAMES]
        row, start, length = _longest_true(windows <= limit)
        if length and length + WINDOW_FRAMES - 1 > best[0]:
            best = (length + WINDOW_FRAMES - 1, start, start + first + row - len(filler))
    frames, at_a, at_b = best
    if not frames:
        return Run(0.0, 0.0, 0.0, 0.0)
    lies_in_b = slice(max(0, at_b), min(len(b), at_b + frames))
    at_a, at_b = at_a + lies_in_b.start - at_b, lies_in_b.start
    errors = np.bitwise_count(a[at_a : at_a + lies_in_b.stop - at_b] ^ b[lies_in_b]).astype(np.int64)
    errors[silent[at_a : at_a + len(errors)]] = 16
    first, frames = _kernel(errors)
    return Run(
        seconds=frames * FRAME_SECONDS,
        share=frames / len(a),
        at_a=(at_a + first) * FRAME_SECONDS,
        at_b=(at_b + first) * FRAME_SECONDS,
    )


def _kernel(errors: np.ndarray) -> tuple[int, int]:
    """(start, length) of a run without the unlike edges that its outermost windows tolerated.

    The stretch with the largest sum of (35 % of the bits - errors): halfway between a copy and
    other music, so that unlike frames at either end cost more than they add.
    """
    total = np.concatenate([[0.0], np.cumsum(0.35 * 32 - errors)])
    lowest = np.minimum.accumulate(total)
    end = int(np.argmax(total - lowest))
    start = int(np.argmin(total[: end + 1]))
    return start, end - start


def _longest_true(cells: np.ndarray) -> tuple[int, int, int]:
    """(row, first column, length) of the longest horizontal run of True."""
    rows = np.flatnonzero(cells.any(axis=1))
    if not len(rows):
        return 0, 0, 0
    framed = np.zeros((len(rows), cells.shape[1] + 2), np.int8)
    framed[:, 1:-1] = cells[rows]
    change = np.diff(framed, axis=1)
    row, begin = np.nonzero(change == 1)
    end = np.nonzero(change == -1)[1]
    longest = int(np.argmax(end - begin))
    return int(rows[row[longest]]), int(begin[longest]), int(end[longest] - begin[longest])
