"""The library as a list: search, filters, order. Used by the pages and the API; knows no HTTP."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from django.db.models import F, Q, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce, NullIf

from catalog.analysis.keys import ALL_KEYS, Key, compatible
from catalog.models import Artist, Track, TrackQuerySet

STATES = {
    "ready": [Track.READY],
    "waiting": [Track.QUEUED, Track.RUNNING],
    "failed": [Track.FAILED],
    "cancelled": [Track.CANCELLED],
    "metadata": [Track.METADATA],
}
# What counts of a track in SQL, as `Track.bpm` and `Track.key` say it in Python.
SHOWN_BPM = Coalesce("bpm_override", "analysis__bpm", "imported_bpm")
SHOWN_KEY = Coalesce(
    NullIf("key_override", Value("")),
    NullIf("analysis__key_name", Value("")),
    NullIf("imported_key", Value("")),
)
ORDERS: dict[str, F | Coalesce] = {
    "added": F("created_at"),
    "title": F("title"),
    "bpm": SHOWN_BPM,
    "key": SHOWN_KEY,
    "energy": F("analysis__energy"),
    "length": F("duration"),
    "plays": F("plays"),
    "rating": F("rating"),
    "collected": F("added_on"),
}
BY_CAMELOT = {key.camelot: key for key in ALL_KEYS}


def with_words(tracks: TrackQuerySet, text: str) -> TrackQuerySet:
    """Tracks that have every word of `text` somewhere in title, file name, credit or genre."""
    for word in text[:200].split():
        tracks = tracks.filter(
            Q(title__icontains=word)
            | Q(filename__icontains=word)
            | Q(credit__icontains=word)
            | Q(genre_override__icontains=word)
            | Q(tags__genre__icontains=word)
            | Q(tags__artist__icontains=word)
            | Q(imported__genre__icontains=word)
        )
    return tracks


def in_keys(tracks: TrackQuerySet, keys: Iterable[Key]) -> TrackQuerySet:
    return tracks.alias(shown_key=SHOWN_KEY).filter(shown_key__in=[key.name for key in keys])


def between(tracks: TrackQuerySet, low: float | None, high: float | None) -> TrackQuerySet:
    """Tracks whose BPM, as it counts, lies in low..high, ends included; None leaves an end open."""
    if low is None and high is None:
        return tracks
    tracks = tracks.alias(shown_bpm=SHOWN_BPM)
    if low is not None:
        tracks = tracks.filter(shown_bpm__gte=low)
    return tracks if high is None else tracks.filter(shown_bpm__lte=high)


def find(artist: Artist, query: Mapping[str, str]) -> TrackQuerySet:
    """The artist's tracks by `q`, `state`, `origin`, `key` (Camelot), `mix`, `bpm_min` and `bpm_max`, in no order.

    `mix`, when it is not empty, widens `key` to what mixes with it. Values that mean nothing are left out, as
    a mistyped address should still show the library.
    """
    tracks = with_words(Track.objects.of(artist), query.get("q", ""))
    if states := STATES.get(query.get("state", "")):
        tracks = tracks.filter(status__in=states)
    if (origin := query.get("origin", "")) in Track.Origin.values:
        tracks = tracks.filter(origin=origin)
    if key := BY_CAMELOT.get(query.get("key", "")):
        tracks = in_keys(tracks, compatible(key) if query.get("mix") else [key])
    return between(tracks, _number(query.get("bpm_min", "")), _number(query.get("bpm_max", "")))


def browse(artist: Artist, query: Mapping[str, str]) -> QuerySet[Track, str]:
    """Ids of what `find` finds, in the order of `sort` ("-bpm": downwards).

    Ids only: a database that sorts rows carries all their columns along, and these have waveforms.
    """
    tracks = find(artist, query)
    sort = query.get("sort", "")
    column = ORDERS.get(sort.lstrip("-"))
    if column is None:
        return tracks.order_by("-created_at", "id").values_list("pk", flat=True)
    asked = OrderBy(column, descending=sort.startswith("-"), nulls_last=True)
    return tracks.order_by(asked, "title", "id").values_list("pk", flat=True)


def rows(ids: Iterable[str]) -> list[Track]:
    """The tracks of one page, in the order of `ids`."""
    wanted = list(ids)
    found = {track.pk: track for track in Track.objects.filter(pk__in=wanted).listed()}
    return [found[pk] for pk in wanted if pk in found]


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
