"""Content Credentials as this installation gives them: whether, with which key, and what they say."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from catalog.audio.sniff import sniff
from provenance import keys, statement
from provenance.credentials import Credentials
from provenance.manifest import limited, places
from provenance.manifest.attaching import attach as attach_manifest
from provenance.manifest.writing import definition
from provenance.models import Certificate


def state() -> str:
    """Why files are issued without Content Credentials, as one sentence; "" when they get them."""
    if not settings.STARFORGE_C2PA:
        return "Content Credentials are switched off (STARFORGE_C2PA)."
    return "" if limited.installed() else limited.MISSING


def reason(path: Path) -> str:
    """As `state`, for one file."""
    if said := state():
        return said
    name = sniff(path).name
    return "" if name in places.MIME else f"{name.upper()} files cannot carry Content Credentials."


def attach(path: Path, certificate: Certificate, carried: Credentials) -> None:
    """Write the manifest of a stamped file, after all its tags.

    Raises SigningError when the claim key does not answer, and limited.Unavailable when the c2pa library cannot
    cope with the file. Nothing is lost then: stamping again finishes what is missing.
    """
    signer, key = keys.signer("c2pa")
    said = definition(
        statement.read(certificate.statement),
        carried.to_json(),
        format_name=sniff(path).name,
        version=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
    )
    attach_manifest(path, said, certificate=key.certificate, signer=signer)
