"""Loudness by ITU-R BS.1770-4: K weighting, 400 ms blocks, two gates; on energies per block, as mastering needs it."""

from __future__ import annotations

import numpy as np

from generation.truepeak import BLOCK


def integrated_loudness(samples: np.ndarray, sample_rate: int) -> float | None:
    """Integrated loudness in LUFS (BS.1770-4) of (channels, samples); None below -70 LUFS or under 0.4 s."""
    return gated(block_energies(k_weighted(samples, sample_rate)), sample_rate)


def k_weighted(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """BS.1770 K weighting of (channels, samples): its two biquads, designed for `sample_rate` (as libebur128 does)."""
    from scipy.signal import sosfilt

    tangent = np.tan(np.pi * 1681.974450955533 / sample_rate)
    quality, shelf = 0.7071752369554196, 10.0 ** (3.999843853973347 / 20.0)
    band = shelf**0.4996667741545416
    norm = 1.0 + tangent / quality + tangent**2
    high_shelf = [
        (shelf + band * tangent / quality + tangent**2) / norm,
        2.0 * (tangent**2 - shelf) / norm,
        (shelf - band * tangent / quality + tangent**2) / norm,
        1.0,
        2.0 * (tangent**2 - 1.0) / norm,
        (1.0 - tangent / quality + tangent**2) / norm,
    ]
    tangent, quality = np.tan(np.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    norm = 1.0 + tangent / quality + tangent**2
    high_pass = [
        1.0,
        -2.0,
        1.0,
        1.0,
        2.0 * (tangent**2 - 1.0) / norm,
        (1.0 - tangent / quality + tangent**2) / norm,
    ]
    # float64 coefficients: the 38 Hz section's poles are too close to one for float32
    return np.asarray(sosfilt(np.array([high_shelf, high_pass]), samples, axis=1))


def gated(energy: np.ndarray, sample_rate: int) -> float | None:
    """BS.1770-4 gating over summed squares per BLOCK samples: 400 ms blocks each 100 ms, gates -70 LUFS, -10 LU."""
    step = sample_rate * 0.1 / BLOCK
    total = np.concatenate(([0.0], np.cumsum(energy, dtype=np.float64)))
    starts = np.round(np.arange(0.0, max(0.0, energy.size - 4 * step) + 1e-9, step)).astype(int)
    ends = starts + round(4 * step)
    keep = ends < total.size
    if not keep.any():
        return None
    power = (total[ends[keep]] - total[starts[keep]]) / ((ends - starts)[keep] * BLOCK)
    loud = power > 10.0 ** ((-70.0 + 0.691) / 10.0)
    if not loud.any():
        return None
    relative = power[loud].mean() * 0.1
    loud &= power > relative
    return float(-0.691 + 10.0 * np.log10(power[loud].mean())) if loud.any() else None


def block_energies(samples: np.ndarray) -> np.ndarray:
    """Sum over channels of squares in each BLOCK samples (the last is zero-padded). float64 (blocks,)."""
    rows = np.pad(samples, ((0, 0), (0, -samples.shape[1] % BLOCK))).reshape(-1, BLOCK)
    return np.einsum("bi,bi->b", rows, rows).reshape(len(samples), -1).sum(axis=0, dtype=np.float64)
