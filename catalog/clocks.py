"""How long ago something was done in this process: for what recovery need not do each time it is asked."""

from __future__ import annotations

import math
import time


class Clock:
    def __init__(self) -> None:
        self._at = -math.inf

    def due(self, every: float) -> bool:
        """Whether the last time this said so is at least `every` seconds ago; always so the first time."""
        now = time.monotonic()
        if now - self._at < every:
            return False
        self._at = now
        return True
