"""Whether a timestamp (RFC 3161) holds: of these bytes, by an authority that is believed. Pure, and offline."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

HASHES = ("sha256", "sha384", "sha512")


class NoTimestamp(Exception):
    """The answer is no timestamp of this. One sentence that says why."""


class Untrusted(NoTimestamp):
    """It may be one, but not of an authority whose certificate is known here."""


class Unavailable(Exception):
    """What reads timestamps is not installed. The message is one sentence that says what to do."""


def roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Those in a PEM text, () for an empty one. Raises ValueError."""
    return tuple(x509.load_pem_x509_certificates(pem)) if pem.strip() else ()


def check(
    raw: bytes, message: bytes, trusted: Sequence[x509.Certificate], *, nonce: int | None = None
) -> datetime:
    """When `message` existed, as the authority signed it. Certificates need to have been valid then, not now.

    Raises NoTimestamp, Untrusted where only the authority is not known, and Unavailable without `rfc3161-client`.
    """
    try:
        import rfc3161_client as rfc3161  # the stand-alone verifier may lack it
    except ImportError as error:
        raise Unavailable(
            "The rfc3161-client package is not installed here. Install it: pip install rfc3161-client."
        ) from error
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
