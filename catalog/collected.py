"""What collections say about one track, put together: of several sources, and of rows merged by the artist.

Beside `Entry.to_json()`, `Track.imported` holds "source", and may hold "apart" (the artist said it is none of the
uploads) and "also" (by id, what the collection says of duplicates that were merged into it).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from catalog.imports import Entry, fold
from catalog.imports.matching import SECONDS
from catalog.imports.rows import named_after

# A source adds to what one above it said, and never speaks against it.
RANK = {"m3u": 0, "csv": 1, "rekordbox": 2}
DECIDED = ("apart", "also")
_OF_ONE_FILE = ("grid", "cues", "source", *DECIDED)


def outranked(before: Mapping[str, Any], source: str) -> bool:
    """Whether what was said before counts more than what `source` says."""
    return RANK.get(str(before.get("source", "")), -1) > RANK[source]


def together(
    before: Mapping[str, Any], entry: Entry, source: str, columns: Collection[str]
) -> dict[str, Any]:
    """`Track.imported` after an entry of `source`, field by field.

    columns: the fields a table has. It takes back what it said there and says no more; nothing else is taken back,
    but by Rekordbox, which always says all it knows.
    """
    said = {"source": source, **entry.to_json()}
    decided = {name: before[name] for name in DECIDED if name in before}
    if outranked(before, source):
        return {**said, **before}
    if before and source != "rekordbox":
        if before.get("title") and "title" not in columns and entry.title == named_after(entry.location):
            del said["title"]  # made of the file's name
        said = {name: value for name, value in before.items() if name not in columns} | said
    return said | decided


def merged(stays: Mapping[str, Any], pk: str, goes: Mapping[str, Any]) -> dict[str, Any]:
    """`Track.imported` of a row after the one with the collection's id `pk` was merged into it."""
    facts = {name: value for name, value in goes.items() if name not in _OF_ONE_FILE}
    return {**stays, "also": {**stays.get("also", {}), **goes.get("also", {}), pk: facts}}


def columns_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a track that repeat what `Track.imported` says, for lists and sums. Plays are added up."""
    entries = [Entry.from_json(one) for one in (said, *said.get("also", {}).values())]
    plays = [one.plays for one in entries if one.plays is not None]
    return {
        "imported_bpm": next((one.bpm for one in entries if one.bpm), None),
        "imported_key": next((one.key.name for one in entries if one.key), ""),
        "credit": next((one.artist for one in entries if one.artist), "")[:300],
        "plays": sum(plays) if plays else None,
        "rating": max((one.rating for one in entries if one.rating is not None), default=None),
        "added_on": min((one.added_on for one in entries if one.added_on), default=None),
        "last_played_on": max((one.last_played_on for one in entries if one.last_played_on), default=None),
    }


def other_id(entry: Entry) -> str:
    """The id of an entry whose own id stands for another track of this artist."""
    text = f"{entry.id}\n{entry.location or entry.title}".casefold()
    return f"{entry.id[:31]}~{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def renamed(before: Mapping[str, Any], entry: Entry) -> bool:
    """Whether both title and file are called otherwise than before."""
    title = before.get("title")
    return (
        bool(title) and title != entry.title and fold(str(before.get("location", ""))) != fold(entry.location)
    )


def strangers(before: Mapping[str, Any], entry: Entry) -> bool:
    """Whether an id was given to another recording: nothing of it is as it was."""
    if not renamed(before, entry):
        return False
    if before.get("duration") is None or entry.duration is None:
        return before.get("size") != entry.size
    return bool(abs(before["duration"] - entry.duration) > SECONDS)


def alike(before: Mapping[str, Any], entry: Entry) -> bool:
    """Whether title or length is as it was."""
    if before.get("title") == entry.title:
        return True
    return bool(
        before.get("duration") and entry.duration and abs(before["duration"] - entry.duration) <= SECONDS
    )
