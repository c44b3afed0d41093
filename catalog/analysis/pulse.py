"""Does a sound keep to a tempo that is known beforehand? Read from its own onsets, and able to say no.

`tempo` asks what the tempo is, and takes whatever fits best among all; guitars that lean off the beat, or harmony
that moves in dotted values, can draw that reading aside. Whoever laid a sound on a grid can ask less: of the
sixteenths of that grid, and of all spacings within 6 % of them, which do the onsets keep, and how surely? The answer
is a measurement: a sound that was stretched by .2 % afterwards reads .2 % off. Where no spacing stands out, or
another metre fits better, nothing is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import uniform_filter1d

from catalog.analysis.frontend import power_spectrum, to_mono
from catalog.analysis.grid import FINE_FFT, FINE_FPS, FINE_HOP
from catalog.analysis.model import Floats

# FFT bins of 43 Hz: kick and bass; the middle; hats, cymbals and snares, which stay sharp in the densest mix
_EDGES = (1, 2, 4, 8, 16, 32, 64, 128, FINE_FFT // 2 + 1)
_BANDS = (slice(0, 2), slice(2, 6), slice(6, 8), slice(0, 8))
_BLOCK = 512
FINER = 10
SPAN = 0.06  # of the tempo, to both sides, is looked at
PIECES = 12  # of the sound, each left out once: how far the reading depends on any of them is its margin
LEVELS = (4, 2)  # divisions of a beat: sixteenths, and eighths where only they are played
CLEAR = 12.0  # times the power that spacings have in the median; the highest of noise reaches 8
RIVAL = 0.6  # of that power, at another spacing nearby, from which there are two answers
KEPT = 5e-4  # of the tempo: a sound that is further off does not keep it
SURE = 0.00025  # margin above which a reading cannot tell KEPT
OTHERS = (2 / 3, 3 / 4, 4 / 5, 5 / 6, 6 / 5, 5 / 4, 4 / 3, 3 / 2)  # tempos that share part of a grid
SLOW, FAST = 0.5, 20.0  # Hz between which onsets have their usual power
LEAST_SECONDS = 10.0
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pulse:
    """What onsets say of a tempo.

    asked: the tempo they were held against. bpm: what they keep, None where that is not clear. margin: the standard
    error of bpm, as a share of it. why: where bpm is None, what is missing: "faint" (no spacing stands out), "loose"
    (one does, but not as finely as KEPT) or "metre" (`rival`, another tempo that shares part of the grid, fits better).
    """

    asked: float
    bpm: float | None = None
    margin: float | None = None
    why: str = ""
    rival: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the sound keeps the tempo asked. False too where it does not tell."""
        return self.error is not None and abs(self.error) <= KEPT

    @property
    def error(self) -> float | None:
        """Of the sound against the tempo asked, as a share of it."""
        return None if self.bpm is None else self.bpm / self.asked - 1.0


def pulse_of(samples: Floats, sample_rate: int, bpm: float) -> Pulse:
    """(channels, n) held against a tempo in BPM. Its phase is left free.

    Raises ValueError for a tempo that is not positive.
    """
    if not bpm > 0:
        raise ValueError("A tempo is a positive number of beats per minute.")
    return held(onsets_of(samples, sample_rate), bpm)


def surest(found: Mapping[str, Pulse]) -> str:
    """The name of the reading with the least margin, whatever it says; the first where none tells."""
    return min(found, key=lambda name: np.inf if (margin := found[name].margin) is None else margin)


