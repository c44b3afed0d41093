"""Which processor a network runs on, how much room there is, and what its failures mean."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from generation.engines.base import EngineError

log = logging.getLogger(__name__)

HALF_OF_MEMORY = 0.5
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Device:
    """name: as torch calls it. half: weights in 16 bit."""

    name: str
    half: bool

    @property
    def is_gpu(self) -> bool:
        return self.name != "cpu"

    def words(self) -> str:
        if not self.is_gpu:
            return "the processor"
        import torch

        return str(torch.cuda.get_device_name(self.name))


def chosen() -> Device:
    """A GPU in half precision where there is one, else the processor in single. STARFORGE_DEVICE decides otherwise."""
    import torch

    wanted = os.environ.get("STARFORGE_DEVICE", "auto").strip().lower() or "auto"
    if wanted not in DEVICES:
        raise EngineError(f"STARFORGE_DEVICE={wanted!r} is none of {', '.join(DEVICES)}.")
    found = torch.cuda.is_available()
    if wanted == "cuda" and not found:
        raise EngineError(
            "STARFORGE_DEVICE asks for a GPU and torch finds none. Check the driver (nvidia-smi), or set it to auto."
        )
    return Device("cuda", True) if found and wanted != "cpu" else Device("cpu", False)


def room(device: Device) -> int:
    """Bytes that models may take up on this device: half of its memory, or STARFORGE_MODEL_MEMORY_MB."""
    if said := os.environ.get("STARFORGE_MODEL_MEMORY_MB", "").strip():
        return int(said) * 2**20
    if device.is_gpu:
        import torch

        return int(torch.cuda.get_device_properties(device.name).total_memory * 0.9)
    import psutil

    return int(psutil.virtual_memory().total * HALF_OF_MEMORY)


def environment(device: Device) -> dict[str, Any]:
    """What the same bytes depend on beside the recipe."""
    import torch

    return {
        "torch": torch.__version__,
        "device": device.name if not device.is_gpu else device.words(),
        "dtype": "float16" if device.half else "float32",
        "threads": None if device.is_gpu else torch.get_num_threads(),
    }


@contextmanager
def readable_failures(suggestion: str) -> Iterator[None]:
    """Out of memory and a lost GPU as EngineError: the worker goes on with the next job.

    suggestion: what smaller thing to try. Whatever else goes wrong passes through.
    """
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        _let_go()
        raise EngineError(f"There was not enough memory for this. {suggestion}") from error
    except RuntimeError as error:
        words = str(error)
        if "not enough memory" in words or "out of memory" in words or "can't allocate memory" in words:
            _let_go()
            raise EngineError(f"There was not enough memory for this. {suggestion}") from error
        if "CUDA" in words or "cuDNN" in words or "cublas" in words.lower():
            log.exception("the GPU failed")
            from generation.engines.neural import warm

            warm.forget()
            raise EngineError(
                "The GPU stopped answering while this was made. Try again; if it happens again, look at "
                f"nvidia-smi or restart the GPU worker. {suggestion}"
            ) from error
        raise


def _let_go() -> None:
    """Give up what is kept warm, so that the next job finds room."""
    from generation.engines.neural import warm

    warm.forget()
