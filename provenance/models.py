"""What can be proved: keys, certificates, and the log that nobody can rewrite."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from catalog.ids import new_id
from catalog.jobs import Job
from catalog.models import Artist, Track
from catalog.precedence import Rank

CERTIFICATE_ID = re.compile(r"cert_[0-9a-z]{4,27}")


def certificate_id() -> str:
    return new_id("cert")


class SigningKey(models.Model):
    """The public half of a key. The private half is a file (provenance.keys) and never in the database."""

    key_id = models.CharField(primary_key=True, max_length=64)
    purpose = models.CharField(max_length=32)
    name = models.CharField(max_length=200, help_text="for a log key, the log's origin")
    algorithm = models.CharField(max_length=16, default="Ed25519")
    public_key = models.CharField(max_length=130, help_text="32 bytes as hex; 65 of a c2pa key")
    certificate = models.TextField(blank=True, help_text="of a c2pa key: its X.509 certificate (PEM)")
    valid_from = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_because = models.CharField(max_length=200, blank=True)
    revoked_from = models.BigIntegerField(
        default=0, help_text="log entries from this index on no longer count; earlier ones still do"
    )

    class Meta:
        ordering = ["purpose", "valid_from"]

    def __str__(self) -> str:
        return f"{self.purpose} {self.key_id[:8]}…"


class LogEntry(models.Model):
    """One line of the log: only a hash, so that the log outlives a certificate somebody asks us to delete."""

    index = models.BigIntegerField(primary_key=True)
    leaf_hash = models.BinaryField(max_length=32)
    kind = models.CharField(max_length=24, default="certificate")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["index"]
        verbose_name_plural = "log entries"

    def __str__(self) -> str:
        return f"Entry {self.index:,}"


class LogNode(models.Model):
    """A completed Merkle node, keyed (level << 56) | index."""

    id = models.BigIntegerField(primary_key=True)
    hash = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"Node {self.id >> 56}:{self.id & ((1 << 56) - 1)}"


class LogHead(models.Model):
    """The one row every append locks: how many entries there are, and the roots that tile them."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=bytes, blank=True)

    def __str__(self) -> str:
        return f"{self.size:,} entries"


class Checkpoint(models.Model):
    """A signed head of the log. Every one is kept: it is what a rewritten log is caught with."""

    size = models.BigIntegerField(unique=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["size"]

    def __str__(self) -> str:
        return f"{self.size:,} entries, {self.created_at:%Y-%m-%d %H:%M}"


class Certificate(models.Model):
    """One stamp: what was said about a recording, signed and logged. Its signed part never changes."""

    id = models.CharField(primary_key=True, max_length=32, default=certificate_id, editable=False)
    owner = models.ForeignKey(
        Artist, null=True, blank=True, on_delete=models.SET_NULL, related_name="certificates"
    )
    title = models.CharField(max_length=200, help_text="the owner's; see `public_title` for what others read")
    artist_name = models.CharField(max_length=200, help_text="as signed")
    declared = models.BooleanField(
        default=False, help_text="the word of an account, not measured by Starforge"
    )
    statement = models.JSONField()
    envelope = models.JSONField()
    signature = models.CharField(max_length=140)
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="certificates")
    entry = models.OneToOneField(LogEntry, on_delete=models.PROTECT, related_name="certificate")
    idempotency_key = models.CharField(max_length=64, null=True, blank=True)
    peaks = models.JSONField(default=list, blank=True, help_text="waveform, 0 to 127")
    duration = models.FloatField(null=True, blank=True, help_text="seconds")
    track = models.OneToOneField(
        Track,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="origin_certificate",
        help_text="the upload that this is the origin stamp of",
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-entry_id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "owner",
                "idempotency_key",
                condition=Q(idempotency_key__isnull=False),
                name="one_stamp_per_key",
            )
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["owner", "-created_at"])]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("provenance:certificate", args=[self.pk])

    @property
    def provenance(self) -> dict[str, Any]:
        """The plan's provenance JSON as signed, without what lives outside the signature."""
        return self.statement["predicate"]["provenance"]

    @property
    def public_title(self) -> str:
        """The title as signed, or as its owner opened it; "" while it is private."""
        signed = str(self.statement["predicate"]["certificate"]["title"])
        return signed or next((str(p.value) for p in self.opened_parts if p.name == "title"), "")

    @property
    def opened_parts(self) -> list[PrivatePart]:
        """The private parts that anybody may read."""
        return [part for part in self.private_parts.all() if part.opened_at is not None]

    @property
    def is_marked(self) -> bool:
        """Every rendition carries its credentials: nothing was left half done."""
        return all(rendition.file_sha256 for rendition in self.renditions.all())


