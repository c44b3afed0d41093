"""Changes to a finished take: whether it allows them, what follows from them, and what the child is called. Pure.

Sections and bars count from 0 here; people count them from 1 (`generation.changes` reads their words).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generation.brief import EDIT_KINDS, Edit
from generation.prompting import BPM, SECONDS

LAYERS = ("kick", "drums", "bass", "harmony", "lead")  # what can be replaced
AUDIBLE = (*LAYERS, "fx")  # what can be muted
BEATS = 4
MOST_BARS = 64  # that one edit adds or takes away
STEP = 0.2  # how far "more energetic" goes
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


class NoSuchEdit(Exception):
    """This take cannot be changed so. The message is a sentence for the artist."""


@dataclass(frozen=True)
class Part:
    """A section of a finished take, in bars from 0."""

    name: str
    first_bar: int
    bars: int

    @property
    def end_bar(self) -> int:
        return self.first_bar + self.bars


@dataclass(frozen=True)
class Shape:
    """What an edit may refer to in a take.

    energy: as it was asked for. layers: those that sound, kick first. duration: seconds, with what rings on after
    the last bar.
    """

    take_id: str
    bpm: float
    energy: float
    sections: tuple[Part, ...]
    layers: tuple[str, ...]
    duration: float

    @property
    def bars(self) -> int:
        return max((part.end_bar for part in self.sections), default=0)

    def seconds(self, bars: float) -> float:
        return round(bars * BEATS * 60.0 / self.bpm, 3)

    def lasting(self, bars: int) -> float:
        """How long the take would last with so many bars."""
        return round(self.duration + self.seconds(bars - self.bars), 3)

    def called(self, index: int) -> str:
        """A section as people say it: "drop", or "second drop" where there are several."""
        name = self.sections[index].name
        same = [place for place, part in enumerate(self.sections) if part.name == name]
        if len(same) == 1:
            return name
        number = same.index(index)
        return f"{ORDINALS[number]} {name}" if number < len(ORDINALS) else f"{name} {number + 1}"


@dataclass(frozen=True)
class Change:
    """An edit that the take allows, with what follows from it for the brief.

    title: what the child is called after its parent's name. energy, bpm, seconds: new values, None as they were.
    anew: something is composed anew, so that the same edit twice shall not give the same music.
    """

    edit: Edit
    title: str
    energy: float | None = None
    bpm: float | None = None
    seconds: float | None = None
    anew: bool = False


def shape(
    take_id: str,
    *,
    bpm: float,
    energy: float,
    sections: Sequence[Mapping[str, Any]],
    layers: Sequence[str],
    duration: float,
) -> Shape:
    """The shape of a take from its row's sections and the names of its stems."""
    parts = [Part(str(one["name"]), int(one["first_bar"]), int(one["bars"])) for one in sections]
    return Shape(
        take_id, bpm, energy, tuple(parts), tuple(name for name in AUDIBLE if name in layers), duration
    )


def decided(edit: Edit, take: Shape, *, energy: float | None = None, bpm: float | None = None) -> Change:
    """`edit` as a change that this take allows; where it leaves bars open, they are chosen.

    energy, bpm: the new ones, of an edit that is about them. Raises NoSuchEdit with a sentence.
    """
    if edit.kind not in EDIT_KINDS:
        raise NoSuchEdit(f"The kind of an edit is one of: {', '.join(EDIT_KINDS)}.")
    return _DECIDED[edit.kind](edit, take, energy, bpm)


def _energy(edit: Edit, take: Shape, energy: float | None, _: float | None) -> Change:
    if energy is None or not 0.0 <= energy <= 1.0:
        raise NoSuchEdit("Say the new energy, a number from 0 to 1.")
    energy = round(energy, 3)
    if abs(energy - take.energy) < 0.005:
        at = " already, and there is no more" if energy in (0.0, 1.0) else " already"
        raise NoSuchEdit(f"Its energy is {take.energy:.2f}{at}.")
    return Change(edit, "more energetic" if energy > take.energy else "calmer", energy=energy)


def _tempo(edit: Edit, take: Shape, _: float | None, bpm: float | None) -> Change:
    if bpm is None or not BPM[0] <= bpm <= BPM[1]:
        raise NoSuchEdit(f"Say the new tempo, from {BPM[0]:.0f} to {BPM[1]:.0f} BPM.")
    if abs(bpm - take.bpm) < 0.005:
        raise NoSuchEdit(f"It plays at {bpm:g} BPM already.")
    seconds = round(take.duration * take.bpm / bpm, 3)
    _check_length(seconds, f"At {bpm:g} BPM")
    return Change(edit, f"{bpm:g} BPM", bpm=float(bpm), seconds=seconds)


