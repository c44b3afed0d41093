"""Entries of a collection become tracks: new ones, known ones with newer facts, or recordings that are here already.

Only what collections say is ever written. Analysis, corrections, settled titles and files stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from catalog.adoption import FACTS, Named, absorb, columns_of, uploads_of
from catalog.imports import Entry, Known, Survey, fold
from catalog.imports.matching import SECONDS, Match
from catalog.models import Import, Track
from catalog.reports import Report, shown

FROM_REKORDBOX = Import.Source.REKORDBOX.value
# What the artist decided about a row: it is none of the uploads; these other ids are the same track.
DECIDED = ("apart", "also")
NEEDED = (*FACTS, "artist_id", "title", "settled_title", "status", "path", "origin", "filename", "duration")


class Batch:
    """The tracks that entries of one batch may stand for, by id of the collection and by their own."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self.by_id = {track.imported_id: track for track in tracks if track.imported_id}
        self.by_pk = {track.pk: track for track in tracks}
        self.fresh: list[Track] = []
        self.changed: dict[str, set[str]] = {}

    def load(self, pk: str) -> Track:
        if pk not in self.by_pk:
            self.by_pk[pk] = Track.objects.only(*NEEDED).get(pk=pk)
        return self.by_pk[pk]

    def save(self) -> None:
        Track.objects.bulk_create(self.fresh)
        for pk, names in self.changed.items():
            track = self.by_pk[pk]
            Track.objects.filter(pk=pk).update(**{name: getattr(track, name) for name in names})


