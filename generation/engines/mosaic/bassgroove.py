"""How an artist's bass moves: which sixteenths it is struck on, how strongly, and how long its notes last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generation.engines.mosaic.kit import STEPS
from generation.engines.mosaic.notes import PitchedVoice, lift
from generation.engines.mosaic.pitches import LowPhrase, Played, follow, heard

LEAST_NOTES = 4


@dataclass(frozen=True, eq=False)
class Groove:
    """chance, force: (16,) how often each sixteenth of a bar is struck and how strongly (0..1). steps: (16,) sixteenths
    that a note struck there lasts, 0 where none is."""

    chance: np.ndarray
    force: np.ndarray
    steps: np.ndarray

    @property
    def per_bar(self) -> float:
        """Notes in a bar."""
        return float(self.chance.sum())


@dataclass(frozen=True, eq=False)
class Bass:
    """An artist's bass, ready to play: what it sounds like and how it moves (None where that is not clear)."""

    voice: PitchedVoice
    groove: Groove | None


def read_bass(clear: Sequence[LowPhrase], moving: Sequence[LowPhrase] = ()) -> Bass | None:
    """The bass of one track, lifted from its `clear` phrases; None where no low note in them is clear enough.

    moving: phrases in which it moves as it should, where those are others: a bass is clearest where little goes on.
    """
    lines = [follow(phrase.samples) for phrase in clear]
    notes = heard(clear, lines)
    voice = lift(clear, lines, notes)
    if voice is None:
        return None
    own = groove_of(clear, notes)
    if not moving:
        return Bass(voice, own)
    return Bass(voice, groove_of(moving, heard(moving, [follow(p.samples) for p in moving])) or own)


def groove_of(phrases: Sequence[LowPhrase], notes: Sequence[Sequence[Played]]) -> Groove | None:
    """The groove of what was heard in these phrases; None when that was next to nothing."""
    bars = sum(len(phrase.lines) // STEPS for phrase in phrases)
    played = [note for some in notes for note in some]
    if not bars or len(played) < LEAST_NOTES:
        return None
    at = np.array([note.line % STEPS for note in played])
    times = np.bincount(at, minlength=STEPS)
    force = np.bincount(at, [note.force for note in played], STEPS) / np.maximum(times, 1)
    steps = np.array(
        [
            np.median([n.steps for n in played if n.line % STEPS == s]) if times[s] else 0.0
            for s in range(STEPS)
        ]
    )
    return Groove(np.minimum(1.0, times / bars), force, steps)
