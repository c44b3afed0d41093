"""Drum loops and clicks at known tempos, steady, drifting and rubato."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.labelled.case import Case, kept
from bench.labelled.drums import hit, mixed

SECONDS = 40.0
# Sixteenths of a bar of four beats, by General MIDI drum: kick, snare, closed hat, clap, open hat.
PATTERNS: dict[str, dict[int, tuple[int, ...]]] = {
    "four": {36: (0, 4, 8, 12), 39: (4, 12), 46: (2, 6, 10, 14), 42: (0, 4, 8, 12)},
    "break": {36: (0, 2, 10), 38: (4, 12), 42: tuple(range(0, 16, 2))},
    "two-step": {36: (0, 10), 38: (4, 12), 42: (2, 6, 7, 10, 14)},
    "half-time": {36: (0, 6), 38: (8,), 42: tuple(range(0, 16, 2))},
    "rock": {36: (0, 8, 10), 38: (4, 12), 42: (0, 4, 8, 12)},
}
# Where a bar can be told from its half; the others repeat every two beats, or nearly.
BARRED = ("break", "two-step", "half-time")
TEMPI = (61.7, 74.2, 83.4, 91.9, 99.6, 108.3, 117.1, 124.8, 132.6, 140.9, 151.3, 163.7, 174.4, 179.2)


def loops(cache: Path) -> list[Case]:
    """Every pattern at every tempo; the artist's range is taken as a fifth either side of it."""
    found = []
    for pattern, hits in PATTERNS.items():
        for bpm in TEMPI:
            period, first = 60 / bpm, 0.2 + 0.37 * (bpm % 1)
            downbeats = np.arange(first, SECONDS - 4 * period, 4 * period)

            def make(
                hits: dict[int, tuple[int, ...]] = hits,
                period: float = period,
                downbeats: np.ndarray = downbeats,
            ) -> tuple[np.ndarray, dict[str, Any]]:
                placed = [
                    (float(bar + step * period / 4), hit(drum, 110 if step % 4 == 0 else 80))
                    for bar in downbeats
                    for drum, steps in hits.items()
                    for step in steps
                ]
                return mixed(placed, SECONDS), {}

            name = f"{pattern}-{bpm}"
            path, _ = kept(cache, "loops", name, make)
            span = (bpm / 1.2, bpm * 1.2)
            known = tuple(float(d) for d in downbeats) if pattern in BARRED else ()
            found.append(Case(name, path, bpm, None, known, span))
    return found


def clicks(cache: Path) -> list[Case]:
    """A woodblock on every beat."""
    found = []
    for bpm in TEMPI[::2]:
        times = np.arange(0.3, SECONDS, 60 / bpm)

        def make(times: np.ndarray = times) -> tuple[np.ndarray, dict[str, Any]]:
            return mixed([(float(t), hit(76, 110)) for t in times], SECONDS), {}

        path, _ = kept(cache, "loops", f"click-{bpm}", make)
        found.append(Case(f"click-{bpm}", path, bpm, span=(bpm / 1.2, bpm * 1.2)))
    return found


def drifting(cache: Path) -> list[Case]:
    """Clicks and breaks whose tempo moves: by 0, 1 and 3 % from end to end, and as a singer would bend it."""
    courses: dict[str, tuple[float, Callable[[float], float]]] = {
        "drift-0": (0.0, lambda part: 1.0),
        "drift-1": (0.01, lambda part: 0.995 + 0.01 * part),
        "drift-3": (0.03, lambda part: 0.985 + 0.03 * part),
        "rubato": (0.16, lambda part: 1 + 0.08 * float(np.sin(2 * np.pi * 5 * part))),
    }
    found, seconds = [], 60.0
    for course, (drift, speed) in courses.items():
        for pattern in ("break", "click"):
            for bpm in (92.3, 126.7):

                def make(
                    speed: Callable[[float], float] = speed, pattern: str = pattern, bpm: float = bpm
                ) -> tuple[np.ndarray, dict[str, Any]]:
                    placed, time, step = [], 0.3, 0
                    while time < seconds:
                        if pattern == "click":
                            drums = [76] if step % 4 == 0 else []
                        else:
                            drums = [d for d, steps in PATTERNS[pattern].items() if step % 16 in steps]
                        placed += [(time, hit(drum, 100)) for drum in drums]
                        time += 15 / (bpm * speed(time / seconds))
                        step += 1
                    return mixed(placed, seconds), {}

                name = f"{course}-{pattern}-{bpm}"
                path, _ = kept(cache, "loops", name, make)
                found.append(Case(name, path, bpm, drift=drift))
    return found
