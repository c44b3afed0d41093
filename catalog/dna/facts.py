"""What Audio DNA needs to know about one track."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from catalog.analysis.keys import Key


@dataclass(frozen=True, eq=False)
class TrackFacts:
    """One track as the artist sees it: their corrections already in place of what was measured.

    bpm in beats per minute; energy 0..1; palette: power share of the seven bands; vector: (242,).
    weight: how much it counts among the others (`catalog.dna.weights`); added_on: the day it came in.
    Anything unknown is None or empty: a track that was never measured still counts by its tags.
    """

    id: str
    title: str
    audio_sha256: str = ""
    bpm: float | None = None
    key: Key | None = None
    energy: float | None = None
    genres: tuple[str, ...] = ()
    palette: dict[str, float] = field(default_factory=dict)
    vector: npt.NDArray[np.float32] | None = None
    duration: float | None = None
    generated: bool = False
    felt: str = "straight"
    lufs: float | None = None
    weight: float = 1.0
    added_on: date | None = None

    @cached_property
    def analysed(self) -> bool:
        """True when the sound itself was measured."""
        return self.vector is not None and bool(np.any(self.vector))
