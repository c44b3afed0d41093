"""The sonic palette: share of power in seven bands, over the whole track at full bandwidth."""

from __future__ import annotations

import numpy as np
import scipy.fft

from catalog.analysis.frontend import frames_of, hann
from catalog.analysis.model import BANDS, Floats

_FFT = 8192  # 5.4 Hz at 44.1 kHz: the 20-60 Hz band needs several bins


def palette_of(samples: Floats, sample_rate: int) -> dict[str, float]:
    """Power share of each band, summing to 1; zeros for silence. samples: (channels, samples).

    Power of the channels is added, not of their sum: a wide pad out of phase still counts. Bands
    above the source's bandwidth read 0.
    """
    power = np.zeros(_FFT // 2 + 1)
    frames = max(1, samples.shape[-1] // _FFT)
    for channel in samples:
        signal = np.ascontiguousarray(channel, dtype=np.float32)
        for start in range(0, frames, 32):
            count = min(32, frames - start)
            spectrum = scipy.fft.rfft(frames_of(signal, _FFT, _FFT, start, count) * hann(_FFT), axis=1)
            power += np.sum(np.square(spectrum.real) + np.square(spectrum.imag), axis=0, dtype=np.float64)
    power = np.nan_to_num(power, nan=0.0, posinf=0.0, neginf=0.0)
    hz = np.arange(len(power)) * sample_rate / _FFT
    sums = {name: float(power[(hz >= low) & (hz < high)].sum()) for name, low, high in BANDS}
    total = sum(sums.values())
    return {name: (value / total if total > 1e-12 else 0.0) for name, value in sums.items()}
