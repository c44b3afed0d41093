"""How o8 wants things said: its container names, its timestamps, its identifiers. Pure."""

from __future__ import annotations

import base64
import hashlib
import re

from provenance.authorities.base import Declaration

# What o8 calls a format is the container its reader names. OGG and Opus have none it can measure.
CONTAINERS = {"wav": "WAVE", "mp3": "MPEG", "flac": "FLAC", "aiff": "AIFF", "m4a": "M4A/isom/iso2"}
TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z?")
# What a certificate says of its parents, as o8 says it of a REST record and of source material.
REVISION, SAMPLE = "revision", "sample"
REVISIONS = ("variation of", "edit of", "made again from", "section edit of")


def container(file_format: str) -> str:
    """WAVE for wav; the preview of a take is an MP3. "" for a format o8 has no name for."""
    return CONTAINERS.get({"preview": "mp3"}.get(file_format, file_format), "")


def milliseconds(seconds: float | None) -> int:
    return round((seconds or 0.0) * 1000)


def relation(ours: str) -> str:
    if ours in REVISIONS:
        return REVISION
    return SAMPLE if ours == "made from" else "remix"


def raw_cid(sha256: str) -> str:
    """The CIDv1 (raw, sha2-256, base32) of bytes with this hash: a name for a file nobody has to upload."""
    packed = bytes.fromhex("01551220" + sha256)
    return "b" + base64.b32encode(packed).decode().lower().rstrip("=")


def pending_id(certificate_id: str) -> str:
    """o8-pending-<uuid4>, the same for the same certificate: a document cannot hold its own CID."""
    digest = bytearray(hashlib.sha256(f"starforge:{certificate_id}".encode()).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x40, digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"o8-pending-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def methodology(declaration: Declaration) -> str:
    """How the recording came to be, from what was signed, in a few sentences anybody can check."""
    source, params, result = (declaration.block(name) for name in ("source", "generation_params", "result"))
    said = []
    if declaration.model:
        tuned = "" if declaration.block("generator").get("fine_tuned") else ", not fine-tuned"
        said.append(f"Made with {declaration.model}{tuned}.")
    count = source.get("track_count")
    if isinstance(count, int):
        said.append(f"Source: {count} of the artist's own recordings, catalog {source.get('catalog_hash')}.")
    snapshot = source.get("aesthetic_dna_snapshot")
    if isinstance(snapshot, dict) and snapshot.get("sha256"):
        said.append(f"Audio DNA snapshot {snapshot['sha256']}.")
    if "seed" in params:
        references = params.get("reference_tracks")
        said.append(
            f"Seed {params['seed']}, {len(references) if isinstance(references, list) else 0} reference tracks."
        )
    if result.get("render_sha256"):
        said.append(f"Render sha256:{result['render_sha256']}.")
    said.append(
        f"Statement sha256:{declaration.statement_sha256}, signed with Ed25519 and logged by Starforge as"
        f" {declaration.certificate_id}{f', {declaration.url}' if declaration.url else ''}."
    )
    said.append("The file carries the signature and the log proof and verifies offline.")
    return " ".join(said)


def stack(*names: str) -> str:
    """Names as o8 keeps them: one text, separated by commas, so that no name may hold one."""
    return ", ".join(clean for name in names if (clean := " ".join(name.replace(",", " ").split())))
