"""o8's declaration as a file: JSON v1.0, as its own command line validates, publishes and verifies it. Pure.

o8 drops every key it does not know, so what it has no field for stands in `methodology` and `notes`. Its check of a
file wants hash, length and container name all equal; they are those of one rendition, the first of the certificate
that o8 has a name for.
"""

from __future__ import annotations

from typing import Any

from provenance.authorities import o8_words
from provenance.authorities.base import PHASES, Declaration, Parent


class NoDocument(Exception):
    """This certificate cannot be written as an o8 declaration. The message is one sentence."""


def document(declaration: Declaration) -> dict[str, Any]:
    """The v1.0 declaration. Raises NoDocument where o8's rules cannot be met."""
    container = o8_words.container(declaration.file_format)
    length = o8_words.milliseconds(declaration.duration)
    if not container or not declaration.file_sha256 or length <= 0:
        raise NoDocument(
            "o8 needs the length and the file hash of a WAV, FLAC, AIFF, MP3 or M4A; this certificate has none."
        )
    phases = {phase: declaration.share(phase) / 100 for phase in PHASES}
    generator = declaration.block("generator")
    models = []
    if declaration.model:
        models.append(
            {
                "name": str(generator.get("label") or generator.get("model")),
                "provider": "Starforge",
                "version": str(generator.get("version") or ""),
                "usage": ", ".join(phase for phase, share in phases.items() if share) or "analysis",
            }
        )
    return {
        "version": "1.0",
        "declaration_id": o8_words.pending_id(declaration.certificate_id),
        "created_at": declaration.created,
        "updated_at": declaration.created,
        "identity": {
            "primary_artist": {"name": declaration.artist, "signature": declaration.signature},
            "collaborators": [],
            "contributors": [],
        },
        "creative_stack": {"daws": [], "plugins": [], "ai_models": models, "hardware": [], "samples": []},
        "production_intelligence": {
            "ai_contribution": phases,
            "methodology": o8_words.methodology(declaration),
            "notes": _notes(declaration),
        },
        "provenance": {
            "source_material": [_source(one) for one in declaration.parents if one.file_sha256],
            "samples": [],
            "stems": [],
        },
        "revision_history": [
            {"version": "1.0", "timestamp": declaration.created, "changes": "Stamped by Starforge"}
        ],
        "audio_fingerprint": {
            "sha256": declaration.file_sha256,
            "duration_ms": length,
            "format": container,
        },
    }


def _source(parent: Parent) -> dict[str, str]:
    described = f"{parent.relation}: {parent.title or 'a recording'}, {parent.certificate_id}"
    return {
        "cid": o8_words.raw_cid(parent.file_sha256),
        "description": described,
        "relationship": "sample" if o8_words.relation(parent.relation) == o8_words.SAMPLE else "remix",
    }


def _notes(declaration: Declaration) -> str:
    said = [f"Starforge certificate {declaration.certificate_id}"]
    if declaration.url:
        said.append(declaration.url)
    if declaration.title:
        said.append(f"title: {declaration.title}")
    if declaration.prompt:
        said.append(f"prompt: {declaration.prompt}")
    said += [
        f"audio sha256 {declaration.audio_sha256}",
        f"training rights {'granted' if declaration.granted('training') else 'not granted'}",
    ]
    return "; ".join(said)
