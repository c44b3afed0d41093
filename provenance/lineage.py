"""The chain from a recording back to its roots: certificates it came from, the model, the snapshot, the catalog.

Each link is a plain dict for the API and the page. `kind` is certificate, model, adapter, dna_snapshot or catalog.
Only what was signed goes in. A parent that is not held here, was revoked, or leads back to where we came from is
said to be so in words rather than left out. Titles are those anybody may read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from provenance import wording
from provenance.canonical import canonical
from provenance.models import CERTIFICATE_ID, Certificate

MAX_LINKS = 64
MAX_PARENTS = 64  # of one certificate
ORIGIN = "origin"  # the type of a stamp on an artist's own upload
ADAPTER = "adapter"  # the type of a stamp on what a model learned from a catalog
HELD, MISSING, REVOKED, CYCLE = "held", "missing", "revoked", "cycle"


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
    return out[:MAX_PARENTS]


def chain(certificate: Certificate) -> list[dict[str, Any]]:
    """From this certificate back to its roots, nearest first; then the nearest model, snapshot and catalog.

    A certificate that several descend from stands once. At most MAX_LINKS certificates; the last link says so
    where there are more.
    """
    out: list[dict[str, Any]] = []
    at: dict[str, dict[str, Any]] = {}
    above: dict[str, set[str]] = {certificate.pk: set()}  # every descendant on the way to a certificate
    waiting: list[tuple[str, str, Certificate | None]] = [(certificate.pk, "this", None)]
    held = {certificate.pk: certificate}
    stated: list[dict[str, Any]] = []
    depth = 0
    while waiting:
        held |= _held([pk for pk, _, _ in waiting if pk not in held])
        coming: list[tuple[str, str, Certificate | None]] = []
        for pk, relation, child in waiting:
            if pk in at:
                at[pk]["more"] = [*at[pk].get("more", []), {"of": child and child.pk, "relation": relation}]
                continue
            if len(out) >= MAX_LINKS:
                return [*out, _too_many(), *stated]
            found = held.get(pk)
            at[pk] = link = _certificate(pk, relation, found, child, depth)
            out.append(link)
            if found is None:
                continue
            stated = stated or sources(found.provenance)
            for parent, how in parents(found.provenance):
                if parent == pk or parent in above.get(pk, ()):
                    out.append(_cycle(parent, how, found, depth + 1))
                    continue
                above.setdefault(parent, set()).update({pk, *above.get(pk, ())})
                coming.append((parent, how, found))
        waiting, depth = coming, depth + 1
    return out + stated


def _held(wanted: Sequence[str]) -> dict[str, Certificate]:
    known = [pk for pk in wanted if CERTIFICATE_ID.fullmatch(pk)]
    rows = Certificate.objects.select_related("key", "revocation").prefetch_related("private_parts")
    return rows.in_bulk(known) if known else {}


def _certificate(
    pk: str, relation: str, found: Certificate | None, child: Certificate | None, depth: int
) -> dict[str, Any]:
    link: dict[str, Any] = {
        "kind": "certificate",
        "certificate_id": wording.clip(pk),
        "relation": relation,
        "of": child.pk if child else None,
        "attested": None if child is None else _attested(child),
        "depth": depth,
        "found": found is not None,
    }
    if found is None:
        return link | {
            "state": MISSING,
            "sentence": "Named in the signed statement, but not held here: it was deleted, or it comes from another"
            " Starforge.",
        }
    because = revoked(found)
    return link | {
        "state": REVOKED if because else HELD,
        "sentence": because or _said(found, relation, child),
        "title": found.public_title,
        "type": found.provenance["type"],
        "timestamp": found.provenance["timestamp"],
        "log_index": found.entry_id,
        "o8_signature": found.signature,
        "url": found.get_absolute_url(),
    }


def revoked(certificate: Certificate) -> str:
    """Why this certificate no longer counts, in one sentence; "" while it does."""
    taken_back = getattr(certificate, "revocation", None)
    if taken_back is not None:
        return f"Revoked on {wording.day(taken_back.created_at)}: {wording.clip(taken_back.because)}"
    key = certificate.key
    if key.revoked_at is not None and certificate.entry_id >= key.revoked_from:
        return f"The key that signed it was revoked on {wording.day(key.revoked_at)}."
    return ""


def _said(found: Certificate, relation: str, child: Certificate | None) -> str:
    when = wording.day(found.provenance["timestamp"])
    if found.provenance["type"] == ORIGIN:
        said = f"The artist’s own recording, stamped on {when}."
    else:
        said = f"{'Declared' if found.declared else 'Stamped'} on {when}."
    if child is not None and child.declared:  # anybody can name anybody’s certificate as a parent
        said += f" That it is a parent is the word of {wording.clip(child.artist_name)}."
    return said


def _attested(child: Certificate) -> str:
    return "declared" if child.declared else "measured"


def _cycle(pk: str, relation: str, child: Certificate, depth: int) -> dict[str, Any]:
    return {
        "kind": "certificate",
        "certificate_id": wording.clip(pk),
        "relation": relation,
        "of": child.pk,
        "attested": _attested(child),
        "depth": depth,
        "found": True,
        "state": CYCLE,
        "sentence": "This statement names its own descendant as a parent. Both cannot be true; the chain ends here.",
    }


def _too_many() -> dict[str, Any]:
    return {
        "kind": "more",
        "sentence": f"There is more behind this: only the nearest {MAX_LINKS} certificates are shown.",
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
                    for k in ("model", "label", "version", "fine_tuned", "training_catalog_hash")
                    if k in generator
                },
            }
        )
        adapter = generator.get("adapter")
        if isinstance(adapter, Mapping) and adapter:
            named = ("name", "sha256", "certificate_id", "training_catalog_hash")
            out.append({"kind": "adapter", **{k: adapter[k] for k in named if k in adapter}})
    if isinstance(source, Mapping) and source:
        both = [source, *([other] if (other := wording.partner(provenance)) else [])]
        for one in both:
            snapshot = one.get("aesthetic_dna_snapshot")
            if isinstance(snapshot, Mapping) and snapshot:
                digest = snapshot.get("sha256") or "sha256:" + hashlib.sha256(canonical(snapshot)).hexdigest()
                out.append({"kind": "dna_snapshot", "snapshot_hash": digest} | _named(one, both))
        for one in both:
            known = ("catalog_id", "catalog_hash", "track_count")
            out.append({"kind": "catalog", **{k: one[k] for k in known if k in one}} | _named(one, both))
    return out


def _named(source: Mapping[str, Any], both: Sequence[Any]) -> dict[str, str]:
    """Whose it is, where there are two: the artist's own goes without saying."""
    other = len(both) > 1 and source is both[1]
    return {"artist": wording.clip(source["artist"])} if other else {}
