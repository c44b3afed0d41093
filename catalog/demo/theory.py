"""Keys, scales, progressions and voice leading. Pitches are MIDI numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from .model import DemoKey

SCALES = {"minor": (0, 2, 3, 5, 7, 8, 10), "major": (0, 2, 4, 5, 7, 9, 11)}
PENTATONIC = {"minor": (0, 3, 5, 7, 10), "major": (0, 2, 4, 7, 9)}

# Progressions (scale degrees, 1-based) that begin on the tonic and return to it. In minor, VI-III-VII loops are
# avoided: they hand the tonal centre to the relative major, and the key of these tracks must be beyond doubt.
PROGRESSIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "minor": (
        (1, 6, 4, 5),
        (1, 4, 1, 5),
        (1, 1, 6, 5),
        (1, 4, 6, 5),
        (1, 6, 1, 4),
        (1, 5, 6, 4),
        (1, 3, 4, 5),
    ),
    "major": (
        (1, 6, 4, 5),
        (1, 4, 2, 5),
        (1, 5, 6, 4),
        (1, 4, 1, 5),
        (1, 2, 4, 5),
        (1, 3, 4, 5),
        (4, 1, 2, 1),
    ),
    "dark": ((1, 1, 6, 5), (1, 1, 4, 5), (1, 1, 4, 1), (1, 6, 1, 5), (1, 4, 6, 5)),
}


@dataclass(frozen=True)
class Chord:
    """degree is 1..7; root and tones are pitch classes."""

    degree: int
    root: int
    tones: tuple[int, ...]

    @property
    def label(self) -> str:
        return f"{self.degree}:{'-'.join(str(tone) for tone in self.tones)}"


def chord(key: DemoKey, degree: int, colour: str = "triad") -> Chord:
    """A diatonic chord. colour: triad, seventh, ninth (with the seventh), power, sus."""
    scale = SCALES[key.mode]

    def tone(step: int) -> int:
        return (key.tonic + scale[(degree - 1 + step) % 7]) % 12

    picks = {
        "triad": (0, 2, 4),
        "seventh": (0, 2, 4, 6),
        "ninth": (0, 2, 4, 6, 8),
        "power": (0, 4),
        "sus": (0, 3, 4),
        "add": (0, 1, 2, 4),
    }[colour]
    tones = [tone(step) for step in picks]
    if colour in ("ninth", "add") and (scale[degree % 7] - scale[degree - 1]) % 12 == 1:
        tones = [tone(step) for step in picks if step not in (8, 1)]  # no flat ninths over iii or v
    if key.mode == "minor" and degree == 5 and colour != "power":
        # harmonic minor: the leading tone names the tonic
        tones = [(key.tonic + 11) % 12 if t == (key.tonic + 10) % 12 else t for t in tones]
    return Chord(degree, tone(0), tuple(tones))


def voicings(sequence: tuple[Chord, ...], *, centre: int, voices: int) -> list[tuple[int, ...]]:
    """Close voicings around a centre pitch that move as little as possible from chord to chord."""
    result: list[tuple[int, ...]] = []
    before: tuple[int, ...] | None = None
    for item in sequence:
        tones = item.tones[:voices] if len(item.tones) >= voices else item.tones
        best: tuple[int, ...] = ()
        cost = float("inf")
        choices = [[p for p in range(centre - 9, centre + 11) if p % 12 == tone] for tone in tones]
        for pick in product(*choices):
            ordered = tuple(sorted(pick))
            gaps = np.diff(ordered)
            if len(gaps) and ((gaps.min() < 2 and len(ordered) < 4) or gaps.max() > 9):
                continue
            price = abs(float(np.mean(ordered)) - centre) * 0.5
            price += 2.0 if len(gaps) and gaps.min() < 2 else 0.0
            if before is not None:
                price += sum(min(abs(p - q) for q in before) for p in ordered)
            if price < cost:
                best, cost = ordered, price
        if not best:
            best = tuple(sorted(centre + (tone - centre) % 12 for tone in tones))
        result.append(best)
        before = best
    return result


def bass_pitch(pitch_class: int, *, low: int = 28) -> int:
    """The pitch of this class in the octave that starts at low (28 = E1, 41 Hz)."""
    return low + (pitch_class - low) % 12


def nearest(pitch: float, classes: tuple[int, ...]) -> int:
    """The closest pitch whose class is among the given ones."""
    options = [p for p in range(int(pitch) - 7, int(pitch) + 8) if p % 12 in classes]
    return min(options, key=lambda p: (abs(p - pitch), p))
