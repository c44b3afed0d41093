"""An import as JSON: how far it is, and what became of each row."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.fields import Measure
from catalog.models import Import
from catalog.reports import COUNTS, LISTS

STATES = ["queued", "reading", "ready", "failed", "cancelled"]


class Counts(serializers.Serializer[Any]):
    read = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    matched = serializers.IntegerField()
    ambiguous = serializers.IntegerField()
    metadata_only = serializers.IntegerField()
    rejected = serializers.IntegerField()
    warnings = serializers.IntegerField()
    playlists = serializers.IntegerField()


class Candidate(serializers.Serializer[Any]):
    track = serializers.CharField()
    title = serializers.CharField()
    filename = serializers.CharField()
    size = serializers.IntegerField(allow_null=True)
    duration = serializers.FloatField(allow_null=True)


class Named(serializers.Serializer[Any]):
    """A row as the collection has it."""

    title = serializers.CharField()
    artist = serializers.CharField()
    file = serializers.CharField()
    bpm = serializers.FloatField(allow_null=True)
    key = serializers.CharField(allow_null=True)


class Placed(Named):
    track = serializers.CharField()


class ImportMatched(Placed):
    by = serializers.CharField(help_text="size, length, path, name, title or earlier import")


class Question(Named):
    entry = serializers.CharField(help_text="What `resolve` calls this row")
    candidates = Candidate(many=True)
    settled = serializers.CharField(allow_null=True, help_text="The track chosen, none, or null while open")


class Odd(serializers.Serializer[Any]):
    name = serializers.CharField()
    reason = serializers.CharField()


class ListedPlaylist(serializers.Serializer[Any]):
    name = serializers.CharField()
    folder = serializers.CharField()
    fate = serializers.CharField(help_text="created, updated, unchanged or removed")
    tracks = serializers.IntegerField()
    missing = serializers.IntegerField()


class Lists(serializers.Serializer[Any]):
    """The first 200 of each."""

    matched = ImportMatched(many=True)
    ambiguous = Question(many=True)
    metadata_only = Placed(many=True)
    rejected = Odd(many=True)
    warnings = Odd(many=True)
    playlists = ListedPlaylist(many=True)


class ImportRow(serializers.Serializer[Import]):
    """One collection. `reason` says why when `status` is failed."""

    id = serializers.CharField()
    status = serializers.ChoiceField(STATES)
    reason = serializers.SerializerMethodField()
    stage = serializers.CharField()
    progress = serializers.FloatField()
    eta_seconds = serializers.SerializerMethodField()
    source = serializers.ChoiceField(Import.Source.choices)  # type: ignore[assignment]  # DRF takes fields off
    filename = serializers.CharField()
    size_bytes = serializers.IntegerField()
    counts = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    url = serializers.SerializerMethodField()

    def get_reason(self, row: Import) -> str | None:
        return row.error or None

    @extend_schema_field(Measure())
    def get_eta_seconds(self, row: Import) -> float | None:
        left = row.eta()
        return None if left is None else round(left, 1)

    @extend_schema_field(Counts)
    def get_counts(self, row: Import) -> dict[str, int]:
        found = row.counts
        return {name: int(found.get(name, 0)) for name in COUNTS}

    def get_url(self, row: Import) -> str:
        return reverse("catalog:import-report", args=[row.pk])


class ImportDetail(ImportRow):
    """One collection with its report. While it is read the counts grow; the lists come when that is over."""

    lists = serializers.SerializerMethodField()

    @extend_schema_field(Lists)
    def get_lists(self, row: Import) -> dict[str, list[dict[str, Any]]]:
        found = row.report.get("lists", {}) if row.is_over else {}
        return {name: list(found.get(name, [])) for name in LISTS}
