"""What a manifest says, drawn from a signed statement and from nothing else. Pure.

The statement has separated public from private already (`provenance.disclosure`): a title, a prompt or a note that is
private there is not here either. Source types: https://cv.iptc.org/newscodes/digitalsourcetype/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance import wording
from provenance.statement import Claim

ASSERTION = "org.starforge.provenance"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# Mosaic composes from pieces of the artist's recordings with fixed rules. No trained model is in it, which rules out
# the two types that say so; `algorithmicMedia` is for media not based on any samples; whether the recordings hold
# generated sound is not known, which `composite` leaves open and `compositeCapture` does not.
MOSAIC, NEURAL = "composite", "trainedAlgorithmicMedia"
KNOWN_TYPES = (
    "algorithmicMedia", "algorithmicallyEnhanced", "composite", "compositeCapture", "compositeSynthetic",
    "compositeWithTrainedAlgorithmicMedia", "computationalCapture", "dataDrivenMedia", "digitalCapture",
    "digitalCreation", "humanEdits", "trainedAlgorithmicMedia", "virtualRecording",
)  # fmt: skip
USES = ("cawg.ai_inference", "cawg.ai_generative_training", "cawg.ai_training", "cawg.data_mining")
_CONSENT = {"granted": "allowed", "allowed": "allowed", "constrained": "constrained"}
MAX_PARENTS = 4  # as ingredients, some 400 bytes each; the statement inside names every one
_DERIVED = ("edit of", "variation of", "made again from")


def definition(claim: Claim, carried: Mapping[str, Any], *, format_name: str, version: str) -> dict[str, Any]:
    """The manifest definition for the c2pa library.

    `carried` (certificate_id, url, envelope, proof) becomes our own assertion, so that the manifest alone holds
    everything that proves the stamp.
    """
    ingredients = _ingredients(claim, format_name)
    return {
        "claim_version": 2,
        "claim_generator_info": [{"name": "Starforge", "version": version}],
        "title": wording.clip(claim.title) or f"Recording {claim.certificate_id}",
        "ingredients": ingredients,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": _actions(claim, ingredients)}},
            {"label": "cawg.training-mining", "data": {"entries": _consent(claim.provenance)}},
            {"label": ASSERTION, "kind": "Json", "data": dict(carried)},
        ],
    }


def source_type(claim: Claim) -> str:
    """The IPTC source type of the recording as a bare name; "" where nothing was declared."""
    generator = _part(claim.provenance, "generator")
    for said in (claim.provenance.get("digital_source_type"), generator.get("digital_source_type")):
        name = str(said or "").removeprefix(SOURCE_TYPES)
        if name in KNOWN_TYPES:
            return name
    if claim.provenance.get("type") != "ai_generated":
        return ""
    return MOSAIC if generator.get("model") == "mosaic" else NEURAL


def _actions(claim: Claim, ingredients: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parent = [one["label"] for one in ingredients if one["relationship"] == "parentOf"]
    inputs = [one["label"] for one in ingredients if one["relationship"] == "inputTo"]
    kind, actions = source_type(claim), []
    if parent:
        actions.append({"action": "c2pa.opened", "parameters": {"ingredientIds": parent}})
    if kind:
        made: dict[str, Any] = {"action": "c2pa.edited" if parent else "c2pa.created"}
        made["digitalSourceType"] = SOURCE_TYPES + kind
        if name := wording.clip(_part(claim.provenance, "generator").get("label") or ""):
            version = wording.clip(_part(claim.provenance, "generator").get("version") or "")
            made["softwareAgent"] = {"name": name, **({"version": version} if version else {})}
        if inputs:
            made["parameters"] = {"ingredientIds": inputs}
        actions.append(made)
    return actions


def _ingredients(claim: Claim, format_name: str) -> list[dict[str, Any]]:
    """The catalog's snapshot, the model, and what the recording was made from, by hash or certificate only."""
    source, generator = _part(claim.provenance, "source"), _part(claim.provenance, "generator")
    found = []
    if isinstance(digest := source.get("catalog_hash"), str) and digest:
        found.append(_ingredient("catalog", "Catalog snapshot", "inputTo", digest, "dataset"))
    weights = generator.get("weights_sha256") or generator.get("weights_hash")
    if isinstance(weights, str) and weights:
        found.append(_ingredient("model", wording.model_name(claim.provenance), "inputTo", weights, "model"))
    has_parent = False
    for index, parent in enumerate(_parents(claim.provenance)):
        derived = parent["relation"] in _DERIVED and not has_parent
        has_parent = has_parent or derived
        found.append(
            {
                **_ingredient(f"parent{index}", f"Recording {parent['certificate_id']}",
                              "parentOf" if derived else "inputTo", ""),
                "format": f"audio/{format_name}",
                "description": f"{parent['relation']} certificate {parent['certificate_id']}",
            }
        )  # fmt: skip
    if not has_parent and not source_type(claim):  # made elsewhere, and nobody says how: it was handed in
        signed = next((one for one in claim.subjects if one.name == format_name), claim.subjects[0])
        found.append(
            {
                **_ingredient("handed", "The recording as it was handed in", "parentOf", ""),
                "description": f"{signed.kind} sha256:{signed.sha256}",
                "format": f"audio/{format_name}",
            }
        )  # fmt: skip
    return found


def _ingredient(label: str, title: str, relationship: str, digest: str, kind: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {
        "label": label,
        "title": title or label,
        "relationship": relationship,
        "format": "application/json" if kind == "dataset" else "application/octet-stream",
        "description": wording.clip(digest) if digest.count(":") != 1 else digest[:160],
    }
    if kind:
        out["data_types"] = [{"type": f"c2pa.types.{kind}"}]
    return out


def _parents(provenance: Mapping[str, Any]) -> list[dict[str, str]]:
    parents = provenance.get("parents")
    out = []
    for one in parents if isinstance(parents, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("certificate_id"), str):
            relation = wording.clip(one.get("relation") or "made from")
            out.append({"certificate_id": wording.clip(one["certificate_id"]), "relation": relation})
    return sorted(out, key=lambda one: one["relation"] not in _DERIVED)[:MAX_PARENTS]


def _consent(provenance: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Who may train on the recording or mine it: what the artist signed, and nobody where nothing was signed."""
    rights = _part(provenance, "rights")
    use = _CONSENT.get(str(rights.get("training", "")).strip().lower(), "notAllowed")
    said = {"use": use}
    if use == "constrained":
        said["constraint_info"] = wording.clip(rights.get("terms") or "Ask the artist.")
    return {name: dict(said) for name in USES}


def _part(provenance: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = provenance.get(name)
    return found if isinstance(found, Mapping) else {}
