"""What a collection says about one track, about one playlist, and what was odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, NamedTuple

from catalog.analysis.keys import Key, key_or_none


class GridPoint(NamedTuple):
    """From `start` (seconds) on: `bpm`, in a `metre` such as "4/4", the first beat being number `beat` of its bar."""

    start: float
    bpm: float
    metre: str = "4/4"
    beat: int = 1


class Cue(NamedTuple):
    """A mark in a track. number: 0 to 7 for hot cues A to H, -1 for memory cues. Times in seconds."""

    kind: str  # "cue", "fade-in", "fade-out", "load" or "loop"
    start: float
    end: float | None = None
    number: int = -1
    name: str = ""
    colour: str = ""  # "#RRGGBB"


@dataclass(frozen=True)
class Entry:
    """One track as a collection describes it. None or "" where it says nothing.

    `id` is the same each time the same collection is read. `location` is a path on somebody's own computer: text
    to show and to compare, never a place to look.
    """

    id: str
    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    label: str = ""
    remixer: str = ""
    year: int | None = None
    bpm: float | None = None
    key: Key | None = None
    duration: float | None = None
    rating: int | None = None
    plays: int | None = None
    added_on: date | None = None
    last_played_on: date | None = None
    comment: str = ""
    colour: str = ""
    size: int | None = None
    bitrate: int | None = None
    location: str = ""
    grid: tuple[GridPoint, ...] = field(default=())
    cues: tuple[Cue, ...] = field(default=())

    @property
    def filename(self) -> str:
        """The last part of `location`, whatever system wrote it."""
        return self.location.replace("\\", "/").rpartition("/")[2]

    def to_json(self) -> dict[str, Any]:
        """JSON-able values; what the collection does not say is left out."""
        data: dict[str, Any] = {
            name: value
            for name in TEXTS + NUMBERS
            if (value := getattr(self, name)) is not None and value != ""
        }
        for name in DAYS:
            if (day := getattr(self, name)) is not None:
                data[name] = day.isoformat()
        if self.key is not None:
            data["key"] = self.key.name
        if self.grid:
            data["grid"] = [list(point) for point in self.grid]
        if self.cues:
            data["cues"] = [list(cue) for cue in self.cues]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """The entry that `to_json` wrote. What else stands in `data` is left alone."""
        values: dict[str, Any] = {name: data[name] for name in TEXTS + NUMBERS if name in data}
        values |= {name: date.fromisoformat(data[name]) for name in DAYS if name in data}
        return cls(
            **{"id": "", **values},
            key=key_or_none(str(data["key"])) if data.get("key") else None,
            grid=tuple(GridPoint(*point) for point in data.get("grid", ())),
            cues=tuple(Cue(*cue) for cue in data.get("cues", ())),
        )


TEXTS = ("id", "title", "artist", "album", "genre", "label", "remixer", "comment", "colour", "location")
NUMBERS = ("year", "bpm", "duration", "rating", "plays", "size", "bitrate")
DAYS = ("added_on", "last_played_on")


@dataclass(frozen=True)
class ListedPlaylist:
    """A playlist. members: entry ids, or locations when `by_location`. folder: names joined by " / "."""

    name: str
    folder: str
    members: tuple[str, ...]
    by_location: bool = False


@dataclass(frozen=True)
class Note:
    """Something a person should know about one row: a field that was left out, or a row that was not taken."""

    kind: Literal["warning", "rejected"]
    name: str
    reason: str
