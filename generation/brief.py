"""What an engine is told: one frozen value, serialisable, the same on the page, in the queue and in the certificate."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from catalog.analysis.keys import Key, parse_key

ROLES = ("all", "drums", "bass", "harmony", "lead", "style")


@dataclass(frozen=True)
class Reference:
    """A track of the artist's own to lean on, for all of the music or for one role, whole or from bar to bar."""

    track_id: str
    role: str = "all"
    start_bar: int | None = None
    end_bar: int | None = None


@dataclass(frozen=True)
class Brief:
    """One request, fully decided.

    bpm: beats a minute of the grid. key: target key or None (the engine follows its sources).
    energy, density: 0..1. felt: "straight" | "half-time" | "double-time". seed: 64 bit.
    evidence: for each field, where its value came from: "asked" | "prompt" | "references" | "catalog" | "default".
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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON. The seed becomes text: 64 bits do not survive JSON numbers."""
        data = asdict(self)
        data["key"] = self.key.name if self.key else None
        data["seed"] = str(self.seed)
        data["moods"], data["instruments"] = list(self.moods), list(self.instruments)
        data["references"] = [asdict(reference) for reference in self.references]
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
        return cls(**known)

    def with_seed(self, seed: int) -> Brief:
        return replace(self, seed=seed)