class LogEvent(models.Model):
    """What the log says about itself: a key was rotated or revoked, a certificate was revoked."""

    entry = models.OneToOneField(LogEntry, on_delete=models.PROTECT, related_name="event")
    envelope = models.JSONField(help_text="signed with the log key of its time")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["entry"]

    def __str__(self) -> str:
        return f"Event at entry {self.entry_id + 1:,}"


class Revocation(models.Model):
    """A certificate that no longer counts. It stays in the log, as does its revocation."""

    certificate = models.OneToOneField(Certificate, on_delete=models.PROTECT, related_name="revocation")
    because = models.CharField(max_length=200)
    event = models.OneToOneField(LogEvent, on_delete=models.PROTECT, related_name="revocation")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.certificate_id}: {self.because}"


class PrivatePart(models.Model):
    """What the owner said and the statement holds only the salted hash of. Its salt is nobody else's business."""

    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="private_parts")
    name = models.CharField(max_length=32)
    salt = models.CharField(max_length=32)
    value = models.JSONField()
    opened_at = models.DateTimeField(null=True, blank=True, help_text="since when anybody may read it")

    class Meta:
        ordering = ["id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("certificate", "name", name="one_private_part_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.certificate_id}"


class CertifiedRendition(models.Model):
    """One file of a certificate: the signed hash of its audio, and the hash of the marked file."""

    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="renditions")
    name = models.CharField(max_length=16)
    kind = models.CharField(max_length=16)
    audio_sha256 = models.CharField(max_length=64)
    stream_sha256 = models.CharField(
        max_length=64, blank=True, db_index=True, help_text="of a FLAC, as signed"
    )
    file_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    file_bytes = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("certificate", "name", name="one_rendition_per_name")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["audio_sha256", "kind"])]

    def __str__(self) -> str:
        return f"{self.name} of {self.certificate_id}"


class ExternalStamp(Job):
    """A certificate declared to another authority; also the job of declaring it, and of comparing it later.

    queued (with `next_try_at`, after a failed try) -> running -> ready, or failed with the reason in `error`.
    Without a `remote_id` the job declares; with one it looks at what stands there now.
    """

    TASK = "provenance.tasks.declare"
    WHAT = "this declaration"
    OWNER = "certificate__owner"

    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="external_stamps")
    authority = models.CharField(max_length=16, help_text="declarations, plan or v2")
    base_url = models.CharField(max_length=300)
    remote_id = models.CharField(max_length=128, blank=True)
    remote_url = models.CharField(max_length=500, blank=True)
    remote_signature = models.CharField(max_length=300, blank=True)
    sent = models.JSONField(default=dict, blank=True, help_text="every field as it was sent")
    answer = models.JSONField(default=dict, blank=True)
    sent_at = models.DateTimeField(
        null=True, blank=True, help_text="since when an attempt may have arrived that was never answered"
    )
    declared_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="without a usable answer")
    next_try_at = models.DateTimeField(null=True, blank=True, db_index=True)
    refused = models.BooleanField(default=False, help_text="it said no; `error` is its reason")
    compared_at = models.DateTimeField(null=True, blank=True)
    missing = models.BooleanField(default=False, help_text="it was declared and is no longer there")
    differences = models.JSONField(default=list, blank=True, help_text="{field, sent, found} each")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("certificate", "authority", "base_url", name="one_declaration_per_place")
        ]

    def __str__(self) -> str:
        return f"{self.certificate_id} at {self.base_url}"

    @property
    def rank(self) -> Rank:
        return Rank.BATCH  # nobody looks


