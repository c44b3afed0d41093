"""Loudness by ITU-R BS.1770-4: K weighting, 400 ms blocks, two gates; on energies per block, as mastering needs it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from generation.truepeak import BLOCK, PIECE


def integrated_loudness(samples: np.ndarray, sample_rate: int) -> float | None:
    """Integrated loudness in LUFS (BS.1770-4) of (channels, samples); None below -70 LUFS or under 0.4 s."""
    return gated(block_energies(samples, sample_rate), sample_rate)


def k_weighted(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """BS.1770 K weighting of (channels, samples)."""
    from scipy.signal import sosfilt

    return np.asarray(sosfilt(_filters(sample_rate), samples, axis=1))


def block_energies(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Sum over channels of K-weighted squares in each BLOCK samples (the last is zero-padded). float64 (blocks,)."""
    from scipy.signal import sosfilt

    channels, count = samples.shape
    out = np.zeros(-(-count // BLOCK))
    state = np.zeros((2, channels, 2))
    for start in range(0, count, PIECE):
        piece, state = sosfilt(_filters(sample_rate), samples[:, start : start + PIECE], axis=1, zi=state)
        rows = np.pad(piece, ((0, 0), (0, -piece.shape[1] % BLOCK))).reshape(-1, BLOCK)
        energy = np.einsum("bi,bi->b", rows, rows).reshape(channels, -1).sum(axis=0)
        out[start // BLOCK : start // BLOCK + energy.size] = energy
    return out


@lru_cache(maxsize=4)
def _filters(sample_rate: int) -> np.ndarray:
    """(2, 6): the two biquads of K weighting, designed for `sample_rate` (as libebur128 does).

    float64 coefficients: the 38 Hz section's poles are too close to one for float32.
    """
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
    return np.array([high_shelf, high_pass])


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
