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


def read_bass(phrases: Sequence[LowPhrase]) -> Bass | None:
    """The bass that plays in these phrases of one track; None where no low note is clear enough to be lifted."""
    lines = [follow(phrase.samples) for phrase in phrases]
    notes = heard(phrases, lines)
    voice = lift(phrases, lines, notes)
    return None if voice is None else Bass(voice, groove_of(phrases, notes))


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
