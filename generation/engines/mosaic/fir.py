"""Linear-phase filtering that stays where it is: a change of the input is heard within the filter's length.

Convolution by FFT spreads its rounding over a whole block. Here blocks are short, lie on fixed places, and are
computed in double precision, so what rounding spreads vanishes in the float32 that comes out; and a silent block is
silent to the last bit.
"""

from __future__ import annotations

import numpy as np

SIZE = 4096
AT_ONCE = 32  # blocks, so that they stay in the cache


def convolved(samples: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(channels, n) float32 through a kernel of odd length below SIZE, without delay; zero is assumed around it.

    An output depends on the samples within half a kernel of it, and through rounding (below 1e-15 of the loudest) on
    those within SIZE.
    """
    from scipy import fft

    channels, count = samples.shape
    half = len(kernel) // 2
    step = SIZE - len(kernel) + 1
    response = fft.rfft(kernel.astype(np.float64), SIZE)
    out = np.zeros((channels, count), dtype=np.float32)
    # some blocks at a time: what is worked on stays in the cache, and nothing as large as the sound is made on the way
    near = np.zeros((channels, (AT_ONCE - 1) * step + SIZE), dtype=np.float64)
    views = np.lib.stride_tricks.sliding_window_view(near, SIZE, axis=1)[:, ::step]
    for start in range(0, count, AT_ONCE * step):
        first, last = start - half, start - half + near.shape[1]
        low, high = max(0, first), min(count, last)
        if not samples[:, low:high].any():
            continue
        near[:, : low - first] = 0.0
        near[:, low - first : high - first] = samples[:, low:high]
        near[:, high - first :] = 0.0
        blocks = min(AT_ONCE, -(-(count - start) // step))
        spectrum = fft.rfft(views[:, :blocks], axis=2, workers=1)
        spectrum *= response
        heard = fft.irfft(spectrum, SIZE, axis=2, overwrite_x=True, workers=1)[:, :, len(kernel) - 1 :]
        silent = ~views[:, :blocks].any(axis=(0, 2))
        if silent.any():
            heard[:, silent] = 0.0
        end = min(count, start + blocks * step)
        out[:, start:end] = heard.reshape(channels, -1)[:, : end - start]
    return out
