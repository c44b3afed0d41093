"""Many tracks in one request, and how far the analysis of all of them is."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bulk, progress
from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Flag, Number, Text
from catalog.api.track_query import TrackFilter, filtered
from catalog.models import Track


class BulkSet(serializers.Serializer[Any]):
    """What to correct. A locked BPM stays as it is."""

    genre = Text(required=False, allow_null=True, max_length=120, help_text="null: what the file says")
    bpm_factor = Number(required=False, min_value=0.5, max_value=2, help_text="2 or 0.5")
    reset_bpm = Flag(required=False, help_text="Back to what was measured")
    reset_key = Flag(required=False, help_text="Back to what was measured")

    def validate_bpm_factor(self, value: float) -> float:
        if value not in {0.5, 2.0}:
            raise serializers.ValidationError("A BPM is doubled or halved: 2 or 0.5.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("reset_bpm") and "bpm_factor" in attrs:
            raise serializers.ValidationError({"reset_bpm": "Either scale the BPM or reset it."})
        return attrs


class BulkChange(serializers.Serializer[Any]):
    """Either `ids` or `filter` says which tracks; `filter` as {} means all of them."""

    ids = serializers.ListField(child=Text(max_length=32), required=False, max_length=20_000)
    filter = TrackFilter(required=False)
    set = BulkSet(required=False)
    retry = Flag(required=False, help_text="Analyse again what failed or was cancelled")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError(
                {"ids": "Name the tracks by `ids` or by `filter`, one of them."}
            )
        if not attrs.get("set") and not attrs.get("retry"):
            raise serializers.ValidationError({"set": "Say what to change: `set`, `retry`, or both."})
        return attrs


def edits(asked: dict[str, Any]) -> list[bulk.Edit]:
    """What a valid `BulkSet` asks for."""
    found = [bulk.Edit("genre", asked["genre"] or "")] if "genre" in asked else []
    if "bpm_factor" in asked:
        found.append(bulk.Edit("scale_bpm", asked["bpm_factor"]))
    if asked.get("reset_bpm"):
        found.append(bulk.Edit("reset_bpm"))
    if asked.get("reset_key"):
        found.append(bulk.Edit("reset_key"))
    return found


class BulkCounts(serializers.Serializer[Any]):
    genre = serializers.IntegerField()
    bpm = serializers.IntegerField()
    key = serializers.IntegerField()


class BulkAnswer(serializers.Serializer[Any]):
    matched = serializers.IntegerField(help_text="Tracks of yours that were meant")
    changed = BulkCounts()
    locked = serializers.IntegerField(help_text="Left alone because their BPM is locked")
    retried = serializers.IntegerField()


class TrackBulk(ArtistView):
    @operation(
        "tracks_bulk",
        "Correct many tracks at once",
        tag="catalog",
        request=BulkChange,
        answers={200: BulkAnswer},
        errors=(400, 401, 413, 415),
    )
    def post(self, request: Request) -> Response:
        asked = BulkChange(data=request.data)
        asked.is_valid(raise_exception=True)
        tracks = Track.objects.of(self.artist)
        if "ids" in asked.validated_data:
            ids = list(dict.fromkeys(asked.validated_data["ids"]))
        else:
            ids = bulk.ids_of(filtered(tracks, asked.validated_data["filter"]))
        changed, locked, retried = {"genre": 0, "bpm": 0, "key": 0}, 0, 0
        with transaction.atomic():
            matched = bulk.count(self.artist, ids)
            if "set" in asked.validated_data:
                for edit in edits(asked.validated_data["set"]):
                    done = bulk.correct(self.artist, ids, edit)
                    changed[edit.column.removesuffix("_override")] = done.changed
                    locked = max(locked, done.locked)
            if asked.validated_data.get("retry"):
                retried = bulk.retry(self.artist, ids)
        return Response({"matched": matched, "changed": changed, "locked": locked, "retried": retried})


class ProgressAnswer(serializers.Serializer[Any]):
    total = serializers.IntegerField(help_text="Analysed, failed and waiting")
    analysed = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Running ones too")
    running = serializers.IntegerField()
    failed = serializers.IntegerField()
    seconds_left = serializers.FloatField(allow_null=True, help_text="null: too few were analysed to tell")
    done = serializers.CharField(help_text="In words")
    left = serializers.CharField(help_text="In words")


class TrackProgress(ArtistView):
    @operation("tracks_progress", "How far the analysis is", tag="catalog", answers={200: ProgressAnswer})
    def get(self, request: Request) -> Response:
        return Response(ProgressAnswer(progress.of(self.artist)).data)
