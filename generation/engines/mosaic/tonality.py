"""What key a plan will be heard in, told from the bars of its harmony before anything sounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.analysis.key import scores_of
from catalog.analysis.keys import Key
from generation.engines.mosaic.corpus import Source
from generation.engines.mosaic.plan import BEATS, Block, Section

EXACT = 0.02  # of correlation, that the key itself must be ahead of its relative
AHEAD = 0.10  # of correlation: a lead over all other keys from which no more is wanted
PRICE = 4.0  # of a plan, for each lead of one that is missing
ASTRAY = PRICE * AHEAD  # what a plan costs that is as near to another key as to its own


def harmony_bars(blocks: Sequence[Block], sources: Mapping[str, Source]) -> Iterator[tuple[int, int, Block]]:
    """(bar of the take, measured bar of the block's recording that sounds there, block) of what gives the harmony."""
    for block in blocks:
        if block.layer != "harmony" or block.source_bar is None or block.track_id not in sources:
            continue
        measured = len(sources[block.track_id].track.analysis.bars)
        own = block.source_beats / BEATS / 4.0  # bars of the source in one of the take
        for offset, turned in enumerate(block.order):
            if (at := int(block.source_bar + turned * own)) < measured:
                yield block.bar + offset, at, block


@dataclass(frozen=True, eq=False)
class Tonality:
    """Keys that a sound may be heard in, as the analysis scores them. scores: (24,), majors by tonic, then minors."""

    scores: np.ndarray

    @classmethod
    def of(cls, blocks: Sequence[Block], made: Sequence[Section], sources: Mapping[str, Source]) -> Tonality:
        """Of the harmony of a plan: its bars as shifted, the louder ones more, as the analysis hears them."""
        total = np.zeros(12)
        for bar, at, block in harmony_bars(blocks, sources):
            section = next((one for one in made if one.first_bar <= bar < one.end_bar), None)
            if section is None:
                continue
            bars = sources[block.track_id].track.analysis.bars
            # peaks count by the root of their size
            size = 10.0 ** (float(bars.rms_db[at]) / 20.0) * block.gain * section.gains.get("harmony", 0.0)
            total += np.roll(bars.chroma[at], block.shift) * np.sqrt(size)
        return cls(scores_of(total)[0])

    def lead(self, key: Key) -> float:
        """How far a key or its relative is ahead of all others; negative where another is."""
        own, relative = place(key), place(key.relative)
        others = np.delete(self.scores, [own, relative])
        return float(max(self.scores[own], self.scores[relative] - EXACT) - others.max())

    def cost(self, key: Key | None) -> float:
        """What a plan is charged for being heard in another key than its own, or nearly so."""
        if key is None or not self.scores.any():
            return 0.0
        return round(PRICE * max(0.0, AHEAD - self.lead(key)), 4)


def place(key: Key) -> int:
    """Of a key among the 24 scores."""
    return key.tonic + (12 if key.mode == "minor" else 0)


def strangeness(rows: np.ndarray, key: Key | None) -> np.ndarray:
    """(n,) 0..2: how far each of (n, 12) chroma is from a key or its relative; zeros without one."""
    if key is None or not len(rows):
        return np.zeros(len(rows))
    scores = scores_of(rows)
    return np.asarray(1.0 - np.maximum(scores[:, place(key)], scores[:, place(key.relative)] - EXACT))
