"""Certificates, keys and the log in the admin: to look at. Nothing here can be added, changed or removed."""

from __future__ import annotations

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.admin_parts import Listed, ReadOnly
from provenance.models import (
    Anchor,
    Certificate,
    CertifiedRendition,
    Checkpoint,
    ExternalStamp,
    LogEntry,
    LogEvent,
    Revocation,
    SigningKey,
    Timestamp,
)


class RenditionInline(ReadOnly, admin.TabularInline):
    model = CertifiedRendition
    extra = 0
    fields = ("name", "kind", "audio_sha256", "file_sha256", "file_bytes")


@admin.register(Certificate)
class CertificateAdmin(ReadOnly, Listed):
    list_display = ("id", "title", "artist_name", "kind", "number", "marked", "created_at", "page")
    list_filter = ("declared", "created_at")
    search_fields = (
        "id",
        "title",
        "artist_name",
        "signature",
        "renditions__audio_sha256",
        "renditions__file_sha256",
    )
    list_select_related = ("entry",)
    date_hierarchy = "created_at"
    inlines = (RenditionInline,)
    fields = (
        "id",
        "title",
        "artist_name",
        "owner",
        "kind",
        "number",
        "key",
        "signature",
        "created_at",
        "idempotency_key",
        "said",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Certificate]:
        return super().get_queryset(request).prefetch_related("renditions").defer("envelope", "peaks")

    @admin.display(description="attested", ordering="declared")
    def kind(self, row: Certificate) -> str:
        return "declared by the account" if row.declared else "measured by Starforge"

    @admin.display(description="log entry", ordering="entry_id")
    def number(self, row: Certificate) -> str:
        return f"{row.entry_id + 1:,}"

    @admin.display(description="files marked", boolean=True)
    def marked(self, row: Certificate) -> bool:
        return row.is_marked

    @admin.display(description="page")
    def page(self, row: Certificate) -> SafeString:
        return format_html('<a href="{}">Open Certificate</a>', row.get_absolute_url())

    @admin.display(description="statement")
    def said(self, row: Certificate) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(row.statement, indent=2, ensure_ascii=False))


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnly, Listed):
    list_display = ("key_id", "purpose", "name", "valid_from", "retired_at", "revoked_at")
    list_filter = ("purpose",)


@admin.register(LogEvent)
class LogEventAdmin(ReadOnly, Listed):
    list_display = ("number", "what", "created_at")
    list_select_related = ("entry",)
    fields = ("number", "what", "created_at", "envelope")

    @admin.display(description="log entry", ordering="entry_id")
    def number(self, row: LogEvent) -> str:
        return f"{row.entry_id + 1:,}"

    @admin.display(description="event", ordering="entry__kind")
    def what(self, row: LogEvent) -> str:
        return row.entry.kind.replace("-", " ")


@admin.register(Revocation)
class RevocationAdmin(ReadOnly, Listed):
    list_display = ("certificate_id", "because", "created_at")
    fields = ("certificate", "because", "event", "created_at")


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnly, Listed):
    list_display = ("size", "created_at", "key")
    list_select_related = ("key",)
    fields = ("size", "created_at", "key", "note")
    ordering = ("-size",)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnly, Listed):
    list_display = ("index", "kind", "hash_hex", "created_at")
    list_filter = ("kind",)
    fields = ("index", "kind", "hash_hex", "created_at")
    ordering = ("-index",)

    @admin.display(description="leaf hash")
    def hash_hex(self, row: LogEntry) -> str:
        return bytes(row.leaf_hash).hex()


@admin.register(ExternalStamp)
class ExternalStampAdmin(ReadOnly, Listed):
    list_display = (
        "certificate_id",
        "authority",
        "base_url",
        "status",
        "refused",
        "tries",
        "error",
        "created_at",
    )
    list_filter = ("status", "authority", "refused", "missing")
    search_fields = ("certificate__id", "remote_id")
    fields = (
        "certificate",
        "authority",
        "base_url",
        "status",
        "remote_id",
        "error",
        "tries",
        "next_try_at",
        "declared_at",
        "compared_at",
        "missing",
        "differences",
        "sent",
        "answer",
    )


@admin.register(Anchor)
class AnchorAdmin(ReadOnly, Listed):
    """What was written to a chain. `manage.py anchor` writes, and tries failed ones again."""

    list_display = ("what", "chain_id", "status", "tx", "block", "block_time", "tries", "error", "created_at")
    list_filter = ("status", "chain_id")
    list_select_related = ("checkpoint",)
    search_fields = ("certificate__id", "tx")
    fields = (
        "what",
        "checkpoint",
        "certificate",
        "token",
        "recipient",
        "chain_id",
        "contract",
        "status",
        "error",
        "sender",
        "nonce",
        "sent",
        "sent_at",
        "tx",
        "block",
        "block_time",
        "tries",
        "next_try_at",
    )

    @admin.display(description="written")
    def what(self, row: Anchor) -> str:
        return str(row)


@admin.register(Timestamp)
class TimestampAdmin(ReadOnly, Listed):
    list_display = ("certificate_id", "status", "said", "authority", "tries", "error", "created_at")
    list_filter = ("status",)
    search_fields = ("certificate__id",)
    fields = ("certificate", "status", "said", "authority", "error", "tries", "next_try_at", "created_at")
