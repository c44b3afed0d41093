"""How much a cell may change before it is heard: a simple psychoacoustic model.

After J. Johnston, "Transform Coding of Audio Signals Using Perceptual Noise Criteria" (IEEE JSAC 6, 1988): energy in
bands of one Bark, spread to neighbours (M. Schroeder et al., 1979), lowered by 5.5 dB for noise and by 14.5 + z dB
for tones, told apart by spectral flatness. The change of a marked band is the signal itself, a little louder or
softer, and its level is held against that threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .layout import BAND_HERTZ, BANDS, FRAME, LOWEST_HERTZ, RATE

_BARKS = 24
_FLOOR = 1e-20
_FADING = 10.0  # dB from frame to frame (23 ms): masking outlasts its masker


@dataclass(frozen=True)
class Audibility:
    """The mark's level against the masking threshold, in dB: below 0 it is masked.

    worst: of the loudest Bark band at any moment; mean: over all that were changed. strength: mean size of the
    gains in dB, over the cells that were changed; share: of the cells.
    """

    worst_db: float
    mean_db: float
    strength_db: float
    share: float

    def to_json(self) -> dict[str, float]:
        return {
            "worst_db": round(self.worst_db, 1),
            "mean_db": round(self.mean_db, 1),
            "strength_db": round(self.strength_db, 3),
            "share": round(self.share, 3),
        }


def barks() -> np.ndarray:
    """(bins,) which of the Bark bands each bin of a transform of FRAME samples lies in (E. Zwicker)."""
    hertz = np.arange(FRAME // 2 + 1) * RATE / FRAME
    z = 13.0 * np.arctan(0.00076 * hertz) + 3.5 * np.arctan((hertz / 7500.0) ** 2)
    return np.minimum(z.astype(np.int64), _BARKS - 1)


@lru_cache(maxsize=1)
def starts() -> np.ndarray:
    """First bin of each Bark band, for np.add.reduceat."""
    return np.searchsorted(barks(), np.arange(_BARKS))


@lru_cache(maxsize=1)
def band_barks() -> np.ndarray:
    """(BANDS,) the Bark band in which the middle of each band of the mark lies."""
    middle = LOWEST_HERTZ + (np.arange(BANDS) + 0.5) * BAND_HERTZ
    return np.asarray(barks()[np.rint(middle * FRAME / RATE).astype(np.int64)])


@lru_cache(maxsize=1)
def _spreading() -> np.ndarray:
    distance = np.arange(_BARKS)[None, :] - np.arange(_BARKS)[:, None] + 0.474  # from the masker up
    level = 15.81 + 7.5 * distance - 17.5 * np.sqrt(1.0 + distance**2)
    spread = 10.0 ** (level / 10.0)
    return np.asarray(spread / spread.sum(axis=0))  # a flat spectrum stays as it is


def thresholds(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(energy, threshold) per Bark band, both (frames, 24), of (frames, bins) power spectra."""
    first = starts()
    width = np.diff(first, append=power.shape[1])
    energy = np.add.reduceat(power, first, axis=1)
    logs = np.add.reduceat(np.log(power + _FLOOR), first, axis=1) / width
    flatness = 10.0 / np.log(10.0) * (logs - np.log(energy / width + _FLOOR))  # dB, at most 0
    # one band has few bins, so noise itself is not flat: -2.5 dB on average
    tonal = np.clip((flatness + 2.5) / -15.0, 0.0, 1.0)
    offset = tonal * (14.5 + np.arange(_BARKS)) + (1.0 - tonal) * 5.5
    return energy, (energy @ _spreading()) * 10.0 ** (-offset / 10.0)


def afterwards(limit: np.ndarray) -> np.ndarray:
    """(frames, 24) thresholds, where what was loud a moment ago still masks (Zwicker & Fastl, Psychoacoustics)."""
    ramp = np.arange(len(limit))[:, None] * (_FADING * np.log(10.0) / 10.0)
    return np.asarray(np.exp(np.maximum.accumulate(np.log(limit + _FLOOR) + ramp, axis=0) - ramp))
