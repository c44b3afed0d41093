"""One piece of labelled music, and where it is kept between runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from catalog.analysis.keys import Key

RATE = 44_100


@dataclass(frozen=True)
class Case:
    """A sound file with its truth; None or () where there is none.

    downbeats: seconds. span: the artist's tempos. drift: share by which the tempo moves. sections: (name, start, end).
    """

    name: str
    path: Path
    bpm: float | None
    key: Key | None = None
    downbeats: tuple[float, ...] = ()
    span: tuple[float, float] | None = None
    drift: float = 0.0
    sections: tuple[tuple[str, float, float], ...] = ()

    @property
    def held_out(self) -> bool:
        """Whether no constant of the analysis may be chosen by looking at this one: half of all, by name."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1

    def read(self) -> np.ndarray:
        """(channels, samples) float32 at RATE."""
        samples, rate = soundfile.read(self.path, dtype="float32", always_2d=True)
        assert rate == RATE, f"{self.path} is at {rate} Hz"
        return np.ascontiguousarray(samples.T)


def kept(
    cache: Path, group: str, name: str, make: Callable[[], tuple[np.ndarray, dict[str, Any]]]
) -> tuple[Path, dict[str, Any]]:
    """The sound and the notes that `make` returns, (channels, samples) and JSON-able; made once per cache."""
    path = cache / group / f"{name.replace('/', '-')}.flac"
    note = path.with_suffix(".json")
    if not note.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        samples, truth = make()
        soundfile.write(path, samples.T, RATE, subtype="PCM_16")
        note.write_text(json.dumps(truth))
    return path, json.loads(note.read_text())
