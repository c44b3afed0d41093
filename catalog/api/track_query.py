"""Which tracks a request means: the filters of the list, as query parameters and as JSON."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce
from rest_framework import serializers

from catalog import browsing
from catalog.analysis.keys import Key, compatible, key_or_none
from catalog.api.fields import Choice, Number, Several, Text
from catalog.api.track_json import FOUND, STATES
from catalog.models import Artist, Track, TrackQuerySet

SORTED_BY: dict[str, Coalesce | F] = {
    "created_at": F("created_at"),
    "title": F("title"),
    "bpm": browsing.SHOWN_BPM,
    "energy": F("analysis__energy"),
    "duration": F("duration"),
    "plays": F("plays"),
    "rating": F("rating"),
    "added_on": F("added_on"),
}
MIXES = "A key (4A, 9m, F minor): tracks in it or in a key that mixes with it"


def a_key(text: str) -> Key | None:
    """The key a filter names; None for "". Raises a ValidationError."""
    key = key_or_none(text) if text else None
    if text and key is None:
        raise serializers.ValidationError("Write the key as 4A, 9m, F minor or Fm.")
    return key


class TrackQuery(serializers.Serializer[Any]):
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="Words in title, artist, file name or genre",
    )
    status = Several(STATES, help_text="One or more; `metadata`: known from a collection, no audio yet")
    origin = serializers.ChoiceField(Track.Origin.choices, required=False, allow_blank=True)
    compatible_with = serializers.CharField(required=False, allow_blank=True, max_length=40, help_text=MIXES)
    bpm_min = serializers.FloatField(required=False, min_value=0, max_value=1000)
    bpm_max = serializers.FloatField(required=False, min_value=0, max_value=1000)
    sha256 = serializers.CharField(
        required=False, allow_blank=True, max_length=64, help_text="The very file, by its hash"
    )
    ordering = serializers.ChoiceField(
        [*SORTED_BY, *(f"-{name}" for name in SORTED_BY)], required=False, allow_blank=True
    )

    def validate_compatible_with(self, text: str) -> Key | None:
        return a_key(text)


class TrackFilter(serializers.Serializer[Any]):
    """The same filters in the body of a request."""

    search = Text(required=False, max_length=200)
    status = serializers.ListField(child=Choice(STATES), required=False, max_length=len(STATES))
    origin = Choice(Track.Origin.choices, required=False)
    compatible_with = Text(required=False, max_length=40, help_text=MIXES)
    bpm_min = Number(required=False, min_value=0, max_value=1000)
    bpm_max = Number(required=False, min_value=0, max_value=1000)

    def validate_compatible_with(self, text: str) -> Key | None:
        return a_key(text)


def rows_of(artist: Artist) -> TrackQuerySet:
    """The artist's tracks without the large columns, with what `TrackRow` shows of the analysis document."""
    tracks = Track.objects.of(artist).listed().defer("analysis__peaks")
    return tracks.annotate(**{f"found_{name}": F(f"analysis__document__{name}") for name in FOUND})


def filtered(tracks: TrackQuerySet, query: dict[str, Any]) -> TrackQuerySet:
    """`tracks` by the validated data of either serializer."""
    tracks = browsing.with_words(tracks, query.get("search", ""))
    if states := query.get("status"):
        tracks = tracks.filter(status__in=states)
    if origin := query.get("origin"):
        tracks = tracks.filter(origin=origin)
    if key := query.get("compatible_with"):
        tracks = browsing.in_keys(tracks, compatible(key))
    if digest := query.get("sha256"):
        tracks = tracks.filter(file_sha256=digest.lower())
    tracks = browsing.between(tracks, query.get("bpm_min"), query.get("bpm_max"))
    if ordering := query.get("ordering"):
        asked = OrderBy(SORTED_BY[ordering.lstrip("-")], descending=ordering.startswith("-"), nulls_last=True)
        tracks = tracks.order_by(asked, "id")
    return tracks
