"""RFC 3161: what is asked of a timestamping authority, and whether its answer holds. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import rfc3161_client as rfc3161
from cryptography import x509

from provenance.authorities.base import Unreachable
from provenance.authorities.http import Service

MOST_BYTES = 64 * 2**10
HASHES = ("sha256", "sha384", "sha512")


class NoTimestamp(Exception):
    """The answer is no timestamp of this. One sentence that says why."""


class Untrusted(NoTimestamp):
    """It may be one, but not of an authority whose certificate is known here."""


@dataclass(frozen=True)
class Stamped:
    when: datetime
    raw: bytes


def roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Raises ValueError."""
    return tuple(x509.load_pem_x509_certificates(pem))


def ask(service: Service, message: bytes, trusted: Sequence[x509.Certificate]) -> Stamped:
    """A timestamp of `message`, checked. Only its SHA-512 is sent. Raises NoTimestamp and Unreachable."""
    request = rfc3161.TimestampRequestBuilder().data(message).build()
    raw = service.fetch(
        "POST", "", request.as_bytes(), {"Content-Type": "application/timestamp-query", "Accept": "*/*"}
    )
    if len(raw) > MOST_BYTES:
        raise Unreachable("Its answer is longer than a timestamp can be.")
    return Stamped(check(raw, message, trusted, nonce=request.nonce), raw)


def check(
    raw: bytes, message: bytes, trusted: Sequence[x509.Certificate], *, nonce: int | None = None
) -> datetime:
    """When `message` existed, as the authority signed it. Certificates need to have been valid then, not now.

    Raises NoTimestamp, and Untrusted where only the authority is not known.
    """
    try:
        answer = rfc3161.decode_timestamp_response(raw)
        imprint, said = answer.tst_info.message_imprint, answer.tst_info.nonce
        when = answer.tst_info.gen_time
    except Exception as error:
        raise NoTimestamp("What it answered is no timestamp.") from error
    if imprint.message not in {hashlib.new(name, message).digest() for name in HASHES}:
        raise NoTimestamp("The timestamp is of something else.")
    if nonce is not None and said != nonce:
        raise NoTimestamp("The timestamp answers another request.")
    anchors = [one for one in trusted if one.issuer == one.subject]
    between = [one for one in trusted if one.issuer != one.subject]
    if not anchors:
        raise Untrusted("No authority for timestamps is known here.")
    try:
        rfc3161.VerifierBuilder(roots=anchors, intermediates=between).build().verify_message(answer, message)
    except rfc3161.VerificationError as error:
        raise Untrusted("The timestamp is not by an authority that is known here.") from error
    return when
