"""A list of whatever kind: looked through once, so that it is taken whole or not at all, then read as a stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog.imports import fields, m3u, rekordbox, tables
from catalog.imports.entry import Entry, ListedPlaylist, Note
from catalog.imports.errors import ImportRefused
from catalog.imports.matching import fold
from catalog.imports.sniffing import Kind, encoding_of


@dataclass(frozen=True)
class Survey:
    """What a file holds. ids: of its entries; names: how often each `fold`ed file name stands in it."""

    kind: Kind
    tracks: int
    ids: frozenset[str]
    names: Mapping[str, int]
    encoding: str = ""
    layout: tables.Layout | None = field(default=None, repr=False)


def survey(path: Path, kind: Kind) -> Survey:
    """Raises ImportRefused for a file that cannot be read to its end."""
    if kind == "rekordbox":
        found = rekordbox.count(path)
        return Survey(kind, found.tracks, frozenset(found.ids), found.names)
    encoding = encoding_of(path)
    layout = tables.layout_of(path, encoding) if kind == "csv" else None
    if layout is not None:
        layout = replace(layout, highest_rating=tables.highest_rating(_ratings(path, layout)))
    ids: set[str] = set()
    names: Counter[str] = Counter()
    tracks = 0
    for one in read(path, Survey(kind, 0, frozenset(), {}, encoding, layout)):
        if isinstance(one, Entry):
            tracks += 1
            if one.id not in ids:  # a list may name one file twice
                names[fold(one.location)] += 1
            ids.add(one.id)
    if not tracks:
        raise ImportRefused("empty", "This list names no tracks.")
    return Survey(kind, tracks, frozenset(ids), names, encoding, layout)


def _ratings(path: Path, layout: tables.Layout) -> set[float]:
    found: set[float] = set()
    if "rating" in layout.columns:
        for _, values in tables.rows(path, layout):
            try:
                found.add(fields.number(values.get("rating", "")))
            except ValueError:
                continue
            if len(found) > 1_000:
                break
    return found


def read(path: Path, found: Survey, *, name: str = "") -> Iterator[Entry | ListedPlaylist | Note]:
    """Entries in the order of the file with the notes on them; playlists when their entries are known.

    name: what a list that has no name of its own is called.
    """
    if found.kind == "rekordbox":
        yield from rekordbox.entries(path)
    elif found.kind == "m3u":
        yield from m3u.entries(path, found.encoding, name)
    elif found.layout is not None:
        yield from tables.entries(path, found.layout)
