"""What the log says about itself: keys rotated and revoked, certificates revoked. Each is an entry of its own.

An event is a DSSE envelope signed with the log key of its moment. Its bytes are published in the trust file, so
that anybody can hash them, find them in the log, and see that no key changed behind their back.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from provenance import keys
from provenance.canonical import canonical
from provenance.log import store
from provenance.models import Certificate, LogEntry, LogEvent, Revocation, SigningKey
from provenance.signing import EVENT_TYPE, PURPOSES, FileSigner, Signer, seal
from provenance.statement import utc_text

DOCUMENT_TYPE = "https://starforge.audio/log-event/v1"
KEY_ROTATED, KEY_REVOKED, CERTIFICATE_REVOKED = "key-rotated", "key-revoked", "certificate-revoked"
MAX_REASON = 200


class EventRefused(Exception):
    """A rotation or revocation that cannot be done. The message is one sentence for the operator."""


def rotate(purpose: str) -> SigningKey:
    """A new key for `purpose`; the present one is retired and what it signed stays provable.

    With the file signer the new key is made here and takes its place once the log says so; the old private key is
    gone then. With another signer the key has been changed where it lives, and this makes the change known.
    """
    if purpose not in PURPOSES:
        raise EventRefused(f"There is no {purpose!r} key. Rotate one of: {', '.join(PURPOSES)}.")
    old = SigningKey.objects.filter(purpose=purpose, retired_at__isnull=True).first()
    held = _held(purpose)
    if old is None:
        return keys.signer(purpose)[1]  # never used so far: the first key is made, not rotated
    if isinstance(held, FileSigner):
        held = FileSigner.successor(keys.folder(), purpose)
    elif held.key_id == old.key_id:
        raise EventRefused(
            "The key service still holds the same key. Change it there first, then run this again."
        )
    voice = _voice(held if purpose == "log" else None)
    with transaction.atomic(durable=True):
        row = keys.publish(purpose, held)
        _log(
            KEY_ROTATED,
            {
                "purpose": purpose,
                "retired": old.key_id,
                "keyid": row.key_id,
                "public_key": row.public_key,
                "name": row.name,
                **({"certificate_pem": row.certificate} if row.certificate else {}),
            },
            voice,
        )
    if isinstance(held, FileSigner):
        FileSigner.promote(keys.folder(), purpose)
    store.checkpoint()
    if purpose == "c2pa-root" and isinstance(_held("c2pa"), FileSigner):
        rotate("c2pa")  # what the new root vouches for
    return row


def revoke_key(key_id: str, because: str, *, from_entry: int = 0) -> SigningKey:
    """Take a key back. What it signed no longer counts from log index `from_entry` on.

    A key in use is rotated first. Raises EventRefused for an unknown, ambiguous or already revoked key.
    """
    because = _reason(because)
    found = list(SigningKey.objects.filter(key_id__startswith=key_id.lower())[:2]) if key_id else []
    if len(found) != 1:
        raise EventRefused(
            f"{'More than one key begins' if found else 'No key begins'} with {key_id[:64]!r}."
        )
    row = found[0]
    if row.revoked_at is not None:
        raise EventRefused("This key is revoked already.")
    if not 0 <= from_entry <= store.size():
        raise EventRefused(f"The log has {store.size():,} entries: name an index from 0 to that number.")
    if row.retired_at is None:
        rotate(row.purpose)
    voice = _voice()
    with transaction.atomic(durable=True):
        now = timezone.now()
        changed = SigningKey.objects.filter(pk=row.pk, revoked_at__isnull=True).update(
            revoked_at=now, revoked_because=because, revoked_from=from_entry
        )
        if not changed:
            raise EventRefused("This key is revoked already.")
        _log(
            KEY_REVOKED,
            {"purpose": row.purpose, "keyid": row.key_id, "because": because, "from_entry": from_entry},
            voice,
        )
    store.checkpoint()
    row.refresh_from_db()
    return row


def revoke_certificate(certificate: Certificate, because: str) -> Revocation:
    """Take one certificate back. Its entry stays in the log, and so does this. Raises EventRefused."""
    because = _reason(because)
    voice = _voice()
    with transaction.atomic(durable=True):
        store.lock()  # two at once: the second one sees the first
        if Revocation.objects.filter(certificate=certificate).exists():
            raise EventRefused("This certificate is revoked already.")
        event = _log(CERTIFICATE_REVOKED, {"entry": certificate.entry_id, "because": because}, voice)
        made = Revocation.objects.create(certificate=certificate, because=because, event=event)
    store.checkpoint()
    return made


def published() -> list[dict[str, Any]]:
    """Every event with the index of its entry, for the trust file."""
    return [
        {"index": row.entry_id, "envelope": row.envelope} for row in LogEvent.objects.order_by("entry_id")
    ]


def _held(purpose: str) -> Signer:
    from django.conf import settings
    from django.utils.module_loading import import_string

    held: Signer = import_string(settings.STARFORGE_SIGNER)(purpose)
    return held


def _voice(coming: Signer | None = None) -> Signer:
    """Who signs an event: the log key in force, or the coming one when that has been revoked."""
    held = _held("log")
    row = SigningKey.objects.filter(pk=held.key_id).first()
    if coming is not None and row is not None and row.revoked_at is not None:
        return coming
    return held


def _log(kind: str, body: dict[str, Any], voice: Signer) -> LogEvent:
    document = {"_type": DOCUMENT_TYPE, "event": kind, "timestamp": utc_text(timezone.now()), **body}
    envelope = seal(canonical(document), voice, payload_type=EVENT_TYPE)
    entry: LogEntry = store.append(envelope.leaf(), kind=kind)
    return LogEvent.objects.create(entry=entry, envelope=envelope.to_json())


def _reason(text: str) -> str:
    said = " ".join(text.replace("\0", " ").split())
    if not 0 < len(said) <= MAX_REASON:
        raise EventRefused(f"Say why, in at most {MAX_REASON} characters. The reason is published.")
    return said
