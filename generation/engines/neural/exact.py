"""Is it the tempo and the key that were asked for? Measured, and made so where that can be done without harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.analysis import TrackAnalysis
from catalog.analysis.keys import Key
from generation.engines.mosaic.stretch import stretched

SAMPLE_RATE = 44_100
MOST_STRETCH = 0.08
MOST_SHIFT = 2
SURE = 0.2  # confidence of a tempo below which there is no pulse to speak of


@dataclass(frozen=True)
class Correction:
    """What makes a sound as asked. factor: above one is faster. possible: False where it is too far away to correct.

    bpm, key: as measured before. why: a sentence of what is wrong where it is not possible, else of what is done.
    """

    factor: float = 1.0
    semitones: int = 0
    possible: bool = True
    bpm: float | None = None
    key: str | None = None
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "measured_bpm": None if self.bpm is None else round(self.bpm, 2),
            "measured_key": self.key,
            "stretch": round(self.factor, 5),
            "shift": self.semitones,
            "possible": self.possible,
            "why": self.why,
        }


def measured(
    sound: np.ndarray, bpm: float, on_progress: Callable[[float], None] | None = None
) -> TrackAnalysis:
    """The analysis of (2, n) at 44.1 kHz, that looks for a pulse around `bpm`."""
    from catalog.analysis import TempoContext, analyse

    context = TempoContext(artist_range=(bpm / 1.4, bpm * 1.4))
    return analyse(sound, SAMPLE_RATE, context=context, on_progress=on_progress)


def correction(found: TrackAnalysis, bpm: float, key: Key | None) -> Correction:
    """How to get from what was measured to what was asked."""
    heard = found.key.name if found.key else None
    if found.silent:
        return Correction(possible=False, why="It is silent.")
    if found.bpm is None or found.bpm_confidence < SURE:
        # Without a pulse there is nothing to correct, and another try may have one.
        return Correction(possible=False, bpm=found.bpm, key=heard, why="No steady pulse was found.")
    factor = bpm / found.bpm
    shift = semitones_to(found.key, key)
    if abs(factor - 1.0) > MOST_STRETCH:
        why = f"It came out at {found.bpm:.1f} BPM, too far from {bpm:g} to correct."
        return Correction(possible=False, bpm=found.bpm, key=heard, why=why)
    if shift is None or abs(shift) > MOST_SHIFT:
        why = f"It came out in {heard}, too far from {key.name if key else ''} to correct."
        return Correction(factor, 0, False, found.bpm, heard, why)
    done = []
    if abs(factor - 1.0) > 0.0003:
        done.append(f"{found.bpm:.1f} BPM made {bpm:g}")
    if shift:
        done.append(f"{heard} moved by {shift:+d} semitone{'' if abs(shift) == 1 else 's'}")
    return Correction(factor, shift, True, found.bpm, heard, ", ".join(done))


def semitones_to(heard: Key | None, asked: Key | None) -> int | None:
    """The smallest shift that gives the asked key, or the other mode on the same notes. None where none does.

    A key that is not asked for, or not heard, needs none.
    """
    if asked is None or heard is None:
        return 0
    distance = (_notes_of(asked) - _notes_of(heard)) % 12
    return distance - 12 if distance > 6 else distance


def corrected(sound: np.ndarray, by: Correction) -> np.ndarray:
    """(2, n) -> (2, round(n / factor)) in tempo and key."""
    return stretched(sound, factor=by.factor, semitones=by.semitones)


def _notes_of(key: Key) -> int:
    """The tonic of the major key with the same notes, 0 = C."""
    return (key.tonic + (3 if key.mode == "minor" else 0)) % 12
