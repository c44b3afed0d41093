"""From patterns to hits: variation, fills, rolls and humanised velocity for every bar of a track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrangement import Bar
from .grooves import GROOVES, PERCUSSION, Option
from .model import stream


@dataclass(frozen=True)
class Hit:
    """One stroke: which shot, at which sixteenth of which bar, how hard (0..1)."""

    bar: int
    step: float
    name: str
    velocity: float


PARTS = {
    "kick": "kick",
    "snare": "snare",
    "clap": "snare",
    "rim": "snare",
    "ghost": "snare",
    "hat": "hats",
    "open": "hats",
}


class Drummer:
    """Keeps one groove for a whole track, picked by seed, and plays it bar by bar."""

    def __init__(self, seed: int, *, groove: str, percussion: str, swing: float, busy: float = 1.0) -> None:
        rng = stream(seed, "drummer")
        self._rng = stream(seed, "strokes")
        self._options: dict[str, Option] = {}
        for part, options in GROOVES[groove].items():
            self._options[part] = options[int(rng.integers(len(options)))]
        sets = PERCUSSION[percussion]
        self._percussion = sets[int(rng.integers(len(sets)))]
        self._fill = str(rng.choice(["toms", "snares", "hands", "stop"]))
        self._swing, self._busy, self.groove = swing, busy, groove
        self._fours = groove in ("four", "techno", "disco")

    def bar(self, bar: Bar) -> list[Hit]:
        """All strokes of one bar, already scaled by the arrangement."""
        if self.groove == "none":
            return self._perc(bar)
        hits: list[Hit] = []
        for part, option in self._options.items():
            level = {"kick": bar.kick, "snare": bar.snare, "hats": bar.hats}[PARTS[part]]
            if level <= 0.0:
                continue
            for step, velocity in self._read(option, bar.index_in_section):
                if part in ("ghost", "open") and self._rng.random() > self._busy:
                    continue
                if bar.gap and step >= 12:
                    continue
                hits.append(self._hit(bar, part, step, velocity * level))
        hits += self._perc(bar)
        if bar.roll:
            hits += self._roll(bar)
        if bar.fill:
            hits = [hit for hit in hits if hit.step < 12 or hit.name in ("hat", "shaker")]
            hits += self._fill_in(bar)
        if bar.ride > 0.0 and not bar.gap:
            hits += [
                self._hit(bar, "ride", step, 0.55 * bar.ride)
                for step in range(0, 16, 2 if self.groove == "twostep" else 4)
            ]
        if bar.crash:
            hits.append(Hit(bar.number, 0.0, "crash", 0.6))
        return hits

    def _perc(self, bar: Bar) -> list[Hit]:
        if bar.perc <= 0.0:
            return []
        hits = []
        for name, option in self._percussion.items():
            for step, velocity in self._read(option, bar.index_in_section):
                if not (bar.gap and step >= 12) and self._rng.random() < 0.94:
                    hits.append(self._hit(bar, name, step, velocity * bar.perc))
        return hits

    @staticmethod
    def _read(option: Option, index: int) -> list[tuple[int, float]]:
        line = option[index % len(option)]
        return [(step, int(char) / 9.0) for step, char in enumerate(line[:16]) if char.isdigit()]

    def _hit(self, bar: Bar, name: str, step: float, velocity: float) -> Hit:
        late = self._swing if step % 2 == 1 else 0.0
        human = float(
            np.clip(
                1.0 + self._rng.normal(0.0, 0.03 if name in ("kick", "snare", "clap") else 0.09), 0.75, 1.2
            )
        )
        return Hit(bar.number, step + late, name, min(1.0, velocity * human))

    def _roll(self, bar: Bar) -> list[Hit]:
        """Snare roll of a build: quarters, eighths, then sixteenths, getting louder."""
        left = bar.bars_in_section - bar.index_in_section
        every = 4 if left > 2 else 2 if left == 2 else 1
        first = bar.index_in_section / bar.bars_in_section
        end = 12 if bar.gap else 16
        name = "clap" if self._fours else "snare"
        return [
            self._hit(bar, name, step, 0.22 + 0.38 * (first + step / 16 / bar.bars_in_section))
            for step in range(0, end, every)
        ]

    def _fill_in(self, bar: Bar) -> list[Hit]:
        """The last beat of a phrase."""
        level = max(bar.snare, 0.6 * bar.perc, 0.3)
        if self._fill == "toms":
            line: list[tuple[float, str, float]] = [
                (12, "tom", 0.8),
                (13, "tom", 0.6),
                (14, "mid", 0.75),
                (15, "low", 0.8),
            ]
        elif self._fill == "snares":
            line = [(12, "snare", 0.6), (13, "ghost", 0.5), (14, "snare", 0.65), (15, "snare", 0.75)]
        elif self._fill == "hands":
            line = [
                (12, "high", 0.7),
                (12.667, "high", 0.6),
                (13.333, "mid", 0.7),
                (14, "slap", 0.7),
                (15, "low", 0.8),
            ]
        else:
            line = [(12, "rim", 0.7), (14, "open", 0.55)]
        return [self._hit(bar, name, step, velocity * level) for step, name, velocity in line]
