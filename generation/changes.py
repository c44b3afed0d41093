"""A change as people say it ("longer second drop", "without drums") → an edit of a finished take. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from generation.brief import Edit
from generation.edits import AUDIBLE, LAYERS, ORDINALS, STEP, Change, NoSuchEdit, Part, Shape, decided, listed

AGAIN = frozenset({"", "regenerate", "again", "regenerate all", "new take"})
UP = frozenset({"more energetic", "energetic", "harder", "more energy", "higher energy", "more intense"})
DOWN = frozenset({"calmer", "less energetic", "softer", "less energy", "lower energy", "less intense"})
UNDERSTOOD = (
    "more energetic",
    "calmer",
    "150 BPM",
    "different drums (kick, bass, harmony, lead)",
    "longer break",
    "shorter intro",
    "another drop",
    "extend by 16 bars",
    "crop to bars 9-24",
    "without drums",
    "only drums and bass",
    "regenerate",
)
NAMES = {  # how people call a layer
    "beat": "drums",
    "beats": "drums",
    "drum": "drums",
    "percussion": "drums",
    "kicks": "kick",
    "bassline": "bass",
    "sub": "bass",
    "chords": "harmony",
    "pads": "harmony",
    "melody": "lead",
    "hook": "lead",
    "vocals": "lead",
    "effects": "fx",
} | {name: name for name in AUDIBLE}
PLACES = (  # and how they call a section, whatever the genre calls it
    frozenset({"intro", "opening", "beginning"}),
    frozenset({"build", "buildup", "verse", "rise"}),
    frozenset({"drop", "chorus", "theme", "main"}),
    frozenset({"break", "breakdown", "bridge", "rest"}),
    frozenset({"outro", "ending", "end"}),
)
_ORDER = {word: number for number, word in enumerate(ORDINALS)}
_ORDER |= {f"{number + 1}{end}": number for number, end in enumerate(("st", "nd", "rd", *["th"] * 5))}
_ORDER |= {"last": -1, "final": -1}

_IDLE = frozenset({"please", "make", "it", "the", "a", "an", "me", "give", "this", "that", "of", "with"})
_AROUND_TEMPO = frozenset(
    {
        "keep",
        "same",
        "vibe",
        "feel",
        "feeling",
        "mood",
        "music",
        "but",
        "at",
        "to",
        "and",
        "in",
        "play",
        "now",
    }
    | {"only", "just", "tempo", "change", "new", "faster", "slower"}
)
_NUMBER = r"(?P<bars>\d{1,3})"
_TEMPO = re.compile(r"(\d{2,3}(?:\.\d+)?) ?bpm")
_LEVEL = re.compile(r"energy (?:to )?(0?\.\d+|[01](?:\.0+)?|\d{1,3} ?%)")
_CROP = re.compile(
    r"(?:(?:crop|keep|only|just|cut)(?: to)? )?bars? (\d{1,3}) ?(?:-|to|until) ?(\d{1,3})(?: only)?"
)
_REPLACE = re.compile(r"(?:different|other|another|new|change|replace|swap) (?P<what>[a-z]+)")
_SECTION = re.compile(
    r"(?:another|new|different|other|change|replace|regenerate|redo|recompose|compose) "
    r"(?P<what>[a-z0-9 ]+?)(?: anew| again)?"
)
_RESIZE = (
    re.compile(
        rf"(?P<how>longer|lengthen|extend|shorter|shorten) (?P<what>[a-z0-9 ]+?)(?: by {_NUMBER} bars?)?"
    ),
    re.compile(
        rf"(?P<what>[a-z0-9 ]+?)(?: {_NUMBER} bars?)? (?P<how>longer|shorter)(?: by (?P<more>\d{{1,3}}) bars?)?"
    ),
)
_EXTEND = (
    re.compile(rf"(?:extend|longer|lengthen)(?: by)?(?: {_NUMBER} bars?)?"),
    re.compile(rf"{_NUMBER} (?:more bars?|bars? (?:more|longer))"),
)
_WITHOUT = re.compile(r"(?:without|no|mute|remove) (?P<what>.+)")
_ONLY = re.compile(r"(?:only|just|solo) (?P<what>.+)")


TYPICAL = Shape(
    "",
    120.0,
    0.5,
    tuple(
        Part(name, 16 * place, 16) for place, name in enumerate(("intro", "build", "drop", "break", "outro"))
    ),
    AUDIBLE,
    160.0,
)


def plain(text: str) -> str:
    """Lower case, plain dashes, without the words that say nothing."""
    lowered = re.sub(r"[\u2010-\u2015]", "-", text.lower()).strip(" .!")
    words = re.sub(r"[,;]", " , ", lowered).split()
    return " ".join(word for word in words if word not in _IDLE)


def energy_step(wanted: str, energy: float) -> float | None:
    """The energy that "more energetic" or "calmer" means, starting from `energy`; None for other words."""
    wanted = plain(wanted)
    if wanted in UP or wanted in DOWN:
        return round(min(1.0, max(0.0, energy + (STEP if wanted in UP else -STEP))), 3)
    if found := _LEVEL.fullmatch(wanted):
        level = found[1].replace(" ", "")
        return min(1.0, float(level[:-1]) / 100 if level.endswith("%") else float(level))
    return None


def tempo(wanted: str) -> float | None:
    """The tempo that words such as "keep the vibe but 150 BPM" ask for, and nothing else; None for other words."""
    wanted = plain(wanted)
    found = _TEMPO.search(wanted)
    if found is None:
        return None
    rest = set(re.sub(r"[,]", " ", wanted[: found.start()] + " " + wanted[found.end() :]).split())
    return float(found[1]) if rest <= _AROUND_TEMPO else None


def in_words(text: str, take: Shape) -> Change:
    """The change to `take` that these words mean. Raises NoSuchEdit: not understood, or the take does not allow it."""
    wanted = plain(text)
    if (energy := energy_step(text, take.energy)) is not None:
        return decided(Edit(take.take_id, "energy"), take, energy=energy)
    if (bpm := tempo(text)) is not None:
        return decided(Edit(take.take_id, "tempo"), take, bpm=bpm)
    for reading in _READINGS:
        if (edit := reading(wanted, take)) is not None:
            return decided(edit, take)
    raise NoSuchEdit(not_understood(text))


def is_edit(text: str) -> bool:
    """Whether these words are an edit of some take, whatever this one allows."""
    try:
        in_words(text, TYPICAL)
    except NoSuchEdit as error:
        return str(error) != not_understood(text)
    return True


def not_understood(text: str) -> str:
    said = " ".join(text.split())
    said = said if len(said) <= 60 else said[:59] + "…"
    return f"“{said}” is not a change that is understood here. These are: {', '.join(UNDERSTOOD)}."


def _crop(wanted: str, take: Shape) -> Edit | None:
    if not (found := _CROP.fullmatch(wanted)):
        return None
    return Edit(take.take_id, "crop", first_bar=int(found[1]) - 1, end_bar=int(found[2]))


def _replace(wanted: str, take: Shape) -> Edit | None:
    if not (found := _REPLACE.fullmatch(wanted)) or NAMES.get(found["what"]) not in LAYERS:
        return None
    return Edit(take.take_id, "replace", layer=NAMES[found["what"]])


def _extend(wanted: str, take: Shape) -> Edit | None:
    for pattern in _EXTEND:
        if found := pattern.fullmatch(wanted):
            return Edit(take.take_id, "extend", bars=int(found["bars"]) if found["bars"] else None)
    return None


def _resize(wanted: str, take: Shape) -> Edit | None:
    for pattern in _RESIZE:
        if found := pattern.fullmatch(wanted):
            place = _section_named(found["what"], take)
            if place is None:
                continue
            kind = "longer" if found["how"] in {"longer", "lengthen", "extend"} else "shorter"
            bars = found["bars"] or found.groupdict().get("more")
            return Edit(take.take_id, kind, section=place, bars=int(bars) if bars else None)
    return None


def _section(wanted: str, take: Shape) -> Edit | None:
    if not (found := _SECTION.fullmatch(wanted)):
        return None
    place = _section_named(found["what"], take)
    return None if place is None else Edit(take.take_id, "section", section=place)


def _mute(wanted: str, take: Shape) -> Edit | None:
    found = _WITHOUT.fullmatch(wanted) or _ONLY.fullmatch(wanted)
    if not found:
        return None
    named = [word for word in re.split(r"[ ,&+]+", found["what"]) if word and word != "and"]
    layers = [NAMES.get(word) for word in named]
    if not layers or None in layers:
        return None
    if missing := [str(name) for name in layers if name not in take.layers]:
        raise NoSuchEdit(f"This take has no {listed(missing)}. Its layers: {listed(take.layers)}.")
    if _ONLY.fullmatch(wanted):
        layers = [name for name in take.layers if name not in layers]
        if not layers:
            raise NoSuchEdit("These are all of its layers: there is nothing to leave out.")
    return Edit(take.take_id, "mute", layers=tuple(str(name) for name in layers))


_READINGS: tuple[Callable[[str, Shape], Edit | None], ...] = (
    _crop,
    _replace,
    _extend,
    _resize,
    _section,
    _mute,
)


def _section_named(words: str, take: Shape) -> int | None:
    """The section that "second drop", "last break", "drop 2" or "intro" means: the first of several if it is not said.

    None for words that name none. Raises NoSuchEdit for a number that this take has not.
    """
    parts = words.split()
    number: int | None = None
    if len(parts) > 1 and parts[0] in _ORDER:
        number, parts = _ORDER[parts[0]], parts[1:]
    elif len(parts) > 1 and parts[-1].isdecimal():
        number, parts = int(parts[-1]) - 1, parts[:-1]
    if len(parts) != 1:
        return None
    names = [part.name.lower() for part in take.sections]
    name = parts[0]
    if name not in names:
        alike = next((group for group in PLACES if name in group), frozenset())
        name = next((one for one in names if one in alike), name)
    same = [place for place, one in enumerate(names) if one == name]
    if not same:
        return None
    if number is None:
        return same[0]
    if number >= len(same):
        raise NoSuchEdit(
            f"This take has {len(same)} {name}{'' if len(same) == 1 else 's'}, so there is none to be the {words}."
        )
    return same[number]
