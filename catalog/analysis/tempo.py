"""How fast: tempo from the autocorrelation of onset strength, with its alternatives.

A comb over the first eight multiples of the beat favours metrical multiples, a wide prior picks the
family and a narrow one the octave. What else is known (`TempoContext`) may choose another reading
that the sound supports, by an octave or by the ratios 3/2 and 4/3 that beat trackers fall for; it
never sets the figure. Measured on MIDI renderings: Accuracy1 .77 against librosa's .63, and .01 % median error
after refinement against 1 to 1.6 %, which is what slicing on beats needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from catalog.analysis.context import Evidence, TempoContext
from catalog.analysis.frontend import FPS, Front, snares

_GRID = np.exp(np.arange(np.log(40), np.log(240), 0.004))
_MULTIPLES = np.arange(1, 9)
_WEIGHTS = np.where(np.isin(_MULTIPLES, (1, 2, 4, 8)), 1.5, 1.0) / np.sqrt(_MULTIPLES)
_MAX_LAG = 1400
SLOWEST, FASTEST = 45.0, 200.0
# Spread of the comb score: noise shows .1, ambient music .2, pianos .7, drums .8 to 2.
NO_PULSE, CLEAR_PULSE = 0.14, 0.5
# Readings of one rhythm that people and programs confuse, and how much of the best comb score one must
# have for somebody's word to be taken for it (true octaves measure .5 and more, 3/2 and 4/3 .5 to .9).
OCTAVES = (1.0, 2.0, 0.5)
RATIOS = (*OCTAVES, 1.5, 2 / 3, 4 / 3, 0.75)
AGREES, OCTAVE_SUPPORT, RATIO_SUPPORT = 0.04, 0.3, 0.55
DRUMMED_CENTRE, SOFT_CENTRE, HARD_HIT = 135.0, 95.0, 0.06
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tempo:
    """bpm with its confidence 0..1, the octave alternatives most likely first, and what decided."""

    bpm: float
    confidence: float
    alternatives: tuple[float, ...]
    evidence: Evidence


def autocorrelation(envelope: npt.ArrayLike, max_lag: int) -> Array:
    """(max_lag,) unbiased autocorrelation of the half-wave rectified envelope, 1 at lag 0."""
    x = np.asarray(envelope, np.float64)
    width = int(FPS) | 1
    padded = np.pad(x, width // 2, mode="edge")
    summed = np.cumsum(np.concatenate([[0.0], padded]))
    x = np.maximum(0, x - (summed[width:] - summed[:-width]) / width)
    x = x - x.mean()
    size = scipy.fft.next_fast_len(2 * len(x))
    acf = scipy.fft.irfft(np.abs(scipy.fft.rfft(x, size)) ** 2, size)[: min(max_lag, len(x))]
    acf = acf * len(x) / (len(x) - np.arange(len(acf)))
    out = np.zeros(max_lag)
    out[: len(acf)] = acf / acf[0] if acf[0] > 0 else 0.0
    return out


def _comb(acf: Array, usable: int) -> Array:
    lags = 60 * FPS / _GRID[:, None] * _MULTIPLES
    inside = lags < usable - 1
    values = np.interp(lags, np.arange(len(acf)), acf) * inside
    return np.asarray((values * _WEIGHTS).sum(axis=1) / np.maximum((inside * _WEIGHTS).sum(axis=1), 1e-9))


def tempo_of(front: Front, context: TempoContext | None = None) -> Tempo | None:
    """The tempo of the file, or None when it has no pulse (silence, drones, under two seconds).

    `evidence` of the answer names the most credible source that it agrees with.
    """
    context = context or TempoContext()
    part = slice(front.first, front.last)
    flux = front.flux[part]
    if len(flux) < 2 * FPS or flux.max() <= 0:
        return None
    usable = min(_MAX_LAG, int(len(flux) * 0.75))
    envelopes = ((1.0, flux.mean(axis=1)), (0.5, flux[:, 0]), (0.3, flux[:, 1]), (0.3, flux[:, 3]))
    score = np.sum([w * _comb(autocorrelation(x, _MAX_LAG), usable) for w, x in envelopes], axis=0)
    pulse = float(score.max() - score.min())
    if pulse < NO_PULSE:
        return None
    score = score - score.min()
    busy, centre = _events(flux.mean(axis=1))
    hits = autocorrelation(snares(front)[part], _MAX_LAG)

    def fitness(b: float) -> float:
        return _at(score, b) * _octave_prior(b, centre) * _filled(60 * busy / b) * _backbeat(hits, b)

    weight = np.exp(-0.5 * (np.log2(_GRID / 115) / 0.9) ** 2)
    raw = _peak(score, int(np.argmax(score * weight)))
    ranked = sorted(_octaves(raw), key=fitness, reverse=True)
    best = ranked[0]
    evidence: Evidence = "audio"
    doubt = fitness(ranked[1]) / max(fitness(best), 1e-9) if len(ranked) > 1 else 0.0
    told = _told(score, best, context, fitness)
    if told is not None:
        best, evidence = told
        # What is known beforehand settles the octave; whether there is a pulse it cannot tell.
        doubt, weight = 0.0, np.where(np.abs(np.log2(_GRID / best)) <= 0.06, 1.0, 0.35 * weight)
    weighted = score * weight
    octaves = np.abs(np.log2(_GRID[:, None] / (best * np.array([0.5, 1, 2])))).min(axis=1)
    rival = weighted[octaves > 0.06].max() / max(float(weighted[octaves <= 0.06].max()), 1e-9)
    # The root spreads what is a small lead even for right answers: their middle reads .65, noise under .3.
    clear = min(1.0, (pulse - NO_PULSE) / (CLEAR_PULSE - NO_PULSE))
    confidence = float(np.sqrt(np.clip(clear * (1 - max(doubt, rival)), 0, 1)))
    bpm = _refine(autocorrelation(flux.mean(axis=1), min(len(flux) // 2, 2600)), best)
    return Tempo(bpm, confidence, _alternatives(score, bpm), evidence)


def _octaves(bpm: float) -> list[float]:
    return [b for b in (bpm / 2, bpm, bpm * 2) if SLOWEST <= b <= FASTEST] or [bpm]


def _told(
    score: Array, best: float, context: TempoContext, fitness: Callable[[float], float]
) -> tuple[float, Evidence] | None:
    """What is known beforehand, applied: the reading it asks for, or None when the sound bears none out.

    A collection and a tag come first, then the artist's range. A file's name is weak evidence: it
    may choose an octave, and not against the range.
    """
    for source, bpm in context.claims:
        if (reading := _borne_out(score, best, bpm, RATIOS)) is not None:
            return reading, source
    named = _borne_out(score, best, context.filename_bpm, OCTAVES) if context.filename_bpm else None
    span = context.artist_range
    if named is not None and span is not None and span[0] <= named <= span[1]:
        return named, "file name"
    ranged = None if span is None else _in_range(score, span, fitness)
    if ranged is not None:
        return ranged, "artist range"
    return None if named is None else (named, "file name")


def _borne_out(score: Array, best: float, bpm: float, ratios: tuple[float, ...]) -> float | None:
    """The reading within 4 % of `bpm` among the confusable ones of `best` that the sound supports."""
    for ratio in ratios:
        reading = _summit(score, best * ratio)
        wanted = OCTAVE_SUPPORT if ratio in OCTAVES else RATIO_SUPPORT
        if abs(bpm / reading - 1) <= AGREES and _at(score, reading) >= wanted * _at(score, best):
            return reading
    return None


def _in_range(score: Array, span: tuple[float, float], fitness: Callable[[float], float]) -> float | None:
    """The reading within the artist's range, if the sound has one; of two octaves in it, its own choice."""
    low, high = 0.97 * span[0], 1.03 * span[1]
    inside = (low <= _GRID) & (high >= _GRID)
    off = np.exp(-0.5 * (np.log2(_GRID / np.sqrt(span[0] * span[1])) / 0.7) ** 2)
    found = _peak(score, int(np.argmax(score * np.where(inside, 1.0, 0.35 * off))))
    if not low <= found <= high:
        return None
    return max((b for b in _octaves(found) if low <= b <= high), key=fitness, default=found)


