"""What was asked for and what came of it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from catalog.ids import adapter_id, exhibit_id, export_id, generation_id, preset_id, share_id, take_id
from catalog.jobs import Job
from catalog.models import Artist, DNASnapshot, Track
from catalog.precedence import Rank
from generation import allowance
from generation.blend_models import Blend, BlendConsent, BlendStep
from provenance.models import Certificate

__all__ = [
    "Adapter",
    "AdapterSource",
    "Blend",
    "BlendConsent",
    "BlendStep",
    "EvolutionNote",
    "Exhibit",
    "ExhibitReport",
    "Export",
    "GeneratedTrack",
    "Generation",
    "Preset",
    "Restoration",
    "Share",
    "ShareQuerySet",
    "SpentGeneration",
    "TakeTag",
    "TrainingConsent",
    "queue_of",
    "share_key",
]


def share_key() -> str:
    return secrets.token_urlsafe(24)


class Generation(Job):
    """A request for one to four takes; also the job of making them.

    queued -> running -> ready | failed | cancelled
       ^         |
       +-recover-+      the worker is gone, attempts left
    """

    TASK = "generation.tasks.run"
    WHAT = "this generation"
    QUEUES = ("cpu", "gpu")
    QUEUE_BY = "engine"

    id = models.CharField(primary_key=True, max_length=32, default=generation_id, editable=False)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="generations")
    title = models.CharField(max_length=120)
    prompt = models.TextField(blank=True)
    params = models.JSONField(default=dict, help_text="what was asked for, as asked")
    brief = models.JSONField(default=dict, help_text="what it was read into: generation.brief.Brief")
    engine = models.CharField(max_length=40)
    snapshot = models.ForeignKey(DNASnapshot, on_delete=models.RESTRICT, related_name="generations")
    blend = models.ForeignKey(
        Blend,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="generations",
        help_text="the agreement under which another artist's recordings go in",
    )
    partner_snapshot = models.ForeignKey(
        DNASnapshot, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="variations"
    )
    request_key = models.CharField(max_length=64, null=True, blank=True)
    estimate_seconds = models.FloatField(default=0.0)
    notes = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "artist", "request_key", condition=Q(request_key__isnull=False), name="one_per_request_key"
            )
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["artist", "-created_at"])]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("generation:generation", args=[self.pk])

    @classmethod
    def queue_for(cls, value: Any) -> str:
        return queue_of(value)

    @property
    def rank(self) -> Rank:
        return rank_for(self.artist, super().rank)

    @property
    def eta_seconds(self) -> float | None:
        left = self.eta(self.estimate_seconds or None)
        return None if left is None else round(left, 1)


class SpentGeneration(models.Model):
    """A generation that was made and deleted since: it counts in the month it was asked for."""

    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="spent_generations")
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"one of artist {self.artist_id} on {self.at:%Y-%m-%d}"


def queue_of(engine: str) -> str:
    """The queue that work of this engine waits on: "gpu" for networks, "cpu" for everything else."""
    from generation.engines import engines

    return str(getattr(engines().get(engine), "queue", "cpu"))


def rank_for(artist: Artist, usual: Rank) -> Rank:
    """The rank of a request of this artist's: where plans differ, who pays for it comes before who does not."""
    return Rank.PRIORITY if usual is Rank.WAITED_FOR and allowance.of(artist).priority else usual


