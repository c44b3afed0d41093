"""How an adapter is trained: every number that decides what comes out, in one frozen value."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any

# field -> (least, most): what a person may ask for
LIMITS: dict[str, tuple[float, float]] = {
    "rank": (1, 128),
    "alpha": (0.5, 512),
    "learning_rate": (1e-6, 1e-2),
    "warmup": (0, 10_000),
    "steps": (1, 100_000),
    "batch": (1, 64),
    "clip": (0.01, 100),
    "weight_decay": (0, 1),
    "validate_every": (1, 10_000),
    "patience": (1, 1000),
    "held_out": (0.05, 0.5),
    "chunk_seconds": (0, 30),
    "seed": (0, 2**53),
}


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters. The defaults suit a dozen tracks and a model of any size.

    rank, alpha: of the low-rank factors; what they add is scaled by alpha / rank. learning_rate: at its highest,
    reached after `warmup` steps, falling to a tenth along a half cosine. batch: chunks for each step. clip: largest
    norm of a gradient. patience: validations without a lower loss before training stops early. held_out: share of
    the tracks that are only validated on. chunk_seconds: 0 is the length the model was trained on. seed: of all chance.
    """

    rank: int = 16
    alpha: float = 32.0
    learning_rate: float = 1e-4
    warmup: int = 50
    steps: int = 1000
    batch: int = 4
    clip: float = 1.0
    weight_decay: float = 0.01
    validate_every: int = 50
    patience: int = 6
    held_out: float = 0.15
    chunk_seconds: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):  # 8 and 8.0 are one recipe, with one hash
            kind = float if field.type == "float" else int
            object.__setattr__(self, field.name, kind(getattr(self, field.name)))

    @property
    def scale(self) -> float:
        return self.alpha / self.rank

    def rate(self, step: int) -> float:
        """The learning rate of step `step`, from 0."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, done))))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Recipe:
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})

    @property
    def sha256(self) -> str:
        """Of its canonical JSON."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def errors(self) -> dict[str, str]:
        """One sentence for each field that is out of its limits."""
        found = {}
        for field in fields(self):
            low, high = LIMITS[field.name]
            value = getattr(self, field.name)
            if not low <= value <= high:
                found[field.name] = f"This is a number from {low:g} to {high:g}."
        return found
