"""Wishes as what stands in the fields of the studio's form: the way back from `StudioForm.wishes`. No HTTP."""

from __future__ import annotations

from typing import Any

from generation.brief import Brief
from generation.models import GeneratedTrack, Generation
from generation.prompting import Wishes

_AS_THEY_ARE = (
    "prompt",
    "bpm",
    "energy",
    "key",
    "genre",
    "duration_seconds",
    "takes",
    "adapter",
    "strength",
    "model",
    "text",
)


def fields_of(wishes: Wishes, engine: str) -> dict[str, Any]:
    """Initial values of a StudioForm that asks for the same."""
    initial: dict[str, Any] = {name: getattr(wishes, name) for name in _AS_THEY_ARE}
    initial |= {"engine": engine, **wishes.options}
    initial["seed"] = "" if wishes.seed is None else str(wishes.seed)
    initial["temperature"] = None if wishes.temperature == 1.0 else wishes.temperature
    if wishes.blend:
        initial |= {"blend": wishes.blend.id, "weight": round(100 * wishes.blend.weight)}
    for place, one in enumerate(wishes.references, start=1):
        initial[f"reference_{place}"], initial[f"role_{place}"] = one.track_id, one.role
        initial[f"from_{place}"] = None if one.start_bar is None else one.start_bar + 1
        initial[f"to_{place}"] = one.end_bar
    return initial


def said_of(wishes: Wishes) -> dict[str, Any]:
    """Of these fields, those that say something."""
    return {name: value for name, value in fields_of(wishes, "").items() if value not in (None, "")}


def again(generation: Generation, take: GeneratedTrack | None = None) -> dict[str, Any]:
    """The fields that ask for this generation once more, its seed held; for one take alone, that take's seed."""
    initial = fields_of(Wishes.from_json(generation.params), generation.engine)
    if take is None:
        return initial | {"seed": str(Brief.from_json(generation.brief).seed)}
    return initial | {"seed": take.seed, "takes": 1}
