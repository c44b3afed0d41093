"""A small General MIDI synthesiser: sixteen families of additive tones, and the drum kit.

It need not please; it must sound enough like instruments for an analysis to be tested on: attacks,
decays, overtones, sustained pads, several voices at once. The tempo and the notes are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bench.labelled.case import RATE
from bench.labelled.drums import hit, mixed


class Note(NamedTuple):
    """start, seconds; pitch: MIDI; loud: 0..1; program: General MIDI, 0 to 127, or -1 for a drum."""

    start: float
    seconds: float
    pitch: int
    loud: float
    program: int


# By family of eight programs: attack (s), decay of the first partial (s, 0 for none), slope of the
# partials (amplitude ~ 1/k^slope), odd partials only, level.
_FAMILIES: tuple[tuple[float, float, float, bool, float], ...] = (
    (0.003, 0.9, 1.4, False, 0.5),  # piano
    (0.002, 0.5, 1.8, False, 0.4),  # chromatic percussion
    (0.010, 0.0, 1.3, False, 0.3),  # organ
    (0.002, 0.6, 1.2, False, 0.4),  # guitar
    (0.004, 0.8, 1.3, False, 0.7),  # bass
    (0.060, 0.0, 1.1, False, 0.3),  # strings
    (0.080, 0.0, 1.2, False, 0.3),  # ensemble
    (0.030, 0.0, 0.9, False, 0.3),  # brass
    (0.025, 0.0, 1.1, True, 0.3),  # reed
    (0.040, 0.0, 2.2, False, 0.4),  # pipe
    (0.006, 0.0, 1.0, False, 0.3),  # synth lead
    (0.150, 0.0, 1.3, False, 0.25),  # pad
    (0.100, 1.5, 1.5, False, 0.2),  # effects
    (0.002, 0.4, 1.1, False, 0.4),  # plucked
    (0.002, 0.2, 1.0, True, 0.5),  # percussive
    (0.050, 0.5, 0.8, False, 0.1),  # sound effects
)
_RELEASE = 0.06


def render(notes: Sequence[Note], seconds: float) -> np.ndarray:
    """(2, samples) of the notes that begin before `seconds`."""
    heard = [note for note in notes if note.start < seconds]
    return mixed([(note.start, _sound(note)) for note in heard], seconds)


def _sound(note: Note) -> np.ndarray:
    if note.program < 0:
        return hit(note.pitch, max(1, min(127, 8 * round(note.loud * 16))))
    held = max(0.05, min(6.0, round(note.seconds * 20) / 20))  # few lengths, so that voices repeat
    return np.float32(note.loud) * _voice(note.program // 8, note.pitch, held)


@lru_cache(maxsize=4096)
def _voice(family: int, pitch: int, held: float) -> np.ndarray:
    attack, decay, slope, odd, level = _FAMILIES[family]
    hz = 440 * 2 ** ((pitch - 69) / 12)
    times = np.arange(int((held + _RELEASE) * RATE), dtype=np.float32) / np.float32(RATE)
    tone = np.zeros_like(times)
    for k in range(1, 13):
        if k * hz > 15_000 or (odd and k % 2 == 0):
            continue
        partial = np.sin(np.float32(2 * np.pi * k * hz) * times + np.float32(k * k)) / np.float32(k**slope)
        if decay:
            partial *= np.exp(times * np.float32(-(0.5 + 0.5 * k) / decay))
        tone += partial
    shape = np.minimum(1, times / np.float32(attack)) * np.clip((held + _RELEASE - times) / _RELEASE, 0, 1)
    voiced: np.ndarray = (level * tone * shape).astype(np.float32)
    return voiced
