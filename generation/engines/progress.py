"""Progress of one take as an engine reports it."""

from __future__ import annotations

from generation.engines.base import OnProgress


class Progress:
    """Fractions that never fall, and a tick for long work in between."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress, self._fraction, self._words = on_progress, 0.0, ""

    def to(self, fraction: float, words: str | None = None) -> None:
        self._fraction = max(self._fraction, min(1.0, fraction))
        self._words = words or self._words
        self._on_progress(self._fraction, self._words)

    def within(self, low: float, high: float, share: float) -> None:
        self.to(low + (high - low) * share)

    def tick(self) -> None:
        self._on_progress(self._fraction, self._words)
