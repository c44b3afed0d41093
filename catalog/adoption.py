"""What a collection says about a track, and the recording it is about, find each other: in whichever order they come.

A row of a collection without audio is a track of its own (`Track.METADATA`). An upload that is certainly its file
becomes that row (`adopt`), or takes its facts over once its length is known (`recognise`). The other way round,
`catalog.importing` gives the facts to the upload that is there already.

Whoever brings the two together holds the artist's row locked, so that one row is never given to two recordings.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Set
from typing import Any

from django.db import transaction
from django.db.models import F

from catalog.imports import Entry, Known, Wanted, fold, narrowed
from catalog.imports.matching import SECONDS, Match
from catalog.models import Artist, PlaylistEntry, Track, TrackQuerySet

FACTS = (
    "imported",
    "imported_id",
    "imported_bpm",
    "imported_key",
    "credit",
    "plays",
    "rating",
    "added_on",
    "last_played_on",
)
SAID_BY_THE_ARTIST = ("bpm_override", "key_override", "genre_override")


def locked(artist: Artist) -> None:
    """Wait until nobody else brings rows and recordings of this artist together. Inside a transaction."""
    Artist.objects.select_for_update(no_key=True).get(pk=artist.pk)


def known(track: Track) -> Known:
    """A metadata-only row as something to find."""
    said = track.imported
    return Known(
        track.pk, str(said.get("location") or track.filename), said.get("size"), said.get("duration")
    )


def rows_named(artist: Artist, filename: str) -> list[Track]:
    """The artist's metadata-only rows whose file has this name, whatever its case."""
    if not (name := awaited(filename)):
        return []
    rows = Track.objects.of(artist).filter(awaited=name, status=Track.METADATA, path="")
    alike = rows.only("filename", "imported", "title", "settled_title").order_by("pk")
    return [row for row in alike if not row.imported.get("apart")]


def awaited(filename: str) -> str:
    """A file's name as `Track.awaited` has it."""
    return fold(filename)[:255]


def row_to_fill(artist: Artist, pk: str) -> Track | None:
    """The metadata-only row that the artist says an upload is. The artist is locked when there is one."""
    rows = Track.objects.of(artist).filter(pk=pk, status=Track.METADATA, path="")
    if not rows.exists():
        return None
    locked(artist)
    return rows.first()


def by_name_again(track: Track) -> dict[str, Any]:
    """The columns of a collection's row whose audio is taken away."""
    entry = Entry.from_json(track.imported)
    rekordbox = track.imported.get("source") == "rekordbox"
    return {
        "status": Track.METADATA,
        "origin": Track.Origin.REKORDBOX if rekordbox else Track.Origin.LIST,
        "filename": entry.filename[:255],
        "awaited": awaited(entry.filename),
        "duration": entry.duration,
        **dict.fromkeys(("path", "format", "file_sha256", "audio_sha256", "error", "stage", "worker"), ""),
        **dict.fromkeys(("sample_rate", "channels", "duplicate_of", "analysis"), None),
        "size_bytes": 0,
        "tags": {},
        "progress": 0.0,
        "cancel_asked": False,
        "started_at": None,
        "version": F("version") + 1,
    }


def adopt(artist: Artist, filename: str, size: int) -> Track | None:
    """The metadata-only row that this upload is the file of, if that is certain without hearing it.

    filename: as it was sent, with folders if it came with them. Name and size have to agree; a name alone is enough
    only for a row of which nothing else is known. Call it inside the transaction that fills the row; the artist is
    locked when there is an answer.
    """
    if not rows_named(artist, filename):
        return None
    locked(artist)
    rows = rows_named(artist, filename)
    match = narrowed(Wanted(filename, size), map(known, rows))
    if not match.certain or (match.by == "name" and match.candidates[0].duration):
        return None
    return next(row for row in rows if row.pk == match.candidates[0].pk)


def recognise(sender: type[Track], track: Track, **_: Any) -> None:
    """An upload has been analysed: what its size could not say, its length may. For the signal `track_analysed`."""
    if track.imported_id or track.origin != Track.Origin.UPLOAD:
        return
    rows = rows_named(track.artist, track.filename)
    match = narrowed(Wanted(track.filename, track.size_bytes, track.duration), map(known, rows))
    if not rows:
        match = _by_title(track)
    if match.certain:
        with transaction.atomic():
            locked(track.artist)
            absorb(track.pk, match.candidates[0].pk)