def _replace(edit: Edit, take: Shape, *_: float | None) -> Change:
    if edit.layer not in take.layers or edit.layer not in LAYERS:
        raise NoSuchEdit(f"Name a layer of this take: {listed(_replaceable(take))}.")
    return Change(edit, f"different {edit.layer}", anew=True)


def _section(edit: Edit, take: Shape, *_: float | None) -> Change:
    return Change(edit, f"new {take.called(_place(edit, take))}", anew=True)


def _longer(edit: Edit, take: Shape, *_: float | None) -> Change:
    place = _place(edit, take)
    bars = _count(edit.bars, default=4 if take.sections[place].bars < 16 else 8)
    seconds = take.lasting(take.bars + bars)
    _check_length(seconds, f"With {counted(bars)} more")
    settled = _with(edit, section=place, bars=bars)
    return Change(settled, f"longer {take.called(place)}", seconds=seconds, anew=True)


def _shorter(edit: Edit, take: Shape, *_: float | None) -> Change:
    place = _place(edit, take)
    there = take.sections[place].bars
    bars = _count(edit.bars, default=4 if there < 32 else 8)
    if bars >= there:
        raise NoSuchEdit(
            f"The {take.called(place)} has {counted(there)}, so it cannot be {counted(bars)} shorter. "
            "To be without it, crop to the other bars."
        )
    seconds = take.lasting(take.bars - bars)
    _check_length(seconds, f"With {counted(bars)} less")
    return Change(_with(edit, section=place, bars=bars), f"shorter {take.called(place)}", seconds=seconds)


def _extend(edit: Edit, take: Shape, *_: float | None) -> Change:
    bars = _count(edit.bars, default=16)
    seconds = take.lasting(take.bars + bars)
    _check_length(seconds, f"With {counted(bars)} more")
    return Change(_with(edit, bars=bars), f"{counted(bars)} longer", seconds=seconds, anew=True)


def _crop(edit: Edit, take: Shape, *_: float | None) -> Change:
    first, end = edit.first_bar or 0, take.bars if edit.end_bar is None else edit.end_bar
    if not 0 <= first < end <= take.bars:
        raise NoSuchEdit(f"It has {counted(take.bars)}: crop to bars of those, such as 1-{take.bars // 2}.")
    if (first, end) == (0, take.bars):
        raise NoSuchEdit(f"Bars 1-{take.bars} are all of it: there is nothing to crop.")
    seconds = take.lasting(end - first)
    _check_length(seconds, f"Cropped to bars {first + 1}-{end}")
    return Change(_with(edit, first_bar=first, end_bar=end), f"bars {first + 1}-{end}", seconds=seconds)


def _mute(edit: Edit, take: Shape, *_: float | None) -> Change:
    wanted = tuple(name for name in take.layers if name in edit.layers)
    missing = [name for name in edit.layers if name not in take.layers]
    if not wanted or missing:
        raise NoSuchEdit(f"Name layers of this take: {listed(take.layers)}.")
    kept = [name for name in take.layers if name not in wanted]
    if not kept:
        raise NoSuchEdit("Muting every layer leaves silence. Keep at least one.")
    title = f"only {listed(kept)}" if len(kept) < len(wanted) else f"without {listed(wanted)}"
    return Change(_with(edit, layers=wanted), title)


_DECIDED = {
    "energy": _energy,
    "tempo": _tempo,
    "replace": _replace,
    "section": _section,
    "longer": _longer,
    "shorter": _shorter,
    "extend": _extend,
    "crop": _crop,
    "mute": _mute,
}


def _with(edit: Edit, **settled: Any) -> Edit:
    return replace(edit, **settled)


def _replaceable(take: Shape) -> list[str]:
    return [name for name in take.layers if name in LAYERS]


def _place(edit: Edit, take: Shape) -> int:
    if edit.section is None or not 0 <= edit.section < len(take.sections):
        last = len(take.sections) - 1
        raise NoSuchEdit(
            f"Say which section, from 0 to {last}: {listed([take.called(n) for n in range(last + 1)])}."
            if take.sections
            else "This take has no sections that could be told apart."
        )
    return edit.section


def _count(bars: int | None, *, default: int) -> int:
    count = default if bars is None else bars
    if not 1 <= count <= MOST_BARS:
        raise NoSuchEdit(f"Say how many bars, from 1 to {MOST_BARS}.")
    return count


def _check_length(seconds: float, when: str) -> None:
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise NoSuchEdit(
            f"{when} it would last {seconds:.0f} seconds; a take lasts from {SECONDS[0]:.0f} to {SECONDS[1]:.0f}."
        )


def counted(bars: int) -> str:
    return f"{bars} bar{'' if bars == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """drums, bass and effects"""
    names = ["effects" if name == "fx" else name for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"
