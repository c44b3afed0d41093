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
    blocks = -(-count // step)
    padded = np.zeros((channels, (blocks - 1) * step + SIZE), dtype=np.float32)
    padded[:, half : half + count] = samples
    views = np.lib.stride_tricks.sliding_window_view(padded, SIZE, axis=1)[:, ::step]
    heard = np.flatnonzero([views[:, number].any() for number in range(blocks)])
    response = fft.rfft(kernel.astype(np.float64), SIZE)
    out = np.zeros((channels, blocks, step), dtype=np.float32)
    for start in range(0, len(heard), AT_ONCE):
        some = heard[start : start + AT_ONCE]
        spectrum = fft.rfft(views[:, some].astype(np.float64), axis=2, workers=1)
        spectrum *= response
        out[:, some] = fft.irfft(spectrum, SIZE, axis=2, overwrite_x=True, workers=1)[:, :, len(kernel) - 1 :]
    return np.ascontiguousarray(out.reshape(channels, -1)[:, :count])
