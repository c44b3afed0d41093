"""What is signed of a take: the plan's provenance JSON."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from catalog.accounts import catalog_id_of, rights_of
from generation import blending
from generation.brief import Brief, Edit
from generation.engines.base import Engine, Rendering
from generation.models import GeneratedTrack, Generation
from provenance import origins
from provenance.canonical import canonical


def _digest(value: Any) -> str:
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def _said(edit: Edit) -> dict[str, Any]:
    """An edit without what it does not say. The take it changes stands among the parents."""
    said = {name: value for name, value in edit.to_json().items() if value not in (None, [])}
    del said["take_id"]
    return said


def credits_of(engine: Engine, *, two: bool = False) -> dict[str, str]:
    """Who or what filled each role. An engine that composes from the artist's recordings uses their sounds.

    two: of two artists.
    """
    theirs = "lineage" in engine.capabilities()
    whose = "both artists'" if two else "the artist's"
    return {
        "composition": f"machine, from {whose} recordings" if theirs else "machine",
        "arrangement": "machine",
        "production": "machine",
        "sound_sources": ("both artists" if two else "artist") if theirs else "machine",
        "mixing": "machine",
        "mastering": "machine",
    }


def statement_of(
    take: GeneratedTrack,
    generation: Generation,
    brief: Brief,
    rendering: Rendering,
    engine: Engine,
    made_from: GeneratedTrack | None = None,
    partner: blending.Partner | None = None,
) -> dict[str, Any]:
    """The plan's provenance JSON for one take: what is signed. Of a take of two artists both are named."""
    snapshot = generation.snapshot
    dna = snapshot.document
    parents: list[dict[str, Any]] = []
    if made_from is not None:
        if made_from.certificate_id:
            relation = "edit of" if brief.edit else "made again from"
            parents.append({"certificate_id": made_from.certificate_id, "relation": relation})
    elif generation.parent is not None:
        found = generation.parent.takes.exclude(certificate=None).order_by("number").first()
        if found is not None:
            parents.append({"certificate_id": found.certificate_id, "relation": "variation of"})
    learned = rendering.generator.get("adapter") or {}
    if learned.get("certificate_id"):
        parents.append({"certificate_id": learned["certificate_id"], "relation": "played with"})
    heard = {str(entry["track_id"]) for entry in rendering.built_from if entry.get("track_id")}
    parents += origins.of(generation.artist, heard)
    rights = rights_of(generation.artist)
    both: dict[str, Any] = {}
    own_used = take.novelty["sources"]
    if partner is not None:
        own_used -= take.blend["recordings"]
        # Their stamps name recordings, which they may keep to themselves.
        if partner.consent.titles:
            room = origins.MOST - len(parents)
            parents += origins.of(partner.artist, heard, relation=origins.BLEND_OF)[: max(0, room)]
        both = {"partner": blending.stated(partner, take)}
        rights = blending.rights_of_both(rights, both["partner"]["rights"])
    return {
        "type": "ai_generated",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "artist": generation.artist.name,
        "generator": {
            "model": engine.slug,
            "label": engine.label,
            "version": engine.version,
            "fine_tuned": False,
            "licence": take.licence,
            **rendering.generator,
        },
        "source": {
            "catalog_id": catalog_id_of(generation.artist),
            "track_count": snapshot.track_count,
            "catalog_hash": snapshot.catalog_hash,
            "recordings_used": own_used,
            "aesthetic_dna_snapshot": {
                "id": snapshot.pk,
                "sha256": _digest(dna),
                "sonic_palette": dna["sonic_palette"],
                "taste_coherence": dna["taste_coherence"],
                "dominant_genres": dna["dominant_genres"],
            },
            **both,
        },
        "generation_params": {
            "bpm": brief.bpm,
            "energy": brief.energy,
            "key": brief.key.name if brief.key else None,
            "genre": brief.genre,
            "duration_seconds": brief.duration_seconds,
            "seed": str(brief.seed),
            "reference_tracks": [reference.track_id for reference in brief.references],
            **({"edit": _said(brief.edit)} if brief.edit else {}),
        },
        "result": {
            "render_sha256": take.render_sha256,
            "duration_seconds": take.duration,
            "similarity_score": take.similarity_score,
            **({"similarity_to": take.blend["match"]} if partner else {}),
            "measured": take.measured,
        },
        "watermark": take.watermark or {"scheme": "none"},
        "recipe": {
            "plan_sha256": _digest(rendering.plan),
            "source_map_sha256": _digest(rendering.built_from),
        },
        "credits": credits_of(engine, two=partner is not None),
        "rights": rights,
        "parents": parents,
    }
