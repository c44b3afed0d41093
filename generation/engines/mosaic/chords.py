"""The chord path of a take: a triad for each bar, heard in the chroma of what sounds there, or none if unclear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from catalog.analysis.keys import Key

SCALE = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
QUALITIES = ("maj", "min")
# What sounds over a root, semitone by semitone: the triad, and the sevenths and ninths that colour it. A plain triad
# as template would hear the upper three notes of a seventh chord as well as the lower three.
HEARD = {
    "maj": (1.0, 0.0, 0.2, 0.0, 0.75, 0.0, 0.0, 0.95, 0.0, 0.1, 0.2, 0.4),
    "min": (1.0, 0.0, 0.3, 0.65, 0.0, 0.1, 0.0, 1.0, 0.0, 0.1, 0.5, 0.0),
}
COMPRESSION = 0.5  # a loud note is no more in the chord than a soft one
SHARPNESS = 12.0  # log-likelihood for a correlation of one
STRANGE, DOMINANT = 2.0, 0.6  # what a chord outside the key costs, and the major fifth step of a minor key
STAY = 0.4
NO_CHORD = 0.62  # correlation that "no chord" always has; noise seldom reaches it, a chord seldom misses it
CONTRAST = 0.25  # spread of a row against its size, below which it is too even to name anything
SURE = 0.35  # probability below which a bar is given no chord: under it a guess is wrong as often as right
WEAK = 0.35  # confidence below which a key, being itself in doubt, decides less


@dataclass(frozen=True)
class Chord:
    """A triad. root: 0..11 (0 = C). quality: "maj", "min", or "" where no chord is clear (root is then 0).

    confidence: 0..1, the probability of this chord among all, given the bars around it. flat: how its name is spelt.
    """

    root: int
    quality: str
    confidence: float = 1.0
    flat: bool = False

    @property
    def clear(self) -> bool:
        return bool(self.quality)

    @property
    def name(self) -> str:
        """ "Am", "F", "C#m"; "N" without a chord."""
        if not self.quality:
            return "N"
        return (FLAT_NAMES if self.flat else SHARP_NAMES)[self.root] + ("m" if self.quality == "min" else "")

    @property
    def tones(self) -> tuple[int, ...]:
        """Pitch classes of root, third and fifth; none without a chord."""
        if not self.quality:
            return ()
        return (self.root, (self.root + (3 if self.quality == "min" else 4)) % 12, (self.root + 7) % 12)


def chord_path(chroma: np.ndarray, key: Key | None, *, sure: float = SURE) -> list[Chord]:
    """One chord for every row of (n, 12) chroma, rows in order of time, 0 = C; none where nothing is `sure`.

    key: the key the music is in, None when unknown. The same rows give the same chords.
    """
    rows = np.nan_to_num(np.asarray(chroma, dtype=np.float64).reshape(-1, 12))
    if not len(rows):
        return []
    probability = _posterior(_heard(rows) + _expected(key))
    best = probability[:, :24].argmax(axis=1)
    flat = key is not None and key.fifths in (6, 7, 8, 9, 10, 11)
    path = []
    for number, state in enumerate(best):
        chance = float(probability[number, state])
        if chance < sure or probability[number, 24] > chance:
            path.append(Chord(0, "", round(chance, 4), flat))
        else:
            path.append(Chord(int(state) % 12, QUALITIES[int(state) // 12], round(chance, 4), flat))
    return path


def home(key: Key | None) -> Chord | None:
    """The tonic triad of a key."""
    if key is None:
        return None
    return Chord(key.tonic, "maj" if key.mode == "major" else "min", 1.0, key.fifths >= 6)


@lru_cache(maxsize=1)
def _names() -> dict[str, Chord]:
    every = [(root, quality, flat) for root in range(12) for quality in QUALITIES for flat in (False, True)]
    return {chord.name: chord for chord in (Chord(root, quality, 1.0, flat) for root, quality, flat in every)}


def chord_named(name: str) -> Chord:
    """The chord that `Chord.name` wrote. Raises ValueError for any other text."""
    try:
        return _names()[name]
    except KeyError:
        raise ValueError(f"“{name}” names no chord.") from None


def filled(path: Sequence[Chord], key: Key | None) -> list[Chord]:
    """The path without gaps: bars without a chord take the one before, the first ones the one after, else the tonic."""
    known = [chord for chord in path if chord.clear]
    last = known[0] if known else home(key)
    made = []
    for chord in path:
        last = chord if chord.clear else last
        made.append(last if last is not None else chord)
    return made


def scale_of(key: Key | None, chord: Chord | None = None) -> frozenset[int]:
    """Pitch classes one may play: the key's, and the chord's own; all twelve where neither is known."""
    if key is None:
        return frozenset(chord.tones) if chord is not None and chord.clear else frozenset(range(12))
    own = {(key.tonic + step) % 12 for step in SCALE[key.mode]}
    return frozenset(own | set(chord.tones if chord is not None else ()))


@lru_cache(maxsize=1)
def _templates() -> np.ndarray:
    """(24, 12) centred unit templates: twelve majors by root, then twelve minors."""
    rows = np.array([np.roll(HEARD[quality], root) for quality in QUALITIES for root in range(12)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _heard(rows: np.ndarray) -> np.ndarray:
    """(n, 25) log-likelihood of each chord and of none, from each row alone."""
    softened = np.maximum(rows, 0.0) ** COMPRESSION
    centred = softened - softened.mean(axis=1, keepdims=True)
    size = np.linalg.norm(centred, axis=1, keepdims=True)
    contrast = size / np.maximum(np.linalg.norm(softened, axis=1, keepdims=True), 1e-9)
    likeness = (centred / np.maximum(size, 1e-9)) @ _templates().T * np.minimum(1.0, contrast / CONTRAST)
    none = np.full((len(rows), 1), NO_CHORD)
    return np.asarray(SHARPNESS * np.concatenate([likeness, none], axis=1))


def _expected(key: Key | None) -> np.ndarray:
    """(25,) log-prior of each chord in a key."""
    prior = np.zeros(25)
    if key is None:
        return prior
    scale = scale_of(key)
    trust = float(np.clip(key.confidence / WEAK, 0.3, 1.0))
    for state in range(24):
        chord = Chord(state % 12, QUALITIES[state // 12])
        if not set(chord.tones) <= scale:
            raised = key.mode == "minor" and chord.quality == "maj" and chord.root == (key.tonic + 7) % 12
            prior[state] = -trust * (DOMINANT if raised else STRANGE)
    return prior


def _posterior(evidence: np.ndarray) -> np.ndarray:
    """(n, states) probability of each state in each row, all rows heard, where staying is a little likelier."""
    count, states = evidence.shape
    likely = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    step = np.ones((states, states)) + (np.exp(STAY) - 1.0) * np.eye(states)
    forward, backward = np.zeros_like(likely), np.ones_like(likely)
    forward[0] = likely[0] / likely[0].sum()
    for row in range(1, count):
        reached = (forward[row - 1] @ step) * likely[row]
        forward[row] = reached / reached.sum()
    for row in range(count - 2, -1, -1):
        after = step @ (likely[row + 1] * backward[row + 1])
        backward[row] = after / after.sum()
    both = forward * backward
    return np.asarray(both / both.sum(axis=1, keepdims=True))