def onsets_of(samples: Floats, sample_rate: int) -> Array:
    """(n, 4) onset strength at FINE_FPS: low, middle, high, all."""
    mono = to_mono(np.atleast_2d(np.asarray(samples, dtype=np.float32)), sample_rate)
    size = float(np.sqrt(np.mean(np.square(mono, dtype=np.float64)))) if len(mono) else 0.0
    if size < 1e-6:
        return np.zeros((0, len(_BANDS)))
    scale = np.float32((0.1 / size) ** 2)
    count = 1 + len(mono) // FINE_HOP
    levels = []
    for start in range(0, count, _BLOCK):
        power = power_spectrum(mono, FINE_FFT, FINE_HOP, start, min(_BLOCK, count - start)) * scale
        bands = np.add.reduceat(power, _EDGES[:-1], axis=1) / np.diff(_EDGES)
        levels.append(np.log1p(1000 * bands.astype(np.float32)))
    curve = np.concatenate(levels)
    rise = np.maximum(0.0, curve[4:] - curve[:-4]).astype(np.float64)
    found = np.stack([rise[:, band].mean(axis=1) for band in _BANDS], axis=1)
    # what rises slowly, or ripples, is level with its surroundings; a square root keeps one crash from deciding
    above = np.maximum(0.0, found - uniform_filter1d(found, int(FINE_FPS) // 2, axis=0))
    return np.asarray(np.sqrt(above))


def held(onsets: Array, bpm: float) -> Pulse:
    """As `pulse_of`, of onset strengths."""
    if len(onsets) < LEAST_SECONDS * FINE_FPS:
        return Pulse(bpm, why="faint")
    spectrum = _Spectrum.of(onsets)
    why = "faint"
    for level in LEVELS:
        found = spectrum.around(level * bpm / 60.0)
        if not found.clear:
            continue
        away, margin = _summit(onsets, found, level * bpm / 60.0)
        if margin <= SURE:
            rival = max((bpm * other for other in OTHERS), key=spectrum.support)
            if spectrum.support(rival) > spectrum.support(bpm):
                return Pulse(bpm, why="metre", rival=rival)
            return Pulse(bpm, bpm * (1.0 + away), margin)
        why = "loose"
    return Pulse(bpm, why=why)


@dataclass(frozen=True, eq=False)
class _Near:
    """Spacings around one that was asked. away: (n,) as shares off it. power: (n,) mean over the bands, each against
    what is usual (in noise) for it there. usual: (bands,).
    """

    away: Array
    power: Array
    usual: Array

    @property
    def clear(self) -> bool:
        best = int(self.power.argmax())
        apart = np.abs(np.arange(len(self.power)) - best) > 2 * FINER
        return bool(
            self.power[best] >= CLEAR and self.power[apart].max(initial=0.0) <= RIVAL * self.power[best]
        )


@dataclass(frozen=True, eq=False)
class _Spectrum:
    """power: (frequencies, bands) of the onsets, FINER times finer than their length resolves; per: Hz from one on."""

    power: Array
    per: float

    @classmethod
    def of(cls, onsets: Array) -> _Spectrum:
        size = scipy.fft.next_fast_len(FINER * len(onsets), real=True)
        power = np.square(np.abs(scipy.fft.rfft(onsets - onsets.mean(axis=0), size, axis=0)))
        return cls(power, FINE_FPS / size)

    def around(self, hertz: float) -> _Near:
        low, high = (round(hertz * (1.0 + side * SPAN) / self.per) for side in (-1, 1))
        power = self.power[low : high + 1]
        usual = np.maximum(np.median(power, axis=0) / np.log(2.0), 1e-12)
        away = np.asarray(np.arange(low, high + 1) * self.per / hertz - 1.0, np.float64)
        return _Near(away, np.asarray((power / usual).mean(axis=1), np.float64), np.asarray(usual))

    def support(self, bpm: float) -> float:
        """How much a tempo is kept by its beats, eighths and sixteenths together.

        Of sounds that were laid on a grid no other fits .65 times as well as their own; held against another tempo
        that shares part of the grid, their own fits twice as well.
        """
        usual = np.maximum(self.power[round(SLOW / self.per) : round(FAST / self.per)].mean(axis=0), 1e-12)
        total = 0.0
        for level in (1, 2, 4):
            low, high = (round(level * bpm / 60.0 * (1.0 + side * 0.01) / self.per) for side in (-1, 1))
            total += float((self.power[low : high + 1] / usual).mean(axis=1).max(initial=0.0))
        return total


def _summit(onsets: Array, found: _Near, hertz: float) -> tuple[float, float]:
    """The spacing with most power, as a share off the one asked, and its standard error (jackknife over PIECES)."""
    best = int(found.power.argmax())
    away = found.away[max(0, best - FINER) : best + FINER + 1]
    bounds = np.linspace(0, len(onsets), PIECES + 1).astype(int)
    parts = np.array(
        [
            np.exp(-2j * np.pi * hertz / FINE_FPS * np.outer(1.0 + away, np.arange(first, last)))
            @ onsets[first:last]
            for first, last in pairwise(bounds)
        ]
    )
    whole = parts.sum(axis=0)
    moved = np.array([_crest(away, _mean_power(whole - part, found.usual)) for part in parts])
    margin = float(np.sqrt((PIECES - 1) / PIECES * np.square(moved - moved.mean()).sum()))
    return _crest(away, _mean_power(whole, found.usual)), margin


def _mean_power(sums: npt.NDArray[np.complex128], usual: Array) -> Array:
    return np.asarray((np.abs(sums) ** 2 / usual).mean(axis=1))


def _crest(away: Array, power: Array) -> float:
    best = int(power.argmax())
    if not 0 < best < len(power) - 1:
        return float(away[best])
    a, b, c = power[best - 1 : best + 2]
    bend = a - 2 * b + c
    return float(away[best] + (away[1] - away[0]) * (0.5 * (a - c) / bend if bend < 0 else 0.0))
