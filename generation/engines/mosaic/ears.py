"""How a mix will be judged before it is mastered: energy, key and embedding, on a small copy of its stems.

Stems are brought to 22 kHz once, in stereo, for the limiter works on what the sides reach; after that, hearing the mix
with other levels costs a fraction of a second, and no full sample is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from catalog.analysis.bars import bars_of
from catalog.analysis.embedding import embed
from catalog.analysis.energy import measures_of, raw_energy
from catalog.analysis.frontend import RATE, Front, front_end, to_mono
from catalog.analysis.grid import Grid
from catalog.analysis.key import Chroma, chroma_of, key_of
from catalog.analysis.keys import Key
from catalog.analysis.loudness import measure
from catalog.similarity import Background
from generation.engines.mosaic.arrange import quiet_curve
from generation.engines.mosaic.dial import FORWARD, Levels
from generation.engines.mosaic.eq import filtered, gains_db, kernel_of, spectrum_of
from generation.engines.mosaic.plan import SAMPLE_RATE, Plan
from generation.mastering import gain_curve

REST = "rest"
_FLAT = np.full((1, 12), 1.0 / 12.0, dtype=np.float32)
_NO_CHROMA = Chroma(_FLAT, _FLAT, 0.0)  # it plays no part in the energy


@dataclass(frozen=True)
class Heard:
    """energy: 0..1 as the analysis tells it. vector: (242,) embedding. key: None where nothing tonal sounds.

    quietest: dBFS RMS of the quietest second before the last bar has ended. rest: seconds at which it begins.
    """

    energy: float
    key: Key | None
    vector: np.ndarray
    quietest: float
    rest: float


class Ears:
    """The stems of one mix, small, and its equaliser."""

    def __init__(self, plan: Plan, stems: Mapping[str, np.ndarray]) -> None:
        self._plan = plan
        self._last: tuple[Levels, Heard] | None = None
        # what the dial leaves alone stays together
        apart = {name: stem for name, stem in stems.items() if name in FORWARD and stem.any()}
        together = [stem for name, stem in stems.items() if name not in FORWARD and stem.any()]
        if together:
            apart[REST] = np.sum(together, axis=0) if len(together) > 1 else together[0]
        small = {name: _small(stem) for name, stem in apart.items()}
        have = spectrum_of(to_mono(np.asarray(sum(small.values())), RATE))
        # an edit keeps the equaliser of the take it changes
        self.eq_db = plan.eq_db or gains_db(have, plan.spectrum, plan.tilt_db)
        kernel = kernel_of(self.eq_db, RATE)
        self._small = {name: filtered(stem, kernel) for name, stem in small.items()}

    def mastered(self, levels: Levels) -> np.ndarray:
        """(2, n) the master at 22 kHz, with stems and quiet sections moved."""
        total = np.zeros_like(next(iter(self._small.values())))
        for name, stem in self._small.items():
            total += stem * np.float32(10.0 ** (levels.trims_db.get(name, 0.0) / 20.0))
        if levels.quiet_db:
            total *= quiet_curve(self._plan, levels.quiet_db, RATE, total.shape[1])
        return total * gain_curve(total, RATE, levels.lufs)

    def energy(self, levels: Levels) -> float:
        mastered = self.mastered(levels)
        return self._energy(mastered, front_end(mastered, RATE))

    def quietest(self, levels: Levels) -> tuple[float, float]:
        """(dBFS, seconds) of the quietest second before the last bar has ended."""
        return self._quietest(self.mastered(levels))

    def hear(self, levels: Levels) -> Heard:
        """At the same levels as the time before, what was heard then: the dial begins where its mix was judged."""
        if self._last is None or self._last[0] != levels:
            self._last = levels, self._heard(levels)
        return self._last[1]

    def _heard(self, levels: Levels) -> Heard:
        mastered = self.mastered(levels)
        front = front_end(mastered, RATE)
        chroma = chroma_of(front)
        key, _ = (None, None) if front.silent else key_of(chroma)
        return Heard(self._energy(mastered, front), key, embed(front, chroma), *self._quietest(mastered))

    def _quietest(self, mastered: np.ndarray) -> tuple[float, float]:
        end = round(self._plan.bars * self._plan.grid.bar_seconds * RATE)
        return quietest_second(mastered[:, :end], RATE)

    def _energy(self, mastered: np.ndarray, front: Front) -> float:
        """Energy by the analysis' own measures; the grid is known."""
        grid = Grid(60.0 / self._plan.bpm, 0.0, steady=True)
        raw = raw_energy(measures_of(front, bars_of(front, _NO_CHROMA, grid, 0.0), measure(mastered, RATE)))
        return 0.0 if raw is None else Background.load().energy_percentile(raw)


def quietest_second(samples: np.ndarray, rate: int) -> tuple[float, float]:
    """(dBFS RMS, start in seconds) of the quietest second of (channels, n), looked at every tenth.

    Level 0 for less than a second.
    """
    tenths = samples.shape[1] // (rate // 10)
    if tenths < 10:
        return 0.0, 0.0
    rows = np.square(samples[:, : tenths * (rate // 10)], dtype=np.float64).mean(axis=0)
    power = np.convolve(rows.reshape(tenths, -1).mean(axis=1), np.full(10, 0.1), mode="valid")
    at = int(power.argmin())
    return float(10.0 * np.log10(power[at] + 1e-12)), at / 10.0


def _small(stem: np.ndarray) -> np.ndarray:
    """(2, n) float32 of (2, samples), at the analysis' rate."""
    return np.stack([to_mono(side, SAMPLE_RATE) for side in stem])
