"""What a file carries about itself: certificate id, where to read it, the signed envelope and its log proof.

Kept in the container's own text fields (ID3 in MP3 and WAV, Vorbis comments in FLAC) beside title and artist, where
the verifier in the browser and forty lines of anybody's own code find them; a manifest (`provenance.manifest`) holds
them once more, and alone where a container has no such fields. The audio bytes are not touched, so the hashes that were
signed stay true. Whatever is read back is hostile until `provenance.proof` has looked at it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from catalog.audio import marking
from provenance.canonical import canonical
from provenance.manifest.judging import carried
from provenance.signing import MAX_ENVELOPE_BYTES, open_envelope

CERTIFICATE, URL = "STARFORGE_CERTIFICATE", "STARFORGE_URL"
ENVELOPE, PROOF = "STARFORGE_ENVELOPE", "STARFORGE_PROOF"
MANIFEST = "STARFORGE_MANIFEST"  # "c2pa": the file was issued with Content Credentials, so their absence says something
FIELDS = (CERTIFICATE, URL, ENVELOPE, PROOF, MANIFEST)


class CredentialsDamaged(Exception):
    """The file carries credentials, but not in a state that can be read. The message says what is wrong."""


@dataclass(frozen=True)
class Credentials:
    """Everything a stranger needs, besides the trust file, to check a recording offline."""

    certificate_id: str
    envelope: Any  # parsed JSON, unchecked
    proof: str  # tlog-proof text, unchecked
    url: str = ""
    manifest: bool = False  # whether the file was issued with a C2PA manifest

    @property
    def statement(self) -> Any:
        """What the envelope holds, parsed and unchecked. Raises SigningError or ValueError."""
        return json.loads(open_envelope(self.envelope).payload)

    def to_json(self) -> dict[str, Any]:
        """As a manifest's assertion holds them."""
        held = {"certificate_id": self.certificate_id, "envelope": self.envelope, "proof": self.proof}
        return {**held, "url": self.url} if self.url else held


def embed(path: Path, credentials: Credentials, *, to: IO[bytes] | None = None) -> None:
    """Write the credentials into the file (atomically; audio untouched), or into a copy `to`.

    Raises AudioError when it cannot.
    """
    custom = {
        CERTIFICATE: credentials.certificate_id,
        ENVELOPE: canonical(credentials.envelope).decode(),
        PROOF: credentials.proof,
    }
    custom[URL] = credentials.url  # "" removes what an earlier stamp left
    custom[MANIFEST] = "c2pa" if credentials.manifest else ""
    marking.write_fields(path, text={}, custom=custom, to=to)


def extract(path: Path) -> Credentials | None:
    """The credentials of a file, None when it carries none. Raises CredentialsDamaged."""
    found = {name: value for name, value in marking.read_fields(path).items() if name in FIELDS}
    if not found:
        return _in_the_manifest(path)
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
    manifest = found.get(MANIFEST) == "c2pa"
    return Credentials(found[CERTIFICATE], envelope, found[PROOF], found.get(URL, ""), manifest)


def _in_the_manifest(path: Path) -> Credentials | None:
    """Those of a file that has them in its manifest only."""
    held = carried(path)
    if held is None:
        return None
    texts = [held.get(name) for name in ("certificate_id", "proof")]
    if not all(isinstance(one, str) and 0 < len(one) <= MAX_ENVELOPE_BYTES for one in texts):
        raise CredentialsDamaged("The Content Credentials in the file name no certificate that can be read.")
    url = held.get("url")
    return Credentials(
        str(texts[0]), held.get("envelope"), str(texts[1]), url if isinstance(url, str) else "", True
    )
