"""Two artists in one take: who of each plays, and which stretches are whose, so that their share is the weight.

Measured in cells: one bar of one layer. The smallest piece that is given to one of the two is a layer in a section,
so that a section has one voice in each layer, and most sections sound of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from catalog.analysis.keys import Key
from generation.brief import Brief
from generation.engines.mosaic.cast import Cast, Part, choose_cast
from generation.engines.mosaic.choose import Slot, assign, slots
from generation.engines.mosaic.corpus import GOOD_SHIFT, Source
from generation.engines.mosaic.plan import Section

NEAR = 0.02  # of all cells: shares within it are as good as each other, and chance decides


def is_theirs(part: Part) -> bool:
    return part.source.track.theirs


def cast_of_both(
    sources: Sequence[Source],
    brief: Brief,
    key: Key | None,
    rng: np.random.Generator,
    *,
    used: Mapping[tuple[str, str], float] | None = None,
) -> Cast:
    """Who plays, chosen from each of the two by the same costs. References are the artist's own.

    The limits of tempo and key hold for each of the two: who is out of reach does not play while the other is within.
    """
    weight = brief.blend.weight if brief.blend else 0.0
    mine = [source for source in sources if not source.track.theirs]
    other = [source for source in sources if source.track.theirs]
    notes: list[str] = []
    if weight < 1.0 and weight > 0.0 and any(source.fits for source in sources):
        for side, whose in ((mine, "your"), (other, "the other artist’s")):
            if side and not any(source.fits for source in side):
                notes.append(
                    f"None of {whose} recordings is within 12 % of {brief.bpm:g} BPM, so none plays in this take. "
                    "A tempo between the two of you lets both play."
                )
        mine, other = _within(mine), _within(other)
    casts = []
    if mine and (weight < 1.0 or not other):
        casts.append(choose_cast(mine, brief, key, rng, used=used))
    if other and weight > 0.0:
        casts.append(choose_cast(other, replace(brief, references=()), key, rng, used=used))
    if len(casts) == 1:
        return replace(casts[0], notes=(*notes, *casts[0].notes))
    own, theirs = casts
    harmony = _in_key(theirs.harmony, own.harmony)
    if key is not None and any(abs(part.shift) > GOOD_SHIFT for part in harmony):
        notes.append(
            f"Few of the other artist’s recordings are within {GOOD_SHIFT} semitones of {key.name}, so some were "
            "moved further."
        )
    return replace(
        own,
        harmony=(*own.harmony, *harmony),
        drums=(*own.drums, *theirs.drums),
        notes=tuple(dict.fromkeys((*notes, *own.notes))),
        costs={
            name: round((1 - weight) * cost + weight * theirs.costs[name], 4)
            for name, cost in own.costs.items()
        },
    )


def _within(side: list[Source]) -> list[Source]:
    return [source for source in side if source.fits]


def _in_key(parts: Sequence[Part], beside: Sequence[Part]) -> list[Part]:
    """Those within reach of the key; all where nobody is."""
    near = [part for part in parts if abs(part.shift) <= GOOD_SHIFT]
    others_are = any(abs(part.shift) <= GOOD_SHIFT for part in beside)
    return near if near or others_are else list(parts)


@dataclass(frozen=True)
class Shares:
    """Whose each layer is, section by section: {(layer, section)} that are the other artist's."""

    theirs: frozenset[tuple[str, int]]

    def has(self, layer: str, slot: Slot) -> bool:
        return (layer, slot.section) in self.theirs


def shared_out(made: Sequence[Section], cast: Cast, weight: float, rng: np.random.Generator) -> Shares:
    """The layers of sections that the other artist plays, so that their share of all cells is nearest to the weight.

    The bass goes with the harmony; a bass or lead that was asked for is the artist's own. Of divisions that come
    equally near, chance takes one.
    """
    bass = {} if cast.bass else _cells(made, "bass")
    pieces = {
        **{("drums", section): bars for section, bars in _cells(made, "drums").items()},
        **{
            ("harmony", section): bars + bass.get(section, 0)
            for section, bars in _cells(made, "harmony").items()
        },
    }
    asked = sum(_cells(made, "bass").values()) if cast.bass else 0
    asked += sum(_cells(made, "lead").values()) if cast.lead else 0
    total = sum(pieces.values()) + asked
    can = {layer: _sides(parts) for layer, parts in (("drums", cast.drums), ("harmony", cast.harmony))}
    settled = [piece for piece in pieces if can[piece[0]] == {True}]
    open_ = [piece for piece in pieces if can[piece[0]] == {True, False}]
    wanted = weight * total - sum(pieces[piece] for piece in settled)
    return Shares(
        frozenset([*settled, *_nearest({piece: pieces[piece] for piece in open_}, wanted, total, rng)])
    )


def _cells(made: Sequence[Section], layer: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for slot in slots(made, layer):
        found[slot.section] = found.get(slot.section, 0) + slot.bars
    return found


def _sides(parts: Sequence[Part]) -> set[bool]:
    return {is_theirs(part) for part in parts}


def _nearest(
    pieces: Mapping[tuple[str, int], int], wanted: float, total: int, rng: np.random.Generator
) -> list[tuple[str, int]]:
    """The pieces whose bars add up to what is nearest to `wanted`: of two that are as near, chance takes one."""
    order = [list(pieces)[index] for index in rng.permutation(len(pieces))]
    ways: dict[int, tuple[tuple[str, int], ...]] = {0: ()}
    for piece in order:
        for reached, way in list(ways.items()):
            ways.setdefault(reached + pieces[piece], (*way, piece))
    best = min(abs(reached - wanted) for reached in ways)
    near = sorted(reached for reached in ways if abs(reached - wanted) <= max(best, NEAR * total))
    return list(ways[near[int(rng.integers(len(near)))]])


def parts_of_both(
    found: Sequence[Slot], parts: Sequence[Part], shares: Shares, total_bars: int, *, layer: str
) -> list[Part]:
    """The part for each slot: within each artist's stretches as `assign` deals them out to one."""
    sides = {theirs: [part for part in parts if is_theirs(part) == theirs] for theirs in (False, True)}
    if not all(sides.values()):
        return assign(found, parts, total_bars, layer=layer)
    chosen: dict[int, Part] = {}
    for theirs, own in sides.items():
        stretch = [slot for slot in found if shares.has(layer, slot) == theirs]
        for slot, part in zip(stretch, assign(stretch, own, total_bars, layer=layer), strict=True):
            chosen[slot.bar] = part
    return [chosen[slot.bar] for slot in found]
