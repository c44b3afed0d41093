"""A track as JSON: what the artist says where they said something, else what was measured."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.fields import Measure, rounded
from catalog.models import Track

STATES = ["queued", "analysing", "ready", "failed", "cancelled"]
DOCUMENT_PARTS = (
    "bpm_evidence",
    "tempo_steady",
    "beat_period",
    "first_downbeat",
    "downbeat_confidence",
    "tuning_cents",
    "loudness_range",
    "peak_dbfs",
    "palette",
    "sections",
    "energy_curve",
)


class Overrides(serializers.Serializer[Any]):
    bpm = Measure(source="bpm_override")
    key = serializers.SerializerMethodField()
    genre = serializers.SerializerMethodField()

    def get_key(self, track: Track) -> str | None:
        return track.key_override or None

    def get_genre(self, track: Track) -> str | None:
        return track.genre_override or None


class Confidence(serializers.Serializer[Any]):
    bpm = Measure()
    key = Measure()


class TrackRow(serializers.Serializer[Track]):
    """One line of the catalog. `reason` says why when `status` is failed. `sha256` is of the file as sent,
    `audio_sha256` of the decoded sound."""

    id = serializers.CharField()
    title = serializers.CharField()
    status = serializers.ChoiceField(STATES)
    reason = serializers.SerializerMethodField()
    stage = serializers.CharField()
    progress = serializers.FloatField()
    origin = serializers.ChoiceField(Track.Origin.choices)
    filename = serializers.CharField()
    format = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField(source="file_sha256")
    audio_sha256 = serializers.SerializerMethodField()
    duration = serializers.FloatField(allow_null=True)
    sample_rate = serializers.IntegerField(allow_null=True)
    channels = serializers.IntegerField(allow_null=True)
    bpm = Measure()
    bpm_alternatives = serializers.SerializerMethodField()
    felt = serializers.SerializerMethodField()
    key = serializers.SerializerMethodField()
    camelot = serializers.SerializerMethodField()
    energy = serializers.SerializerMethodField()
    lufs = serializers.SerializerMethodField()
    confidence = serializers.SerializerMethodField()
    genres = serializers.ListField(child=serializers.CharField())
    overrides = Overrides(source="*")
    tags = serializers.DictField()
    duplicate_of = serializers.CharField(source="duplicate_of_id", allow_null=True)
    created_at = serializers.DateTimeField()
    url = serializers.SerializerMethodField()
    audio = serializers.SerializerMethodField()

    def get_reason(self, track: Track) -> str | None:
        return track.error or None

    def get_audio_sha256(self, track: Track) -> str | None:
        return track.audio_sha256 or None

    def get_bpm_alternatives(self, track: Track) -> list[float]:
        return [round(float(bpm), 3) for bpm in document_part(track, "bpm_alternatives") or []]

    def get_felt(self, track: Track) -> str | None:
        return document_part(track, "felt")

    def get_key(self, track: Track) -> str | None:
        return track.key.name if track.key else None

    def get_camelot(self, track: Track) -> str | None:
        return track.key.camelot if track.key else None

    def get_energy(self, track: Track) -> float | None:
        return rounded(track.analysis.energy, 4) if track.analysis else None

    def get_lufs(self, track: Track) -> float | None:
        return rounded(track.analysis.lufs, 2) if track.analysis else None

    @extend_schema_field(Confidence)
    def get_confidence(self, track: Track) -> dict[str, float | None]:
        """0..1 for what was measured; 1 for what the artist said."""
        found = track.analysis
        return {
            "bpm": 1.0 if track.bpm_override else rounded(found.bpm_confidence) if found else None,
            "key": 1.0 if track.key_override else rounded(found.key_confidence) if found else None,
        }

    def get_url(self, track: Track) -> str:
        return track.get_absolute_url()

    def get_audio(self, track: Track) -> str | None:
        return f"/api/tracks/{track.pk}/audio/" if track.path else None


class Section(serializers.Serializer[Any]):
    name = serializers.CharField()
    start = serializers.FloatField(help_text="Seconds")
    end = serializers.FloatField(help_text="Seconds")
    first_bar = serializers.IntegerField()
    bars = serializers.IntegerField()


class Measured(serializers.Serializer[Any]):
    """What the analysis found, unchanged by corrections."""

    version = serializers.IntegerField()
    bpm = serializers.FloatField(allow_null=True)
    bpm_confidence = serializers.FloatField()
    key = serializers.CharField(allow_null=True)
    key_confidence = serializers.FloatField()
    bpm_evidence = serializers.CharField()
    tempo_steady = serializers.BooleanField()
    beat_period = serializers.FloatField(allow_null=True, help_text="Seconds")
    first_downbeat = serializers.FloatField(allow_null=True, help_text="Seconds in the file")
    downbeat_confidence = serializers.FloatField(allow_null=True)
    tuning_cents = serializers.FloatField(allow_null=True)
    loudness_range = serializers.FloatField(allow_null=True)
    peak_dbfs = serializers.FloatField(allow_null=True)
    palette = serializers.DictField(child=serializers.FloatField(), help_text="Share of power in 7 bands")
    sections = Section(many=True)
    energy_curve = serializers.ListField(child=serializers.FloatField(), help_text="One value for each bar")


class TrackDetail(TrackRow):
    """A track with everything measured on it; `measured` is null until the analysis is there."""

    measured = serializers.SerializerMethodField()
    peaks = serializers.SerializerMethodField()

    @extend_schema_field(Measured(allow_null=True))
    def get_measured(self, track: Track) -> dict[str, Any] | None:
        found = track.analysis
        if found is None:
            return None
        return {
            "version": found.version,
            "bpm": rounded(found.bpm),
            "bpm_confidence": rounded(found.bpm_confidence),
            "key": found.key_name or None,
            "key_confidence": rounded(found.key_confidence),
            **{name: found.document.get(name) for name in DOCUMENT_PARTS},
        }

    def get_peaks(self, track: Track) -> list[int]:
        return track.analysis.peaks if track.analysis else []


def document_part(track: Track, name: str) -> Any:
    """One member of the analysis document: as the list query brought it along, else from the document."""
    short = name.removeprefix("bpm_")
    if hasattr(track, f"found_{short}"):
        return getattr(track, f"found_{short}")
    return track.analysis.document.get(name) if track.analysis else None
