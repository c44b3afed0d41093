"""CPU seconds of a take, alone and on a warm catalog, beside librosa cutting and stretching as much sound.

The peer is what a straightforward script would do: HPSS of every channel, and both halves through the phase vocoder.
It makes no choice, no mix and no master; its seconds on the same machine say how fast this machine is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from bench.mosaic import sound
from bench.mosaic.catalogs import RATE, Catalog
from bench.mosaic.takes import Request, brief_of, cpu_seconds, made

T = TypeVar("T")
PEER_STRETCH = 1.05
# what is wanted in CPU seconds
CASES = (
    ("60 s, best of several", 60.0, True, 12.0),
    ("60 s, single", 60.0, False, 3.0),
    ("180 s, single", 180.0, False, 8.0),
)


@dataclass(frozen=True)
class Spent:
    """cpu: seconds of the second of two takes of one request. equal: whether both are the same samples."""

    catalog: str
    name: str
    seconds: float
    cpu: float
    peer: float
    wanted: float
    equal: bool

    @property
    def fine(self) -> bool:
        return self.cpu <= self.wanted and self.equal

    def __str__(self) -> str:
        return (
            f"{self.catalog:<16} {self.name:<24} {self.cpu:6.2f} s CPU   wanted {self.wanted:4.0f}   "
            f"{self.seconds / self.cpu:5.1f} × real time   "
            f"{self.cpu / self.peer:5.2f} of librosa's {self.peer:.2f} s   "
            f"twice the same: {'yes' if self.equal else 'NO'}   {'ok' if self.fine else 'MISSED'}"
        )


def spent(catalog: Catalog) -> list[Spent]:
    """Each case twice in this process; the second time counts."""
    found = []
    peer(looped(catalog, 1.0))  # it compiles itself when first called
    peers: dict[float, float] = {}
    for name, seconds, judged, wanted in CASES:
        brief = replace(brief_of(catalog, 5), duration_seconds=seconds)
        request = Request(name, brief, judged=judged)
        first = sound.digest(made(catalog, request).audio)
        cpu, take = timed(partial(made, catalog, request))
        if seconds not in peers:
            samples = looped(catalog, seconds)
            peers[seconds], _ = timed(partial(peer, samples))
        found.append(
            Spent(catalog.name, name, seconds, cpu, peers[seconds], wanted, sound.digest(take.audio) == first)
        )
    return found


def timed(work: Callable[[], T]) -> tuple[float, T]:
    began = cpu_seconds()
    done = work()
    return cpu_seconds() - began, done


def looped(catalog: Catalog, seconds: float) -> np.ndarray:
    """(2, n) of the catalog's own sound."""
    samples = catalog.recordings[0].load()
    count = round(seconds * RATE)
    return np.tile(samples, (1, 1 + count // samples.shape[1]))[:, :count]


def peer(samples: np.ndarray) -> np.ndarray:
    import librosa

    halves = [librosa.effects.hpss(channel) for channel in samples]
    stretched = [[librosa.effects.time_stretch(half, rate=PEER_STRETCH) for half in pair] for pair in halves]
    return np.array([harmonic + percussive for harmonic, percussive in stretched])
