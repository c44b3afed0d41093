"""The models of an engine as pages and API show them: whether each is here, under which licence, what is missing."""

from __future__ import annotations

from typing import Any

from generation.engines.base import Engine
from generation.engines.neural.catalogue import MODELS
from generation.engines.neural.places import missing_of, size_words


def models_of(engine: Engine) -> list[dict[str, Any]]:
    """Empty for an engine without weights. Those that can work now come first."""
    names = engine.models() if hasattr(engine, "models") else []
    found = [_told(name) for name in names if name in MODELS]
    return sorted(found, key=lambda one: not one["ready"])


def _told(name: str) -> dict[str, Any]:
    model, missing = MODELS[name], missing_of(name)
    return {
        "name": name,
        "label": model.label,
        "ready": not missing,
        "licence": model.licence.name,
        "commercial_use": model.licence.commercial_use,
        "size_bytes": model.size_bytes,
        "size": size_words(model.size_bytes),
        "missing": [one.name for one in missing],
    }
