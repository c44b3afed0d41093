"""The last stage: glue, loudness target, true-peak ceiling."""

from __future__ import annotations

import numpy as np
import soxr
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from .dsp import decibels, highpass, k_weighted, knee_clip, tone
from .model import SAMPLE_RATE, Audio

CEILING_DBTP = -1.0
BLOCK = 16


def loudness(samples: Audio) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4: 400 ms blocks, 75 % overlap, two gates); -inf for silence."""
    weighted = k_weighted(samples)
    step = SAMPLE_RATE // 10
    count = weighted.shape[-1] // step
    power = (
        np.square(weighted[:, : count * step])
        .reshape(weighted.shape[0], count, step)
        .mean(axis=2, dtype=np.float64)
        .sum(axis=0)
    )
    blocks = np.convolve(power, np.full(4, 0.25), mode="valid") if count >= 4 else power
    loud = blocks[blocks > 10.0 ** ((-70.0 + 0.691) / 10.0)]
    if not len(loud):
        return float("-inf")
    loud = loud[loud > loud.mean() * 0.1]
    return float(-0.691 + 10.0 * np.log10(loud.mean()))


def mono_below(samples: Audio, hz: float) -> Audio:
    """Remove the side signal below a frequency, so that the bass sits in the middle."""
    middle = 0.5 * (samples[0] + samples[1])
    side = highpass(0.5 * (samples[0] - samples[1]), hz)
    return np.stack([middle + side, middle - side])


def limit(samples: Audio, ceiling: float, *, between: bool = False) -> Audio:
    """Look-ahead peak limiter: running minimum of the needed gain, smoothed over +-4 ms.

    The gain is computed per block of 16 samples and drawn linearly between the blocks; the minimum reaches one
    block further than the smoothing, so no sample is ever given more gain than it can bear. between=True also
    sees the peaks between the samples (four times oversampled).
    """
    peak = _block_peaks(samples, BLOCK)
    if between:
        fine = _block_peaks(soxr.resample(samples.T, 1, 4, quality="MQ").T, 4 * BLOCK)
        shared = min(len(peak), len(fine))
        peak[:shared] = np.maximum(peak[:shared], fine[:shared])
    need = np.minimum(1.0, ceiling / np.maximum(peak, 1e-9))
    if need.min() >= 1.0:
        return samples
    reach = round(0.004 * SAMPLE_RATE / BLOCK)
    gain = uniform_filter1d(minimum_filter1d(need, 2 * (reach + 1) + 1), 2 * reach + 1)
    centres = (np.arange(len(gain)) + 0.5) * BLOCK
    drawn = np.interp(np.arange(samples.shape[1]), centres, gain).astype(np.float32)
    return np.asarray(samples * drawn, dtype=np.float32)


def _block_peaks(samples: Audio, block: int) -> Audio:
    """Largest magnitude of any channel per block; the last block may be short."""
    whole = samples.shape[1] // block * block
    top = np.maximum(samples.max(axis=0), -samples.min(axis=0))
    peaks = top[:whole].reshape(-1, block).max(axis=1)
    return np.append(peaks, top[whole:].max()) if whole < len(top) else peaks


def master(samples: Audio, *, lufs: float, drive: float, air_db: float = 0.0, low_db: float = 0.0) -> Audio:
    """Bring a mix to its loudness with tone control, saturation and a limiter; stays below -1 dBTP."""
    mix = tone(
        mono_below(samples, 130.0), low_cut=24.0, shelves=((75.0, low_db, False), (2600.0, air_db, True))
    )
    mix *= np.float32(decibels(-16.0 - loudness(mix)))
    ceiling = decibels(CEILING_DBTP - 0.15)
    goal = lufs
    for _ in range(3):
        pushed = knee_clip(mix * np.float32(decibels(goal + 16.0)), min(0.8, 0.7 / drive))
        short = lufs - loudness(limit(pushed, ceiling))
        if abs(short) < 0.3:
            break
        goal += float(np.clip(1.4 * short, -3.0, 3.0))
    return np.ascontiguousarray(limit(pushed, ceiling, between=True), dtype=np.float32)
