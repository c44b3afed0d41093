"""Entries of a collection become tracks: new ones, known ones with newer facts, or recordings that are here already.

Only what collections say is ever written. Analysis, corrections, settled titles and files stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from catalog.adoption import Named, Titled, absorb, awaited, uploads_of
from catalog.batches import NEEDED, Batch
from catalog.collected import alike, columns_of, merged, other_id, outranked, renamed, strangers, together
from catalog.imports import Entry, Known, Survey, fold
from catalog.imports.matching import Match
from catalog.models import Import, Track
from catalog.reports import LISTED, Report, shown

FROM_REKORDBOX = Import.Source.REKORDBOX.value


class Collection:
    """One import being written. pk_of: track by entry id; by_location: entry id by location."""

    def __init__(self, row: Import, found: Survey, report: Report) -> None:
        self.row, self.survey, self.report = row, found, report
        self.pk_of: dict[str, str] = {}
        self.by_location: dict[str, str] = {}
        self._spoken: set[str] = set()
        self._at: dict[str, str] = {}
        self._everyone, self._listed = self._known_by_name()
        self._merged = self._ids_merged()

    def _known_by_name(self) -> tuple[Named, Named]:
        """Tracks of collections by name, size and length: all of them, and those only another kind of source names.

        `_at`: by their exact location.
        """
        everyone: list[Known] = []
        others: list[Known] = []
        for pk, given, source, location, size, duration in (
            Track.objects.of(self.row.artist)
            .exclude(imported_id="")
            .order_by("pk")
            .values_list(
                "pk",
                "imported_id",
                "imported__source",
                "imported__location",
                "imported__size",
                "imported__duration",
            )
        ):
            if location:
                self._at[location] = pk
                everyone.append(Known(pk, location, size, duration))
                if given not in self.survey.ids and source != self.row.source:
                    others.append(everyone[-1])
        return Named(everyone), Named(others)

    def _ids_merged(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """By the ids of duplicates that the artist has merged: into which track, and what was said of them."""
        rows = Track.objects.of(self.row.artist).filter(imported__also__isnull=False)
        return {
            given: (pk, facts)
            for pk, also in rows.values_list("pk", "imported__also")
            for given, facts in also.items()
        }

    def write(self, entries: Sequence[Entry]) -> None:
        """Store entries in their order. Inside a transaction, with the artist locked."""
        uploads = uploads_of(self.row.artist)
        titled = Titled(self.row.artist) if any(not one.location for one in entries) else None
        batch = Batch(self._known(entries))
        first = self.report.at - len(entries)
        for number, entry in enumerate(entries, start=first + 1):
            repeated = entry.id in self.pk_of
            counting = number > self.report.resumed_from
            track, by = self._find(entry, batch, counting=counting), "earlier import"
            match = Match()
            if not repeated and (track is None or _may_be_an_upload(track)):
                match = uploads.match(entry, self.survey.names.get(fold(entry.location), 0))
                if titled is not None and not entry.location:
                    match = titled.match(entry, self._spoken)
            if match.certain:
                uploads.take(match.candidates[0])
                if (heard := self._together(match, track, batch)) is not None:
                    track, by = heard, match.by
            new = track is None
            if track is None:
                track = self._new(entry, number, batch)
                batch.fresh.append(track)
                batch.put(track)
            differs = set() if new else self._update(track, entry, batch)
            if differs:
                batch.changed.setdefault(track.pk, set()).update(differs)
            self.pk_of[entry.id] = track.pk
            self._spoken.add(track.pk)
            self.by_location.setdefault(entry.location, entry.id)
            if counting:
                self.report.add("read")
                if not repeated:
                    self.report.add("created" if new else "updated" if differs else "unchanged")
                    self._say(entry, track, match, by)
        batch.save()
        self.report.position = max(self.report.position, first + len(entries))

    # --- which track an entry is ---

    def _known(self, entries: Sequence[Entry]) -> list[Track]:
        """Tracks that stand for these entries already."""
        ids = {one for entry in entries for one in (entry.id, other_id(entry))}
        pks = {self.pk_of.get(entry.id) or self._at.get(entry.location) for entry in entries} - {None}
        tracks = Track.objects.of(self.row.artist).only(*NEEDED)
        return [*tracks.filter(imported_id__in=ids), *tracks.filter(pk__in=pks).exclude(imported_id__in=ids)]

    def _find(self, entry: Entry, batch: Batch, *, counting: bool) -> Track | None:
        """By id and place, by place, by id, by name: an id alone says little once a database was rebuilt."""
        if (pk := self.pk_of.get(entry.id)) is not None:
            return batch.by_pk.get(pk)
        if (track := batch.by_id.get(other_id(entry))) is not None:
            return track
        track = batch.by_id.get(entry.id)
        if track is None or not entry.location or track.imported.get("location") != entry.location:
            if (there := self._located(entry, batch)) is not None:
                return there
            if track is None and (into := self._merged_into(entry)):
                return batch.load(into)
        if track is not None and not renamed(track.imported, entry):
            return track
        known = self._listed if track is None else self._everyone
        match = known.match(entry, self.survey.names.get(fold(entry.location), 0))
        if match.certain and match.candidates[0].pk not in self._spoken:
            known.take(match.candidates[0])
            return batch.load(match.candidates[0].pk)
        if track is None or not strangers(track.imported, entry):
            return track
        if counting:
            self.report.warn(
                entry.title,
                f"Its TrackID {entry.id} stood for “{track.title}” in an earlier import. Both are kept.",
            )
        return None

    def _located(self, entry: Entry, batch: Batch) -> Track | None:
        """The track at this very place, if its own id is not in the file, or was given to another."""
        track = batch.by_pk.get(self._at.pop(entry.location, ""))
        if track is None or track.pk in self._spoken:
            return None
        return track if track.imported_id not in self.survey.ids or alike(track.imported, entry) else None

    def _merged_into(self, entry: Entry) -> str:
        pk, facts = self._merged.get(entry.id, ("", {}))
        return "" if strangers(facts, entry) else pk

    @staticmethod
    def _together(match: Match, row: Track | None, batch: Batch) -> Track | None:
        """The upload an entry is certainly of; what its metadata-only row holds, if it had one, goes over.

        None when one of the two is gone, or taken, since.
        """
        pk = match.candidates[0].pk
        if row is not None:
            if not absorb(pk, row.pk):
                return None
            batch.changed.pop(row.pk, None)
        return batch.load(pk)

    # --- what is written ---

    def _new(self, entry: Entry, number: int, batch: Batch) -> Track:
        return Track(
            artist_id=self.row.artist_id,
            title=entry.title[:200],
            status=Track.METADATA,
            origin=self._origin,
            filename=entry.filename[:255],
            awaited=awaited(entry.filename),
            duration=entry.duration,
            created_at=self.row.created_at
            - timedelta(microseconds=number),  # listed in the order of the file
            **self._facts(None, entry, batch),
        )

    def _update(self, track: Track, entry: Entry, batch: Batch) -> set[str]:
        """Put newer facts on a track; the names of the columns that changed."""
        if track.imported_id != entry.id and self._merged.get(entry.id, ("",))[0] == track.pk:
            said = merged(track.imported, entry.id, entry.to_json())
            return self._put(track, {"imported": said, **columns_of(said)}, batch)
        wanted = self._facts(track, entry, batch)
        leading = wanted["imported"].get("source") == self.row.source
        unheard = track.status == Track.METADATA
        # The name in a file's own tags says more than the name of a file in a list.
        if leading and not track.settled_title and (unheard or self.row.source == FROM_REKORDBOX):
            wanted["title"] = wanted["imported"].get("title", entry.title)[:200]
        if leading and unheard:
            wanted |= {
                "filename": entry.filename[:255],
                "awaited": awaited(entry.filename),
                "duration": wanted["imported"].get("duration"),
                "origin": self._origin,
            }
        return self._put(track, wanted, batch)

    @staticmethod
    def _put(track: Track, wanted: dict[str, Any], batch: Batch) -> set[str]:
        differs = {name for name, value in wanted.items() if getattr(track, name) != value}
        if "imported_id" in differs:
            batch.by_id.pop(track.imported_id, None)
        for name in differs:
            setattr(track, name, wanted[name])
        batch.put(track)
        return differs

    def _facts(self, track: Track | None, entry: Entry, batch: Batch) -> dict[str, Any]:
        """The imported columns."""
        before = track.imported if track is not None else {}
        columns = self.survey.layout.columns if self.survey.layout is not None else ()
        said = together(before, entry, self.row.source, columns)
        if track is not None and (outranked(before, self.row.source) or track.imported_id == other_id(entry)):
            pk = track.imported_id
        else:
            pk = entry.id if batch.by_id.get(entry.id) in (None, track) else other_id(entry)
        return {"imported": said, "imported_id": pk, **columns_of(said)}

    @property
    def _origin(self) -> str:
        return Track.Origin.REKORDBOX if self.row.source == FROM_REKORDBOX else Track.Origin.LIST

    def _say(self, entry: Entry, track: Track, match: Match, by: str) -> None:
        if track.path:
            self.report.add("matched", {**shown(entry), "track": track.pk, "by": by})
        elif match.candidates:
            kept = len(self.report.lists["ambiguous"]) < LISTED  # of what is only counted nobody asks
            rows = Track.objects.filter(pk__in=[one.pk for one in match.candidates[:20] if kept])
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
