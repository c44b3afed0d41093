"""Bring a mix's long-term spectrum to the catalog's with one gentle linear-phase filter, the same on every stem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from catalog.analysis.frontend import FFT, HOP, RATE, mel_filters, power_spectrum
from generation.engines.mosaic.fir import convolved

MOST_DB = 9.0
TAPS = 1023
SMOOTH_BANDS = 2.0


def spectrum_of(mono: np.ndarray) -> np.ndarray:
    """(64,) mean mel power in dB around zero of (n,) at the analysis' own rate, on the bands that it uses."""
    # every third frame: a mean over a minute does not need all of them
    frames = max(1, len(mono) // (3 * HOP))
    total = np.zeros(mel_filters().shape[1])
    for start in range(0, frames, 512):
        count = min(512, frames - start)
        total += (power_spectrum(mono, FFT, 3 * HOP, start, count) @ mel_filters()).sum(axis=0)
    power = total / frames
    levels = 10.0 * np.log10(np.maximum(power, power.max(initial=0.0) * 1e-9 + 1e-20))
    return np.asarray(levels - levels.mean())


def gains_db(have: np.ndarray, want: Sequence[float], tilt_db: float = 0.0) -> tuple[float, ...]:
    """(64,) dB around zero that move spectrum `have` towards `want`, at most 9 dB, plus a tilt around the middle.

    Rounded: a stored plan holds the very numbers that made the sound.
    """
    from scipy.ndimage import gaussian_filter1d

    gain = gaussian_filter1d(np.asarray(want, dtype=np.float64) - have, SMOOTH_BANDS, mode="nearest")
    gain += np.linspace(-tilt_db, tilt_db, gain.size)
    gain = np.clip(gain - gain.mean(), -MOST_DB, MOST_DB)
    return tuple(round(float(level), 3) for level in gain - gain.mean())


def kernel_of(gains: Sequence[float], rate: int) -> np.ndarray:
    """(TAPS,) float32 linear-phase FIR with these gains (dB) in the 64 bands."""
    from scipy.signal import firwin2

    centres = _centres()
    inside = centres < 0.98 * rate / 2.0
    levels = np.asarray(gains, dtype=np.float64)[inside]
    # below the lowest and above the highest band the filter holds its value: it invents nothing where nothing is known
    hertz = np.concatenate(([0.0], centres[inside], [rate / 2.0]))
    levels = np.concatenate(([levels[0]], levels, [levels[-1]]))
    kernel = firwin2(TAPS, hertz, 10.0 ** (levels / 20.0), nfreqs=4097, fs=rate)
    return np.asarray(kernel, dtype=np.float32)


def filtered(samples: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(2, samples) through the filter without delay, float32."""
    return convolved(samples, kernel)


def _centres() -> np.ndarray:
    """Hertz at the middle of each mel band (the analysis' HTK scale, 30 Hz to 11 kHz)."""
    filters = mel_filters()
    hertz = np.arange(filters.shape[0]) * RATE / FFT
    centres = (filters * hertz[:, None]).sum(axis=0) / filters.sum(axis=0)
    return np.asarray(np.maximum.accumulate(centres + np.arange(centres.size) * 1e-3))
