"""What the token of a certificate says: its provenance as it was signed, and nothing that is private."""

from __future__ import annotations

import hashlib
from typing import Any

from provenance import keys, stamping, wording
from provenance.evm.contract import token_document
from provenance.models import Certificate
from provenance.signing import open_envelope


def statement_hash(certificate: Certificate) -> bytes:
    """SHA-256 of the signed statement, byte for byte: the token's id."""
    return hashlib.sha256(open_envelope(certificate.envelope).payload).digest()


def uri(certificate: Certificate) -> str:
    """Its tokenURI: a document that needs no server."""
    signed = certificate.provenance
    title = wording.clip(certificate.public_title) or "A recording"
    source = signed.get("source") or {}
    said: dict[str, Any] = {
        "name": f"{title}, {certificate.pk}",
        "description": "Certificate of provenance. The token's id is the SHA-256 of its signed statement; who holds"
        " the token is not said by the certificate.",
        "external_url": stamping.absolute(certificate.get_absolute_url()),
        "certificate_id": certificate.pk,
        "statement_sha256": statement_hash(certificate).hex(),
        "o8_signature": certificate.signature,
        "log": {"origin": keys.origin(), "entry": certificate.entry_id + 1},
        "audio": [
            {"format": row.name, "kind": row.kind, "sha256": row.audio_sha256}
            for row in certificate.renditions.all()[:8]
        ],
        "provenance": {
            "type": signed["type"],
            "timestamp": signed["timestamp"],
            "generator": wording.model_name(signed),
            "catalog_hash": source.get("catalog_hash") if isinstance(source, dict) else None,
            "track_count": wording.track_count(signed),
            "attested": "declared" if certificate.declared else "measured",
        },
    }
    return token_document(said)
