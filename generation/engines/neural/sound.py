"""Between the rate and channels of a network and those of a take (44.1 kHz, stereo)."""

from __future__ import annotations

import numpy as np

SAMPLE_RATE = 44_100


def at_rate(sound: np.ndarray, rate: int) -> np.ndarray:
    """(1 or 2, samples) at `rate` as (2, samples) float32 at 44.1 kHz."""
    sound = _resampled(sound, rate, SAMPLE_RATE)
    return np.concatenate([sound, sound]) if sound.shape[0] == 1 else sound


def from_rate(sound: np.ndarray, rate: int, channels: int) -> np.ndarray:
    """(2, samples) at 44.1 kHz as (channels, samples) float32 at `rate`."""
    if channels == 1:
        sound = sound.mean(axis=0, keepdims=True)
    return _resampled(sound, SAMPLE_RATE, rate)


def _resampled(sound: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    import soxr

    if rate != wanted:
        sound = soxr.resample(np.ascontiguousarray(sound.T), rate, wanted, quality="VHQ").T
    return np.ascontiguousarray(sound, dtype=np.float32)