class Anchor(Job):
    """A state of the log, or the token of a certificate, on an EVM chain; also the job of writing it there.

    queued (with `next_try_at`, while it waits for the chain) -> running -> ready, or failed with the reason in
    `error`. What was signed is kept before it is sent, so that a second attempt sends the same again.
    """

    TASK = "provenance.tasks.anchor"
    WHAT = "this anchor"
    OWNER = ""

    checkpoint = models.ForeignKey(
        Checkpoint, null=True, blank=True, on_delete=models.PROTECT, related_name="anchors"
    )
    certificate = models.ForeignKey(
        Certificate, null=True, blank=True, on_delete=models.SET_NULL, related_name="tokens"
    )
    token = models.CharField(max_length=66, blank=True, help_text="of a certificate: its statement's SHA-256")
    recipient = models.CharField(max_length=42, blank=True, help_text="whose the token becomes")
    chain_id = models.BigIntegerField()
    contract = models.CharField(max_length=42)
    sender = models.CharField(max_length=42, blank=True)
    nonce = models.BigIntegerField(null=True, blank=True)
    raw = models.TextField(blank=True, help_text="the transaction as it was signed")
    sent = models.JSONField(default=list, blank=True, help_text="hash of each transaction signed for this")
    fees = models.JSONField(default=dict, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    tx = models.CharField(max_length=66, blank=True, help_text="the one that stands in a block")
    block = models.BigIntegerField(null=True, blank=True)
    block_time = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="in vain")
    next_try_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("chain_id", "contract", "checkpoint", name="one_anchor_per_checkpoint"),
            models.UniqueConstraint(
                "chain_id", "contract", "token", condition=~Q(token=""), name="one_token_per_statement"
            ),
            models.UniqueConstraint(
                "chain_id",
                "sender",
                "nonce",
                condition=Q(status__in=["queued", "running"]),
                name="one_transaction_per_nonce",
            ),
            models.CheckConstraint(
                condition=Q(checkpoint__isnull=False, token="") | Q(checkpoint__isnull=True) & ~Q(token=""),
                name="a_checkpoint_or_a_token",
            ),
        ]

    def __str__(self) -> str:
        return (
            f"Log up to entry {self.checkpoint.size:,}"
            if self.checkpoint
            else f"Token of {self.certificate_id}"
        )

    @property
    def rank(self) -> Rank:
        return Rank.BATCH  # nobody looks


class Timestamp(Job):
    """What a timestamping authority (RFC 3161) signed over a stamp; also the job of asking for it."""

    TASK = "provenance.tasks.timestamp"
    WHAT = "this timestamp"
    OWNER = "certificate__owner"

    certificate = models.OneToOneField(Certificate, on_delete=models.CASCADE, related_name="timestamp")
    answer = models.BinaryField(default=bytes, blank=True, help_text="as it came, DER")
    said = models.DateTimeField(null=True, blank=True, help_text="the authority's time")
    authority = models.CharField(max_length=300, blank=True, help_text="where it came from")
    tries = models.PositiveSmallIntegerField(default=0, help_text="in vain")
    next_try_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"timestamp of {self.certificate_id}"

    @property
    def rank(self) -> Rank:
        return Rank.BATCH  # nobody looks


class Watermark(models.Model):
    """A serial number that is carried by the sound itself (provenance.watermark). Never given twice."""

    serial = models.BigAutoField(primary_key=True)
    subject = models.CharField(max_length=64, unique=True, help_text="the recording's own name: a take's id")
    certificate = models.ForeignKey(
        Certificate, null=True, blank=True, on_delete=models.SET_NULL, related_name="watermarks"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["serial"]

    def __str__(self) -> str:
        return f"Number {self.serial:,}"


class CertifiedFingerprint(models.Model):
    """What a certified recording sounds like (catalog.audio.fingerprint): little-endian uint32, one for each frame."""

    certificate = models.OneToOneField(Certificate, on_delete=models.CASCADE, related_name="fingerprint")
    data = models.BinaryField()
    indexed = models.BooleanField(default=False, db_index=True, help_text="its numbers are entered")

    def __str__(self) -> str:
        return f"fingerprint of {self.certificate_id}"


class FingerprintNumber(models.Model):
    """A number of a fingerprint and the frame it lies at, to be looked up by (provenance.finding)."""

    id = models.BigAutoField(primary_key=True)
    fingerprint = models.ForeignKey(CertifiedFingerprint, on_delete=models.CASCADE, related_name="numbers")
    number = models.IntegerField(help_text="the 32 bits as a signed integer")
    place = models.IntegerField()

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["number", "fingerprint", "place"], name="fingerprint_numbers")
        ]

    def __str__(self) -> str:
        return f"{self.number} at {self.place}"
