"""Loaded models, kept for the next job of this worker process; the least recently used go when there is no room."""

from __future__ import annotations

import gc
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

_kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()


def model(
    key: Hashable, load: Callable[[], T], size_of: Callable[[T], int], room: int, expected: int = 0
) -> T:
    """The model of this key: warm, or loaded now after others made room.

    key: must change when weights, device or precision do. room: bytes all kept models may take. expected: bytes the
    new one will take, about. A model larger than the room is loaded and kept alone.
    """
    if key in _kept:
        _kept.move_to_end(key)
        return _kept[key][0]
    make_room(room - expected)
    found = load()
    _kept[key] = (found, size_of(found))
    make_room(room, but=key)
    return found


def make_room(room: int, but: Hashable | None = None) -> None:
    while _kept and sum(size for _, size in _kept.values()) > room:
        oldest = next((key for key in _kept if key != but), None)
        if oldest is None:
            return
        del _kept[oldest]
        _collect()


def forget() -> None:
    """Drop every model: after an error of the device, and in tests."""
    _kept.clear()
    _collect()


def kept() -> list[Hashable]:
    """What is warm now, oldest use first."""
    return list(_kept)


def _collect() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        try:
            torch.cuda.empty_cache()
        except RuntimeError:  # a lost GPU cannot even say that it is empty
            return
