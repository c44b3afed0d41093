"""Where the beats and bars are: a constant-tempo grid in file time, fine enough to cut on.

librosa's tracked beats are 23 ms apart at best and follow every hiccup; a composer that cuts bars
needs one period and one phase for the whole file. The period is the frequency whose harmonics carry
most of a fine onset envelope's power; the phase is where the folded envelope rises. Whether one
constant grid fits at all is checked window by window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import gaussian_filter1d, median_filter

from catalog.analysis.frontend import FPS, RATE, Front, power_spectrum
from catalog.analysis.model import Floats

FINE_FFT = 512
FINE_HOP = 64
FINE_FPS = RATE / FINE_HOP
# What the folded flux shows this much late: the rise is counted over four hops, centred two back,
# and an attack needs a moment to fill the window. Measured on sounds with known onsets.
LEAD = -0.0045
DRIFT_TOLERANCE = 0.035
_SPEED_TOLERANCE = 0.006
_BOWED = 0.02  # seconds
_BLOCK = 512
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """period: seconds per beat. phase: file time of some beat. steady: one grid fits the file.

    drift: how far apart the file's slow and fast passages are, as a share of its tempo; 0 when steady.
    """

    period: float
    phase: float
    steady: bool
    drift: float = 0.0

    def beats(self, first: float, last: float) -> Array:
        """Beat times within [first, last]."""
        n = np.arange(
            np.ceil((first - self.phase) / self.period), np.floor((last - self.phase) / self.period) + 1
        )
        return np.asarray(self.phase + n * self.period)


def fine_onsets(front: Front) -> Floats:
    """(n, 2) onset strength at FINE_FPS: below 170 Hz, and over all bands; sample i at i / FINE_FPS."""
    count = max(1, 1 + len(front.mono) // FINE_HOP)
    edges = (1, 2, 4, 8, 16, 32, 64, 128, FINE_FFT // 2 + 1)
    parts, before = [], None
    for start in range(0, count, _BLOCK):
        some = min(_BLOCK, count - start)
        power = power_spectrum(front.mono, FINE_FFT, FINE_HOP, start, some)
        power *= np.float32(front.gain**2)
        bands = np.add.reduceat(power, edges[:-1], axis=1) / np.diff(edges)
        logged = np.log1p(1000 * bands.astype(np.float32))
        # Differences over 4 hops (12 ms), a quarter of the window's overlap away.
        joined = np.concatenate([logged[:1].repeat(4, 0) if before is None else before, logged])
        rise = np.maximum(0, joined[4:] - joined[:-4])
        before = joined[-4:]
        parts.append(np.stack([rise[:, :4].mean(axis=1), rise.mean(axis=1)], axis=1))
    return np.concatenate(parts).astype(np.float32)


def grid_of(front: Front, bpm: float, fine: Floats) -> Grid:
    """The constant grid nearest to `bpm` that the fine onsets support."""
    first, last = int(front.first / FPS * FINE_FPS), int(front.last / FPS * FINE_FPS)
    heard = fine[first:last].astype(np.float64)
    envelope = heard.sum(axis=1) / (heard.sum(axis=1).std() + 1e-9)
    period = 60 / _refined_bpm(envelope, bpm)
    profile = heard[:, 1] / (heard[:, 1].mean() + 1e-9) + heard[:, 0] / (heard[:, 0].mean() + 1e-9)
    phase = _phase(profile, period)
    steady, drift = _steadiness(profile, period)
    return Grid(period, first / FINE_FPS + phase + LEAD, steady, drift)


def _refined_bpm(envelope: Array, bpm: float) -> float:
    """The tempo within .4 % of `bpm` whose first eight harmonics hold most power.

    Music made in a workstation sits on whole or half BPM; where such a value explains the file as
    well as the best fit does, it is the better estimate.
    """
    size = scipy.fft.next_fast_len(8 * len(envelope))
    power = np.abs(scipy.fft.rfft(envelope - envelope.mean(), size)) ** 2
    per_bin = FINE_FPS / size

    def fit(candidates: npt.ArrayLike) -> Array:
        at = np.asarray(candidates, np.float64)[..., None] / 60 * np.arange(1, 9) / per_bin
        return np.asarray(np.interp(at, np.arange(len(power)), power).sum(axis=-1))

    candidates = bpm * (1 + np.linspace(-0.004, 0.004, 801))
    scores = fit(candidates)
    best = float(candidates[int(np.argmax(scores))])
    rounded = round(best * 2) / 2
    if abs(rounded / best - 1) < 0.001 and float(fit(rounded)) > 0.97 * scores.max():
        return rounded
    return best


def fold(envelope: Array, period: float, cells: int) -> Array:
    """(cells,) mean of the envelope over all periods, by position within the period."""
    position = (np.arange(len(envelope)) / FINE_FPS / period) % 1.0 * cells
    low = position.astype(int) % cells
    share = position - np.floor(position)
    sums = np.bincount(low, envelope * (1 - share), cells) + np.bincount(
        (low + 1) % cells, envelope * share, cells
    )
    counts = np.bincount(low, 1 - share, cells) + np.bincount((low + 1) % cells, share, cells)
    return np.asarray(sums / np.maximum(counts, 1e-9))


def _phase(envelope: Array, period: float) -> float:
    """Seconds from the envelope's start to a beat: the crest of the folded envelope."""
    cells = max(64, int(round(period * FINE_FPS)))
    folded = gaussian_filter1d(fold(envelope, period, cells), 1.5, mode="wrap")
    peak = int(np.argmax(folded))
    a, b, c = folded[peak - 1], folded[peak], folded[(peak + 1) % cells]
    bend = a - 2 * b + c
    shift = 0.5 * (a - c) / bend if bend < 0 else 0.0
    return float(((peak + shift) / cells * period) % period)


