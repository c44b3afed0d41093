"""A voice of lifted notes, sounded: sinusoids on the multiples of a fundamental, along the course of a lifted note."""

from __future__ import annotations

import numpy as np

from generation.engines.mosaic.notes import STEP_SECONDS, PitchedVoice
from generation.engines.mosaic.plan import SAMPLE_RATE

SLOWER = 4  # tones are made at a quarter of the rate: nothing in them reaches its upper half
RATE = SAMPLE_RATE / SLOWER
TOP_HZ = 4_000.0
RELEASE = 0.022  # seconds, within the note


def sounded(voice: PitchedVoice, notes: list[tuple[int, int, float, float]], count: int) -> np.ndarray:
    """(count,) float32 of notes (first sample, samples, midi, level); each is silent outside its own samples."""
    from scipy.signal import resample_poly

    out = np.zeros(-(-count // SLOWER) + 1, dtype=np.float32)
    for at, length, midi, level in notes:
        first, last = -(-max(0, at) // SLOWER), min(out.size, -(-(at + length) // SLOWER))
        if last > first:
            seconds = (np.arange(first, last) * SLOWER - at) / SAMPLE_RATE
            out[first:last] += np.float32(level) * tone(voice, midi, length / SAMPLE_RATE, seconds)
    return np.asarray(resample_poly(out, SLOWER, 1)[:count], dtype=np.float32)


def tone(voice: PitchedVoice, midi: float, length: float, seconds: np.ndarray) -> np.ndarray:
    """One note of `length` seconds, seen at `seconds` after its start, float32; about unit power while it lasts."""
    lifted = voice.nearest(midi, length)
    hz = 440.0 * 2.0 ** ((midi - 69.0) / 12.0)
    numbers = min(len(lifted.harmonics), int(TOP_HZ / hz))
    place = seconds / STEP_SECONDS
    last = lifted.harmonics.shape[1] - 1
    left = np.clip(place.astype(int), 0, max(0, last - 1))
    share = np.clip(place - left, 0.0, 1.0).astype(np.float32)
    harmonics = lifted.harmonics[:numbers]
    amplitude = harmonics[:, left]
    amplitude += share * (harmonics[:, np.minimum(left + 1, last)] - amplitude)
    angle = 2.0 * np.pi * hz * seconds
    out = np.zeros(len(seconds))
    # sin((k + 1) x) = 2 cos(x) sin(k x) - sin((k - 1) x)
    twice, before, here = 2.0 * np.cos(angle), np.zeros(len(seconds)), np.sin(angle)
    for number in range(numbers):
        out += amplitude[number] * here
        before, here = here, twice * here - before
    beyond = np.maximum(0.0, seconds - lifted.seconds)
    out *= 10.0 ** (lifted.fall * beyond / 20.0) * _edges(seconds, length, voice.attack)
    return out.astype(np.float32)


def _edges(seconds: np.ndarray, length: float, attack: float) -> np.ndarray:
    """Gain that rises from and falls to nothing within the note."""
    attack, release = min(attack, length / 3.0), min(RELEASE, length / 3.0)
    rise = np.clip(seconds / attack, 0.0, 1.0)
    fall = np.clip((length - seconds) / release, 0.0, 1.0)
    return np.asarray((0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall)))
