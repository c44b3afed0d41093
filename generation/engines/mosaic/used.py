"""What was played already: the bars of each track that earlier takes, or a plan itself, were cut from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from generation.engines.mosaic.corpus import BLOCK_BARS, Phrase, Source
from generation.engines.mosaic.plan import BEATS, Block

LEAST_SECONDS = 30.0  # of a track: shorter ones would count as used up by a single passage


@dataclass(frozen=True, eq=False)
class Used:
    """places: track id -> its bars, or the seconds of a track without bars."""

    places: dict[str, set[int]] = field(default_factory=dict)

    @classmethod
    def of_bars(cls, bars: Iterable[tuple[str, int]]) -> Used:
        places: dict[str, set[int]] = defaultdict(set)
        for track_id, bar in bars:
            places[track_id].add(bar)
        return cls(dict(places))

    @classmethod
    def of_blocks(cls, blocks: Iterable[Block]) -> Used:
        return cls.of_bars(
            (block.track_id, place)
            for block in blocks
            for place in (
                _seconds(block.start, block.end)
                if block.source_bar is None
                else range(block.source_bar, block.source_bar + max(1, block.source_beats // BEATS))
            )
        )

    def share(self, source: Source, phrase: Phrase) -> float:
        """0..1: how much of a phrase was played already."""
        known = self.places.get(source.id)
        if not known:
            return 0.0
        if not phrase.bars:
            own = _seconds(phrase.start, phrase.end)
            return sum(place in known for place in own) / len(own)
        # of a track at twice the tempo a source map names every other bar
        most = min(phrase.bars, BLOCK_BARS)
        own = range(phrase.first_bar, phrase.first_bar + phrase.bars)
        return min(1.0, sum(place in known for place in own) / most)

    def portion(self, source: Source) -> float:
        """0..1: how much of a track was."""
        known = self.places.get(source.id)
        if not known:
            return 0.0
        analysis = source.track.analysis
        seconds = max(analysis.duration, LEAST_SECONDS)
        whole = len(analysis.bars) * seconds / max(analysis.duration, 1.0) if source.pulse else seconds
        return min(1.0, len(known) / max(1.0, whole))


def _seconds(start: float, end: float) -> range:
    return range(int(start), max(int(start) + 1, int(end)))
