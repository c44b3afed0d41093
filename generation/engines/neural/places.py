"""Where the weights of a model lie on this machine, and what of them is missing. Reads names and sizes only.

Looked for in this order: a folder of the model's name in STARFORGE_MODELS (where `manage.py fetch_model` puts it),
then the hub's own cache (HF_HOME), as other programs on this machine may have filled it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.engines.base import Availability, EngineError
from generation.engines.neural.catalogue import MODELS, Model, may_be_absent

# Written last by fetch_model: {"name", "repo", "revision", "licence", "files": {path: {"size", "sha256"}}}
MANIFEST = "manifest.json"


class ModelMissing(EngineError):
    """Weights that are not there, or not whole. `model` is the one to fetch."""

    def __init__(self, reason: str, model: str) -> None:
        super().__init__(reason)
        self.model = model


@dataclass(frozen=True)
class Place:
    """A model's folder. manifest: what fetch_model wrote beside the files; {} where something else put them there."""

    model: Model
    folder: Path
    manifest: dict[str, Any]

    def file(self, name: str) -> Path:
        return self.folder / name


def models_folder() -> Path:
    """STARFORGE_MODELS, which the settings always set; ./var/models for a process without them."""
    return Path(os.environ.get("STARFORGE_MODELS") or Path("var") / "models")


def hub_folder() -> Path:
    """The hub's cache, read from the environment at each call."""
    if exact := os.environ.get("HF_HUB_CACHE"):
        return Path(exact)
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(home).expanduser() / "hub"


def fetch_command(name: str) -> str:
    return f"manage.py fetch_model {name}"


def place_of(name: str) -> Place | None:
    """Where the model lies with all its files, or None."""
    model = MODELS[name]
    for folder in _candidates(model):
        if _whole(model, folder):
            return Place(model, folder, _manifest(folder))
    return None


def placed(name: str) -> Place:
    """As `place_of`. Raises ModelMissing with a sentence that says what is missing and how to get it."""
    if name not in MODELS:
        raise EngineError(f"There is no model “{name}”. Choose: {', '.join(MODELS)}.")
    place = place_of(name)
    if place is None:
        raise ModelMissing(" ".join(_missing_words(MODELS[name])), name)
    for file, said in place.manifest.get("files", {}).items():
        found = place.file(file)
        if not found.is_file() or found.stat().st_size != said.get("size"):
            raise damaged(name, file, "it is not as long as it was when it was fetched")
    return place


def damaged(name: str, file: str, why: str) -> ModelMissing:
    """The error for weights that are there and cannot be used."""
    return ModelMissing(
        f"The file {file} of {MODELS[name].label} is damaged or of another model: {why}. "
        f"Fetch it again: {fetch_command(name)}",
        name,
    )


def missing_of(name: str) -> list[Model]:
    """The model itself and those it needs, as far as they are not here."""
    return [MODELS[one] for one in (name, *MODELS[name].needs) if place_of(one) is None]


def availability_of(names: list[str]) -> Availability:
    """Ready when one of these models is here with all it needs; else what is missing of the first."""
    if not names:
        return Availability(False, "No model is known for this engine.")
    for name in names:
        if not missing_of(name):
            return Availability(True)
    # Most is done where something is there already; else the first is the one to begin with.
    begun = next((name for name in names if place_of(name) is not None), names[0])
    absent = missing_of(begun)
    words = " and ".join(f"{model.label} ({size_words(model.size_bytes)})" for model in absent)
    verb = "is" if len(absent) == 1 else "are"
    return Availability(
        False, f"{words} {verb} not on this machine.", f"Fetch once: `{fetch_command(begun)}`."
    )


def ready(names: list[str]) -> list[str]:
    """Those of these models that could work now."""
    return [name for name in names if not missing_of(name)]


def accepted(names: list[str]) -> Availability:
    """Ready when the licence of one of these models was accepted on this machine, where its owner asks for that."""
    asked = []
    for name in names:
        place = place_of(name)
        if place is None:
            continue
        if not place.model.licence.gated or place.manifest.get("licence"):
            return Availability(True)
        asked.append(place.model)
    if not asked:
        return Availability(False, "No model is here.")
    model = asked[0]
    return Availability(
        False,
        f"The weights of {model.label} are here, but nobody accepted the {model.licence.name} for this machine.",
        f"Read {model.licence.url}, then: `{fetch_command(model.name)}`.",
    )


def size_words(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 10**9 else f"{max(1, round(size / 1e6))} MB"


def _missing_words(model: Model) -> tuple[str, str]:
    for folder in _candidates(model):
        absent = [file for file in model.files if not may_be_absent(file) and not (folder / file).is_file()]
        if folder.is_dir() and len(absent) < len(model.files):
            return (
                f"{model.label} is not whole: {', '.join(absent)} is missing in {folder}.",
                f"Fetch the rest: {fetch_command(model.name)}",
            )
    return (
        f"{model.label} is not on this machine.",
        f"Fetch it once ({size_words(model.size_bytes)}): {fetch_command(model.name)}",
    )


def _candidates(model: Model) -> list[Path]:
    found = [models_folder() / model.name]
    for repo in dict.fromkeys((model.repo, model.repo.split("/")[-1])):  # t5-base had no owner once
        cached = hub_folder() / f"models--{repo.replace('/', '--')}"
        try:
            revision = (cached / "refs" / "main").read_text().strip()
        except OSError:
            continue
        found.append(cached / "snapshots" / revision)
    return found


def _whole(model: Model, folder: Path) -> bool:
    if not all((folder / file).is_file() for file in model.files if not may_be_absent(file)):
        return False
    # A tokenizer comes as sentencepiece or as JSON; one of them is enough.
    pieces = [file for file in model.files if file.endswith(("tokenizer.json", "spiece.model"))]
    return not pieces or any((folder / file).is_file() for file in pieces)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        said = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
