"""The keys of this installation: private halves in the data folder, public halves in the database.

A key is made on first use. Its database row is what others are told about it; an older row of the same
purpose is retired, never removed, because what it signed must stay provable.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from provenance.manifest import certificates
from provenance.models import Revocation, SigningKey
from provenance.signing import CLAIM_PURPOSES, PURPOSES, FileSigner, Signer, SigningError
from provenance.trust import Revoked, Trust, TrustedKey


def folder() -> Path:
    return Path(settings.STARFORGE_DATA) / "keys"


def signer(purpose: str) -> tuple[Signer, SigningKey]:
    """The signer for `purpose` and its published row, both made on first use.

    Raises SigningError when that key was revoked: nothing more is signed with it.
    """
    if purpose not in PURPOSES:
        raise ValueError(f"There is no {purpose!r} key.")
    held: Signer = import_string(settings.STARFORGE_SIGNER)(purpose)
    row = SigningKey.objects.filter(pk=held.key_id).first() or publish(purpose, held)
    if row.revoked_at is not None:
        raise SigningError(f"The {purpose} key was revoked. Make a new one: manage.py rotate_key {purpose}.")
    return held, row


def file_signer(purpose: str) -> FileSigner:
    """The key in the data folder. Another `STARFORGE_SIGNER` may give a signing.ExternalSigner instead."""
    waiting = FileSigner.waiting(folder(), purpose)
    if waiting is not None and SigningKey.objects.filter(pk=waiting.key_id).exists():
        FileSigner.promote(folder(), purpose)  # a rotation was logged, and its process died before this step
    return FileSigner.load_or_create(folder(), purpose)


def ensure() -> list[SigningKey]:
    """Make and publish every key this installation needs. Safe to call at each start."""
    made = [signer(purpose)[1] for purpose in PURPOSES if purpose not in CLAIM_PURPOSES]
    if settings.STARFORGE_C2PA:
        with contextlib.suppress(SigningError):  # a key service without these keys; a stamp says so
            made += [signer(purpose)[1] for purpose in reversed(CLAIM_PURPOSES)]
    return made


def trust() -> Trust:
    """What a verifier of this installation believes."""
    known = [
        TrustedKey(
            key_id=row.key_id,
            purpose=row.purpose,
            name=row.name,
            public_key=bytes.fromhex(row.public_key),
            valid_from=row.valid_from,
            retired_at=row.retired_at,
            revoked_at=row.revoked_at,
            revoked_because=row.revoked_because,
            revoked_from=row.revoked_from,
            certificate=row.certificate,
        )
        for row in SigningKey.objects.all()
    ]
    return Trust(
        tuple(key for key in known if key.purpose not in CLAIM_PURPOSES),
        {
            row.certificate.entry_id: Revoked(row.certificate.entry_id, row.created_at, row.because)
            for row in Revocation.objects.select_related("certificate").defer(
                "certificate__statement", "certificate__envelope", "certificate__peaks"
            )
        },
        tuple(key for key in known if key.purpose in CLAIM_PURPOSES),
    )


def origin() -> str:
    """The name of this installation's log. It outlives its keys."""
    row = SigningKey.objects.filter(purpose="log").first()
    return row.name if row else ""


def publish(purpose: str, held: Signer) -> SigningKey:
    """Its row, which retires the earlier ones of its purpose. A c2pa key gets a certificate from our own root."""
    now = timezone.now()
    certificate = ""
    if purpose == "c2pa-root":
        certificate = certificates.root(held, _host(), now)
    elif purpose == "c2pa":
        root, row = signer("c2pa-root")
        certificate = certificates.leaf(held.public_key, root, row.certificate, _host(), now)
    try:
        with transaction.atomic():
            earlier = SigningKey.objects.filter(purpose=purpose)
            last = earlier.order_by("-valid_from").first()
            # A log keeps its name when its key changes; a new name is one no other installation has.
            name = last.name if last else f"{_host()}/{purpose}/{held.key_id[:8]}"
            row = SigningKey.objects.create(
                key_id=held.key_id,
                purpose=purpose,
                name=name,
                algorithm="ES256" if purpose in CLAIM_PURPOSES else "Ed25519",
                public_key=held.public_key.hex(),
                certificate=certificate,
                valid_from=now,
            )
            earlier.filter(retired_at__isnull=True).exclude(pk=row.pk).update(retired_at=now)
            return row
    except IntegrityError:  # another process published the same key a moment ago
        return SigningKey.objects.get(pk=held.key_id)


def _host() -> str:
    return urlsplit(settings.STARFORGE_PUBLIC_URL).netloc.split("@")[-1] or "starforge.local"
