"""The rows of one batch of an import, loaded together and saved together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from catalog.adoption import FACTS
from catalog.models import Track

NEEDED = (
    *FACTS,
    "artist_id",
    "title",
    "settled_title",
    "status",
    "path",
    "origin",
    "filename",
    "awaited",
    "duration",
)


class Batch:
    """The tracks that entries of one batch may stand for, by id of the collection and by their own."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self.by_id = {track.imported_id: track for track in tracks if track.imported_id}
        self.by_pk = {track.pk: track for track in tracks}
        self.fresh: list[Track] = []
        self.changed: dict[str, set[str]] = {}

    def load(self, pk: str) -> Track | None:
        """None when it was deleted since."""
        if pk not in self.by_pk:
            if (track := Track.objects.only(*NEEDED).filter(pk=pk).first()) is None:
                return None
            self.put(track)
        return self.by_pk[pk]

    def put(self, track: Track) -> None:
        self.by_pk[track.pk] = track
        if track.imported_id:
            self.by_id[track.imported_id] = track

    def save(self) -> None:
        """Ids are let go of before they are given: a rebuilt database may have exchanged them."""
        fresh = {track.pk for track in self.fresh}
        groups: dict[frozenset[str], list[Track]] = defaultdict(list)
        for pk, names in self.changed.items():
            if pk not in fresh:
                groups[frozenset(names)].append(self.by_pk[pk])
        moved = [track.pk for names, tracks in groups.items() if "imported_id" in names for track in tracks]
        Track.objects.filter(pk__in=moved).update(imported_id="")
        Track.objects.bulk_create(self.fresh)
        for columns, tracks in groups.items():
            Track.objects.bulk_update(tracks, sorted(columns))