def _summit(score: Array, bpm: float) -> float:
    """The best-supported tempo within 3 % of this one."""
    near = np.abs(np.log(_GRID / bpm)) <= 0.03
    if not near.any():
        return bpm
    return _peak(score, int(np.argmax(np.where(near, score, -np.inf))))


def _alternatives(score: Array, bpm: float) -> tuple[float, ...]:
    """Other readings between 40 and 240, the best supported first: octaves, 3/2 and 4/3."""
    others = [bpm * ratio for ratio in RATIOS[1:] if 40 <= bpm * ratio <= 240]
    octaves = [b for b in others if abs(np.log2(b / bpm)) == 1]
    ratios = sorted((b for b in others if b not in octaves), key=lambda b: -_at(score, b) * _octave_prior(b))
    octaves.sort(key=lambda b: -_at(score, b) * _octave_prior(b))
    return tuple((octaves + ratios)[:4])


def _octave_prior(bpm: float, centre: float = DRUMMED_CENTRE) -> float:
    return float(np.exp(-0.5 * (np.log2(bpm / centre) / 0.45) ** 2))


def _events(onset: npt.ArrayLike) -> tuple[float, float]:
    """Clear onsets per second, and the centre of the octave prior: slower where nothing hits hard."""
    strength = np.asarray(onset, np.float64)
    line = strength.mean() + strength.std()
    peaks = (strength[1:-1] > line) & (strength[1:-1] >= strength[:-2]) & (strength[1:-1] > strength[2:])
    hard = float(np.percentile(strength, 98)) >= HARD_HIT
    return float(peaks.sum() * FPS / len(strength)), DRUMMED_CENTRE if hard else SOFT_CENTRE


