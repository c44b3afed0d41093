"""Whether there is room for more of an artist, asked of whoever knows plans: the catalog knows none."""

from __future__ import annotations

from collections.abc import Callable

from catalog.models import Artist


class Full(Exception):
    """The artist's storage is full. The message says so, and what to do."""


Guard = Callable[[Artist, int], None]
_guards: dict[str, Guard] = {}


def register(name: str, guard: Guard) -> None:
    """`guard` raises Full when so many bytes more are too many. Called in `ready()`."""
    _guards[name] = guard


def refuse(artist: Artist, size: int) -> None:
    """Raises Full. Called in the transaction that makes the row, so that of two at once the second sees the first."""
    for guard in _guards.values():
        guard(artist, size)