def _by_title(track: Track) -> Match:
    """The one row of this title, artist and length whose collection names no file."""
    artist = str(track.tags.get("artist", "")) or track.credit
    if not (artist and track.duration):
        return Match()
    rows = Track.objects.of(track.artist).filter(
        status=Track.METADATA,
        awaited="",
        duration__range=(track.duration - SECONDS, track.duration + SECONDS),
    )
    titles = {_words(track.title), _words(str(track.tags.get("title", "")))}
    alike = [
        known(row)
        for row in rows.only("filename", "imported", "title", "credit")
        if _words(row.title) in titles
        and _words(row.credit) == _words(artist)
        and not row.imported.get("apart")
    ]
    return Match(tuple(alike), certain=len(alike) == 1, by="title")


def _words(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def absorb(track_id: str, row_id: str) -> bool:
    """Give an upload what a metadata-only row holds, and remove the row. False when one of them is not free any more.

    The artist is locked. What the artist said of the row stays said, unless they said something of the upload.
    """
    row = Track.objects.filter(pk=row_id, status=Track.METADATA, path="").first()
    track = Track.objects.filter(pk=track_id, imported_id="").exclude(path="").first()
    if row is None or track is None:
        return False
    changes: dict[str, Any] = {name: getattr(row, name) for name in FACTS}
    changes["imported"] = {name: value for name, value in row.imported.items() if name != "apart"}
    changes |= {
        name: getattr(row, name)
        for name in SAID_BY_THE_ARTIST
        if getattr(row, name) and not getattr(track, name)
    }
    if "bpm_override" in changes:
        changes["bpm_locked"] = row.bpm_locked
    if not track.settled_title:
        changes |= {"title": row.title, "settled_title": row.settled_title}
    PlaylistEntry.objects.filter(track=row).update(track=track)
    row.delete()
    return bool(Track.objects.filter(pk=track.pk).update(**changes))


class Named:
    """Tracks by the name of their file."""

    def __init__(self, tracks: Iterable[Known]) -> None:
        self._by_name: dict[str, list[Known]] = {}
        for one in tracks:
            if name := fold(one.path):
                self._by_name.setdefault(name, []).append(one)

    def match(self, entry: Entry, namesakes: int) -> Match:
        """namesakes: how many entries of the collection have this file name."""
        candidates = self._by_name.get(fold(entry.location))
        if not candidates:
            return Match()
        found = narrowed(Wanted(entry.location, entry.size, entry.duration), candidates)
        if found.certain and found.by == "name" and namesakes > 1:
            return Match(found.candidates)  # its namesake in the collection may be meant
        return found

    def take(self, one: Known) -> None:
        """This one is spoken of now."""
        if one in (namesakes := self._by_name.get(fold(one.path), [])):
            namesakes.remove(one)


def uploads_of(artist: Artist) -> Named:
    """The artist's recordings that no collection has spoken of yet."""
    rows = _free(artist).values_list("pk", "filename", "size_bytes", "duration")
    return Named(Known(pk, filename, size or None, duration) for pk, filename, size, duration in rows)


def _free(artist: Artist) -> TrackQuerySet:
    free = Track.objects.of(artist).filter(imported_id="", origin=Track.Origin.UPLOAD, duplicate_of=None)
    return free.exclude(path="").order_by("pk")


class Titled:
    """The same recordings by title and artist: for rows of a collection that name no file."""

    def __init__(self, artist: Artist) -> None:
        self._by_words: dict[tuple[str, str], list[Known]] = {}
        named = ("title", "tags__title", "tags__artist", "credit")
        rows = _free(artist).exclude(duration=None)
        for pk, filename, size, duration, title, tagged, tagged_artist, credit in rows.values_list(
            "pk", "filename", "size_bytes", "duration", *named
        ):
            for words in {_words(title), _words(str(tagged or ""))}:
                key = words, _words(str(tagged_artist or "") or credit)
                self._by_words.setdefault(key, []).append(Known(pk, filename, size or None, duration))

    def match(self, entry: Entry, spoken: Set[str]) -> Match:
        """Title, artist and length have to agree. spoken: recordings that other rows are."""
        if not (entry.artist and entry.duration):
            return Match()
        alike = [
            one
            for one in self._by_words.get((_words(entry.title), _words(entry.artist)), ())
            if one.pk not in spoken and abs((one.duration or 0.0) - entry.duration) <= SECONDS
        ]
        return Match(tuple(alike), certain=len(alike) == 1, by="title")