class Collection:
    """One import being written. pk_of: track by entry id; by_location: entry id by location."""

    def __init__(self, row: Import, found: Survey, report: Report) -> None:
        self.row, self.survey, self.report = row, found, report
        self.pk_of: dict[str, str] = {}
        self.by_location: dict[str, str] = {}
        self._strays: dict[str, str] = {}
        self._merged = self._ids_merged()
        self._listed = self._of_other_collections()

    def _of_other_collections(self) -> Named:
        """Tracks a collection named, but not by an id of this file: of lists, or of a database since rebuilt.

        By their exact location (`_strays`); if they are of another kind of source, by name, size and length too.
        """
        rows = Track.objects.of(self.row.artist).exclude(imported_id="").order_by("pk")
        others: list[Known] = []
        for pk, given, source, location, size, duration in rows.values_list(
            "pk",
            "imported_id",
            "imported__source",
            "imported__location",
            "imported__size",
            "imported__duration",
        ):
            if given in self.survey.ids or not location:
                continue
            self._strays[location] = pk
            if source != self.row.source:
                others.append(Known(pk, location, size, duration))
        return Named(others)

    def _ids_merged(self) -> dict[str, str]:
        """Tracks by the ids of duplicates that the artist has merged into them."""
        rows = Track.objects.of(self.row.artist).filter(imported__also__isnull=False)
        return {given: pk for pk, also in rows.values_list("pk", "imported__also") for given in also}

    def write(self, entries: Sequence[Entry]) -> None:
        """Store entries in their order. Inside a transaction, with the artist locked."""
        uploads = uploads_of(self.row.artist)
        batch = Batch(self._known(entries))
        first = self.report.at - len(entries)
        for number, entry in enumerate(entries, start=first + 1):
            repeated = entry.id in self.pk_of
            track, by = self._find(entry, batch), "earlier import"
            match = Match()
            if not repeated and (track is None or _may_be_an_upload(track)):
                match = uploads.match(entry, self.survey.names.get(fold(entry.location), 0))
            if match.certain:
                track, by = self._together(match, track, batch), match.by
                uploads.take(match.candidates[0])
            new = track is None
            if track is None:
                track = self._new(entry, number, clash=entry.id in batch.by_id)
                batch.fresh.append(track)
                batch.by_pk[track.pk] = batch.by_id[track.imported_id] = track
            differs = set() if new or self._is_merged(entry, track) else self._update(track, entry)
            if differs:
                batch.changed.setdefault(track.pk, set()).update(differs)
            self.pk_of[entry.id] = track.pk
            self.by_location.setdefault(entry.location, entry.id)
            if number > self.report.resumed_from:
                self.report.add("read")
                if not repeated:
                    self.report.add("created" if new else "updated" if differs else "unchanged")
                    self._say(entry, track, match, by)
        fresh = {track.pk for track in batch.fresh}
        batch.changed = {pk: names for pk, names in batch.changed.items() if pk not in fresh}
        batch.save()
        self.report.position = max(self.report.position, first + len(entries))

    # --- which track an entry is ---

    def _known(self, entries: Sequence[Entry]) -> list[Track]:
        """Tracks that stand for these entries already."""
        ids = {one for entry in entries for one in (entry.id, _other_id(entry))}
        pks = {self.pk_of.get(entry.id) or self._strays.get(entry.location) for entry in entries} - {None}
        tracks = Track.objects.of(self.row.artist).only(*NEEDED)
        return [*tracks.filter(imported_id__in=ids), *tracks.filter(pk__in=pks).exclude(imported_id__in=ids)]

    def _find(self, entry: Entry, batch: Batch) -> Track | None:
        if (pk := self.pk_of.get(entry.id)) is not None:
            return batch.by_pk.get(pk)
        if (track := batch.by_id.get(_other_id(entry))) is not None:
            return track
        if (track := batch.by_id.get(entry.id)) is not None:
            if not _strangers(track, entry):
                return track
            self.report.warn(
                entry.title,
                f"Its TrackID {entry.id} stood for “{track.title}” in an earlier import. Both are kept.",
            )
            return None
        if (pk := self._merged.get(entry.id)) is not None:
            return batch.load(pk)
        if (pk := self._strays.pop(entry.location, None)) is not None:
            return batch.by_pk.get(pk)
        match = self._listed.match(entry, self.survey.names.get(fold(entry.location), 0))
        if match.certain:
            self._listed.take(match.candidates[0])
            return batch.load(match.candidates[0].pk)
        return None

    def _is_merged(self, entry: Entry, track: Track) -> bool:
        """Whether the entry is a duplicate of the one that speaks for this track."""
        return track.imported_id != entry.id and self._merged.get(entry.id) == track.pk

    @staticmethod
    def _together(match: Match, row: Track | None, batch: Batch) -> Track:
        """The upload an entry is certainly of; what its metadata-only row holds, if it had one, goes over."""
        pk = match.candidates[0].pk
        if row is not None:
            absorb(pk, row.pk)
            batch.changed.pop(row.pk, None)
        return batch.load(pk)

    # --- what is written ---

    def _new(self, entry: Entry, number: int, *, clash: bool) -> Track:
        facts = self._facts(None, entry)
        if clash:
            facts["imported_id"] = _other_id(entry)
        return Track(
            artist_id=self.row.artist_id,
            title=entry.title[:200],
            status=Track.METADATA,
            origin=self._origin,
            filename=entry.filename[:255],
            duration=entry.duration,
            created_at=self.row.created_at
            - timedelta(microseconds=number),  # listed in the order of the file
            **facts,
        )

    def _update(self, track: Track, entry: Entry) -> set[str]:
        """Put newer facts on a track; the names of the columns that changed."""
        wanted = self._facts(track, entry)
        leading = wanted["imported"].get("source") == self.row.source
        unheard = track.status == Track.METADATA
        # The name in a file's own tags says more than the name of a file in a list.
        if leading and not track.settled_title and (unheard or self.row.source == FROM_REKORDBOX):
            wanted["title"] = entry.title[:200]
        if leading and unheard:
            wanted |= {
                "filename": entry.filename[:255],
                "duration": entry.duration,
                "origin": self._origin,
            }
        differs = {name for name, value in wanted.items() if getattr(track, name) != value}
        for name in differs:
            setattr(track, name, wanted[name])
        return differs

    def _facts(self, track: Track | None, entry: Entry) -> dict[str, Any]:
        """The imported columns. A plain list only adds to what Rekordbox said, and never speaks against it."""
        said = {"source": self.row.source, **entry.to_json()}
        before = track.imported if track is not None else {}
        pk = entry.id
        if track is not None and before.get("source") == FROM_REKORDBOX != self.row.source:
            said, pk = {**said, **before}, track.imported_id
        elif track is not None and track.imported_id == _other_id(entry):
            pk = track.imported_id
        said |= {name: before[name] for name in DECIDED if name in before}
        return {"imported": said, "imported_id": pk, **columns_of(Entry.from_json(said))}

    @property
    def _origin(self) -> str:
        return Track.Origin.REKORDBOX if self.row.source == FROM_REKORDBOX else Track.Origin.LIST

    def _say(self, entry: Entry, track: Track, match: Match, by: str) -> None:
        if track.path:
            self.report.add("matched", {**shown(entry), "track": track.pk, "by": by})
        elif match.candidates:
            rows = Track.objects.filter(pk__in=[one.pk for one in match.candidates[:20]])
            self.report.ask(
                entry,
                track.pk,
                [
                    {"track": pk, "title": title, "filename": name, "size": size, "duration": seconds}
                    for pk, title, name, size, seconds in rows.order_by("pk").values_list(
                        "pk", "title", "filename", "size_bytes", "duration"
                    )
                ],
            )
        else:
            self.report.add("metadata_only", {**shown(entry), "track": track.pk})


def _may_be_an_upload(track: Track) -> bool:
    return track.status == Track.METADATA and not track.imported.get("apart")


def _other_id(entry: Entry) -> str:
    """The id of an entry whose own id stands for another track of this artist."""
    text = f"{entry.id}\n{entry.location or entry.title}".casefold()
    return f"{entry.id[:31]}~{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _strangers(track: Track, entry: Entry) -> bool:
    """Whether an id was given to another recording: nothing of it is as it was."""
    before = Entry.from_json(track.imported)
    if not before.title or before.title == entry.title or fold(before.location) == fold(entry.location):
        return False
    if before.duration is None or entry.duration is None:
        return before.size != entry.size
    return abs(before.duration - entry.duration) > SECONDS
