"""What the certificate of a take makes known, as words. Pure: from what was signed, never from a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provenance import lineage, wording

WORDS = {
    "Declared": "How it was made is stated in a signed certificate that stands.",
    "Stack disclosed": "Engine, version and licence are named.",
    "Method recorded": "Settings, seed, plan and the DNA behind it are on record.",
    "Co-authored": "It is made from recordings of more than one artist.",
    "Lineage complete": "Every recording and take it comes from has a certificate here that stands.",
}


@dataclass(frozen=True)
class Parent:
    """A certificate a take comes from: whose recordings it vouches for, and whether it still counts."""

    artist: str
    stands: bool


def badges(
    artist: str, provenance: Mapping[str, Any], parents: Mapping[str, Parent], *, stands: bool
) -> list[str]:
    """The badges of one take. parents: those that are held here, by id. Without a standing certificate: none."""
    if not stands:
        return []
    generator, source = _block(provenance, "generator"), _block(provenance, "source")
    params, recipe = _block(provenance, "generation_params"), _block(provenance, "recipe")
    named = [pk for pk, _ in lineage.parents(provenance)]
    held = [parents[pk] for pk in named if pk in parents]
    true = {
        "Declared": bool(provenance.get("type")),
        "Stack disclosed": all(generator.get(name) for name in ("model", "version", "licence")),
        "Method recorded": bool(
            params.get("seed") and recipe.get("plan_sha256") and source.get("catalog_hash")
        ),
        "Co-authored": len({artist, *(one.artist for one in held), *_partner(provenance)}) > 1,
        "Lineage complete": bool(named) and len(held) == len(named) and all(one.stands for one in held),
    }
    return [name for name in WORDS if true[name]]


def process(artist: str, provenance: Mapping[str, Any]) -> str:
    """How it was made, on one line."""
    model, heard = wording.model_name(provenance), wording.whose(provenance, wording.clip(artist))
    by = f"AI-native, by {model}" if model else "AI-native"
    return f"{by} from {heard}" if heard else by


def _partner(provenance: Mapping[str, Any]) -> list[str]:
    other = wording.partner(provenance)
    return [str(other["artist"])] if other else []


def _block(provenance: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = provenance.get(name)
    return value if isinstance(value, Mapping) else {}
