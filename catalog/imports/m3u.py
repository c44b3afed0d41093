"""M3U and M3U8: paths, with a length and a name before each when the program was kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from catalog.imports import fields, limits
from catalog.imports.entry import Entry, ListedPlaylist, Note
from catalog.imports.errors import ImportRefused
from catalog.imports.lines import lines_of
from catalog.imports.rows import entry_from

_EXTINF = re.compile(r"^#EXTINF:\s*(-?[\d.]+)?[^,]*,(.*)$", re.IGNORECASE)


def entries(path: Path, encoding: str, name: str) -> Iterator[Entry | ListedPlaylist | Note]:
    """Tracks in the order of the list, then the list itself, called `name` unless it names itself."""
    said: dict[str, str] = {}
    members: list[str] = []
    for number, line in enumerate(lines_of(path, encoding), start=1):
        text = line.strip()
        if found := _EXTINF.match(text):
            said = _said(found[1] or "", found[2])
        elif text.upper().startswith("#PLAYLIST:"):
            name = fields.clean(text[10:], 300) or name
        elif text and not text.startswith("#"):
            values, said = {**said, "location": text}, {}
            entry, notes = entry_from(values, place=f"Line {number:,}", highest_rating=5, derived="list")
            if entry is not None:
                if len(members) >= limits.MAX_TRACKS:
                    raise ImportRefused(
                        "too_many", f"This list has more than {limits.MAX_TRACKS:,} tracks, the limit."
                    )
                members.append(entry.id)
                yield entry
            yield from notes
    if members:
        yield ListedPlaylist(name or "Untitled", "", tuple(members))


def _said(seconds: str, words: str) -> dict[str, str]:
    """Length, artist and title of an #EXTINF line. A length of -1 says that it is not known."""
    artist, dash, title = words.partition(" - ")
    said = {"title": title, "artist": artist} if dash and title.strip() else {"title": words}
    return {**said, "duration": seconds} if seconds and not seconds.startswith("-") else said
