"""RFC 3161: what is asked of a timestamping authority. Pure; `timestamp_proof` judges what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import rfc3161_client as rfc3161
from cryptography import x509

from provenance.authorities.base import Unreachable
from provenance.authorities.http import Service
from provenance.timestamp_proof import check

MOST_BYTES = 64 * 2**10


@dataclass(frozen=True)
class Stamped:
    when: datetime
    raw: bytes


def ask(service: Service, message: bytes, trusted: Sequence[x509.Certificate]) -> Stamped:
    """A timestamp of `message`, checked. Only its SHA-512 is sent. Raises NoTimestamp and Unreachable."""
    request = rfc3161.TimestampRequestBuilder().data(message).build()
    raw = service.fetch(
        "POST", "", request.as_bytes(), {"Content-Type": "application/timestamp-query", "Accept": "*/*"}
    )
    if len(raw) > MOST_BYTES:
        raise Unreachable("Its answer is longer than a timestamp can be.")
    return Stamped(check(raw, message, trusted, nonce=request.nonce), raw)
