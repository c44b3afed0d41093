"""Tone generators: additive waves with a moving filter, pads by inverse FFT, two-operator FM, noise.

All are band-limited by construction (nothing above 16 kHz is ever generated), so none of them aliases.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from .model import SAMPLE_RATE, Audio

HOP = 64
TOP_HZ = 16_000.0

Curve = NDArray[np.floating[Any]]


def control_times(samples: int) -> Curve:
    """Times in seconds of the control points that cover a sound (one every 64 samples, one beyond the end)."""
    return np.arange(-(-samples // HOP) + 1) * (HOP / SAMPLE_RATE)


def smooth(curve: Curve, samples: int) -> Audio:
    """Control curve to audio rate, linearly."""
    points = np.arange(len(curve)) * HOP
    return np.interp(np.arange(samples), points, curve).astype(np.float32)


def harmonics(shape: str, count: int) -> Curve:
    """Amplitudes of the harmonic series of a classic waveform."""
    h = np.arange(1, count + 1)
    if shape == "saw":
        return 1.0 / h
    if shape == "square":
        return np.where(h % 2 == 1, 1.0 / h, 0.02 / h)
    if shape == "pulse":
        return np.abs(np.sin(np.pi * h * 0.27)) / h * 1.3
    if shape == "triangle":
        return np.where(h % 2 == 1, 1.0 / h**2, 0.0)
    if shape == "organ":
        drawbars = {1: 1.0, 2: 0.7, 3: 0.35, 4: 0.3, 6: 0.12, 8: 0.1}
        return np.array([drawbars.get(int(i), 0.0) for i in h])
    return np.where(h == 1, 1.0, 0.0)


def wave(
    hz: float | Curve,
    samples: int,
    *,
    cutoff: float | Curve,
    resonance: float = 0.8,
    poles: int = 4,
    shape: str = "saw",
    formants: tuple[Curve, ...] = (),
    phase: float = 0.0,
    decay_tilt: float = 0.0,
    most: int = 96,
) -> Audio:
    """One oscillator through a resonant low-pass whose cutoff may move, as a sum of harmonics.

    hz and cutoff are constants or control curves (see control_times). formants are curves of centre frequencies
    that get a broad peak (a talking bass). decay_tilt makes harmonic h die as exp(-decay_tilt * h * t), which is
    what a plucked string does. Mono, not normalised.
    """
    times = control_times(samples)
    curve_hz = np.broadcast_to(np.asarray(hz, dtype=np.float64), times.shape)
    curve_cut = np.broadcast_to(np.asarray(cutoff, dtype=np.float64), times.shape)
    base = float(curve_hz.mean())
    reach = float(curve_cut.max()) * (3.5 if poles >= 4 else 8.0)
    count = int(max(1, min(most, min(reach, TOP_HZ) // base)))
    if np.ptp(curve_hz) == 0.0:
        turn = np.arange(samples) * (base / SAMPLE_RATE)
    else:
        turn = np.cumsum(np.interp(np.arange(samples), np.arange(len(times)) * HOP, curve_hz)) / SAMPLE_RATE
    angle = ((turn + phase) % 1.0 * (2.0 * np.pi)).astype(np.float32)
    ramp = np.tile((np.arange(HOP) / HOP).astype(np.float32), len(times) - 1)[:samples]
    out = np.zeros(samples, dtype=np.float32)
    for index, amount in enumerate(harmonics(shape, count), start=1):
        if amount == 0.0:
            continue
        ratio = (curve_hz * index) / curve_cut
        gain = 1.0 / ((1.0 - ratio**2) ** 2 + (ratio / resonance) ** 2)
        if poles >= 4:
            gain = gain / (1.0 + ratio**4)
        gain = np.sqrt(gain) * amount
        for centre in formants:
            gain = gain * (0.35 + 2.2 * np.exp(-((np.log2(curve_hz * index / centre) / 0.38) ** 2)))
        if decay_tilt:
            gain = gain * np.exp(-decay_tilt * index * times)
        level = gain.astype(np.float32)
        step = np.repeat(level[:-1], HOP)[:samples] + np.repeat(np.diff(level), HOP)[:samples] * ramp
        out += np.sin(angle * np.float32(index)) * step
    return out


def pad(
    rng: np.random.Generator,
    pitches_hz: tuple[float, ...],
    samples: int,
    *,
    cutoff: float,
    spread_cents: float,
    slope: float = 1.1,
    odd_only: float = 0.0,
    formants: tuple[float, ...] = (),
    width: float = 0.8,
) -> Audio:
    """A whole chord of slowly beating voices, stereo (2, samples), by one inverse FFT per channel.

    PADsynth (Nasca, 2006): each harmonic is a band of random phases instead of a line, which sounds like an
    ensemble. width mixes channel-own phases (1) with common ones (0).
    """
    size = int(fft.next_fast_len(max(samples, SAMPLE_RATE), real=True))
    bins = size // 2 + 1
    hz_per_bin = SAMPLE_RATE / size
    amplitude = np.zeros(bins)
    for base in pitches_hz:
        for h in range(1, int(TOP_HZ // base) + 1):
            centre = base * h
            level = h**-slope / (1.0 + (centre / cutoff) ** 4) ** 0.5
            if h % 2 == 0:
                level *= 1.0 - odd_only
            for formant in formants:
                level *= 0.4 + 2.0 * np.exp(-((np.log2(centre / formant) / 0.45) ** 2))
            if level < 2e-4:
                continue
            sigma = max(1.2, (2.0 ** (spread_cents / 1200.0) - 1.0) * centre / hz_per_bin)
            middle = centre / hz_per_bin
            first, last = max(1, int(middle - 3.5 * sigma)), min(bins - 1, int(middle + 3.5 * sigma) + 1)
            x = (np.arange(first, last) - middle) / sigma
            amplitude[first:last] += level / np.sqrt(sigma) * np.exp(-0.5 * x**2)
    common = rng.uniform(0, 2 * np.pi, bins)
    out = np.empty((2, samples), dtype=np.float32)
    for channel in range(2):
        own = rng.uniform(-np.pi, np.pi, bins)
        spectrum = (amplitude * np.exp(1j * (common + width * own))).astype(np.complex64)
        out[channel] = fft.irfft(spectrum, n=size)[:samples]
    return out


def fm(
    hz: float,
    samples: int,
    *,
    ratio: float,
    index: float | Curve,
    detune: float = 0.0,
    phase: float = 0.0,
) -> Audio:
    """Two-operator FM (Chowning, 1973); index may be a control curve. Mono."""
    t = np.arange(samples) / SAMPLE_RATE
    depth = np.asarray(index, dtype=np.float64)
    limit = max(0.1, (TOP_HZ - hz) / (hz * ratio) - 1.0)  # Carson: keep the sidebands below the top
    amount = np.minimum(depth, limit)
    moving = smooth(amount, samples) if amount.ndim else np.float32(amount)
    modulator = np.sin(2 * np.pi * ((hz * ratio * t + phase) % 1.0)).astype(np.float32)
    carrier = (2 * np.pi * ((hz * (1.0 + detune) * t) % 1.0)).astype(np.float32)
    return np.asarray(np.sin(carrier + moving * modulator), dtype=np.float32)


def noise(rng: np.random.Generator, samples: int) -> Audio:
    """White noise, RMS 1, mono."""
    return rng.standard_normal(samples).astype(np.float32)
