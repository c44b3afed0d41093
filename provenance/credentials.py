"""What a file carries about itself: certificate id, where to read it, the signed envelope and its log proof.

Kept in the container's own text fields (ID3 in MP3 and WAV, Vorbis comments in FLAC) beside title and artist.
The audio bytes are not touched, so the hashes that were signed stay true. Whatever is read back is hostile
until `provenance.proof` has looked at it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.audio import marking
from provenance.canonical import canonical
from provenance.signing import MAX_ENVELOPE_BYTES

CERTIFICATE, URL = "STARFORGE_CERTIFICATE", "STARFORGE_URL"
ENVELOPE, PROOF = "STARFORGE_ENVELOPE", "STARFORGE_PROOF"
FIELDS = (CERTIFICATE, URL, ENVELOPE, PROOF)


class CredentialsDamaged(Exception):
    """The file carries credentials, but not in a state that can be read. The message says what is wrong."""


@dataclass(frozen=True)
class Credentials:
    """Everything a stranger needs, besides the trust file, to check a recording offline."""

    certificate_id: str
    envelope: Any  # parsed JSON, unchecked
    proof: str  # tlog-proof text, unchecked
    url: str = ""


def embed(path: Path, credentials: Credentials) -> None:
    """Write the credentials into the file (atomically; audio untouched). Raises AudioError when it cannot."""
    custom = {
        CERTIFICATE: credentials.certificate_id,
        ENVELOPE: canonical(credentials.envelope).decode(),
        PROOF: credentials.proof,
    }
    if credentials.url:
        custom[URL] = credentials.url
    marking.write_fields(path, text={}, custom=custom)


def extract(path: Path) -> Credentials | None:
    """The credentials of a file, None when it carries none. Raises CredentialsDamaged."""
    found = {name: value for name, value in marking.read_fields(path).items() if name in FIELDS}
    if not found:
        return None
    missing = [name for name in (CERTIFICATE, ENVELOPE, PROOF) if not found.get(name)]
    if missing:
        raise CredentialsDamaged(
            f"The file carries only a part of its credentials; {' and '.join(missing)} is gone or unreadable."
        )
    if len(found[ENVELOPE]) > MAX_ENVELOPE_BYTES or len(found[PROOF]) > MAX_ENVELOPE_BYTES:
        raise CredentialsDamaged("The credentials in the file are longer than any stamp can be.")
    try:
        envelope = json.loads(found[ENVELOPE])
    except (ValueError, RecursionError) as error:
        raise CredentialsDamaged("The stamp in the file is no longer readable.") from error
    return Credentials(found[CERTIFICATE], envelope, found[PROOF], found.get(URL, ""))
