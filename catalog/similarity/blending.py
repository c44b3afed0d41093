"""How much a sound belongs to two catalogs at once: the match with each, and their mean at a weight."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from catalog.similarity.model import CatalogModel, Match

CLOSEST = 5


class BlendedModel:
    """Two catalog models that are asked together.

    Each is calibrated on its own catalog, so a match means the same in both, and the blend is what is matched on
    average when a catalog is asked as often as it weighs: (1 - weight) of the one, weight of the other.
    """

    def __init__(self, own: CatalogModel, theirs: CatalogModel, weight: float) -> None:
        if not 0.0 <= weight <= 1.0:
            raise ValueError("A weight lies between 0 and 1.")
        self.own, self.theirs, self.weight = own, theirs, weight

    def apart(
        self, vector: npt.ArrayLike, *, exclude: Collection[Any] = (), duration: float | None = None
    ) -> tuple[Match, Match]:
        """The match with each of the two catalogs."""
        own = self.own.match(vector, exclude=_spared(self.own, exclude), duration=duration)
        theirs = self.theirs.match(vector, exclude=_spared(self.theirs, exclude), duration=duration)
        return own, theirs

    def match(
        self, vector: npt.ArrayLike, *, exclude: Collection[Any] = (), duration: float | None = None
    ) -> Match:
        """The match with the blend; `closest` are single tracks of both, nearest first."""
        return self.blended(*self.apart(vector, exclude=exclude, duration=duration))

    def blended(self, own: Match, theirs: Match) -> Match:
        def mean(one: float, other: float) -> float:
            return (1 - self.weight) * one + self.weight * other

        nearest = sorted([*own.closest, *theirs.closest], key=lambda pair: -pair[1])
        return replace(
            own,
            score=mean(own.score, theirs.score),
            breakdown={name: mean(value, theirs.breakdown[name]) for name, value in own.breakdown.items()},
            closest=tuple(nearest[:CLOSEST]),
            n=own.n + theirs.n,
            confidence=min(own.confidence, theirs.confidence),
            low_confidence=own.low_confidence or theirs.low_confidence,
            auc=min(own.auc, theirs.auc),
            nearest_ratio=min(own.nearest_ratio, theirs.nearest_ratio),
            reasons=tuple(dict.fromkeys((*own.reasons, *theirs.reasons))),
        )


def _spared(model: CatalogModel, exclude: Collection[Any]) -> Collection[Any]:
    """What may be left out of this catalog: nothing, where nothing would be left of it."""
    out = set(exclude)
    return out if any(track not in out for track in model.ids) else ()
