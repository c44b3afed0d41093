"""What the artist made: who, the tracks, what was measured, and the DNA drawn from it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.urls import reverse
from django.utils import timezone

from catalog.ids import import_id, track_id
from catalog.jobs import Job
from catalog.observed import StageTime, WorkerSeen  # noqa: F401  models of this app
from catalog.precedence import Rank  # and Turn, a model of this app


class Artist(models.Model):
    """The owner of everything. One for each user."""

    class Plan(models.TextChoices):
        SELF_HOSTED = "self-hosted", "Self-hosted"
        FREE = "free", "Free"
        PRO = "pro", "Pro"
        ELITE = "elite", "Elite"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="artist")
    name = models.CharField(max_length=120)
    bio = models.TextField(blank=True)
    plan = models.CharField(max_length=16, choices=Plan.choices, default=Plan.SELF_HOSTED)
    settings = models.JSONField(default=dict, blank=True)
    rights_statement = models.TextField(blank=True)
    rights_declared_at = models.DateTimeField(null=True, blank=True)
    dna_includes_generated = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class AccessToken(models.Model):
    """A named key for scripts. Only its hash is kept; the key itself is shown once."""

    class Scope(models.TextChoices):
        """What a script may do with it; each includes what stands before it."""

        READ = "read", "Read and listen"
        MAKE = "make", "Also generate and stamp"
        WRITE = "write", "Everything you can do"

    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=8, choices=Scope.choices, default=Scope.WRITE)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SecurityEvent(models.Model):
    """Something that happened to an account. Written by catalog.security, never edited, forgotten after a time."""

    class Kind(models.TextChoices):
        SIGNED_UP = "signed-up", "Account made"
        SIGNED_IN = "signed-in", "Signed in"
        SIGN_IN_FAILED = "sign-in-failed", "Wrong password"
        SIGN_IN_SLOWED = "sign-in-slowed", "Sign-in slowed down"
        PASSWORD_CHANGED = "password-changed", "Password changed"
        TOKEN_MADE = "token-made", "API token made"
        TOKEN_USED = "token-used", "API token used for the first time"
        TOKEN_REVOKED = "token-revoked", "API token revoked"
        RIGHTS_DECLARED = "rights-declared", "Rights declared"
        CONSENT_CHANGED = "consent-changed", "Consent changed"
        SHARED = "shared", "Link to a take made"
        UNSHARED = "unshared", "Link to a take revoked"
        EXPORT_MADE = "export-made", "Export asked for"
        EXPORT_FETCHED = "export-fetched", "Export downloaded"
        PLAN_CHANGED = "plan-changed", "Plan changed"
        RIGHTS_CHANGED = "rights-changed", "Rights on this site changed"
        DELETED = "deleted", "Account deleted"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="security_events"
    )
    subject = models.CharField(max_length=64, blank=True, help_text="catalog.security.subject_of")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    detail = models.CharField(max_length=200, blank=True)
    by = models.CharField(max_length=150, blank=True, help_text="who did it, when it was not the owner")
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["user", "-at"], name="events_of_accounts"),
            models.Index(fields=["subject", "kind", "-at"], name="attempts_at_accounts"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d %H:%M}"


A_FEW, LATELY = 12, timedelta(minutes=10)  # more recordings of one artist in this time are a catalog


class TrackQuerySet(models.QuerySet["Track"]):
    def of(self, artist: Artist) -> TrackQuerySet:
        return self.filter(artist=artist)

    def ready(self) -> TrackQuerySet:
        return self.filter(status=Track.READY, analysis__isnull=False)

    def own(self) -> TrackQuerySet:
        """What the artist made, without what Starforge made for them."""
        return self.exclude(origin=Track.Origin.GENERATED)

    def to_compose(self) -> TrackQuerySet:
        """What an engine may work from, in the order it counts in, with the analyses and without their waveforms."""
        return self.ready().own().select_related("analysis").defer("analysis__peaks").order_by("id")

    def listed(self) -> TrackQuerySet:
        return self.select_related("analysis", "artist").defer("analysis__document", "analysis__vector")


class Track(Job):
    """One recording of the artist; also the job of analysing it.

    queued -> analysing -> ready | failed, or `metadata` as long as there is no audio.  What the artist typed
    (`*_override`, title) is never touched by analysis or import; what was found in the file's tags stays in
    `tags`, what a DJ program said in `imported` and the `imported_*` columns.
    """

    RUNNING = "analysing"
    METADATA: ClassVar[str] = "metadata"  # known from a collection only; its audio has not been uploaded
    TASK = "catalog.tasks.analyse_track"
    WHAT = "this track"

    class Origin(models.TextChoices):
        UPLOAD = "upload", "Upload"
        REKORDBOX = "rekordbox", "Rekordbox"
        LIST = "list", "Track list"
        GENERATED = "generated", "Generated"

    id = models.CharField(primary_key=True, max_length=32, default=track_id, editable=False)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="tracks")
    title = models.CharField(max_length=200)
    settled_title = models.BooleanField(default=False, help_text="typed by a person: tags may not change it")
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.UPLOAD)
    filename = models.CharField(max_length=255, blank=True)
    awaited = models.CharField(
        max_length=255, blank=True, help_text="without audio: the folded name of the file that would be it"
    )
    path = models.CharField(max_length=255, blank=True)
    format = models.CharField(max_length=8, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    audio_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    duration = models.FloatField(null=True, blank=True)
    sample_rate = models.PositiveIntegerField(null=True, blank=True)
    channels = models.PositiveSmallIntegerField(null=True, blank=True)
    tags = models.JSONField(default=dict, blank=True)
    bpm_override = models.FloatField(null=True, blank=True)
    key_override = models.CharField(max_length=16, blank=True)
    genre_override = models.CharField(max_length=120, blank=True)
    bpm_locked = models.BooleanField(default=False, help_text="bpm_override may not be changed in bulk")
    imported = models.JSONField(default=dict, blank=True, help_text="catalog.imports.Entry.to_json()")
    imported_id = models.CharField(max_length=64, blank=True, help_text="TrackID in the collection")
    imported_bpm = models.FloatField(null=True, blank=True)
    imported_key = models.CharField(max_length=16, blank=True, help_text="canonical: F# minor")
    credit = models.CharField(max_length=300, blank=True, help_text="the artist's name as tagged or imported")
    plays = models.PositiveIntegerField(null=True, blank=True)
    rating = models.PositiveSmallIntegerField(null=True, blank=True, help_text="stars, 0 to 5")
    added_on = models.DateField(null=True, blank=True, help_text="when it came into the collection")
    last_played_on = models.DateField(null=True, blank=True)
    analysis = models.OneToOneField(
        "Analysis", null=True, blank=True, on_delete=models.SET_NULL, related_name="current_of"
    )
    duplicate_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TrackQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "artist", "file_sha256", condition=~Q(file_sha256=""), name="one_track_per_file"
            ),
            models.UniqueConstraint(
                "artist", "imported_id", condition=~Q(imported_id=""), name="one_track_per_imported_id"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["artist", "-created_at"]),
            models.Index(fields=["artist", "awaited"], condition=~Q(awaited=""), name="awaited_files"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("catalog:track", args=[self.pk])

    @property
    def is_over(self) -> bool:
        return self.status == self.METADATA or super().is_over

    @property
    def rank(self) -> Rank:
        """A few files are waited for. Of a whole catalog the rest is analysed while nobody waits for anything."""
        usual = super().rank
        if usual is not Rank.WAITED_FOR:
            return usual
        lately = Track.objects.of(self.artist).filter(queued_at__gt=timezone.now() - LATELY)
        many = len(lately.exclude(status=self.METADATA).order_by()[: A_FEW + 1].values("pk"))
        return Rank.BATCH if many > A_FEW else usual

    @property
    def file(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self.path

    @property
    def bpm(self) -> float | None:
        """What the artist said, else what was measured, else what a collection said."""
        return self.bpm_override or (self.analysis.bpm if self.analysis else None) or self.imported_bpm

    @property
    def key(self) -> Any:
        """`catalog.analysis.keys.Key` or None: what the artist said, was measured, or a collection said."""
        from catalog.analysis.keys import key_or_none

        measured = self.analysis.key_name if self.analysis else ""
        name = self.key_override or measured or self.imported_key
        return key_or_none(name) if name else None

    @property
    def genres(self) -> list[str]:
        from catalog.dna.genres import genres_in

        return genres_in(
            self.genre_override or str(self.tags.get("genre", "") or self.imported.get("genre", ""))
        )

    @property
    def genre(self) -> str:
        return " / ".join(self.genres)


class Analysis(models.Model):
    """What one version of the analysis measured on one track. Never edited; a newer one replaces it."""

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="analyses")
    version = models.PositiveIntegerField()
    bpm = models.FloatField(null=True, db_index=True)
    bpm_confidence = models.FloatField(default=0.0)
    key_name = models.CharField(max_length=16, blank=True)
    camelot = models.CharField(max_length=3, blank=True)
    key_confidence = models.FloatField(default=0.0)
    lufs = models.FloatField(null=True)
    energy = models.FloatField(null=True)
    document = models.JSONField(help_text="catalog.analysis.TrackAnalysis.to_json()")
    vector = models.BinaryField(help_text="242 float32, little-endian")
    peaks = models.JSONField(default=list)
    seconds_taken = models.FloatField(default=0.0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "analyses"

    def __str__(self) -> str:
        return f"analysis {self.version} of {self.track_id}"

    @property
    def embedding(self) -> np.ndarray:
        """(242,) float32."""
        return np.frombuffer(bytes(self.vector), dtype="<f4")


class Fingerprint(models.Model):
    """Haitsma-Kalker sub-fingerprints of a track: little-endian uint32, one for each frame."""

    track = models.OneToOneField(Track, on_delete=models.CASCADE, related_name="fingerprint")
    version = models.PositiveSmallIntegerField(default=1)
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"fingerprint of {self.track_id}"

    @property
    def frames(self) -> np.ndarray:
        return np.frombuffer(bytes(self.data), dtype="<u4")


class ImportQuerySet(models.QuerySet["Import"]):
    def listed(self) -> ImportQuerySet:
        """Without the lists of the report, which name hundreds of rows; its counts come along."""
        return self.defer("report").annotate(counted=KeyTransform("counts", "report"))


class Import(Job):
    """One collection file (Rekordbox XML, CSV, M3U) being read; also the job of reading it."""

    RUNNING = "reading"
    TASK = "catalog.tasks.read_collection"
    WHAT = "this import"

    class Source(models.TextChoices):
        REKORDBOX = "rekordbox", "Rekordbox XML"
        CSV = "csv", "CSV"
        M3U = "m3u", "M3U playlist"

    id = models.CharField(primary_key=True, max_length=32, default=import_id, editable=False)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="imports")
    source = models.CharField(max_length=16, choices=Source.choices)
    filename = models.CharField(max_length=255, blank=True)
    path = models.CharField(max_length=255, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    report = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.filename} ({self.source})"

    @property
    def counts(self) -> dict[str, int]:
        """What the report counted so far; {} before anything was read."""
        if "report" in self.get_deferred_fields():
            return getattr(self, "counted", None) or {}
        return dict(self.report.get("counts", {}))

    @property
    def file(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self.path


class Playlist(models.Model):
    """A list of the artist's tracks as a collection file had it. `folder`: names of its folders, joined by " / "."""

    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="playlists")
    name = models.CharField(max_length=300)
    folder = models.CharField(max_length=600, blank=True)
    source = models.CharField(max_length=16, choices=Import.Source.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["folder", "name", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("artist", "source", "folder", "name", name="one_playlist_per_place")
        ]

    def __str__(self) -> str:
        return f"{self.folder} / {self.name}" if self.folder else self.name


class PlaylistEntry(models.Model):
    """One place in a playlist. A track may stand in it more than once."""

    playlist = models.ForeignKey(Playlist, on_delete=models.CASCADE, related_name="entries")
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="playlist_entries")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("playlist", "position", name="one_entry_per_position")
        ]

    def __str__(self) -> str:
        return f"{self.position} of playlist {self.playlist_id}"


