"""Musical keys: one value for every spelling, Camelot and Open Key numbers, what mixes with what.

A key is a pitch class (0 = C … 11 = B) and a mode. Everything a tag, a DJ program or a person may
write for it ("Abm", "G# minor", "1A", "6m", "gis-moll") becomes the same value, so that two
sources that spell differently never look different.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

Mode = Literal["major", "minor"]

MAJOR_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "H": 11}
_MINOR_WORDS = {"m", "mi", "min", "minor", "moll", "mineur", "minore", "menor", "aeolian", "-"}
_MAJOR_WORDS = {"", "M", "ma", "maj", "major", "dur", "majeur", "maggiore", "mayor", "ionian", "d", "+"}
_CAMELOT = re.compile(r"^0?(1[0-2]|[1-9])\s*([ABab])$")
_OPEN_KEY = re.compile(r"^0?(1[0-2]|[1-9])\s*([dmDM])$")
_NAMED = re.compile(r"^([A-Ha-h])\s*(##|[bB]{2}|#|[bB]|(?i:sharp|flat)|s(?=\s|$))?\s*[-_ ]?\s*([A-Za-z+-]*)$")
_GERMAN = re.compile(r"^(as|es|[a-h](?:is|es)?)[\s-]*(dur|moll)$", re.IGNORECASE)


@dataclass(frozen=True)
class Key:
    """A key: tonic 0..11 (0 = C), mode, and how sure its source is of it (0..1).

    `alternatives` are the next most likely keys, most likely first.
    """

    tonic: int
    mode: Mode
    confidence: float = 1.0
    alternatives: tuple[Key, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.tonic <= 11:
            raise ValueError(f"A tonic is a pitch class from 0 to 11, not {self.tonic}.")
        if self.mode not in ("major", "minor"):
            raise ValueError(f"A mode is major or minor, not {self.mode!r}.")

    @property
    def tonic_name(self) -> str:
        """The tonic as a DJ program spells it: "F", "Ab", "F#"."""
        return (MAJOR_NAMES if self.mode == "major" else MINOR_NAMES)[self.tonic]

    @property
    def name(self) -> str:
        """The key in words: "F minor"."""
        return f"{self.tonic_name} {self.mode}"

    @property
    def short(self) -> str:
        """The key as Rekordbox writes it: "Fm", "Ab"."""
        return self.tonic_name + ("m" if self.mode == "minor" else "")

    @property
    def fifths(self) -> int:
        """Place on the circle of fifths, 0..11, shared by relative keys (C major = A minor = 0)."""
        relative_major = self.tonic if self.mode == "major" else self.tonic + 3
        return relative_major * 7 % 12

    @property
    def camelot(self) -> str:
        """The Camelot wheel number: F minor is "4A"."""
        return f"{(self.fifths + 7) % 12 + 1}{'B' if self.mode == 'major' else 'A'}"

    @property
    def open_key(self) -> str:
        """The Open Key number: F minor is "9m"."""
        return f"{self.fifths + 1}{'d' if self.mode == 'major' else 'm'}"

    @property
    def relative(self) -> Key:
        """The key of the other mode that shares the notes."""
        if self.mode == "major":
            return Key((self.tonic + 9) % 12, "minor")
        return Key((self.tonic + 3) % 12, "major")

    def same_as(self, other: Key | None) -> bool:
        """True when tonic and mode agree, whatever the confidence."""
        return other is not None and (self.tonic, self.mode) == (other.tonic, other.mode)

    def to_json(self) -> dict[str, Any]:
        """The key as JSON-able values, with the derived names a reader wants."""
        return {
            "tonic": self.tonic,
            "mode": self.mode,
            "name": self.name,
            "camelot": self.camelot,
            "open_key": self.open_key,
            "confidence": round(float(self.confidence), 4),
            "alternatives": [
                {
                    "tonic": k.tonic,
                    "mode": k.mode,
                    "name": k.name,
                    "confidence": round(float(k.confidence), 4),
                }
                for k in self.alternatives
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Key:
        """The key that `to_json` wrote."""
        return cls(
            int(data["tonic"]),
            cast(Mode, data["mode"]),
            float(data.get("confidence", 1.0)),
            tuple(cls.from_json(k) for k in data.get("alternatives", ())),
        )


def parse_key(text: str) -> Key:
    """The key a tag, a DJ program or a person wrote.

    Accepts note names with any accidental and mode word in English, German, French, Italian or
    Spanish, Camelot ("4A", "04A") and Open Key ("9m", "4d"). A name followed by a number in
    brackets ("F minor (4A)") is read by its first part.

    Raises:
        ValueError: the text names no key (an ID3 "o" for off key, "All", a number, …).
    """
    original = text
    text = text.strip().replace("♯", "#").replace("♭", "b").replace("\u00a0", " ")
    text = re.sub(r"^(initial\s*)?key\s*[:=]\s*", "", text, flags=re.IGNORECASE)
    for part in [text, *re.split(r"[()/|,;\[\]]| - ", text)]:
        key = _parse_one(part.strip())
        if key is not None:
            return key
    raise ValueError(f"{original!r} is not a key. Write it like F minor, Ebm or 4A.")


def key_or_none(text: str) -> Key | None:
    """Like `parse_key`, but None for a text that names no key."""
    try:
        return parse_key(text)
    except ValueError:
        return None


def _parse_one(text: str) -> Key | None:
    match = _CAMELOT.match(text)
    if match:
        mode: Mode = "major" if match[2] in "Bb" else "minor"
        return _from_fifths((int(match[1]) + 4) % 12, mode)
    match = _OPEN_KEY.match(text)
    if match:
        return _from_fifths(int(match[1]) - 1, "major" if match[2] in "dD" else "minor")
    match = _GERMAN.match(text)
    if match:
        return Key(_german_tonic(match[1].lower()), "major" if match[2].lower() == "dur" else "minor")
    match = _NAMED.match(text)
    if match is None:
        return None
    letter, accidental, word = match[1].upper(), (match[2] or "").lower(), match[3]
    shift = {"": 0, "#": 1, "s": 1, "sharp": 1, "b": -1, "flat": -1, "##": 2, "bb": -2}[accidental]
    tonic = (_LETTERS[letter] + shift) % 12
    if word == "M":
        return Key(tonic, "major")
    if word.lower() in _MINOR_WORDS:
        return Key(tonic, "minor")
    if word.lower() in _MAJOR_WORDS:
        return Key(tonic, "major")
    return None


def _german_tonic(name: str) -> int:
    # In German "B" is B flat and "H" is B; "As" and "Es" drop the doubled vowel.
    if name == "b":
        return 10
    if name in ("as", "es"):
        return {"as": 8, "es": 3}[name]
    shift = 1 if name.endswith("is") else -1 if name.endswith("es") and len(name) > 2 else 0
    return (_LETTERS[name[0].upper()] + shift) % 12


def _from_fifths(fifths: int, mode: Mode) -> Key:
    relative_major = fifths * 7 % 12
    return Key(relative_major if mode == "major" else (relative_major + 9) % 12, mode)


ALL_KEYS: tuple[Key, ...] = tuple(Key(t, "major") for t in range(12)) + tuple(
    Key(t, "minor") for t in range(12)
)


def compatible(key: Key) -> tuple[Key, ...]:
    """The keys that mix with this one on the Camelot wheel: itself, its relative, a fifth either way."""
    neighbours = [key, key.relative]
    for step in (1, -1):
        neighbours.append(_from_fifths((key.fifths + step) % 12, key.mode))
    return tuple(Key(k.tonic, k.mode) for k in neighbours)


def mirex_weight(estimate: Key, truth: Key) -> float:
    """How right a key estimate is by the MIREX audio key detection weights.

    1 exact, .5 a fifth either way in the same mode, .3 relative, .2 parallel, else 0.
    """
    if estimate.same_as(truth):
        return 1.0
    if estimate.mode == truth.mode:
        return 0.5 if (estimate.tonic - truth.tonic) % 12 in (5, 7) else 0.0
    if estimate.same_as(truth.relative):
        return 0.3
    return 0.2 if estimate.tonic == truth.tonic else 0.0
