"""A finished adapter: low-rank factors as safetensors, and the card that says what they are and where from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.audio.atomic import replacing
from catalog.audio.hashing import file_sha256
from generation.training import lora
from generation.training.errors import NO_ROOM, TrainingError

FORMAT = "starforge-lora/1"
FILE, CARD = "adapter.safetensors", "card.json"


@dataclass(frozen=True)
class Worn:
    """An adapter as an engine is given it. strength: 0 (the base, to the bit) to 1 (as trained).

    base, base_sha256: the model it belongs to and the hash of its weights (`neural.hashing.weights_sha256`).
    """

    id: str
    name: str
    file: Path
    sha256: str
    base: str
    base_sha256: str
    strength: float = 1.0
    training_catalog_hash: str = ""
    certificate_id: str = ""

    def said(self) -> dict[str, Any]:
        """What certificates and plans say of it."""
        return {
            "id": self.id,
            "sha256": self.sha256,
            "strength": self.strength,
            "base_sha256": self.base_sha256,
            "training_catalog_hash": self.training_catalog_hash,
            **({"certificate_id": self.certificate_id} if self.certificate_id else {}),
        }


def generator(adapter: Worn | None) -> dict[str, Any]:
    """What a certificate says of the model when it played with this adapter. At strength 0 it is the base alone."""
    if adapter is None or adapter.strength == 0:
        return {}
    return {
        "fine_tuned": True,
        "training_catalog_hash": adapter.training_catalog_hash,
        "adapter": adapter.said(),
    }


def save(folder: Path, factors: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    """Write both files, each whole or not at all. Returns the card with the adapter's hash and size in it.

    The same factors give the same bytes. Raises TrainingError when there is no room.
    """
    from safetensors.torch import save as packed

    known = {"format": FORMAT, "base_sha256": str(card["base"]["sha256"]), "scale": float(card["scale"])}
    # One entry: safetensors writes several in an order of chance.
    head = {"starforge": json.dumps(known, sort_keys=True)}
    data = packed({name: factors[name].contiguous() for name in sorted(factors)}, metadata=head)
    said = {**card, "format": FORMAT, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / FILE) as draft:
            draft.write_bytes(data)
        with replacing(folder / CARD) as draft:
            draft.write_text(json.dumps(said, indent=2, ensure_ascii=False))
    except OSError as error:
        raise TrainingError(NO_ROOM) from error
    return said


def read(file: Path, sha256: str = "") -> tuple[dict[str, Any], float]:
    """(factors, scale) of an adapter's file. Raises TrainingError when it is missing, damaged or another one."""
    from safetensors import SafetensorError, safe_open

    try:
        if sha256 and file_sha256(file) != sha256:
            raise TrainingError("The file of this adapter is not the one that was trained. Train it again.")
        with safe_open(file, framework="pt") as handle:
            said = json.loads((handle.metadata() or {})["starforge"])
            factors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118  not a dict
        if said.get("format") != FORMAT:
            raise ValueError("another format")
        return factors, float(said["scale"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise TrainingError("The file of this adapter is missing or damaged. Train it again.") from error


@contextmanager
def worn(lm: Any, adapter: Worn | None, base_sha256: str) -> Iterator[None]:
    """Inside, the language model plays with the adapter at its strength; afterwards it is the base again, to the bit.

    Raises TrainingError when the adapter was trained on other weights than these.
    """
    if adapter is None:
        yield
        return
    if adapter.base_sha256 != base_sha256:
        raise TrainingError(
            f"“{adapter.name}” was trained on other weights of {adapter.base} than those that are here now. "
            "Train it again, or put the former weights back."
        )
    factors, scale = read(adapter.file, adapter.sha256)
    if not 0 <= adapter.strength <= 1:
        raise TrainingError("The strength of an adapter is a number from 0 to 1.")
    try:
        with lora.applied(lm, factors, scale * adapter.strength):
            yield
    except lora.Mismatch as error:
        raise TrainingError(f"“{adapter.name}” does not fit {adapter.base}. Train it again.") from error