class GeneratedTrack(models.Model):
    """One take: the audio, how near it is to the catalog, what it is built from, and its certificate."""

    class FullAudio(models.TextChoices):
        """WAV, FLAC, MP3 and stems, as far as the plan goes (`generation.retention`). The preview is no part of it."""

        HERE = "here", "Here"
        GOING = "going", "Going"
        GONE = "gone", "Gone"

    id = models.CharField(primary_key=True, max_length=32, default=take_id, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="takes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=120)
    filename = models.CharField(max_length=160)
    prompt = models.TextField(blank=True)
    generation_params = models.JSONField(default=dict)
    catalog_snapshot = models.JSONField(default=dict)
    blend = models.JSONField(
        default=dict, blank=True, help_text="of a take of two artists: generation.blending.told"
    )
    engine = models.CharField(max_length=40)
    model_version = models.CharField(max_length=80)
    licence = models.CharField(max_length=160)
    seed = models.CharField(max_length=24)
    certificate = models.OneToOneField(
        Certificate, null=True, blank=True, on_delete=models.PROTECT, related_name="take"
    )
    provenance_signature = models.CharField(max_length=140, blank=True)
    similarity_score = models.FloatField()
    similarity = models.JSONField(default=dict)
    closest_tracks = models.JSONField(default=list)
    novelty = models.JSONField(default=dict)
    measured = models.JSONField(default=dict)
    requested = models.JSONField(default=dict)
    built_from = models.JSONField(default=list)
    sections = models.JSONField(default=list)
    plan = models.JSONField(default=dict)
    stems = models.JSONField(
        default=list, blank=True, help_text="generation.exports.stems.write_stems: one entry for each"
    )
    peaks = models.JSONField(default=list)
    duration = models.FloatField()
    size_bytes = models.PositiveBigIntegerField(default=0, help_text="all its files, stems included")
    render_sha256 = models.CharField(max_length=64)
    watermark = models.JSONField(
        default=dict, blank=True, help_text="as stated (generation.marking.marked); empty: not marked"
    )
    audio_path = models.CharField(max_length=255)
    full_audio = models.CharField(max_length=8, choices=FullAudio.choices, default=FullAudio.HERE)
    full_until = models.DateTimeField(
        null=True, blank=True, help_text="how long the plan keeps the full audio, unless something holds it"
    )
    pinned = models.BooleanField(default=False, help_text="the full audio is kept beyond that")
    library_track = models.OneToOneField(
        Track, null=True, blank=True, on_delete=models.SET_NULL, related_name="generated_take"
    )
    vector = models.BinaryField(
        default=b"", help_text="242 float32, little-endian; empty for takes made before it was kept"
    )
    favourite = models.BooleanField(default=False)
    rating = models.PositiveSmallIntegerField(null=True, blank=True, help_text="1 to 5, by the artist")
    notes = models.TextField(blank=True, help_text="private, plain text")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "generated_tracks"
        ordering = ["generation_id", "number"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("generation", "number", name="one_take_per_number"),
            models.CheckConstraint(
                condition=Q(rating__isnull=True) | Q(rating__range=(1, 5)), name="take_rating_of_five"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["user", "-created_at"], name="takes_by_age"),
            models.Index(
                fields=["full_until"],
                condition=Q(full_audio="here", full_until__isnull=False),
                name="takes_to_expire",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return self.generation.get_absolute_url() + f"#take-{self.number}"

    @property
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self.audio_path

    def file(self, kind: str) -> Path:
        """`wav`, `flac`, `mp3`, or `preview` (MP3 128 kbps)."""
        name = "preview.mp3" if kind == "preview" else f"{Path(self.filename).stem}.{kind}"
        return self.folder / name

    @property
    def is_heard(self) -> bool:
        """Whether the player has something to play."""
        return self.file("preview").is_file()

    def stem_file(self, name: str) -> Path:
        """The FLAC of a stem that `stems` lists."""
        return self.folder / "stems" / f"{name}.flac"


class TakeTag(models.Model):
    """A word the artist filed a take under, as `generation.keeping.normalised` writes it."""

    take = models.ForeignKey(GeneratedTrack, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=30)

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "name", "take", name="one_tag_per_take"
            )  # by name first: lists filter by it
        ]

    def __str__(self) -> str:
        return self.name


class EvolutionNote(models.Model):
    """A moment the artist marked in the evolution of their takes."""

    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="evolution_notes")
    on = models.DateField()
    text = models.CharField(max_length=140)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["on", "id"]

    def __str__(self) -> str:
        return self.text


