"""A band whose bass is known note by note: for tests of what is lifted from it and of what it plays anew."""

from __future__ import annotations

from functools import cache

import numpy as np

from generation.engines.mosaic.bassgroove import Bass, read_bass
from generation.engines.mosaic.kicks import TOP_HZ, find_kicks
from generation.engines.mosaic.pitches import LowPhrase
from generation.engines.mosaic.separate import low_passed, separate

RATE = 44_100
BPM = 125.0
STEP = 60 / BPM / 4
FIRST = 0.2
BEGINS = 30.0  # seconds in its track
BARS = 4
ROOTS = (33, 41, 36, 43)  # of the bars: A, F, C, G
STROKES = ((2, 2), (6, 3), (10, 2), (13, 3))  # sixteenth, and how many it lasts
PARTIALS = (1.0, 0.5, 0.32, 0.2, 0.13, 0.08)


def bass_note(midi: float, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    hz = 440 * 2 ** ((midi - 69) / 12)
    wave = sum(a * np.sin(2 * np.pi * hz * k * time) for k, a in enumerate(PARTIALS, start=1))
    edge = np.minimum(1, time / 0.006) * np.minimum(1, (time[-1] - time) / 0.02)
    return np.asarray(0.25 * wave * np.exp(-1.2 * time) * edge)


def strokes() -> list[tuple[float, float, int]]:
    """(start, length, midi) of every bass note, seconds in the phrase."""
    return [
        (FIRST + (16 * bar + step) * STEP, length * STEP, root)
        for bar, root in enumerate(ROOTS)
        for step, length in STROKES
    ]


def _add(out: np.ndarray, at: float, sound: np.ndarray) -> None:
    start = round(at * RATE)
    out[start : start + sound.size] += sound[: out.size - start]


def kicks() -> np.ndarray:
    return FIRST + 4 * STEP * np.arange(4 * BARS)


@cache
def band(*, bass: bool = True) -> np.ndarray:
    """(2, n): kick on every beat, hats, a chord of four notes in each bar, and the bass."""
    rng = np.random.default_rng(5)
    out = np.zeros(round((FIRST + BARS * 16 * STEP + 0.4) * RATE))
    time = np.arange(round(0.16 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (47 * time + 3 * (1 - np.exp(-time * 60)))) * np.exp(-time * 22)
    kick += 0.6 * rng.standard_normal(time.size) * np.exp(-time * 300)  # the beater
    for at in kicks():
        _add(out, float(at), 0.5 * kick)
        _add(out, float(at) + 2 * STEP, 0.05 * rng.standard_normal(1500) * np.exp(-np.arange(1500) / 300))
    long = np.arange(round(16 * STEP * RATE)) / RATE
    for bar, root in enumerate(ROOTS):
        for tone in (24, 28, 31, 36):
            hz = 440 * 2 ** ((root + tone - 69) / 12)
            chord = sum(np.sin(2 * np.pi * hz * k * long + tone) / k**1.5 for k in (1, 2, 3))
            edge = np.minimum(1, long * 50) * np.minimum(1, (long[-1] - long) * 50)
            _add(out, FIRST + 16 * bar * STEP, 0.02 * chord * edge)
    if bass:
        for start, length, midi in strokes():
            _add(out, start, bass_note(midi, length))
    return np.stack([out, out]).astype(np.float32)


def phrase(samples: np.ndarray) -> LowPhrase:
    """The harmonic half as the workshop cuts it: the kicks it finds are taken out of the low band."""
    percussive, harmonic = separate(samples)
    found = find_kicks(samples)
    if found is not None:
        percussive += found.between(0, samples.shape[1]) - low_passed(percussive, TOP_HZ, 1025)
        harmonic = samples - percussive
    struck = np.zeros(0) if found is None else found.struck(0, samples.shape[1])[0] / RATE
    return LowPhrase(harmonic, FIRST, STEP, BEGINS, struck)


@cache
def lifted() -> Bass:
    found = read_bass([phrase(band())])
    assert found is not None
    return found