class DuplicatePair(models.Model):
    """Two tracks of one artist that may be one recording, and what the artist said about it."""

    class Kind(models.TextChoices):
        AUDIO = "audio", "Same audio"
        NEAR = "near", "Same recording by fingerprint"
        NAME = "name", "Same name"

    class Verdict(models.TextChoices):
        OPEN = "open", "Undecided"
        DIFFERENT = "different", "Not the same"

    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="duplicate_pairs")
    first = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="duplicate_first")
    second = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="duplicate_second")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    verdict = models.CharField(max_length=16, choices=Verdict.choices, default=Verdict.OPEN)
    evidence = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("first", "second", name="one_pair_of_two_tracks")
        ]

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"


class DNASnapshot(models.Model):
    """An immutable Audio DNA, named by its content: what a generation was conditioned on."""

    id = models.CharField(primary_key=True, max_length=80)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="snapshots")
    inputs_digest = models.CharField(
        max_length=64, help_text="sha256 over the analyses and corrections it saw"
    )
    catalog_hash = models.CharField(max_length=80)
    track_count = models.PositiveIntegerField()
    track_ids = models.JSONField(default=list)
    document = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "DNA snapshot"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("artist", "inputs_digest", name="one_snapshot_per_state")
        ]

    def __str__(self) -> str:
        return self.id
