"""Mosaic without one of its choices, to see what each buys. Nothing here is part of the engine.

An ablation replaces functions and constants of the engine while its context lasts. Every name it replaces must be
there: `tests/generation/test_bench_mosaic.py` fails as soon as the engine calls it otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from generation.engines.mosaic.phase import Lie

ENGINE = "generation.engines.mosaic"
Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Ablation:
    """what: in words. changes: "module:name" or "module:Class.name" -> from the original to what takes its place.

    judged: False hears no candidate. cached: False where it changes what is kept of the tracks between takes.
    """

    what: str
    changes: Mapping[str, Change]
    judged: bool = True
    cached: bool = True

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


def always(value: Any) -> Change:
    """Whatever it is asked, this answer."""
    return lambda original: lambda *args, **kwargs: value


def instead(value: Any) -> Change:
    """Another constant."""
    return lambda original: value


def _plain_order(original: Any) -> Any:
    return lambda slot, *rest: tuple(range(slot.bars))


def _no_seams(original: Any) -> Any:
    return lambda self, previous, index, *, same_part: np.zeros(len(self.phrases))


def _no_overlaps(original: Any) -> Any:
    return lambda self, index: np.zeros(len(self.phrases))


def _flat(original: Any) -> Any:
    return lambda have, want, tilt_db=0.0: (0.0,) * len(want)


def _where_measured(original: Any) -> Any:
    return lambda samples, beats, *, look, around: around


def _as_it_is(original: Any) -> Any:
    """The first argument, unchanged."""
    return lambda first, *rest: first


ABLATIONS: Mapping[str, Ablation] = {
    "full": Ablation("everything as it is", {}),
    "judge": Ablation("the cheapest plan, none heard", {}, judged=False),
    "search": Ablation(
        "phrases drawn at random instead of searched for",
        {
            "choose:_fixed_cost": always(0.0),
            "choose:_clash": always(0.0),
            "choose:_Pool.seams": _no_seams,
            "choose:_Pool.overlaps": _no_overlaps,
        },
    ),
    "continuity": Ablation(
        "phrases chosen without regard to the one before", {"choose:_Pool.seams": _no_seams}
    ),
    "order": Ablation("bars of a phrase always in their own order", {"choose:_order": _plain_order}),
    "spectrum": Ablation("no equalising to the catalog", {"ears:gains_db": _flat}),
    "dial": Ablation("levels not turned towards the energy asked for", {"search:dialled": _as_it_is}),
    "kicks": Ablation("kicks left in the harmony", {"layers:find_kicks": always(None)}, cached=False),
    "balance": Ablation("drums at their own level", {"arrange:_Balance.of": always(1.0)}),
    "alignment": Ablation(
        "bars cut where they were measured",
        {"layers:alignment": _where_measured, "layers:lie_of": always(Lie())},
        cached=False,
    ),
    "reslicing": Ablation("drums stretched like harmony", {"workshop:BYPASS": instead(10.0)}),
    "levels": Ablation("sections as loud as they come", {"arrange:_levelled": _as_it_is}),
    "events": Ablation("no fills, swells, cuts or ducking", {"form:events": always(())}),
    "voices": Ablation("nothing played anew", {"compose:voices_of": always(())}),
    "key": Ablation("plans not priced by the key they will be heard in", {"tonality:PRICE": instead(0.0)}),
    "rests": Ablation("rests of recordings kept", {"search:RESTS": instead(0)}),
}


@contextmanager
def ablated(name: str) -> Iterator[Ablation]:
    """The engine without a choice while the context lasts."""
    ablation = ABLATIONS[name]
    with ablation.applied():
        yield ablation