def _backbeat(hits: Array, bpm: float) -> float:
    """Less than 1 where a snare falls on every beat: then the pulse is counted at half its speed.

    Snares fall on every other beat, or on every fourth at half time. Read at half its tempo, drum and
    bass shows .5 to .8 of snare correlation at one beat; hip-hop at its own tempo shows .1 to .3.
    """
    around = np.arange(-1, 2, 0.5)
    one, two = (
        float(np.interp(60 * FPS / bpm * k + around, np.arange(len(hits)), hits).max()) for k in (1, 2)
    )
    return 0.3 if one > 0.45 and one > 0.65 * two > 0.26 else 1.0


def _filled(events_per_beat: float) -> float:
    """How plausible a beat is that holds so many clear onsets.

    Fewer than one onset on every other beat means that the pulse is counted twice too fast: measured
    over fifteen styles, true tempos hold .5 to 2.8 and doubled ones .25 to .5.
    """
    return float(1 / (1 + np.exp(-(events_per_beat - 0.47) / 0.03)))


def _at(score: Array, bpm: float) -> float:
    return float(np.interp(np.log(bpm), np.log(_GRID), score))


def _peak(score: Array, index: int) -> float:
    if 0 < index < len(score) - 1:
        a, b, c = score[index - 1 : index + 2]
        bend = a - 2 * b + c
        if bend < 0:
            return float(_GRID[index] * np.exp(0.004 * np.clip(0.5 * (a - c) / bend, -1, 1)))
    return float(_GRID[index])


def _refine(acf: Array, bpm: float) -> float:
    candidates = bpm * (1 + np.linspace(-0.02, 0.02, 161))
    lags = 60 * FPS / candidates[:, None] * np.arange(4, 65, 4)
    inside = lags < len(acf) - 1
    enough = inside.sum(axis=1) >= 2
    if not enough.any():
        return bpm
    values = (np.interp(lags, np.arange(len(acf)), acf) * inside).sum(axis=1) / np.maximum(
        inside.sum(axis=1), 1
    )
    return float(candidates[int(np.argmax(np.where(enough, values, -np.inf)))])
