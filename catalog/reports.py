"""What became of a collection, row by row: counts of everything, and the first few hundred of each fate by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.imports import Entry, ListedPlaylist, Note

LISTED = 200
COUNTS = (
    "read",
    "created",
    "updated",
    "unchanged",
    "matched",
    "ambiguous",
    "metadata_only",
    "rejected",
    "warnings",
    "playlists",
)
LISTS = ("matched", "ambiguous", "metadata_only", "rejected", "warnings", "playlists")


@dataclass
class Report:
    """position: how many entries are written and counted. at: how many this run has seen."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in LISTS})
    position: int = 0
    at: int = 0
    resumed_from: int = -1
    _names: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def resumed(cls, data: Mapping[str, Any]) -> Report:
        """The report as it was stored, to be gone on with. Playlists are read again from the first."""
        made = cls()
        made.position = int(data.get("position", 0))
        made.resumed_from = made.position or -1
        if made.position:
            made.counts |= data.get("counts", {})
            made.lists |= data.get("lists", {})
        return made

    def to_json(self) -> dict[str, Any]:
        return {"position": self.position, "counts": self.counts, "lists": self.lists}

    @property
    def counting(self) -> bool:
        """False while a second attempt passes over what the first one counted."""
        return self.at > self.resumed_from

    def add(self, fate: str, about: dict[str, Any] | None = None) -> None:
        self.counts[fate] += 1
        if about is not None and len(self.lists[fate]) < LISTED:
            self.lists[fate].append(about)

    def note(self, note: Note) -> None:
        if self.counting:
            if note.kind == "rejected":
                self.counts["read"] += 1
            self.add(
                "warnings" if note.kind == "warning" else "rejected",
                {"name": note.name, "reason": note.reason},
            )

    def warn(self, name: str, reason: str) -> None:
        self.add("warnings", {"name": name, "reason": reason})

    # --- playlists ---

    def start_playlists(self) -> None:
        """From the first one again: a second attempt stores them all once more, which changes nothing."""
        self.counts["playlists"], self.lists["playlists"] = 0, []

    def named_apart(self, playlist: ListedPlaylist) -> ListedPlaylist:
        """A list that can be stored; a second one of the same name in the same folder is told apart by a number.

        A place is unique, and an entry of PostgreSQL's index holds 2,704 bytes: names are cut by bytes too.
        """
        playlist = replace(playlist, folder=_cut(playlist.folder, 600), name=_cut(playlist.name, 290))
        self._names[playlist.folder, playlist.name] += 1
        count = self._names[playlist.folder, playlist.name]
        return playlist if count == 1 else replace(playlist, name=f"{playlist.name} ({count})")

    def playlist(self, playlist: ListedPlaylist, fate: str, known: int) -> None:
        self.add(
            "playlists",
            {
                "name": playlist.name,
                "folder": playlist.folder,
                "fate": fate,
                "tracks": known,
                "missing": len(playlist.members) - known,
            },
        )

    def removed(self, places: Iterable[tuple[str, str]]) -> None:
        """Playlists, by folder and name, that stood in the file before this one and do not any more."""
        fate = {"fate": "removed", "tracks": 0, "missing": 0}
        gone = [{"name": name, "folder": folder, **fate} for folder, name in places]
        self.lists["playlists"] += gone[: LISTED - len(self.lists["playlists"])]

    # --- questions ---

    def ask(self, entry: Entry, row: str, candidates: list[dict[str, Any]]) -> None:
        self.add("ambiguous", {**shown(entry), "entry": row, "candidates": candidates, "settled": None})

    def open_question(self, row: str) -> dict[str, Any] | None:
        open_ones = (one for one in self.lists["ambiguous"] if one["entry"] == row and not one["settled"])
        return next(open_ones, None)

    def settle(self, question: dict[str, Any], track: str | None) -> None:
        """track: the recording it is, None when it is none of them."""
        question["settled"] = track or "none"
        self.counts["ambiguous"] -= 1
        self.counts["matched" if track else "metadata_only"] += 1


def _cut(text: str, characters: int) -> str:
    """At most so many characters, and 2.5 times as many bytes."""
    return text[:characters].encode()[: characters * 5 // 2].decode(errors="ignore")


def shown(entry: Entry) -> dict[str, Any]:
    """An entry in a list of the report."""
    return {
        "title": entry.title,
        "artist": entry.artist,
        "file": entry.filename,
        "bpm": entry.bpm,
        "key": entry.key.name if entry.key else None,
    }
