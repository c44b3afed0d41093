"""Tables as text: CSV and the tab-separated lists that Rekordbox, Traktor, Serato and spreadsheets export."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.imports import limits
from catalog.imports.entry import Entry, Note
from catalog.imports.errors import ImportRefused
from catalog.imports.lines import lines_of
from catalog.imports.rows import entry_from

# Each column by the names programs give it, written without blanks, dots and case.
COLUMNS: dict[str, str] = {
    name: field
    for field, names in {
        "title": "title tracktitle name trackname song songtitle titel titre titulo titolo track",
        "artist": "artist artists artistname trackartist interpret kunstler künstler artiste artista performer",
        "album": "album albumtitle release albumname",
        "genre": "genre genres style stil tags",
        "label": "label recordlabel publisher",
        "remixer": "remixer remixers remixedby mixartist",
        "year": "year jahr année annee año anno releaseyear releasedate released",
        "bpm": "bpm averagebpm tempo beatsperminute",
        "key": "key tonality initialkey musicalkey keytext tonart camelot openkey camelotkey keyresult",
        "duration": "time duration length totaltime länge lange dauer durée duree seconds durationseconds",
        "rating": "rating stars ranking bewertung note myrating",
        "plays": "plays playcount djplaycount playcounter timesplayed played count",
        "added_on": "dateadded added importdate addedon dateimported dateaddedtocollection",
        "last_played_on": "lastplayed lastplayedon dateplayed playdate lastplay",
        "comment": "comment comments kommentar commentaire message comment1",
        "colour": "colour color farbe",
        "size": "size filesize sizebytes bytes größe grosse",
        "bitrate": "bitrate bitratekbps kbps",
        "location": "location filepath path file filename fullpath pathname url dateiname speicherort",
    }.items()
    for name in names.split()
}
DELIMITERS = "\t;,|"
_WORD = re.compile(r"[^\w]|_", re.UNICODE)


@dataclass(frozen=True)
class Layout:
    """How a table is written. columns: the field of each column, "" for one nobody here uses."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    header_row: int
    highest_rating: float = 5.0


def layout_of(path: Path, encoding: str) -> Layout:
    """Find the header in the first rows. Raises ImportRefused when none names a title or a file."""
    delimiter = ""
    for number, line in enumerate(lines_of(path, encoding)):
        if number > 20:
            break
        text = line.strip("\r\n")
        if found := re.match(r"^sep=(.)$", text, re.IGNORECASE):
            delimiter = found[1]
            continue
        columns = _columns(text, delimiter or _delimiter(text))
        if "title" in columns or "location" in columns:
            return Layout(encoding, delimiter or _delimiter(text), columns, number)
    raise ImportRefused(
        "no_header",
        "No row at the top of this list names its columns. One of them must be called Title or Location.",
    )


def _delimiter(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=bare.count)


def _columns(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        names = next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return ()
    found: list[str] = []
    for name in names[:500]:
        field = COLUMNS.get(_WORD.sub("", name.casefold()), "")
        if field == "location" and "name" in name.casefold() and "location" in found:
            field = ""  # "Location" beside "File name": the path says more
        elif field == "location" and "location" in found:
            found[found.index("location")] = ""
        found.append("" if field in found else field)
    return tuple(found)


def rows(path: Path, layout: Layout) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number, texts by field) of each row that is not empty."""
    lines = lines_of(path, layout.encoding)
    reader = csv.reader(lines, delimiter=layout.delimiter)
    taken = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise ImportRefused(
                "damaged",
                f"This table cannot be read near line {reader.line_num:,}: a quotation mark is not closed.",
            ) from None
        if reader.line_num <= layout.header_row + 1 or not any(cell.strip() for cell in row):
            continue
        taken += 1
        if taken > limits.MAX_TRACKS:
            raise ImportRefused(
                "too_many", f"This list has more than {limits.MAX_TRACKS:,} rows, the limit for one import."
            )
        yield reader.line_num, _values(layout.columns, row)


def _values(columns: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    return {field: cell for field, cell in zip(columns, row, strict=False) if field and cell.strip()}


def highest_rating(ratings: set[float]) -> float:
    """The scale a column of ratings is written in: stars, percent, or the 0 to 255 of Rekordbox."""
    given = ratings - {0.0}
    if given and given <= {51.0, 102.0, 153.0, 204.0, 255.0}:
        return 255.0
    most = max(given, default=0.0)
    return 255.0 if most > 100 else 100.0 if most > 5 else 5.0


def entries(path: Path, layout: Layout) -> Iterator[Entry | Note]:
    for number, values in rows(path, layout):
        entry, notes = entry_from(
            values, place=f"Line {number:,}", highest_rating=layout.highest_rating, derived="list"
        )
        if entry is not None:
            yield entry
        yield from notes
