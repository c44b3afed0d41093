"""Percussive and harmonic halves of a few bars, and the bass under them, by median filtering and band splitting.

Fitzgerald, "Harmonic/percussive separation using median filtering" (DAFx 2010), with Wiener masks. The halves add up
to the input exactly (the harmonic one is the remainder), and so do bass and the rest. A moving median from bottleneck
replaces the usual two-dimensional one: same values inside, eight times faster.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from generation.engines.mosaic.fir import convolved

FFT = 2048
HOP = 512
HEARD = 744  # bins below 16 kHz; above it one mask serves all
KERNEL = 25  # frames, and bins
RUMBLE_HZ = 24.0
BASS_HZ = 170.0
BASS_TAPS = 1025


def separate(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(percussive, harmonic) of (channels, samples) float32 at 44.1 kHz; their sum is the input."""
    from scipy import fft

    channels, count = samples.shape
    if count == 0:
        return samples.copy(), samples.copy()
    window = _window()
    frames = -(-count // HOP) + FFT // HOP - 1
    padded = np.zeros((channels, (frames - 1) * HOP + FFT), dtype=np.float32)
    lead = FFT - HOP
    padded[:, lead : lead + count] = samples
    view = np.lib.stride_tricks.sliding_window_view(padded, FFT, axis=1)[:, ::HOP]
    spectrum = fft.rfft(view * window, axis=2, workers=1)
    # one mask for all channels: separate masks would make the image wander
    magnitude = np.abs(spectrum[:, :, :HEARD]).sum(axis=0)
    along_time = _median(magnitude, axis=0)
    along_frequency = _median(magnitude, axis=1)
    np.square(along_time, out=along_time)
    np.square(along_frequency, out=along_frequency)
    mask = along_frequency / (along_frequency + along_time + np.float32(1e-9))
    spectrum[:, :, :HEARD] *= mask
    spectrum[:, :, HEARD:] *= mask[:, -64:].mean(axis=1, keepdims=True)
    pieces = fft.irfft(spectrum, n=FFT, axis=2, overwrite_x=True, workers=1)
    pieces *= window
    percussive = _overlap_add(pieces)[:, lead : lead + count] / np.float32(_overlap_gain())
    percussive = np.ascontiguousarray(percussive, dtype=np.float32)
    return percussive, samples - percussive


def without_rumble(samples: np.ndarray) -> np.ndarray:
    """(2, n) float32 without what lies below 24 Hz: it is not heard, but equalising and limiting would act on it.

    Without phase shift, so that the kicks found in the track still fit; done at 689 Hz, where a short filter is steep.
    """
    from scipy.signal import firwin, oaconvolve, resample_poly

    low = resample_poly(samples, 1, 64, axis=1)
    kernel = firwin(201, RUMBLE_HZ, fs=44_100 / 64).astype(np.float32)
    low = oaconvolve(low, kernel[None, :], mode="same", axes=1).astype(np.float32)
    return np.ascontiguousarray(
        samples - resample_poly(low, 64, 1, axis=1)[:, : samples.shape[1]], dtype=np.float32
    )


def split_bass(harmonic: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bass, rest) of (channels, samples): a linear-phase low-pass at 170 Hz and what it leaves; they sum exactly."""
    bass = low_passed(harmonic, BASS_HZ, BASS_TAPS)
    return bass, harmonic - bass


def low_passed(samples: np.ndarray, cutoff_hz: float, taps: int, sample_rate: int = 44_100) -> np.ndarray:
    """(channels, samples) through a linear-phase FIR low-pass without delay, float32, same shape."""
    return convolved(samples, _low_pass(cutoff_hz, taps, sample_rate))


@lru_cache(maxsize=32)
def _low_pass(cutoff_hz: float, taps: int, sample_rate: int) -> np.ndarray:
    from scipy.signal import firwin

    return np.asarray(firwin(taps, cutoff_hz, fs=sample_rate), dtype=np.float32)


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT), dtype=np.float32)


@lru_cache(maxsize=1)
def _overlap_gain() -> float:
    # squared Hann windows at a quarter of their length add up to a constant
    return float(np.square(_window()).reshape(-1, HOP).sum(axis=0).mean())


def _median(values: np.ndarray, *, axis: int) -> np.ndarray:
    """Centred moving median with the edges reflected."""
    import bottleneck

    half = KERNEL // 2
    size = values.shape[axis]
    reach = min(half, size - 1)
    widths = [(0, 0), (0, 0)]
    widths[axis] = (reach, reach)
    padded = np.pad(values, widths, mode="reflect") if reach else values
    if reach < half:
        widths[axis] = (half - reach, half - reach)
        padded = np.pad(padded, widths, mode="edge")
    moved = bottleneck.move_median(padded, KERNEL, axis=axis)
    return np.ascontiguousarray(moved[KERNEL - 1 :] if axis == 0 else moved[:, KERNEL - 1 :])


def _overlap_add(frames: np.ndarray) -> np.ndarray:
    """(channels, frames, FFT) at HOP -> (channels, samples)."""
    channels, count, _ = frames.shape
    parts = FFT // HOP
    split = frames.reshape(channels, count, parts, HOP)
    out = np.zeros((channels, count + parts - 1, HOP), dtype=np.float32)
    for part in range(parts):
        out[:, part : part + count] += split[:, :, part]
    return out.reshape(channels, -1)
