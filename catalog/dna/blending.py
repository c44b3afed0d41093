"""What two artists' DNA has in common at a weight: the target of a take that both are to be heard in. Pure.

A function of two DNA documents and the weight alone, so whoever has them can compute it again.

Shares (palette, keys, genres) are mixed: (1 - weight) of the one's and weight of the other's, which sums to one again.
Figures on a scale (tempo, energy) are averaged quantile by quantile (Vincent averaging, the Wasserstein barycentre of
two distributions on a line): two artists at 124 and 140 BPM meet between, where mixing would leave two peaks with
nothing in the middle. Tempo is averaged as a ratio, the other's first counted at half or twice the speed where that is
nearer: 87 and 174 are one tempo.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import log2
from typing import Any

from catalog.dna import for_composing

QUANTILES = ("p10", "median", "p90")
LEVELS = ("p10", "p50", "p90")
Document = Mapping[str, Any]


def blended(own: Document, theirs: Document, weight: float) -> dict[str, Any]:
    """The parts of a DNA document that composing reads, between these two. weight: of theirs, 0..1.

    What only one of them knows is taken as it is.
    """
    if not 0.0 <= weight <= 1.0:
        raise ValueError("A weight lies between 0 and 1.")
    one, other = for_composing(own), for_composing(theirs)
    return {
        "weight": weight,
        "sonic_palette": _mixed(_part(one, "sonic_palette"), _part(other, "sonic_palette"), weight),
        "bpm_profile": _tempo(_part(one, "bpm_profile"), _part(other, "bpm_profile"), weight),
        "key_profile": {"counts": _keys(_part(one, "key_profile"), _part(other, "key_profile"), weight)},
        "energy_profile": _between(
            _part(one, "energy_profile"), _part(other, "energy_profile"), weight, LEVELS
        ),
        "dominant_genres": _genres(one, other, weight),
    }


def _part(dna: Document, name: str) -> Document:
    found = dna.get(name)
    return found if isinstance(found, Mapping) else {}


def _mixed(own: Document, theirs: Document, weight: float) -> dict[str, Any]:
    names = list(own or theirs)
    if any(own.get(name) is None for name in names):
        return dict(theirs)
    if any(theirs.get(name) is None for name in names):
        return dict(own)
    return {name: round((1 - weight) * own[name] + weight * theirs[name], 5) for name in names}


def _between(
    own: Document, theirs: Document, weight: float, names: tuple[str, ...], digits: int = 4
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        first, second = own.get(name), theirs.get(name)
        if first is None or second is None:
            found[name] = second if first is None else first
        else:
            found[name] = round((1 - weight) * first + weight * second, digits)
    return found


def _tempo(own: Document, theirs: Document, weight: float) -> dict[str, Any]:
    mine, other = own.get("median"), theirs.get("median")
    if not mine or not other:
        return {name: own.get(name) or theirs.get(name) for name in QUANTILES}
    fold = min((1.0, 2.0, 0.5), key=lambda times: abs(log2(other * times / mine)))
    slow = {name: log2(own[name]) for name in QUANTILES if own.get(name)}
    fast = {name: log2(theirs[name] * fold) for name in QUANTILES if theirs.get(name)}
    met = _between(slow, fast, weight, QUANTILES, digits=9)
    return {name: None if value is None else round(2.0**value, 2) for name, value in met.items()}


def _keys(own: Document, theirs: Document, weight: float) -> list[dict[str, Any]]:
    """Rows as a key profile has them; `count` is the share of the key in the mixture."""
    shares: dict[str, float] = defaultdict(float)
    rows: dict[str, Document] = {}
    known = [(profile.get("counts") or [], part) for profile, part in ((own, 1 - weight), (theirs, weight))]
    known = [(counts, part) for counts, part in known if sum(row["count"] for row in counts)]
    whole = sum(part for _, part in known)
    for counts, part in known:
        total = sum(row["count"] for row in counts)
        for row in counts:
            rows.setdefault(row["name"], row)
            shares[row["name"]] += (part / whole if whole else 1.0) * row["count"] / total
    return [
        {"name": name, "mode": rows[name]["mode"], "count": round(share, 6)} for name, share in shares.items()
    ]


def _genres(own: Document, theirs: Document, weight: float) -> list[str]:
    """At most five, by their share in the mixture; at equal shares in the order they were named."""
    shares: dict[str, float] = {}
    for dna, part in ((own, 1 - weight), (theirs, weight)):
        told = {str(row["name"]): float(row["share"]) for row in dna.get("genres") or []}
        for name in dna.get("dominant_genres") or []:
            shares[name] = shares.get(name, 0.0) + part * told.get(name, 0.0)
    return sorted(shares, key=lambda name: -round(shares[name], 6))[:5]
