"""Whether a window still is the music that began: by level, by balance of low and high, and by tempo and key.

Sections are asked to differ, so level and balance may move far. Tempo and key are what the beginning was chosen and is
corrected by; they are judged where the window is long enough and both are sure of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from catalog.analysis import TrackAnalysis
from catalog.analysis.keys import Key
from generation.engines.neural import exact
from generation.engines.neural.exact import SAMPLE_RATE

LEVEL_DB = (-24.0, 9.0)  # against the beginning: below it has died away, above it runs away
BALANCE_DB = 15.0  # root mean square over octaves
MOST_TEMPO = 0.03
LONG_ENOUGH_SECONDS = 10.0
SURE_TEMPO, SURE_KEY = 0.5, 0.5
OCTAVES = 45.0 * 2.0 ** np.arange(9)  # edges in Hz
FLOOR_DB = -50.0


@dataclass(frozen=True)
class Drift:
    """What is outside of what the beginning allows; 0 inside, and where it cannot be told.

    level_db, balance_db: decibels beyond the limits. tempo: share by which it is faster. semitones: from its key.
    """

    level_db: float = 0.0
    balance_db: float = 0.0
    tempo: float = 0.0
    semitones: int = 0

    @property
    def size(self) -> float:
        """To choose the least among tries; a percent of tempo or a semitone counts as a decibel."""
        return abs(self.level_db) + self.balance_db + 100.0 * abs(self.tempo) + abs(self.semitones)

    @property
    def words(self) -> str:
        """In what, for a sentence; "" for none."""
        found = []
        if self.level_db:
            found.append(f"level ({self.level_db:+.0f} dB beyond what a section may differ by)")
        if self.balance_db:
            found.append("the balance of low and high")
        if self.tempo:
            found.append(f"tempo ({abs(self.tempo):.0%} {'faster' if self.tempo > 0 else 'slower'})")
        if self.semitones:
            found.append(f"key ({self.semitones:+d} semitone{'' if abs(self.semitones) == 1 else 's'})")
        return found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1] if found else ""

    def to_json(self) -> dict[str, Any]:
        return {
            "level_db": round(self.level_db, 2),
            "balance_db": round(self.balance_db, 2),
            "tempo": round(self.tempo, 4),
            "semitones": self.semitones,
        }


@dataclass(frozen=True, eq=False)
class Beginning:
    """What windows are held against. bpm, key: None where the beginning is not sure, and where it is left as it is."""

    level: float
    balance: np.ndarray
    bpm: float | None
    key: Key | None

    @classmethod
    def of(cls, sound: np.ndarray, found: TrackAnalysis, *, in_time: bool) -> Beginning:
        """in_time: whether it is, or can be brought, in the asked tempo and key."""
        bpm, key = _sure(found) if in_time else (None, None)
        return cls(level(sound), balance(sound), bpm, key)

    def drift(self, sound: np.ndarray) -> Drift:
        """Of a window, (2, n) float32 at 44.1 kHz."""
        low, high = LEVEL_DB
        change = level(sound) - self.level
        beyond = min(0.0, change - low) + max(0.0, change - high)
        far = float(np.sqrt(np.mean(np.square(balance(sound) - self.balance))))
        tempo, semitones = self._time(sound)
        return Drift(beyond, max(0.0, far - BALANCE_DB), tempo, semitones)

    def _time(self, sound: np.ndarray) -> tuple[float, int]:
        known = self.bpm is not None or self.key is not None
        if not known or sound.shape[1] < LONG_ENOUGH_SECONDS * SAMPLE_RATE:
            return 0.0, 0
        bpm, key = _sure(exact.measured(sound, self.bpm or 120.0))
        faster = bpm / self.bpm - 1.0 if bpm and self.bpm else 0.0
        return faster if abs(faster) > MOST_TEMPO else 0.0, -(exact.semitones_to(key, self.key) or 0)


def level(sound: np.ndarray) -> float:
    """Decibels below full scale."""
    if not sound.size:
        return -120.0
    return float(20.0 * np.log10(max(1e-6, float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))))))


def balance(sound: np.ndarray) -> np.ndarray:
    """Decibels of each octave against the whole, whatever the level."""
    from scipy.signal import welch

    mono = sound.mean(axis=0)
    if mono.size < 2 or not float(np.abs(mono).max()) > 1e-6:
        return np.full(len(OCTAVES) - 1, FLOOR_DB)
    hz, power = welch(mono, SAMPLE_RATE, nperseg=min(8192, mono.size))
    sums = np.array([power[(hz >= low) & (hz < high)].sum() for low, high in pairwise(OCTAVES)])
    return np.maximum(FLOOR_DB, 10.0 * np.log10(sums / power.sum() + 1e-12))


def _sure(found: TrackAnalysis) -> tuple[float | None, Key | None]:
    bpm = found.bpm if found.bpm_confidence >= SURE_TEMPO else None
    return bpm, found.key if found.key and found.key.confidence >= SURE_KEY else None