def _steadiness(envelope: Array, period: float) -> tuple[bool, float]:
    """Whether windows of about 12 s agree with the grid on how fast it goes and where the beat falls.

    And by what share of the tempo its slow and its fast passages differ, when they do not.
    """
    window = int(12 * FINE_FPS)
    if len(envelope) < 2 * window:
        return True, 0.0
    pieces = [envelope[s : s + window] for s in range(0, len(envelope) - window + 1, window // 2)]
    speeds = np.array([_local_speed(piece, period, 0.05) for piece in pieces])
    clear = speeds[:, 1] > 0.3 * speeds[:, 1].max()
    shifts, sure = _shifts(pieces, window // 2, period)
    slides = _slide(shifts, sure, window / 2 / FINE_FPS, period)
    moved = np.mean(np.abs(shifts[sure]) > DRIFT_TOLERANCE) > 0.35
    if not moved and slides == 0 and np.mean(np.abs(speeds[clear, 0]) > _SPEED_TOLERANCE) <= 0.35:
        return True, 0.0
    # Half the window follows a singer's tempo, which a long one averages away.
    half = window // 2
    near = [
        _local_speed(envelope[s : s + half], period, 0.12)
        for s in range(0, len(envelope) - half + 1, half // 2)
    ]
    local = np.array(near)
    local = median_filter(local[local[:, 1] > 0.2 * local[:, 1].max(), 0], 3, mode="nearest")
    slow, fast = np.percentile(local, [5, 95])
    return False, max(float(fast - slow), slides)


def _slide(shifts: Array, sure: npt.NDArray[np.bool_], step: float, period: float) -> float:
    """The share by which the tempo changes from end to end, when the pulse slides smoothly off the grid; else 0.

    A steady rise of the tempo leaves every window within a few hundredths of a second of the best constant grid:
    what gives it away is that the places lie on a parabola.
    """
    times = np.arange(len(shifts))[sure] * step
    places = shifts[sure]
    if len(places) < 6 or np.abs(places).max() > period / 4:
        return 0.0
    bow = np.polynomial.Polynomial.fit(times, places, 2)
    curve = bow(times)
    left = places - curve
    if np.ptp(curve) < _BOWED or left.var() > 0.15 * places.var():
        return 0.0
    return float(abs(bow.convert().coef[-1]) * 2 * np.ptp(times))


def _local_speed(piece: Array, period: float, reach: float) -> tuple[float, float]:
    """How far this window's own tempo is from the grid's, as a share, and how clearly it shows."""
    size = scipy.fft.next_fast_len(8 * len(piece))
    tapered = (piece - piece.mean()) * np.hanning(len(piece))
    power = np.abs(scipy.fft.rfft(tapered, size)) ** 2
    away = np.linspace(-reach, reach, int(2000 * reach) + 1)
    at = (1 + away[:, None]) / period * np.arange(1, 9) * size / FINE_FPS
    score = np.interp(at, np.arange(len(power)), power).sum(axis=1)
    best = int(np.argmax(score))
    return float(away[best]), float(score[best])


def _shifts(pieces: list[Array], step: int, period: float) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Seconds by which each window lies off the pulse of the whole file, and which of them have a clear one."""
    cells = max(64, int(round(period * FINE_FPS)))
    folds = []
    for number, piece in enumerate(pieces):
        offset = (number * step / FINE_FPS / period) % 1.0
        local = gaussian_filter1d(fold(piece, period, cells), 3, mode="wrap")
        folds.append(np.roll(local, int(round(offset * cells))))
    local = np.array(folds)
    local = local - local.mean(axis=1, keepdims=True)
    whole = np.fft.rfft(local.sum(axis=0))
    lag = np.argmax(np.fft.irfft(np.fft.rfft(local, axis=1) * np.conj(whole), cells, axis=1), axis=1)
    seconds = np.where(lag <= cells // 2, lag, lag - cells) / cells * period
    strength = local.std(axis=1)
    return np.asarray(seconds), np.asarray(strength > 0.4 * strength.max())
