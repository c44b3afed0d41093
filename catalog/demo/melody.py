"""Chord rhythms and lead motifs: a two-bar idea, repeated and answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .model import DemoKey, stream
from .theory import PENTATONIC, Chord, nearest

# Where chords are struck: (step, length) in sixteenths; options of one or two bars.
KEY_RHYTHMS: dict[str, tuple[tuple[tuple[tuple[float, float], ...], ...], ...]] = {
    "house": (
        (((0, 2), (3, 2), (6, 2), (10, 2)), ((0, 2), (3, 2), (6, 2), (11, 2), (14, 2))),
        (((2, 2), (5, 2), (10, 3)), ((2, 2), (5, 2), (10, 2), (13, 2))),
        (((0, 3), (6, 3), (11, 3)), ((0, 3), (6, 3), (10, 2), (14, 2))),
    ),
    "offbeat": (
        (((2, 2), (6, 2), (10, 2), (14, 2)),),
        (((2, 1.5), (6, 1.5), (10, 1.5), (13, 1), (14, 1.5)),),
    ),
    "skank": (
        (((4, 1.5), (12, 1.5)),),
        (((2, 1.2), (6, 1.2), (10, 1.2), (14, 1.2)),),
        (((4, 1.5), (6, 1), (12, 1.5)),),
    ),
    "sparse": ((((0, 4), (7, 3)), ((3, 4),)), (((6, 4),), ((6, 3), (11, 3))), (((0, 5),), ((10, 4),))),
    "held": ((((0, 14),),), (((0, 7), (8, 7)),)),
    "stabs": ((((0, 2), (7, 2)), ((0, 2), (7, 2), (10, 2))), (((3, 2), (11, 2)), ((3, 2), (6, 2), (11, 2)))),
    "eighths": ((tuple((float(s), 1.8) for s in range(0, 16, 2)),),),
    "none": (((),),),
}

# Motif rhythms over two bars (steps 0..31).
MOTIFS: dict[str, tuple[tuple[float, ...], ...]] = {
    "sparse": ((0, 6, 12, 22), (4, 7, 10, 20, 26), (0, 3, 10, 16, 26), (6, 9, 12, 24)),
    "flowing": (
        (0, 3, 6, 10, 12, 16, 19, 22, 26),
        (0, 2, 6, 8, 11, 14, 18, 22, 24),
        (2, 4, 7, 10, 16, 18, 23, 26),
    ),
    "plucky": (
        (0, 3, 6, 8, 11, 14, 16, 19, 22, 24, 27),
        (2, 4, 6, 10, 12, 14, 18, 20, 23, 26, 30),
        (0, 3, 5, 8, 11, 13, 16, 19, 21, 27),
    ),
    "calls": ((0, 2, 4, 16, 18, 20, 23), (6, 8, 10, 12, 22, 26), (0, 4, 6, 8, 20, 22, 24)),
    "slow": ((0, 8, 16, 24), (0, 12, 16, 28), (4, 16, 24)),
    "none": ((),),
}


LOWEST, HIGHEST = -3, 4  # rungs of the pentatonic ladder around the tonic


@dataclass(frozen=True)
class LeadNote:
    """step counts from the start of the bar given; steps is the length."""

    bar: int
    step: float
    steps: float
    pitch: int
    velocity: float


class Soloist:
    """A motif of intervals fixed per track; its pitches bend to the chord of the moment."""

    def __init__(self, seed: int, *, key: DemoKey, rhythm: str, centre: int, swing: float) -> None:
        rng = stream(seed, "soloist")
        options = MOTIFS[rhythm]
        self._steps = options[int(rng.integers(len(options)))]
        self._key, self._centre, self._swing = key, centre, swing
        walk, position = [], int(rng.integers(0, 3))
        for _ in self._steps:
            walk.append(position)
            move = int(rng.choice([-2, -1, -1, 1, 1, 2, 3, 0]))
            if not LOWEST <= position + move <= HIGHEST:
                move = -move
            position = int(np.clip(position + move, LOWEST, HIGHEST))
        self._contour = walk
        turn = int(rng.integers(1, 4))
        self._answer = [
            rung if i < len(walk) * 0.6 else max(LOWEST, rung - turn) for i, rung in enumerate(walk)
        ]
        self._before: list[int] = []
        self._velocity = [float(v) for v in rng.uniform(0.75, 1.0, len(walk))]

    def bar(self, number: int, index: int, chord: Chord, gap: bool) -> list[LeadNote]:
        """The notes of one bar; index is its place in the section."""
        half = index % 2
        phrase = (index // 2) % 4
        if not self._steps or (phrase == 3 and half == 0 and len(self._steps) > 6):
            return []
        contour = self._answer if phrase % 2 else self._contour
        mine = [(i, s) for i, s in enumerate(self._steps) if s // 16 == half]
        notes = []
        for place, (i, start) in enumerate(mine):
            step = start - 16 * half
            if gap and step >= 12:
                continue
            until = mine[place + 1][1] - 16 * half if place + 1 < len(mine) else 16
            last = phrase % 2 == 1 and half == 1 and place == len(mine) - 1
            pitch = self._pitch(contour[i], chord, strong=step % 4 == 0 or last, home=last)
            pitch = self._moved_on(pitch, chord, contour[i] - contour[i - 1] if i else 1, home=last)
            swung = step + (self._swing if step % 2 == 1 else 0.0)
            notes.append(
                LeadNote(number, swung, float(min(until - step, 6)) - 0.15, pitch, self._velocity[i])
            )
        return notes

    def _moved_on(self, pitch: int, chord: Chord, direction: int, *, home: bool) -> int:
        """Never the same pitch three times, and no leap beyond a sixth; the last note of a phrase is free."""
        if not home and len(self._before) > 1 and self._before[-1] == self._before[-2] == pitch:
            pitch = nearest(pitch + (4 if direction >= 0 else -4), chord.tones[:3])
        if self._before and pitch - self._before[-1] > 9:
            pitch -= 12
        elif self._before and self._before[-1] - pitch > 9:
            pitch += 12
        self._before = [*self._before[-1:], pitch]
        return pitch

    def _pitch(self, position: int, chord: Chord, *, strong: bool, home: bool) -> int:
        ladder = PENTATONIC[self._key.mode]
        octave, rung = divmod(position, len(ladder))
        base = (
            self._centre
            + (self._key.tonic - self._centre) % 12
            - (12 if (self._key.tonic - self._centre) % 12 > 6 else 0)
        )
        pitch = base + 12 * octave + ladder[rung]
        if home and self._key.tonic in chord.tones:
            return nearest(pitch, (self._key.tonic,))
        if strong:
            return nearest(pitch, chord.tones[:3])
        allowed = tuple((self._key.tonic + rung) % 12 for rung in ladder)
        leading, seventh = (self._key.tonic + 11) % 12, (self._key.tonic + 10) % 12
        if (
            leading in chord.tones and seventh in allowed
        ):  # the natural seventh would rub against the dominant
            allowed = tuple(p for p in allowed if p != seventh)
        return nearest(pitch, allowed)
