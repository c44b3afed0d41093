"""The outline of a track, for drawing its waveform."""

from __future__ import annotations

import numpy as np


def peaks(samples: np.ndarray, buckets: int = 1000) -> list[int]:
    """Largest absolute value in each of `buckets` equal parts of `samples` (channels, n), 0..127.

    127 is full scale or more. Always `buckets` numbers, also for very short sounds.
    """
    length = samples.shape[-1]
    if not length:
        return [0] * buckets
    edges = np.linspace(0, length, buckets, endpoint=False).astype(np.int64)
    loudest = np.zeros(buckets, np.float64)
    for channel in np.atleast_2d(samples):
        np.maximum(loudest, np.maximum.reduceat(channel, edges), out=loudest)
        np.maximum(loudest, -np.minimum.reduceat(channel, edges), out=loudest)
    return [int(value) for value in np.rint(np.clip(np.nan_to_num(loudest), 0.0, 1.0) * 127)]
