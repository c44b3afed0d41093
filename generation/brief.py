"""What an engine is told: one frozen value, serialisable, the same on the page, in the queue and in the certificate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from typing import Any

from catalog.analysis.keys import Key, parse_key

AVOIDED = 400  # bars at most that a brief names to be avoided
ROLES = ("all", "drums", "bass", "harmony", "lead", "style")
EDIT_KINDS = ("energy", "tempo", "replace", "section", "longer", "shorter", "extend", "crop", "mute")


@dataclass(frozen=True)
class Reference:
    """A track of the artist's own to lean on, for all of the music or for one role, whole or from bar to bar."""

    track_id: str
    role: str = "all"
    start_bar: int | None = None
    end_bar: int | None = None


@dataclass(frozen=True)
class Blending:
    """Another artist in a take. id: of the agreement with them. weight: how much of them, 0 (nothing) to 1 (all)."""

    id: str
    weight: float = 0.5


@dataclass(frozen=True)
class Edit:
    """One change to a finished take; everything it does not name stays as it was.

    take_id: the take that is edited. kind: one of EDIT_KINDS.
    section: index into the take's sections. layer: kick|drums|bass|harmony|lead. bars: how many more or fewer.
    first_bar, end_bar: what a crop keeps. layers: what is muted (or soloed).
    """

    take_id: str
    kind: str
    section: int | None = None
    layer: str | None = None
    bars: int | None = None
    first_bar: int | None = None
    end_bar: int | None = None
    layers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"layers": list(self.layers)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Edit:
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**known | {"layers": tuple(data.get("layers", ()))})


@dataclass(frozen=True)
class Brief:
    """One request, fully decided.

    bpm: beats a minute of the grid. key: target key or None (the engine follows its sources).
    energy, density: 0..1. felt: "straight" | "half-time" | "double-time". seed: 64 bit.
    evidence: for each field, where its value came from: "asked" | "prompt" | "references" | "catalog" | "default".
    edit: the one change this is to a finished take, or None for a take from the start.
    avoid: (track id, bar of it) of earlier takes that the new one should not repeat: see `played_in`.
    model: which of an engine's models, or None for its own choice. text: the words that a model is given, written by
    rules from the rest or by the artist; None for engines that read none. options: further settings of the engine.
    watermark: whether the take carries its certificate's number in its sound.
    blend: the other artist whose recordings and DNA go in, and how much; None for a take of one's own.
    adapter: id of what the model learned from recordings, or None. strength: of it, 0 (none of it) to 1.
    """

    prompt: str
    bpm: float
    key: Key | None
    energy: float
    genre: str | None
    duration_seconds: float
    seed: int
    felt: str = "straight"
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    density: float = 0.5
    references: tuple[Reference, ...] = ()
    takes: int = 1
    temperature: float = 1.0
    evidence: dict[str, str] = field(default_factory=dict)
    edit: Edit | None = None
    avoid: tuple[tuple[str, int], ...] = ()
    model: str | None = None
    text: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    watermark: bool = True
    adapter: str | None = None
    strength: float = 1.0
    blend: Blending | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON. The seed becomes text: 64 bits do not survive JSON numbers."""
        data = asdict(self)
        data["key"] = self.key.name if self.key else None
        data["seed"] = str(self.seed)
        data["moods"], data["instruments"] = list(self.moods), list(self.instruments)
        data["references"] = [asdict(reference) for reference in self.references]
        data["edit"] = self.edit.to_json() if self.edit else None
        data["avoid"] = [[track, bar] for track, bar in self.avoid]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Brief:
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["key"] = parse_key(data["key"]) if data.get("key") else None
        known["seed"] = int(data["seed"])
        known["moods"], known["instruments"] = (
            tuple(data.get("moods", ())),
            tuple(data.get("instruments", ())),
        )
        known["references"] = tuple(Reference(**reference) for reference in data.get("references", ()))
        known["edit"] = Edit.from_json(data["edit"]) if data.get("edit") else None
        known["blend"] = Blending(**data["blend"]) if data.get("blend") else None
        known["avoid"] = tuple((str(track), int(bar)) for track, bar in data.get("avoid", ()))
        return cls(**known)

    def with_seed(self, seed: int) -> Brief:
        return replace(self, seed=seed)

    def avoiding(self, earlier: Iterable[Sequence[Mapping[str, Any]]]) -> Brief:
        """The brief of a take that also stays away from what these takes were built from: their source maps."""
        played = played_in(earlier)
        return replace(self, avoid=tuple(dict.fromkeys((*played, *self.avoid)))[:AVOIDED])


def played_in(maps: Iterable[Sequence[Mapping[str, Any]]]) -> tuple[tuple[str, int], ...]:
    """(track id, bar of it) that takes were cut from, each once, in order; of a track without bars its seconds.

    maps: for each take its `built_from`. What was played on lifted notes and hits is not in it.
    """
    found: dict[tuple[str, int], None] = {}
    for entry in (entry for entries in maps for entry in entries):
        track, bar = entry.get("track_id"), entry.get("source_bar")
        if not track or entry.get("shots"):
            continue
        places = [bar] if bar is not None else range(int(entry["source_start"]), ceil(entry["source_end"]))
        found.update(dict.fromkeys((str(track), int(place)) for place in places))
    return tuple(found)[:AVOIDED]
