"""A training on disk, to go on from: whole or not there at all."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from catalog.audio.atomic import replacing
from generation.training.errors import NO_ROOM, TrainingError
from generation.training.trainer import Trainer

log = logging.getLogger(__name__)

VERSION = 1
FILE = "checkpoint.pt"


def save(folder: Path, trainer: Trainer, of: str) -> None:
    """of: what this training is of (weights, tracks, recipe); another one does not go on from it.

    Raises TrainingError when it cannot be written; then the checkpoint before is untouched.
    """
    import torch

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / FILE) as draft:
            torch.save({"version": VERSION, "of": of, **trainer.state()}, draft)
    except (OSError, RuntimeError) as error:  # torch says RuntimeError when the disk is full in mid-file
        raise TrainingError(NO_ROOM) from error


def load(folder: Path, trainer: Trainer, of: str) -> bool:
    """Go on from the checkpoint. False, and a start from the beginning, when there is none that fits."""
    found = read(folder)
    if found is None or found.get("version") != VERSION or found.get("of") != of:
        return False
    try:
        trainer.restore(found)
    except (KeyError, TypeError, ValueError):
        log.warning("a checkpoint could not be used, so the training begins again", exc_info=True)
        return False
    return True


def read(folder: Path) -> dict[str, Any] | None:
    """Tensors and plain values only: a file that wants to run code is not read."""
    import torch

    try:
        found = torch.load(folder / FILE, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError, BadZipFile):
        log.warning("a checkpoint cannot be read", exc_info=True)
        return None
    return found if isinstance(found, dict) else None
