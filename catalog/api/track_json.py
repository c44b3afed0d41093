"""A track as JSON: what the artist says where they said something, else what was measured."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.fields import Measure, rounded
from catalog.collected import DECIDED
from catalog.models import Track

STATES = ["queued", "analysing", "ready", "failed", "cancelled", "metadata"]
# Members of the analysis document that a row shows.
FOUND = (
    "bpm_alternatives",
    "bpm_evidence",
    "felt",
    "half_time_bpm",
    "double_time_bpm",
    "true_peak_dbtp",
)
DOCUMENT_PARTS = (
    "bpm_evidence",
    "tempo_steady",
    "tempo_drift",
    "felt_confidence",
    "beat_period",
    "first_downbeat",
    "downbeat_confidence",
    "tuning_cents",
    "loudness_range",
    "peak_dbfs",
    "true_peak_dbtp",
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


class Imported(serializers.Serializer[Any]):
    """What a collection said, unchanged by what was measured or typed."""

    id = serializers.CharField(source="imported_id")
    bpm = Measure(source="imported_bpm")
    key = serializers.SerializerMethodField()

    def get_key(self, track: Track) -> str | None:
        return track.imported_key or None


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
    bpm_locked = serializers.BooleanField()
    bpm_evidence = serializers.SerializerMethodField(help_text="What decided the BPM")
    bpm_alternatives = serializers.SerializerMethodField()
    half_time_bpm = serializers.SerializerMethodField(help_text="Felt at half the counted tempo")
    double_time_bpm = serializers.SerializerMethodField(help_text="Felt at twice the counted tempo")
    felt = serializers.SerializerMethodField()
    key = serializers.SerializerMethodField()
    camelot = serializers.SerializerMethodField()
    open_key = serializers.SerializerMethodField()
    energy = serializers.SerializerMethodField()
    lufs = serializers.SerializerMethodField()
    true_peak_dbtp = serializers.SerializerMethodField()
    confidence = serializers.SerializerMethodField()
    genres = serializers.ListField(child=serializers.CharField())
    overrides = Overrides(source="*")
    tags = serializers.DictField()
    imported = serializers.SerializerMethodField()
    credit = serializers.CharField(help_text="The artist's name as tagged or imported")
    plays = serializers.IntegerField(allow_null=True)
    rating = serializers.IntegerField(allow_null=True, help_text="Stars, 0 to 5")
    added_on = serializers.DateField(allow_null=True, help_text="When it came into the collection")
    last_played_on = serializers.DateField(allow_null=True)
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

    def get_bpm_evidence(self, track: Track) -> str | None:
        if track.bpm_override:
            return "artist"
        measured = track.analysis and track.analysis.bpm
        return (
            document_part(track, "bpm_evidence") if measured else "collection" if track.imported_bpm else None
        )

    def get_half_time_bpm(self, track: Track) -> float | None:
        return rounded(document_part(track, "half_time_bpm")) if agrees(track) else None

    def get_double_time_bpm(self, track: Track) -> float | None:
        return rounded(document_part(track, "double_time_bpm")) if agrees(track) else None

    def get_true_peak_dbtp(self, track: Track) -> float | None:
        return rounded(document_part(track, "true_peak_dbtp"), 2)

    @extend_schema_field(Imported(allow_null=True))
    def get_imported(self, track: Track) -> dict[str, Any] | None:
        return dict(Imported(track).data) if track.imported or track.imported_id else None

    def get_felt(self, track: Track) -> str | None:
        return document_part(track, "felt") if agrees(track) else "straight"

    def get_key(self, track: Track) -> str | None:
        return track.key.name if track.key else None

    def get_camelot(self, track: Track) -> str | None:
        return track.key.camelot if track.key else None

    def get_open_key(self, track: Track) -> str | None:
        return track.key.open_key if track.key else None

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
    tempo_drift = serializers.FloatField(
        allow_null=True, help_text="Share by which slow and fast passages differ"
    )
    felt_confidence = serializers.FloatField(allow_null=True)
    beat_period = serializers.FloatField(allow_null=True, help_text="Seconds")
    first_downbeat = serializers.FloatField(allow_null=True, help_text="Seconds in the file")
    downbeat_confidence = serializers.FloatField(allow_null=True)
    tuning_cents = serializers.FloatField(allow_null=True)
    loudness_range = serializers.FloatField(allow_null=True)
    peak_dbfs = serializers.FloatField(allow_null=True)
    true_peak_dbtp = serializers.FloatField(allow_null=True)
    palette = serializers.DictField(child=serializers.FloatField(), help_text="Share of power in 7 bands")
    sections = Section(many=True)
    energy_curve = serializers.ListField(child=serializers.FloatField(), help_text="One value for each bar")


class TrackDetail(TrackRow):
    """A track with everything measured on it; `measured` is null until the analysis is there. `collection` is all a
    collection said, cue points and beat grid with it; null when none named the track."""

    measured = serializers.SerializerMethodField()
    collection = serializers.SerializerMethodField()
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

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_collection(self, track: Track) -> dict[str, Any] | None:
        return {name: value for name, value in track.imported.items() if name not in DECIDED} or None

    def get_peaks(self, track: Track) -> list[int]:
        return track.analysis.peaks if track.analysis else []


def agrees(track: Track) -> bool:
    """Whether the BPM that counts is about the measured one, so that what was derived from that still holds."""
    if not track.bpm_override or not track.analysis or not track.analysis.bpm:
        return True
    return abs(track.bpm_override / track.analysis.bpm - 1) <= 0.03


def document_part(track: Track, name: str) -> Any:
    """One member of the analysis document: as the list query brought it along, else from the document."""
    if hasattr(track, f"found_{name}"):
        return getattr(track, f"found_{name}")
    return track.analysis.document.get(name) if track.analysis else None
