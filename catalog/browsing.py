"""The library as a list: search, filters, order. Used by the page; knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from catalog.analysis.keys import ALL_KEYS
from catalog.models import Artist, Track

STATES = {
    "ready": [Track.READY],
    "waiting": [Track.QUEUED, Track.RUNNING],
    "failed": [Track.FAILED, Track.CANCELLED],
}
ORDERS = {
    "added": "created_at",
    "title": "title",
    "bpm": "shown_bpm",
    "key": "shown_key",
    "energy": "analysis__energy",
    "length": "duration",
}
BY_CAMELOT = {key.camelot: key for key in ALL_KEYS}


def browse(artist: Artist, query: Mapping[str, str]) -> QuerySet[Track, str]:
    """Ids of the artist's tracks by `q`, `state`, `origin`, `key` (Camelot) and `sort` ("-bpm": downwards).

    Values that mean nothing are left out, as a mistyped address should still show the library. Ids only: a
    database that sorts rows carries all their columns along, and these have waveforms.
    """
    tracks = Track.objects.of(artist).annotate(
        shown_bpm=Coalesce("bpm_override", "analysis__bpm"),
        shown_key=Coalesce(NullIf("key_override", Value("")), "analysis__key_name"),
    )
    for word in query.get("q", "")[:200].split():
        tracks = tracks.filter(
            Q(title__icontains=word)
            | Q(filename__icontains=word)
            | Q(genre_override__icontains=word)
            | Q(tags__genre__icontains=word)
            | Q(tags__artist__icontains=word)
        )
    if states := STATES.get(query.get("state", "")):
        tracks = tracks.filter(status__in=states)
    if (origin := query.get("origin", "")) in Track.Origin.values:
        tracks = tracks.filter(origin=origin)
    if key := BY_CAMELOT.get(query.get("key", "")):
        tracks = tracks.filter(shown_key=key.name)
    sort = query.get("sort", "")
    column = ORDERS.get(sort.lstrip("-"))
    if column is None:
        return tracks.order_by("-created_at", "id").values_list("pk", flat=True)
    asked = F(column).desc(nulls_last=True) if sort.startswith("-") else F(column).asc(nulls_last=True)
    return tracks.order_by(asked, "title", "id").values_list("pk", flat=True)


def rows(ids: Iterable[str]) -> list[Track]:
    """The tracks of one page, in the order of `ids`."""
    wanted = list(ids)
    found = {track.pk: track for track in Track.objects.filter(pk__in=wanted).listed()}
    return [found[pk] for pk in wanted if pk in found]
