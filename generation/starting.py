"""Starting points that a catalog itself suggests: settings from its own ranges, each with its reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.analysis.keys import Key, compatible, parse_key
from generation.prompting import BPM, Wishes

LEAST_SPREAD = 2.0  # BPM between the outer tenths, below which a catalog has one tempo
LEAST_ENERGY = 0.04  # the same of energy
FEW = 2  # tracks around a tempo that make it one of the artist's own


@dataclass(frozen=True)
class Start:
    """slug: in the address. why: one sentence with the figures it comes from."""

    slug: str
    name: str
    why: str
    wishes: Wishes


def starting_points(dna: dict[str, Any]) -> list[Start]:
    """What this catalog suggests, as far as it is known; empty for an empty one. dna: a DNASnapshot document."""
    tempo, energy = dna.get("bpm_profile") or {}, dna.get("energy_profile") or {}
    if tempo.get("median") is None or energy.get("p50") is None:
        return []
    keys = dna.get("key_profile") or {}
    leading = parse_key(keys["leading"]["name"]) if keys.get("leading") else None
    genre = next(iter(dna.get("dominant_genres") or []), None)
    middle = Wishes(
        bpm=_bpm(tempo["median"]),
        energy=_energy(energy["p50"]),
        key=leading.name if leading else None,
        genre=genre,
    )
    said = ", ".join(filter(None, (f"{middle.bpm:g} BPM", leading.name if leading else "", genre)))
    found = [Start("middle", "Your middle", f"{said}: what you make most.", middle)]
    if tempo["p90"] - tempo["p10"] >= LEAST_SPREAD or energy["p90"] - energy["p10"] >= LEAST_ENERGY:
        found += [
            _edge("high", "At your highest", "upper", tempo["p90"], energy["p90"]),
            _edge("low", "At your calmest", "lower", tempo["p10"], energy["p10"]),
        ]
    found += _second_tempo(tempo, middle)
    if leading is not None:
        found.append(_seldom(leading, keys, middle))
    return found


def named(slug: str, dna: dict[str, Any]) -> Wishes:
    """The settings of one of them; none at all where the catalog does not suggest it (any more)."""
    return next((one.wishes for one in starting_points(dna) if one.slug == slug), Wishes())


def _edge(slug: str, name: str, side: str, bpm: float, energy: float) -> Start:
    wishes = Wishes(bpm=_bpm(bpm), energy=_energy(energy))
    why = f"{wishes.bpm:g} BPM, energy {wishes.energy:.2f}: the {side} end of what you make; one in ten lies beyond."
    return Start(slug, name, why, wishes)


def _second_tempo(tempo: dict[str, Any], middle: Wishes) -> list[Start]:
    """The other tempo around which tracks gather, if there is one."""
    near = [
        one for one in tempo.get("centres") or [] if abs(one["bpm"] - (middle.bpm or 0)) > 2 * LEAST_SPREAD
    ]
    if not near or near[0]["count"] < FEW:
        return []
    bpm, count = _bpm(near[0]["bpm"]), near[0]["count"]
    why = f"{count} of your {tempo['n']} tracks gather around {bpm:g} BPM."
    return [Start("tempo", "Your other tempo", why, Wishes(bpm=bpm))]


def _seldom(leading: Key, keys: dict[str, Any], middle: Wishes) -> Start:
    """Of the keys that mix with the leading one, the one with the fewest tracks."""
    counts = {one["name"]: int(one["count"]) for one in keys.get("counts") or []}
    key = min(compatible(leading)[1:], key=lambda one: counts.get(one.name, 0))
    count = counts.get(key.name, 0)
    how_many = f"{count or 'none'} of your {keys['n']} tracks {'is' if count < 2 else 'are'} in it"
    why = f"{key.name} mixes with {leading.name}, and {how_many}."
    return Start(
        "seldom", "A key you seldom use", why, Wishes(bpm=middle.bpm, energy=middle.energy, key=key.name)
    )


def _bpm(value: float) -> float:
    return float(round(min(BPM[1], max(BPM[0], value))))


def _energy(value: float) -> float:
    return round(float(value), 2)
