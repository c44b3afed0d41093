"""Rekordbox XML, as a stream: File > Export Collection in xml format.

Parsed with a target instead of a tree, so that nothing is kept but the track in hand: 20,000 tracks need about 3 s
for both looks and no more memory than 20.
pyrekordbox, the known library, builds the whole tree, fails on one bad number and drops cue colours.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

from catalog.imports import fields, limits
from catalog.imports.entry import Cue, Entry, GridPoint, ListedPlaylist, Note
from catalog.imports.errors import ImportRefused
from catalog.imports.matching import fold
from catalog.imports.rows import entry_from, identity
from catalog.imports.xmlfeed import fed

ATTRIBUTES = {
    "TrackID": "id",
    "Name": "title",
    "Artist": "artist",
    "Album": "album",
    "Genre": "genre",
    "Label": "label",
    "Remixer": "remixer",
    "Year": "year",
    "AverageBpm": "bpm",
    "Tonality": "key",
    "TotalTime": "duration",
    "Rating": "rating",
    "PlayCount": "plays",
    "Colour": "colour",
    "Comments": "comment",
    "Location": "location",
    "Size": "size",
    "BitRate": "bitrate",
    "Bitrate": "bitrate",
    "DateAdded": "added_on",
    "LastPlayed": "last_played_on",
}
CUE_KINDS = {"0": "cue", "1": "fade-in", "2": "fade-out", "3": "load", "4": "loop"}
HIGHEST_RATING = 255.0
OTHERS = {
    "NML": "This is a Traktor collection. Export a playlist from Traktor as a text list, or use Rekordbox XML.",
    "plist": "This is an iTunes library. Import it in Rekordbox first, or send a CSV or M3U file.",
    "html": "This is a web page, not a collection.",
}

Found = Entry | ListedPlaylist | Note


class _Target:
    """What expat tells, as entries. With `names` only counted: ids and file names, no entries."""

    def __init__(self, *, counting: bool) -> None:
        self.found: deque[Found] = deque()
        self.counting = counting
        self.ids: set[str] = set()
        self.names: Counter[str] = Counter()
        self.tracks = self.playlists = self.members = self.tags = 0
        self._known: set[str] = set()
        self._path: list[str] = []
        self._track: dict[str, str] | None = None
        self._grid: list[GridPoint] = []
        self._cues: list[Cue] = []
        self._folders: list[str] = []
        self._list: list[str] | None = None
        self._by_location = False

    # --- called by the parser ---

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.tags += 1
        self._known.add(tag)
        self._known.update(attributes)
        if len(self._known) > limits.MAX_NAMES:
            raise ImportRefused("not_rekordbox", "This XML holds things that no Rekordbox collection has.")
        depth = len(self._path)
        if depth >= limits.MAX_DEPTH:
            raise ImportRefused("too_deep", "This XML is nested more deeply than any collection is.")
        if not depth and tag != "DJ_PLAYLISTS":
            raise ImportRefused(
                "not_rekordbox",
                OTHERS.get(
                    tag, "This XML is not a Rekordbox collection: it does not begin with DJ_PLAYLISTS."
                ),
            )
        self._path.append(tag)
        place = self._path[1] if depth else ""
        if place == "COLLECTION":
            self._in_collection(tag, depth, attributes)
        elif place == "PLAYLISTS" and depth > 1:
            self._in_playlists(tag, attributes)

    def end(self, tag: str) -> None:
        depth = len(self._path) - 1
        place = self._path[1] if depth else ""
        self._path.pop()
        if place == "COLLECTION" and depth == 2 and self._track is not None:
            self._end_track(self._track)
            self._track = None
        elif place == "PLAYLISTS" and depth > 1 and tag == "NODE":
            self._end_node()

    def close(self) -> None:
        """Nothing is left to hand out: whatever was found is found."""

    # --- the collection ---

    def _in_collection(self, tag: str, depth: int, attributes: dict[str, str]) -> None:
        if depth == 2 and tag == "TRACK":
            self.tracks += 1
            if self.tracks > limits.MAX_TRACKS:
                raise ImportRefused(
                    "too_many",
                    f"This collection has more than {limits.MAX_TRACKS:,} tracks, the limit for one import.",
                )
            self._track, self._grid, self._cues = attributes, [], []
        elif self._track is None or self.counting:
            return
        elif tag == "TEMPO" and len(self._grid) < limits.MAX_GRID:
            self._grid += _grid_point(attributes)
        elif tag == "POSITION_MARK" and len(self._cues) < limits.MAX_CUES:
            self._cues += _cue(attributes)

    def _end_track(self, attributes: dict[str, str]) -> None:
        values = {name: attributes[tag] for tag, name in ATTRIBUTES.items() if attributes.get(tag)}
        if self.counting:
            path = fields.location(values.get("location", ""))
            given = fields.clean(values.get("id", ""))
            if given:
                self.ids.add(identity(given, {}, "loc"))
            self.names[fold(path)] += 1
            return
        entry, notes = entry_from(
            values,
            place=f"Track {self.tracks:,}",
            highest_rating=HIGHEST_RATING,
            grid=self._grid,
            cues=self._cues,
        )
        if entry is not None:
            if entry.id in self.ids:
                reason = f"TrackID {entry.id} stands in the file twice; what is said last counts."
                notes.append(Note("warning", entry.title, reason))
            self.ids.add(entry.id)
            self.found.append(entry)
        self.found.extend(notes)

    # --- the playlists ---

    def _in_playlists(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "NODE":
            if self._list is not None:  # a list inside a list: no program writes that
                self._end_list()
            name = fields.clean(attributes.get("Name", ""), 300) or "Untitled"
            self._folders.append(name)
            if attributes.get("Type") == "1":
                self._list, self._by_location = [], attributes.get("KeyType") == "1"
        elif tag == "TRACK" and self._list is not None and self.members < limits.MAX_MEMBERS:
            key = attributes.get("Key", "")
            self.members += 1
            self._list.append(fields.location(key) if self._by_location else fields.clean(key))

    def _end_node(self) -> None:
        if self._list is not None:
            self._end_list()
        if self._folders:
            self._folders.pop()

    def _end_list(self) -> None:
        members, self._list = tuple(self._list or ()), None
        self.playlists += 1
        if self.counting or self.playlists > limits.MAX_PLAYLISTS:
            return
        folders = self._folders[1:-1] if self._folders[0].upper() == "ROOT" else self._folders[:-1]
        folder = " / ".join(folders)[:600]
        self.found.append(ListedPlaylist(self._folders[-1], folder, members, self._by_location))


def _seconds(text: str | None) -> float | None:
    try:
        value = fields.number(text or "")
    except ValueError:
        return None
    return round(value, 3) if 0 <= value <= fields.DAY_SECONDS else None


def _grid_point(attributes: dict[str, str]) -> list[GridPoint]:
    """Empty when the point has no place or no tempo."""
    start = _seconds(attributes.get("Inizio"))
    try:
        bpm = fields.bpm(attributes.get("Bpm", ""))
    except ValueError:
        return []
    if start is None or bpm is None:
        return []
    beat = attributes.get("Battito", "")
    number = int(beat) if beat in {"1", "2", "3", "4", "5", "6", "7", "8"} else 1
    return [GridPoint(start, bpm, fields.clean(attributes.get("Metro", ""), 8) or "4/4", number)]


def _cue(attributes: dict[str, str]) -> list[Cue]:
    """Empty when the mark has no place."""
    start = _seconds(attributes.get("Start"))
    if start is None:
        return []
    number = attributes.get("Num", "")
    shades = [attributes.get(shade, "") for shade in ("Red", "Green", "Blue")]
    colour = ""
    if all(shade.isascii() and shade.isdigit() and len(shade) <= 3 and int(shade) < 256 for shade in shades):
        colour = "#" + "".join(f"{int(shade):02X}" for shade in shades)
    cue = Cue(
        CUE_KINDS.get(attributes.get("Type", ""), "cue"),
        start,
        _seconds(attributes.get("End")),
        int(number) if number in {"0", "1", "2", "3", "4", "5", "6", "7"} else -1,
        fields.clean(attributes.get("Name", ""), 100),
        colour,
    )
    return [cue]


def count(path: Path) -> _Target:
    """Read the whole file once without making entries: how much it holds, and whether it holds.

    Raises ImportRefused for whatever is wrong with the file as a whole.
    """
    target = _Target(counting=True)
    for _ in fed(path, target):
        target.found.clear()
    if not target.tracks and not target.playlists:
        raise ImportRefused("empty", "This collection has no tracks. Export it again from Rekordbox.")
    return target


def entries(path: Path) -> Iterator[Found]:
    """Tracks in the order of the file, each followed by what was odd about it, then playlists."""
    target = _Target(counting=False)
    for _ in fed(path, target):
        while target.found:
            yield target.found.popleft()
