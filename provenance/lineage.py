"""The chain from a take back to its roots: certificates it varies, the model, the snapshot, the catalog.

Each link is a plain dict for the API and the page. `kind` is certificate, model, dna_snapshot or catalog.
Only what was signed goes in; a parent we do not hold is named as missing rather than left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from provenance import wording
from provenance.canonical import canonical
from provenance.models import Certificate

MAX_LINKS = 64


def parents(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a recording came from, as (certificate id, relation).

    Each stands in the statement as an id or as {certificate_id, relation}.
    """
    listed = provenance.get("parents")
    out: list[tuple[str, str]] = []
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, str):
            out.append((item, "parent"))
        elif isinstance(item, Mapping) and isinstance(item.get("certificate_id"), str):
            out.append((item["certificate_id"], wording.clip(item.get("relation") or "parent")))
    return out[:MAX_LINKS]


def chain(certificate: Certificate) -> list[dict[str, Any]]:
    """From this certificate back to its roots, nearest first. Cycles end, missing parents are said so."""
    out: list[dict[str, Any]] = []
    seen: set[str] = set()
    waiting: list[tuple[str, str]] = [(certificate.pk, "this")]
    held = {certificate.pk: certificate}
    while waiting and len(seen) < MAX_LINKS:
        level = [(pk, relation) for pk, relation in waiting if pk not in seen]
        held |= Certificate.objects.in_bulk([pk for pk, _ in level if pk not in held])
        waiting = []
        for pk, relation in level:
            if pk in seen or len(seen) >= MAX_LINKS:
                continue
            seen.add(pk)
            found = held.get(pk)
            out.append(_certificate(pk, relation, found))
            if found is not None:
                waiting += parents(found.provenance)
    return out + sources(certificate.provenance)


def _certificate(pk: str, relation: str, found: Certificate | None) -> dict[str, Any]:
    if found is None:
        return {
            "kind": "certificate",
            "certificate_id": wording.clip(pk),
            "relation": relation,
            "found": False,
        }
    return {
        "kind": "certificate",
        "certificate_id": pk,
        "relation": relation,
        "found": True,
        "title": found.public_title,
        "type": found.provenance["type"],
        "timestamp": found.provenance["timestamp"],
        "log_index": found.entry_id,
        "o8_signature": found.signature,
    }


def sources(provenance: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The model, the DNA snapshot and the catalog a recording came from, as far as they were signed."""
    out: list[dict[str, Any]] = []
    generator, source = provenance.get("generator"), provenance.get("source")
    if isinstance(generator, Mapping) and generator:
        out.append(
            {
                "kind": "model",
                **{
                    k: generator[k]
                    for k in ("model", "version", "fine_tuned", "training_catalog_hash")
                    if k in generator
                },
            }
        )
    if isinstance(source, Mapping) and source:
        snapshot = source.get("aesthetic_dna_snapshot")
        if isinstance(snapshot, Mapping) and snapshot:
            digest = snapshot.get("sha256") or "sha256:" + hashlib.sha256(canonical(snapshot)).hexdigest()
            out.append({"kind": "dna_snapshot", "snapshot_hash": digest})
        out.append(
            {
                "kind": "catalog",
                **{k: source[k] for k in ("catalog_id", "catalog_hash", "track_count") if k in source},
            }
        )
    return out
