"""A small engine that can do everything an engine may: edit a finished take, and replay a stored plan.

Its takes are real sound: for each layer a tone in the rhythm of the bar, drawn from a seed of the section. So a
section that was not touched is the same to the sample, and one that was composed anew is not. Tests and the browser
name it by its dotted path, as any engine is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from generation.brief import Brief, Edit
from generation.engines.base import Availability, EngineError, Material, OnProgress, Rendering

RATE = 44_100
PATH = "tests.generation.stand_in.StandIn"
PITCH = {"kick": 55.0, "drums": 190.0, "bass": 82.4, "harmony": 329.6, "lead": 659.3}
SEEDS = 997
FORM = (("intro", 2), ("drop", 4), ("break", 2), ("drop", 4), ("outro", 2))


class StandIn:
    slug = "stand-in"
    label = "Stand-in"
    version = "1.0"
    licence = "Your own recordings"
    commercial_use = True
    description = "Plays tones, so that tests need not wait for music."
    plan_version = 1

    def availability(self) -> Availability:
        return Availability(ready=True)

    def capabilities(self) -> frozenset[str]:
        return frozenset({"bpm", "energy", "stems", "seed", "lineage", "edit", "replay", "blend"})

    def estimate(self, brief: Brief, corpus_size: int) -> float:
        return 2.0 * brief.takes

    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        on_progress(0.1, "Choosing from your tracks")
        names = [track.id for track in material.corpus]
        plan = self._edited(brief, material) if brief.edit else self.planned(brief, names, take)
        if brief.blend and not brief.edit:
            theirs = [track.id for track in material.corpus if track.theirs]
            _shared(plan, [name for name in names if name not in theirs], theirs, brief)
        return self._sound(plan, material, on_progress)

    def replay(self, plan: dict[str, Any], material: Material, *, on_progress: OnProgress) -> Rendering:
        return self._sound(plan, material, on_progress)

    def planned(self, brief: Brief, names: Sequence[str], take: int = 1) -> dict[str, Any]:
        """A new plan over tracks of these ids, none of which it avoids if there are others."""
        taken = {track for track, _ in brief.avoid}
        fresh = [name for name in names if name not in taken] or names
        sources = {layer: fresh[_number(brief.seed, layer) % len(fresh)] for layer in PITCH}
        return {
            "version": 1,
            "bpm": brief.bpm,
            "energy": brief.energy,
            "sections": [
                {"name": name, "bars": bars, "seed": _number(brief.seed, take, place) % SEEDS}
                for place, (name, bars) in enumerate(FORM)
            ],
            "layers": sources,
            "candidates": [
                {
                    "style": "hard",
                    "match": 0.81,
                    "costs": {},
                    "chosen": True,
                    "reason": "Nearest to your catalog.",
                },
                {
                    "style": "soft",
                    "match": 0.64,
                    "costs": {},
                    "chosen": False,
                    "reason": "Its bass is thinner.",
                },
            ],
            "choice": "Of 2 plans this one is nearest to your catalog.",
        }

    def _edited(self, brief: Brief, material: Material) -> dict[str, Any]:
        edit, parent = brief.edit, material.parent
        assert edit is not None and parent is not None
        plan = {
            **parent,
            "sections": [dict(one) for one in parent["sections"]],
            "layers": dict(parent["layers"]),
        }
        plan["changes"] = [_apply(plan, edit, brief, material)]
        return plan

    def _sound(self, plan: dict[str, Any], material: Material, on_progress: OnProgress) -> Rendering:
        titles = {track.id: track.title for track in material.corpus}
        if missing := sorted(set(plan["layers"].values()) - set(titles)):
            raise EngineError(f"A track this take was built from is gone: {missing[0]}.")
        bar = round(4 * 60.0 / plan["bpm"] * RATE)
        # In the order of PITCH: a database may give a plan back with its names in another order.
        stems = {name: np.zeros(0, dtype=np.float32) for name in PITCH if name in plan["layers"]}
        for number, one in enumerate(plan["sections"]):
            on_progress(0.1 + 0.9 * number / len(plan["sections"]), f"Playing the {one['name']}")
            for name, source in plan["layers"].items():
                part = _tone(name, source, int(one["seed"]), bar * one["bars"], plan["energy"])
                stems[name] = np.concatenate([stems[name], part])
        wide = {name: np.stack([sound, sound]) for name, sound in stems.items()}
        audio = np.sum(list(wide.values()), axis=0, dtype=np.float32)
        return Rendering(audio, RATE, wide, plan | {"samples": audio.shape[1]}, *told(plan))


def _shared(plan: dict[str, Any], own: Sequence[str], theirs: Sequence[str], brief: Brief) -> None:
    """As many layers as the weight says from the other artist's tracks, the rest from the artist's own."""
    assert brief.blend is not None
    layers = list(plan["layers"])
    for place, layer in enumerate(layers):
        side = theirs if place < round(brief.blend.weight * len(layers)) else own
        plan["layers"][layer] = side[_number(brief.seed, layer) % len(side)]


def told(plan: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(built_from, sections) of a plan, as a Rendering has them."""
    bar = 4 * 60.0 / plan["bpm"]
    sections: list[dict[str, Any]] = []
    built: list[dict[str, Any]] = []
    first = 0
    for one in plan["sections"]:
        for name, source in plan["layers"].items():
            built += [
                {
                    "bar": first + n,
                    "layer": name,
                    "track_id": source,
                    "source_bar": n,
                    "source_start": 2.0 * n,
                    "source_end": 2.0 * n + 2.0,
                    "stretch": 1.0,
                    "shift": 0,
                    "gain": 1.0,
                }
                for n in range(one["bars"])
            ]
        end = first + one["bars"]
        times = {"start": round(first * bar, 4), "end": round(end * bar, 4)}
        sections.append({"name": one["name"], "first_bar": first, "bars": one["bars"], **times})
        first = end
    return built, sections


