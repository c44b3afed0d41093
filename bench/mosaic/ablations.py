"""Mosaic without one of its choices, to see what each buys. Nothing here is part of the engine.

An ablation replaces functions of the engine's modules while its context lasts. Every name it replaces must be there:
`tests/generation/test_bench_mosaic.py` fails as soon as the engine calls it otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

ENGINE = "generation.engines.mosaic"
Original = Callable[..., Any]


@dataclass(frozen=True)
class Ablation:
    """what: in words. changes: "module:name" or "module:Class.name" -> from the original to what takes its place.

    judged: False hears no candidate.
    """

    what: str
    changes: Mapping[str, Callable[[Original], Original]]
    judged: bool = True

    def missing(self) -> list[str]:
        return [target for target in self.changes if not _found(target)]

    @contextmanager
    def applied(self) -> Iterator[None]:
        if gone := self.missing():
            raise LookupError(f"the engine has no {', '.join(gone)} any more")
        kept = []
        try:
            for target, change in self.changes.items():
                owner, name = _place(target)
                kept.append((owner, name, getattr(owner, name)))
                setattr(owner, name, change(getattr(owner, name)))
            yield
        finally:
            for owner, name, original in reversed(kept):
                setattr(owner, name, original)


def _place(target: str) -> tuple[Any, str]:
    module, path = target.split(":")
    owner: Any = import_module(f"{ENGINE}.{module}")
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, name


def _found(target: str) -> bool:
    try:
        owner, name = _place(target)
    except (ImportError, AttributeError):
        return False
    return hasattr(owner, name)


def always(value: Any) -> Callable[[Original], Original]:
    """Whatever it is asked, this answer."""
    return lambda original: lambda *args, **kwargs: value


def _plain_order(original: Original) -> Original:
    return lambda slot, *rest: tuple(range(slot.bars))


def _no_seams(original: Original) -> Original:
    return lambda self, previous, index, *, same_part: np.zeros(len(self.phrases))


def _no_overlaps(original: Original) -> Original:
    return lambda self, index: np.zeros(len(self.phrases))


def _unfiltered(original: Original) -> Original:
    def flat(have: np.ndarray, *rest: Any) -> np.ndarray:
        kernel = original(have, *rest)
        unit = np.zeros_like(kernel)
        unit[unit.size // 2] = 1.0
        return unit

    return flat


def _where_measured(original: Original) -> Original:
    return lambda samples, beats, *, look, around: around


def _stretched_drums(original: Original) -> Original:
    stretched = import_module(f"{ENGINE}.stretch").stretched
    return lambda self, block, percussive, offset: stretched(percussive, factor=block.stretch, semitones=0)


ABLATIONS: Mapping[str, Ablation] = {
    "full": Ablation("everything as it is", {}),
    "judge": Ablation("the first plan, no candidate heard", {}, judged=False),
    "search": Ablation(
        "phrases drawn at random instead of searched for",
        {
            "choose:_fixed_cost": always(0.0),
            "choose:_clash": always(0.0),
            "choose:_Pool.seams": _no_seams,
            "choose:_Pool.overlaps": _no_overlaps,
        },
    ),
    "order": Ablation("bars of a phrase always in their own order", {"choose:_order": _plain_order}),
    "spectrum": Ablation("no equalising to the catalog", {"engine:matching_filter": _unfiltered}),
    "kicks": Ablation("kicks left in the harmony", {"workshop:find_kicks": always(None)}),
    "balance": Ablation("drums at their own level", {"arrange:_Balance.of": always(1.0)}),
    "alignment": Ablation("bars cut where they were measured", {"workshop:alignment": _where_measured}),
    "reslicing": Ablation("drums stretched like harmony", {"workshop:Workshop._drums": _stretched_drums}),
    "levels": Ablation("sections as loud as they come", {"arrange:_level_sections": always(None)}),
    "events": Ablation("no fills, swells, cuts or ducking", {"form:events": always(())}),
    "kit": Ablation("no drums played anew", {"compose:_voices": always(())}),
}


@contextmanager
def ablated(name: str) -> Iterator[bool]:
    """The engine without a choice while the context lasts; whether candidates are to be heard."""
    ablation = ABLATIONS[name]
    with ablation.applied():
        yield ablation.judged
