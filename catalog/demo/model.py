"""The values every part of the synthesiser speaks: keys, clocks, sections, tracks, artists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 44_100
STEPS_PER_BAR = 16

Audio = NDArray[np.floating[Any]]
"""float32 throughout; mono sounds are (samples,), everything else (channels, samples)."""

PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator of its own for every named purpose, so that a new layer never reshuffles the old ones."""
    words = [seed & 0xFFFFFFFF, seed >> 32] + [crc32(str(name).encode()) for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


@dataclass(frozen=True)
class DemoKey:
    """Tonic 0..11 (0 = C) and mode "major" or "minor"."""

    tonic: int
    mode: str

    @property
    def name(self) -> str:
        return f"{PITCH_NAMES[self.tonic]} {self.mode}"


class Section(NamedTuple):
    """One part of a track: its name, its start in seconds and its length in bars."""

    name: str
    start: float
    bars: int


@dataclass(frozen=True)
class Clock:
    """A constant 4/4 grid. Every position is rounded on its own, so no error accumulates."""

    bpm: float
    lead_in: float = 0.0

    @property
    def step_seconds(self) -> float:
        return 15.0 / self.bpm

    @property
    def bar_seconds(self) -> float:
        return 240.0 / self.bpm

    def seconds(self, bar: int, step: float = 0.0) -> float:
        return self.lead_in + (bar * STEPS_PER_BAR + step) * self.step_seconds

    def at(self, bar: int, step: float = 0.0) -> int:
        """Sample index of a sixteenth (fractions allowed) of a bar."""
        return round(self.seconds(bar, step) * SAMPLE_RATE)

    def span(self, steps: float) -> int:
        """Length in samples of a number of sixteenths."""
        return round(steps * self.step_seconds * SAMPLE_RATE)


@dataclass(frozen=True)
class Rendered:
    """A finished track with everything that is known about it.

    samples: (2, n) float32 at 44.1 kHz. downbeats: seconds, one per bar. truth: JSON-able facts (bpm, key,
    felt, chords per bar, kick and snare times, seeds).
    """

    samples: Audio
    bpm: float
    key: DemoKey
    downbeats: tuple[float, ...]
    sections: tuple[Section, ...]
    truth: dict[str, Any]
    sample_rate: int = SAMPLE_RATE


@dataclass(frozen=True)
class DemoTrack:
    """The recipe of one track; rendering it twice gives the same samples."""

    title: str
    artist: str
    style: str
    bpm: float
    key: DemoKey
    form: str
    seed: int
    artist_seed: int
    genres: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class DemoArtist:
    """A fictitious artist: one sound, twelve tracks."""

    slug: str
    name: str
    genre: str
    bio: str
    seed: int
    tracks: tuple[DemoTrack, ...]