def _apply(plan: dict[str, Any], edit: Edit, brief: Brief, material: Material) -> str:
    """Change the plan as the edit says. Returns the sentence of what changed."""
    sections = plan["sections"]
    if edit.kind == "energy":
        before, plan["energy"] = plan["energy"], brief.energy
        return f"Energy {before:.2f} is {brief.energy:.2f} now."
    if edit.kind == "tempo":
        before, plan["bpm"] = plan["bpm"], brief.bpm
        return f"{before:g} BPM is {brief.bpm:g} BPM now."
    if edit.kind == "replace":
        names = [track.id for track in material.corpus if track.id != plan["layers"][edit.layer]]
        chosen = names[_number(brief.seed) % len(names)]
        plan["layers"][edit.layer] = chosen
        title = next(track.title for track in material.corpus if track.id == chosen)
        return f"The {edit.layer} come from “{title}” now."
    if edit.kind == "mute":
        plan["layers"] = {name: source for name, source in plan["layers"].items() if name not in edit.layers}
        return f"Without {', '.join(edit.layers)}."
    if edit.kind == "extend":
        sections.insert(
            len(sections) - 1, {"name": "drop", "bars": edit.bars, "seed": _number(brief.seed) % SEEDS}
        )
        return f"{edit.bars} bars more before the outro."
    if edit.kind == "crop":
        assert edit.first_bar is not None and edit.end_bar is not None
        bar, kept = 0, []
        for one in sections:
            inside = min(bar + one["bars"], edit.end_bar) - max(bar, edit.first_bar)
            bar += one["bars"]
            if inside > 0:
                kept.append(one | {"bars": inside})
        plan["sections"] = kept
        return f"Only bars {edit.first_bar + 1} to {edit.end_bar} are left."
    assert edit.section is not None
    one = sections[edit.section]
    if edit.kind == "section":
        one["seed"] = (one["seed"] + 1 + _number(brief.seed) % (SEEDS - 1)) % SEEDS  # never the one it was
        return f"The {one['name']} at bar {1 + sum(s['bars'] for s in sections[: edit.section])} is composed anew."
    one["bars"] += edit.bars if edit.kind == "longer" else -(edit.bars or 0)
    return f"The {one['name']} has {one['bars']} bars now."


def _tone(layer: str, source: str, seed: int, samples: int, energy: float) -> np.ndarray:
    """A pulsed sine, its pitch from the section's seed and the source."""
    pitch = PITCH[layer] * 2 ** (seed / SEEDS + _number(source) % 97 / 1000)
    time = np.arange(samples, dtype=np.float64) / RATE
    pulse = np.exp(-6.0 * (time * 2.0 % 1.0))
    return np.asarray(
        0.14 * (0.4 + 0.6 * energy) * pulse * np.sin(2 * np.pi * pitch * time), dtype=np.float32
    )


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:6], "big")
