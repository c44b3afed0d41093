"""A prompt and explicit wishes, read against the artist's own DNA, become a Brief. Rules a person can follow."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from catalog.analysis.keys import Key, key_or_none
from catalog.dna import for_composing
from generation.brief import ROLES, Blending, Brief, Reference
from generation.words import DOUBLE_TIME, HALF_TIME, INSTRUMENTS, MOODS, PACE, STYLES, Mood, Style

BPM = (40.0, 220.0)
SECONDS = (15.0, 360.0)
DEFAULT_SECONDS = 60.0
TAKES = (1, 4)
REFERENCES = 3
PROMPT_LENGTH = 1000
TEXT_LENGTH = 2000  # of what a model is told
# Settings that some engines have: what they mean, and between which limits, the engine says.
OPTIONS = (
    "candidates",
    "references_as",
    "reference_strength",
    "negative_prompt",
    "steps",
    "cfg",
    "top_k",
    "top_p",
)
OPTION_LENGTH = 500  # of one that is a text

Named = TypeVar("Named")


class BadWishes(Exception):
    """What was asked for does not make sense: one sentence for each field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class Wishes:
    """A request as it was made. None: not said."""

    prompt: str = ""
    bpm: float | None = None
    energy: float | None = None
    key: str | None = None
    genre: str | None = None
    references: tuple[Reference, ...] = ()
    duration_seconds: float | None = None
    seed: int | None = None
    takes: int = 1
    temperature: float = 1.0
    model: str | None = None
    text: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    watermark: bool | None = None
    adapter: str | None = None
    strength: float = 1.0
    blend: Blending | None = None

    @property
    def partner(self) -> Blending | None:
        """The other artist, where anything of them goes in: at a weight of nothing it is a take of one's own."""
        return self.blend if self.blend and self.blend.weight > 0 else None

    def to_json(self) -> dict[str, Any]:
        return {
            "prompt": self.prompt,
            "bpm": self.bpm,
            "energy": self.energy,
            "key": self.key,
            "genre": self.genre,
            "reference_tracks": [vars(reference) for reference in self.references],
            "duration_seconds": self.duration_seconds,
            "seed": None if self.seed is None else str(self.seed),
            "takes": self.takes,
            "temperature": self.temperature,
            "model": self.model,
            "text": self.text,
            "options": self.options,
            "watermark": self.watermark,
            "adapter": self.adapter,
            "strength": self.strength,
            **({"blend": vars(self.blend)} if self.blend else {}),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Wishes:
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["references"] = tuple(Reference(**one) for one in data.get("reference_tracks", ()))
        known["seed"] = int(data["seed"]) if data.get("seed") is not None else None
        known["blend"] = Blending(**data["blend"]) if data.get("blend") else None
        return cls(**known)


@dataclass(frozen=True)
class Reading:
    """What was found in a prompt; None or empty where it says nothing."""

    bpm: float | None = None
    key: Key | None = None
    style: Style | None = None
    felt: str | None = None
    moods: tuple[Mood, ...] = ()
    instruments: tuple[str, ...] = ()
    pace: float = 0.0
    energy: float | None = None
    duration_seconds: float | None = None
    words: tuple[str, ...] = field(default=())


_BPM = re.compile(r"(?<![\w.])(\d{2,3}(?:\.\d{1,2})?)\s*-?\s*(?:bpm|beats per minute)\b", re.I)
_AT = re.compile(r"\bat\s+(\d{2,3}(?:\.\d{1,2})?)\b(?!\s*(?:%|s\b|sec|min))", re.I)
_MINUTES = re.compile(
    r"\b(\d{1,2}):([0-5]\d)\b|\b(\d+(?:\.\d+)?)\s*-?\s*(minutes?|mins?|seconds?|secs?|s)\b", re.I
)
_ENERGY = re.compile(r"\benergy\s*(?:of|at|:|=)?\s*(0?\.\d+|1(?:\.0+)?|0|\d{1,3}\s*%)", re.I)
_KEY = re.compile(
    # "in F minor", "in f# major", "in 4A"; a bare letter counts only where a key is spoken of ("key of A")
    r"\b(?:in|key)\s+(?:the\s+key\s+)?(?:of\s+|:\s*|=\s*)?"
    r"([A-Ga-g]\s*(?:#|♯|♭|b|-?sharp|-?flat)?\s*(?:major|minor|maj|min|m)|"
    r"[A-Ga-g](?:#|♯|♭|\s*sharp|\s*flat)|\d{1,2}[ABab])(?![\w#])"
    r"|\bkey\s*(?:of|:|=)\s*([A-Ga-g])(?![\w#])",
    re.I,
)
_BARE_KEY = re.compile(r"(?<!\w)([A-G](?:#|♯|♭|b)?\s*(?:major|minor|maj|min)|[A-G](?:#|♯|♭|b)?m)(?![\w#])")


def _spellings(name: str, aliases: Sequence[str]) -> list[str]:
    return sorted({name.lower(), *aliases}, key=len, reverse=True)


def _position(text: str, spelling: str) -> int:
    found = re.search(rf"(?<![\w-]){re.escape(spelling)}(?![\w-])", text)
    return found.start() if found else -1


def _found(text: str, table: Sequence[tuple[list[str], Named]]) -> tuple[list[Named], str]:
    """What of `table` stands in `text`, in order of appearance, and the text with it blanked.

    The longest spelling wins and is taken out, so that "sub bass" is not also "bass".
    """
    places: dict[int, Named] = {}
    pairs = [(spelling, value) for spellings, value in table for spelling in spellings]
    for spelling, value in sorted(pairs, key=lambda pair: -len(pair[0])):
        at = _position(text, spelling)
        if at >= 0:
            text = text[:at] + " " * len(spelling) + text[at + len(spelling) :]
            if value not in places.values():
                places[at] = value
    return [places[at] for at in sorted(places)], text


def style_named(text: str) -> Style | None:
    """The style a genre tag or field names, by any of its spellings."""
    wanted = text.strip().lower()
    for style in STYLES:
        if wanted in _spellings(style.name, style.aliases):
            return style
    return None


def read(prompt: str) -> Reading:
    """Find tempo, key, genre, moods, instruments, pace, energy and length in a prompt."""
    text = prompt.lower()
    bpm = None
    if (found := _BPM.search(prompt) or _AT.search(prompt)) and BPM[0] <= float(found[1]) <= BPM[1]:
        bpm = float(found[1])
    key = None
    if found := _KEY.search(prompt) or _BARE_KEY.search(prompt):
        spelled = next(group for group in found.groups() if group)
        named = re.sub(
            r"\s*-?(sharp|flat)", lambda m: {"sharp": "#", "flat": "b"}[m[1].lower()], spelled, flags=re.I
        )
        key = key_or_none(named)
    energy = None
    if found := _ENERGY.search(prompt):
        value = found[1].replace(" ", "")
        energy = min(1.0, float(value[:-1]) / 100 if value.endswith("%") else float(value))
    seconds = None
    if found := _MINUTES.search(prompt):
        if found[1]:
            seconds = int(found[1]) * 60.0 + int(found[2])
        else:
            seconds = float(found[3]) * (60 if found[4].lower().startswith("m") else 1)
    felt = None
    if any(_position(text, word) >= 0 for word in HALF_TIME):
        felt = "half-time"
    elif any(_position(text, word) >= 0 for word in DOUBLE_TIME):
        felt = "double-time"

    styles, rest = _found(text, [(_spellings(one.name, one.aliases), one) for one in STYLES])
    layers, rest = _found(rest, [(_spellings(name, more), name) for name, (_, more) in INSTRUMENTS.items()])
    moods, rest = _found(rest, [(_spellings(one.name, one.aliases), one) for one in MOODS])
    style = styles[0] if styles else None
    in_order, instruments = tuple(moods), tuple(layers)
    pace = sum(change for word, change in PACE.items() if _position(rest, word) >= 0)

    words: list[str] = []
    if bpm:
        words.append(f"{bpm:g} BPM")
    effective_felt = felt or (style.felt if style else None)
    if effective_felt and effective_felt != "straight":
        words.append(effective_felt)
    words += [mood.name for mood in in_order]
    words += list(instruments)
    if style:
        words.append(style.name)
    if key:
        words.append(key.name)
    if seconds:
        words.append(f"{seconds:g} seconds")
    return Reading(bpm, key, style, felt, in_order, instruments, pace, energy, seconds, tuple(words))


@dataclass(frozen=True)
class Known:
    """What composing a brief may know of one reference track."""

    id: str
    bpm: float | None
    key: Key | None
    energy: float | None
    genre: str | None = None


def compose(wishes: Wishes, dna: dict[str, Any], references: Sequence[Known] = ()) -> Brief:
    """Decide every field: asked for, else said in the prompt, else the references', else the catalog's.

    Raises BadWishes with all that is wrong at once. `dna` is a DNASnapshot document.
    """
    _check(wishes)
    dna = for_composing(dna)
    reading = read(wishes.prompt)
    evidence: dict[str, str] = {}

    style = style_named(wishes.genre) if wishes.genre else reading.style
    genre = (style.name if style else wishes.genre) if wishes.genre else (style.name if style else None)
    if wishes.genre:
        evidence["genre"] = "asked"
    elif genre:
        evidence["genre"] = "prompt"
    elif dna.get("dominant_genres"):
        genre, evidence["genre"] = str(dna["dominant_genres"][0]), "catalog"
        style = style_named(genre)

    bpm = _bpm(wishes, reading, style, dna, references, evidence)
    key = _key(wishes, reading, dna, references, evidence)
    energy = _energy(wishes, reading, style, dna, references, evidence)

    felt = reading.felt or (style.felt if style else "straight")
    if style and felt == "half-time" and bpm < 100 and not reading.felt:
        felt = "straight"  # 70 BPM dubstep is already counted at half the speed
    evidence["felt"] = "prompt" if reading.felt else ("genre" if style else "default")

    seconds = wishes.duration_seconds or reading.duration_seconds or DEFAULT_SECONDS
    evidence["duration_seconds"] = (
        "asked" if wishes.duration_seconds else "prompt" if reading.duration_seconds else "default"
    )
    density = 0.5 + sum(mood.density for mood in reading.moods)
    return Brief(
        prompt=wishes.prompt.strip(),
        bpm=bpm,
        key=key,
        energy=energy,
        genre=genre,
        duration_seconds=min(SECONDS[1], max(SECONDS[0], seconds)),
        seed=secrets.randbits(63) if wishes.seed is None else wishes.seed,
        felt=felt,
        moods=tuple(mood.name for mood in reading.moods),
        instruments=reading.instruments,
        density=min(1.0, max(0.0, density)),
        references=wishes.references,
        takes=wishes.takes,
        temperature=wishes.temperature,
        evidence=evidence,
        model=wishes.model,
        text=wishes.text.strip() if wishes.text and wishes.text.strip() else None,
        options=dict(wishes.options),
        adapter=wishes.adapter,
        strength=wishes.strength,
        blend=wishes.partner,
    )


def _check(wishes: Wishes) -> None:
    errors: dict[str, str] = {}
    if len(wishes.prompt) > PROMPT_LENGTH:
        errors["prompt"] = f"Keep the prompt within {PROMPT_LENGTH} characters."
    if wishes.bpm is not None and not BPM[0] <= wishes.bpm <= BPM[1]:
        errors["bpm"] = "BPM is a number from 40 to 220."
    if wishes.energy is not None and not 0 <= wishes.energy <= 1:
        errors["energy"] = "Energy is a number from 0 to 1."
    if wishes.key and key_or_none(wishes.key) is None:
        errors["key"] = "Write the key as F minor, Fm, 4A or 9m."
    if wishes.duration_seconds is not None and not SECONDS[0] <= wishes.duration_seconds <= SECONDS[1]:
        errors["duration_seconds"] = "A take lasts from 15 to 360 seconds."
    if not TAKES[0] <= wishes.takes <= TAKES[1]:
        errors["takes"] = "Ask for one to four takes."
    if not 0.1 <= wishes.temperature <= 2 or not math.isfinite(wishes.temperature):
        errors["temperature"] = "Temperature is a number from 0.1 to 2."
    if wishes.seed is not None and not 0 <= wishes.seed < 2**64:
        errors["seed"] = "A seed is a whole number of at most 64 bits."
    if wishes.blend is not None and not 0 <= wishes.blend.weight <= 1:
        errors["blend"] = "How much of the other artist goes in is a number from 0 to 1."
    if wishes.genre and len(wishes.genre) > 60:
        errors["genre"] = "Name one genre, in at most 60 characters."
    if len(wishes.references) > REFERENCES:
        errors["reference_tracks"] = "Choose up to three reference tracks."
    for reference in wishes.references:
        if reference.role not in ROLES:
            errors["reference_tracks"] = f"The role of a reference is one of: {', '.join(ROLES)}."
        start, end = reference.start_bar, reference.end_bar
        if (start is not None and start < 0) or (end is not None and end <= (start or 0)):
            errors["reference_tracks"] = "A reference's bars run from a first to a later last one."
    if errors:
        raise BadWishes(errors)


def _bpm(
    wishes: Wishes,
    reading: Reading,
    style: Style | None,
    dna: dict[str, Any],
    references: Sequence[Known],
    evidence: dict[str, str],
) -> float:
    if wishes.bpm is not None:
        evidence["bpm"] = "asked"
        return float(wishes.bpm)
    if reading.bpm is not None:
        evidence["bpm"] = "prompt"
        return reading.bpm
    profile = dna.get("bpm_profile") or {}
    low, high, median = (profile.get(name) for name in ("p10", "p90", "median"))
    tempos = sorted(known.bpm for known in references if known.bpm)
    named = style is not None and evidence.get("genre") in {"asked", "prompt"}
    if tempos and not named:
        evidence["bpm"] = "references"
        bpm = tempos[len(tempos) // 2]
    elif style is not None and named:
        # Within the genre, as near to the artist's own tempo as it allows.
        evidence["bpm"] = "genre"
        middle = sum(style.bpm) / 2
        bpm = min(max(median, style.bpm[0]), style.bpm[1]) if median else middle
    elif median:
        evidence["bpm"] = "catalog"
        bpm = float(median)
    else:
        evidence["bpm"] = "default"
        bpm = 120.0
    if reading.pace:
        bpm *= 1 + reading.pace
        if low and high and low < high and not named:
            bpm = min(max(bpm, low), high)
    return float(round(min(BPM[1], max(BPM[0], bpm))))


def _key(
    wishes: Wishes,
    reading: Reading,
    dna: dict[str, Any],
    references: Sequence[Known],
    evidence: dict[str, str],
) -> Key | None:
    if wishes.key:
        evidence["key"] = "asked"
        return key_or_none(wishes.key)
    if reading.key is not None:
        evidence["key"] = "prompt"
        return reading.key
    for known in references:
        if known.key is not None:
            evidence["key"] = "references"
            return known.key
    counts = (dna.get("key_profile") or {}).get("counts") or []
    modes = [mood.mode for mood in reading.moods if mood.mode]
    wanted = [one for one in counts if not modes or one.get("mode") == modes[0]] or counts
    if wanted:
        evidence["key"] = "catalog"
        best = max(wanted, key=lambda one: (one["count"], one["name"]))
        return key_or_none(best["name"])
    evidence["key"] = "default"
    return None


def _energy(
    wishes: Wishes,
    reading: Reading,
    style: Style | None,
    dna: dict[str, Any],
    references: Sequence[Known],
    evidence: dict[str, str],
) -> float:
    if wishes.energy is not None:
        evidence["energy"] = "asked"
        return float(wishes.energy)
    if reading.energy is not None:
        evidence["energy"] = "prompt"
        return reading.energy
    levels = [known.energy for known in references if known.energy is not None]
    median = (dna.get("energy_profile") or {}).get("p50")
    if levels:
        evidence["energy"], base = "references", sum(levels) / len(levels)
    elif median is not None:
        evidence["energy"], base = "catalog", float(median)
    else:
        evidence["energy"], base = "genre" if style else "default", style.energy if style else 0.6
    moved = sum(mood.energy for mood in reading.moods)
    if moved:
        evidence["energy"] = "prompt"
    return round(min(1.0, max(0.0, base + moved)), 3)
