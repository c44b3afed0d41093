"""Generations and takes as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.fields import Flag, Text, Whole
from generation import keeping, remains, retention
from generation.lifecycle import editable, queue_position, restorable
from generation.models import GeneratedTrack, Generation, Restoration

FORMATS = ("wav", "flac", "mp3", "preview")
STATES = ["queued", "running", "ready", "failed", "cancelled"]


class Closest(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    similarity = serializers.FloatField()


class Files(serializers.Serializer[Any]):
    wav = serializers.CharField()
    flac = serializers.CharField()
    mp3 = serializers.CharField()
    preview = serializers.CharField()


class PlanCandidate(serializers.Serializer[Any]):
    """A plan that was compared before the take was made."""

    style = serializers.CharField()  # type: ignore[assignment]  # DRF takes fields off the class
    match = serializers.FloatField(
        allow_null=True, help_text="With your catalog, 0 to 1; null where not judged"
    )
    chosen = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)


class RestorationJSON(serializers.Serializer[Restoration]):
    """A take being made again from its plan. `ready`: the files are back, the same to the sample."""

    status = serializers.ChoiceField(STATES)
    stage = serializers.CharField()
    progress = serializers.FloatField(min_value=0, max_value=1)
    eta_seconds = serializers.FloatField(allow_null=True)
    estimate_seconds = serializers.FloatField()
    reason = serializers.SerializerMethodField()
    sha256 = serializers.CharField(
        source="found_sha256", help_text='Of what came out, to hold against render_sha256; "" before'
    )
    note = serializers.CharField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_reason(self, row: Restoration) -> str | None:
        return row.error or None


class TakeRow(serializers.Serializer[GeneratedTrack]):
    """One take: how near it is to the catalog, and its certificate."""

    id = serializers.CharField()
    generation = serializers.CharField(source="generation_id")
    number = serializers.IntegerField()
    title = serializers.CharField()
    filename = serializers.CharField()
    prompt = serializers.CharField()
    duration = serializers.FloatField()
    similarity_score = serializers.FloatField(min_value=0, max_value=1)
    closest_tracks = Closest(many=True)
    measured = serializers.DictField(help_text="bpm, tempo, key, camelot, lufs of the audio as it is")
    certificate_id = serializers.CharField(allow_null=True)
    certificate = serializers.SerializerMethodField()
    engine = serializers.CharField()
    model_version = serializers.CharField()
    licence = serializers.CharField()
    seed = serializers.CharField(help_text="Text: 64 bits do not survive JSON numbers")
    library_track = serializers.CharField(source="library_track_id", allow_null=True)
    favourite = serializers.BooleanField()
    rating = serializers.IntegerField(allow_null=True, min_value=1, max_value=5)
    pinned = serializers.BooleanField(help_text="Its full audio is kept beyond what the plan says")
    full_audio = serializers.ChoiceField(
        ["here", "going", "gone"], help_text="WAV, FLAC, MP3 and stems; the preview stays"
    )
    full_until = serializers.DateTimeField(
        allow_null=True,
        help_text="How long the plan keeps the full audio, unless `held_by` names something; null: for ever",
    )
    tags = serializers.SerializerMethodField()
    audio = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_tags(self, take: GeneratedTrack) -> list[str]:
        return [tag.name for tag in take.tags.all()]

    def get_certificate(self, take: GeneratedTrack) -> str | None:
        return f"/certificates/{take.certificate_id}/" if take.certificate_id else None

    @extend_schema_field(Files)
    def get_audio(self, take: GeneratedTrack) -> dict[str, str]:
        return {name: f"/api/generated-tracks/{take.pk}/audio/?format={name}" for name in FORMATS}

    def get_url(self, take: GeneratedTrack) -> str:
        return take.get_absolute_url()


class TakeDetail(TakeRow):
    """A take with its score by aspect, its sources and what it was asked to be."""

    notes = serializers.CharField(help_text="What you wrote beside it; nobody else sees it")
    similarity = serializers.DictField(help_text="The score's breakdown by aspect, and how sure it is")
    novelty = serializers.DictField(help_text="Longest passage shared with a track of yours")
    requested = serializers.DictField()
    generation_params = serializers.DictField()
    catalog_snapshot = serializers.DictField(help_text="The Audio DNA it was conditioned on")
    blend = serializers.DictField(
        help_text="Of a take of two artists: partner, weight asked, share of the bars, match with each; else {}"
    )
    render_sha256 = serializers.CharField(help_text="Of the mastered 24-bit PCM, before its watermark")
    watermark = serializers.DictField(
        help_text="The number its sound carries, whether it can be read there and how inaudible it is, as stated in "
        "the certificate; {} without"
    )
    provenance_signature = serializers.CharField()
    built_from = serializers.ListField(
        child=serializers.DictField(), help_text="For each bar and layer, the bar of yours it comes from"
    )
    sections = serializers.ListField(child=serializers.DictField())
    stems = serializers.SerializerMethodField()
    size_bytes = serializers.IntegerField(help_text="All files of the take, stems included")
    peaks = serializers.ListField(child=serializers.IntegerField())
    changes = serializers.SerializerMethodField(
        help_text="Of an edit: a sentence for each thing that is different"
    )
    choice = serializers.SerializerMethodField(help_text="Why this plan was chosen")
    candidates = serializers.SerializerMethodField()
    editable = serializers.SerializerMethodField(help_text="Whether /vary/ can edit it")
    missing = serializers.SerializerMethodField(
        help_text="Files that are gone: wav, flac, mp3, preview, stems"
    )
    restorable = serializers.SerializerMethodField(help_text="Whether /restore/ can make them again")
    restoration = serializers.SerializerMethodField()
    held_by = serializers.SerializerMethodField(
        help_text="What keeps the full audio beyond full_until: pinned, favourite, library, gallery, shared, work"
    )

    def get_held_by(self, take: GeneratedTrack) -> list[str]:
        return retention.held_by([take.pk]).get(take.pk, [])

    def get_changes(self, take: GeneratedTrack) -> list[str]:
        return remains.changes_of(take)

    def get_choice(self, take: GeneratedTrack) -> str:
        return str(take.plan.get("choice") or "")

    @extend_schema_field(PlanCandidate(many=True))
    def get_candidates(self, take: GeneratedTrack) -> list[dict[str, Any]]:
        return remains.candidates_of(take)

    def get_editable(self, take: GeneratedTrack) -> bool:
        return not editable(take)

    def get_missing(self, take: GeneratedTrack) -> list[str]:
        return remains.missing_files(take)

    def get_restorable(self, take: GeneratedTrack) -> bool:
        return not restorable(take)

    @extend_schema_field(RestorationJSON(allow_null=True))
    def get_restoration(self, take: GeneratedTrack) -> dict[str, Any] | None:
        row = remains.restoration_of(take)
        return None if row is None else RestorationJSON(row).data

    def get_stems(self, take: GeneratedTrack) -> list[str]:
        return [str(stem["name"]) for stem in take.stems]


class TakeChanges(serializers.Serializer[GeneratedTrack]):
    """What you say of a take. A field that is left out stays as it is."""

    title = Text(required=False, allow_blank=False, max_length=120)
    favourite = Flag(required=False)
    pinned = Flag(required=False, help_text="Keep its full audio; false: for a whole period of the plan more")
    rating = Whole(required=False, allow_null=True, min_value=1, max_value=5, help_text="null: none")
    notes = Text(required=False, max_length=keeping.LONGEST_NOTES)
    tags = serializers.ListField(
        child=Text(allow_blank=True, max_length=200),
        required=False,
        max_length=100,
        help_text=f"All its tags: at most {keeping.MOST_TAGS}, of {keeping.LONGEST_TAG} characters each",
    )

    def validate_tags(self, value: list[str]) -> list[str]:
        try:
            return keeping.normalised(value)
        except keeping.BadTags as error:
            raise serializers.ValidationError(str(error)) from None


class QueuePlace(serializers.Serializer[Any]):
    ahead = serializers.IntegerField(help_text="Generations before this one")
    seconds = serializers.FloatField(help_text="Until this one is likely to start")
    served = serializers.BooleanField(help_text="Whether a worker that takes such work is running")


class GenerationRow(serializers.Serializer[Generation]):
    """A request and how far it is. `reason` says why when `status` is failed."""

    id = serializers.CharField()
    title = serializers.CharField()
    status = serializers.ChoiceField(STATES)
    stage = serializers.CharField()
    progress = serializers.FloatField(min_value=0, max_value=1)
    eta_seconds = serializers.FloatField(allow_null=True)
    estimate_seconds = serializers.FloatField()
    cancel_asked = serializers.BooleanField()
    reason = serializers.SerializerMethodField()
    prompt = serializers.CharField()
    engine = serializers.CharField()
    parent = serializers.CharField(source="parent_id", allow_null=True)  # type: ignore[assignment]
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    url = serializers.SerializerMethodField()
    ws = serializers.SerializerMethodField()
    takes = TakeRow(many=True)

    def get_reason(self, generation: Generation) -> str | None:
        return generation.error or None

    def get_url(self, generation: Generation) -> str:
        return generation.get_absolute_url()

    def get_ws(self, generation: Generation) -> str:
        return socket_of(generation)


class GenerationDetail(GenerationRow):
    """A request with what was asked, what it was read into, and its takes in full."""

    requested = serializers.DictField(source="params")
    brief = serializers.DictField()
    notes = serializers.ListField(child=serializers.CharField())
    snapshot = serializers.CharField(source="snapshot_id")
    attempts = serializers.IntegerField()
    queue = serializers.SerializerMethodField()
    takes = TakeDetail(many=True)

    @extend_schema_field(QueuePlace)
    def get_queue(self, generation: Generation) -> dict[str, float | bool]:
        return queue_position(generation)._asdict()


def socket_of(generation: Generation) -> str:
    return f"/ws/generations/{generation.pk}/"