class Restoration(Job):
    """A take whose files are gone is made again from its plan; also the job of doing so. One row for each take.

    ready: the files are back, to the sample as they were. failed: nothing was written, `error` says why; with
    `found_sha256`, because what came out here was not the same, and would be a new take.
    """

    TASK = "generation.tasks.restore"
    WHAT = "this take"
    QUEUES = ("cpu", "gpu")
    OWNER = "take__generation__artist"
    QUEUE_BY = "take__engine"

    take = models.OneToOneField(
        GeneratedTrack, primary_key=True, on_delete=models.CASCADE, related_name="restoration"
    )
    estimate_seconds = models.FloatField(default=0.0)
    found_sha256 = models.CharField(max_length=64, blank=True)
    note = models.TextField(blank=True, help_text="what else there is to say of it")

    class Meta:
        ordering = ["-queued_at"]

    def __str__(self) -> str:
        return f"{self.take_id}, once more"

    @classmethod
    def queue_for(cls, value: Any) -> str:
        return queue_of(value)

    @property
    def rank(self) -> Rank:
        return rank_for(self.take.generation.artist, super().rank)

    @property
    def eta_seconds(self) -> float | None:
        left = self.eta(self.estimate_seconds or None)
        return None if left is None else round(left, 1)


class TrainingConsent(models.Model):
    """An artist allows adapters to be trained from their recordings together with those of others. Withdrawable."""

    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="training_consents")
    statement = models.TextField(help_text="the words that were agreed to")
    given_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-given_at"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "artist", condition=Q(withdrawn_at__isnull=True), name="one_standing_consent"
            )
        ]

    def __str__(self) -> str:
        return f"consent of {self.artist_id} on {self.given_at:%Y-%m-%d}"


