"""A few at a time: work inside a request that costs memory or a core waits for its turn, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Busy(Exception):
    """No turn came in time. `wait`: seconds after which trying again makes sense."""

    def __init__(self, wait: int) -> None:
        super().__init__("Many recordings are being looked at right now. Try again in a minute.")
        self.wait = wait


class Turns:
    """At most `places` at a time in this process; who waits longer than `patience` seconds gets Busy."""

    def __init__(self, places: int, *, patience: float) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._patience = patience

    @contextmanager
    def turn(self) -> Iterator[None]:
        if not self._places.acquire(timeout=self._patience):
            raise Busy(wait=60)
        try:
            yield
        finally:
            self._places.release()
