"""One row of whatever source, its fields named as here, becomes an `Entry`; what means nothing is left out and said."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from catalog.imports import fields
from catalog.imports.entry import Cue, Entry, GridPoint, Note

CONVERTERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "title": ("Name", fields.clean),
    "artist": ("Artist", fields.clean),
    "album": ("Album", fields.clean),
    "genre": ("Genre", fields.clean),
    "label": ("Label", fields.clean),
    "remixer": ("Remixer", fields.clean),
    "comment": ("Comment", fields.comment),
    "location": ("Location", fields.location),
    "colour": ("Colour", fields.colour),
    "year": ("Year", fields.year),
    "bpm": ("BPM", fields.bpm),
    "key": ("Key", fields.key),
    "duration": ("Length", fields.duration),
    "plays": ("Play count", fields.plays),
    "added_on": ("Date added", fields.day),
    "last_played_on": ("Last played", fields.day),
    "size": ("Size", fields.size),
    "bitrate": ("Bit rate", fields.bitrate),
}
LONGEST_ID = 64
NAMELESS = "It has neither a name nor a file."


def entry_from(
    values: Mapping[str, str],
    *,
    place: str,
    highest_rating: float,
    derived: str = "loc",
    grid: Sequence[GridPoint] = (),
    cues: Sequence[Cue] = (),
) -> tuple[Entry | None, list[Note]]:
    """The entry, or None when the row names nothing, and what was odd about it.

    values: texts by the names of `CONVERTERS` and "id", "rating". place: where the row stands, for a row without a
    name. derived: what the id begins with when the row brings none.
    """
    found: dict[str, Any] = {}
    odd: list[str] = []
    for name, (label, convert) in CONVERTERS.items():
        raw = values.get(name, "").strip()
        if not raw:
            continue
        try:
            value = convert(raw)
        except ValueError as error:
            odd.append(f"{label} “{fields.clean(raw, 60)}” {error}, so it was left out.")
            continue
        if value is not None and value != "":
            found[name] = value
    if raw := values.get("rating", "").strip():
        try:
            found["rating"] = fields.rating(raw, highest_rating)
        except ValueError as error:
            odd.append(f"Rating “{fields.clean(raw, 60)}” {error}, so it was left out.")
    title, path = found.get("title", ""), found.get("location", "")
    name = title or path.rpartition("/")[2] or place
    if not title and not path:
        return None, [Note("rejected", place, NAMELESS)]
    if not title:
        found["title"] = named_after(path)
    pk = identity(fields.clean(values.get("id", "")), found, derived)
    entry = Entry(id=pk, grid=tuple(grid), cues=tuple(cues), **found)
    return entry, [Note("warning", name, sentence) for sentence in odd]


def named_after(path: str) -> str:
    """The title of a row that names only its file."""
    return path.rpartition("/")[2].rpartition(".")[0].replace("_", " ").strip() or path


def identity(given: str, found: Mapping[str, Any], derived: str) -> str:
    """At most 64 characters, the same each time: the id the source gives, else a digest of file or name."""
    if given and len(given) <= LONGEST_ID:
        return given
    if given:
        return f"id:{_digest(given)}"
    if found.get("location"):
        return f"{derived}:{_digest(str(found['location']).casefold())}"
    said = "\n".join(str(found.get(name, "")) for name in ("title", "artist", "album", "duration"))
    return f"{derived}:{_digest(said.casefold())}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