class Adapter(Job):
    """What a network learned from recordings (LoRA); also the job of training it, in slices.

    A slice ends by going back to `queued` with its checkpoint; a failed or cancelled one goes on from there.
    """

    TASK = "generation.tasks.train"
    WHAT = "this adapter"
    QUEUES = ("train",)

    id = models.CharField(primary_key=True, max_length=32, default=adapter_id, editable=False)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="adapters")
    name = models.CharField(max_length=80)
    base = models.CharField(
        max_length=60, help_text="name of the model in generation.engines.neural.catalogue"
    )
    recipe = models.JSONField(default=dict, help_text="generation.training.recipe.Recipe")
    aggregate = models.BooleanField(default=False, help_text="learned from several catalogs, with consent")
    genre = models.CharField(max_length=60, blank=True, help_text="of an aggregate: only recordings of it")
    request_key = models.CharField(max_length=64, null=True, blank=True)
    step = models.PositiveIntegerField(default=0)
    seconds_trained = models.FloatField(default=0.0)
    curves = models.JSONField(default=dict, blank=True, help_text="train and validation: [step, loss] each")
    best_loss = models.FloatField(null=True, blank=True)
    card = models.JSONField(default=dict, blank=True)
    base_sha256 = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    catalog_hash = models.CharField(max_length=80, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    certificate = models.OneToOneField(
        Certificate, null=True, blank=True, on_delete=models.PROTECT, related_name="adapter"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "artist",
                "request_key",
                condition=Q(request_key__isnull=False),
                name="one_adapter_per_request_key",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("generation:adapter", args=[self.pk])

    @classmethod
    def queue_for(cls, value: Any) -> str:
        return "train"

    @property
    def rank(self) -> Rank:
        return Rank.BATCH  # one slice after another, in turn with those of others

    @property
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "adapters" / self.pk

    @property
    def steps(self) -> int:
        return int(self.recipe.get("steps", 0))

    @property
    def done(self) -> float:
        """How far it is, over all slices: 0 to 1."""
        if self.status == self.READY:
            return 1.0
        return min(1.0, self.step / self.steps) if self.steps else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """Seconds of training that are left at most: it may stop early."""
        if self.is_over or self.step < 2:
            return None
        return round(self.seconds_trained / self.step * (self.steps - self.step), 1)


class AdapterSources(models.QuerySet["AdapterSource"]):
    def standing(self) -> AdapterSources:
        """Catalogs that may still be learned from: the trainer's own, and those whose owners agree to it."""
        return self.filter(
            Q(own=True) | Q(consent__withdrawn_at__isnull=True, consent__isnull=False, artist__isnull=False)
        )


class AdapterSource(models.Model):
    """One catalog an adapter learns from, as it was chosen when the training was asked for.

    consent: of another artist's catalog. None where the catalog is the trainer's own, or its owner is gone.
    """

    adapter = models.ForeignKey(Adapter, on_delete=models.CASCADE, related_name="sources")
    artist = models.ForeignKey(Artist, null=True, on_delete=models.SET_NULL, related_name="+")
    own = models.BooleanField(default=True)
    consent = models.ForeignKey(
        TrainingConsent, null=True, blank=True, on_delete=models.SET_NULL, related_name="sources"
    )
    consent_sha256 = models.CharField(max_length=64, blank=True, help_text="named in card and certificate")
    catalog_hash = models.CharField(max_length=80)
    track_ids = models.JSONField(default=list)
    words = models.JSONField(default=list, blank=True, help_text="palette words for the captions")

    objects = AdapterSources.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{len(self.track_ids)} recordings for {self.adapter_id}"


class Export(Job):
    """All that is kept of an artist as one zip; also the job of packing it. Its file goes when it expires."""

    TASK = "generation.tasks.pack"
    WHAT = "this export"

    id = models.CharField(primary_key=True, max_length=32, default=export_id, editable=False)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="exports")
    estimate_bytes = models.PositiveBigIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    left_out = models.JSONField(default=list, blank=True, help_text="files that were not here any more")
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"export of {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def file(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "exports" / f"{self.pk}.zip"

    @property
    def is_here(self) -> bool:
        return self.status == self.READY and self.file.is_file()


class ShareQuerySet(models.QuerySet["Share"]):
    def open(self) -> ShareQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class Share(models.Model):
    """A link by which anybody who has it hears one take, until it expires or is revoked."""

    id = models.CharField(primary_key=True, max_length=32, default=share_id, editable=False)
    key = models.CharField(
        max_length=40, unique=True, default=share_key, editable=False, help_text="in the link"
    )
    take = models.ForeignKey(GeneratedTrack, on_delete=models.CASCADE, related_name="shares")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.take_id}, until {self.expires_at:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return reverse("generation:shared", args=[self.key])

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()


class ExhibitQuerySet(models.QuerySet["Exhibit"]):
    def public(self) -> ExhibitQuerySet:
        return self.filter(state__in=[Exhibit.State.PROMOTED, Exhibit.State.CANON], taken_down_at=None)


class Exhibit(models.Model):
    """A take its owner offered to the gallery. Curators promote it; only what they promoted is shown."""

    class State(models.TextChoices):
        SANDBOX = "sandbox", "Sandbox"
        PROMOTED = "promoted", "Promoted"
        CANON = "canon", "Canon"

    id = models.CharField(primary_key=True, max_length=32, default=exhibit_id, editable=False)
    take = models.OneToOneField(GeneratedTrack, on_delete=models.CASCADE, related_name="exhibit")
    state = models.CharField(max_length=16, choices=State.choices, default=State.SANDBOX)
    taken_down_at = models.DateTimeField(null=True, blank=True, help_text="by a curator; not offered again")
    curated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ExhibitQuerySet.as_manager()

    class Meta:
        ordering = ["-curated_at", "id"]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["state", "-curated_at"], name="gallery_by_age")]

    def __str__(self) -> str:
        return f"{self.take_id}: {self.state}"

    def get_absolute_url(self) -> str:
        return reverse("generation:exhibit", args=[self.pk])


class ExhibitReport(models.Model):
    """What a visitor says is wrong with something in the gallery."""

    exhibit = models.ForeignKey(Exhibit, on_delete=models.CASCADE, related_name="reports")
    reason = models.CharField(max_length=40)
    words = models.TextField(blank=True)
    contact = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.reason}: {self.exhibit_id}"


class Preset(models.Model):
    """Settings of a request that an artist keeps under a name."""

    id = models.CharField(primary_key=True, max_length=32, default=preset_id, editable=False)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="presets")
    name = models.CharField(max_length=60)
    engine = models.CharField(max_length=40)
    wishes = models.JSONField(default=dict, help_text="generation.prompting.Wishes")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("artist", "name", name="one_preset_per_name")
        ]

    def __str__(self) -> str:
        return self.name
