"""One decision for many tracks of an artist: correct them, take that back, delete, try again, stop waiting.

Every verb takes ids; what is not the artist's is not touched. A locked BPM stays as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog import corrections, intake, jobs
from catalog.models import Analysis, Artist, Fingerprint, Track, TrackQuerySet
from catalog.signals import sound_gone

AT_ONCE = 2_000  # ids in one statement: databases bound how many values a query may carry
UNDOABLE = 20_000  # some 500 KB of ids: kept beside the session, not in it

Verb = Literal["genre", "scale_bpm", "reset_bpm", "reset_key"]
_COLUMN = {
    "genre": "genre_override",
    "scale_bpm": "bpm_override",
    "reset_bpm": "bpm_override",
    "reset_key": "key_override",
}
_TYPED_BPM = F("bpm_override")
_MEASURED_BPM = Coalesce(
    Subquery(Analysis.objects.filter(current_of=OuterRef("pk")).values("bpm")[:1]), "imported_bpm"
)


@dataclass(frozen=True)
class Edit:
    """One correction. value: the genre of `genre`, the factor of `scale_bpm`; the others need none."""

    verb: Verb
    value: Any = None

    @property
    def column(self) -> str:
        return _COLUMN[self.verb]

    @property
    def is_tempo(self) -> bool:
        return self.column == "bpm_override"

    def outcome(self, before: Any = _TYPED_BPM) -> Any:
        """What the column becomes: a value, or for a scaled BPM an expression."""
        if self.verb == "genre":
            return corrections.genre(self.value)
        if self.verb == "scale_bpm":
            counts = _MEASURED_BPM if before is None else Coalesce(before, _MEASURED_BPM)
            return counts * Value(float(self.value))
        return None if self.is_tempo else ""

    def applicable(self, tracks: TrackQuerySet) -> TrackQuerySet:
        """Those whose column changes by it and may change."""
        if self.is_tempo:
            tracks = tracks.filter(bpm_locked=False)
        if self.verb == "scale_bpm":
            return tracks.alias(scaled=self.outcome()).filter(
                scaled__gte=corrections.SLOWEST, scaled__lte=corrections.FASTEST
            )
        same = Q(bpm_override__isnull=True) if self.is_tempo else Q(**{self.column: self.outcome()})
        return tracks.exclude(same)


@dataclass(frozen=True)
class Done:
    """What came of an edit. before: (value, ids) groups to undo it with; empty when there were too many."""

    chosen: int
    changed: int
    locked: int
    edit: Edit
    before: Sequence[tuple[Any, list[str]]] = ()

    def to_json(self) -> dict[str, Any]:
        """What a session keeps for `undo`."""
        return {
            "verb": self.edit.verb,
            "value": self.edit.value,
            "changed": self.changed,
            "before": [list(one) for one in self.before],
        }


def correct(artist: Artist, ids: Iterable[str], edit: Edit) -> Done:
    """Apply one correction to all of these tracks that it changes. All or nothing."""
    wanted = list(dict.fromkeys(ids))
    found = changed = locked = 0
    groups: dict[Any, list[str]] = {}
    with transaction.atomic():
        for tracks in _portions(artist, wanted):
            found += tracks.count()
            if edit.is_tempo:
                locked += tracks.filter(bpm_locked=True).count()
            touched = edit.applicable(tracks).values_list("pk", edit.column)
            for pk, before in touched:
                groups.setdefault(before, []).append(pk)
            changed += edit.applicable(tracks).update(**{edit.column: edit.outcome()})
    before = list(groups.items()) if changed <= UNDOABLE else []
    return Done(found, changed, locked, edit, before)


def undo(artist: Artist, done: dict[str, Any]) -> int:
    """Take back an edit kept by `Done.to_json`; what was changed or locked since stays. Returns how many went back."""
    edit = Edit(done["verb"], done["value"])
    restored = 0
    with transaction.atomic():
        for before, ids in done["before"]:
            for tracks in _portions(artist, ids):
                if edit.is_tempo:
                    tracks = tracks.filter(bpm_locked=False)
                if edit.verb == "reset_bpm":
                    tracks = tracks.filter(bpm_override__isnull=True)
                else:
                    was = None if before is None else Value(before)
                    tracks = tracks.filter(**{edit.column: edit.outcome(was)})
                restored += tracks.update(**{edit.column: before})
    return restored


def withdraw(artist: Artist, ids: Iterable[str]) -> int:
    """Delete tracks with their analyses and files. Returns how many. Certificates that name them stay as they are.

    Those that a collection names too are known by name again.
    """
    deleted = 0
    for portion in _portions(artist, list(ids)):
        named = list(portion.exclude(imported_id="").exclude(path="").only("path", "artist_id"))
        tracks = portion.exclude(pk__in=[track.pk for track in named])
        for track in named:
            track.artist = artist
            intake.withdraw(track)
        deleted += len(named)
        files = [track.file for track in tracks.only("path", "artist_id") if track.path]
        with transaction.atomic():
            wanted = list(tracks.values_list("pk", flat=True))
            tracks.update(analysis=None)
            # Rows that signals or other rows hang on are read before they go: not with all that was measured.
            Analysis.objects.filter(track__in=wanted).only("pk").delete()
            Fingerprint.objects.filter(track__in=wanted).only("pk").delete()
            deleted += tracks.only("pk").delete()[1].get(Track._meta.label, 0)
        for file in files:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
        sound_gone.send(Track, track_ids=wanted)
    return deleted


def retry(artist: Artist, ids: Iterable[str]) -> int:
    """Analyse the failed and cancelled ones among these again. Returns how many there were."""
    return sum(jobs.requeue_all(tracks) for tracks in _portions(artist, list(ids)))


def stop_waiting(artist: Artist) -> int:
    """Cancel every track that waits for its analysis; running ones end by themselves. Each can be tried again."""
    waiting = Track.objects.of(artist).filter(status=Track.QUEUED)
    return waiting.update(
        status=Track.CANCELLED, finished_at=timezone.now(), stage="", version=F("version") + 1
    )


def ids_of(tracks: QuerySet[Track]) -> list[str]:
    return list(tracks.order_by().values_list("pk", flat=True))


def count(artist: Artist, ids: Sequence[str]) -> int:
    """How many of these are the artist's."""
    return sum(tracks.count() for tracks in _portions(artist, ids))


def _portions(artist: Artist, ids: Sequence[str]) -> Iterator[TrackQuerySet]:
    for start in range(0, len(ids), AT_ONCE):
        yield Track.objects.of(artist).filter(pk__in=ids[start : start + AT_ONCE])
