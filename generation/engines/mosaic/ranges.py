"""Bars of a track that the artist named for a layer: nothing of that layer is taken from its other bars."""

from __future__ import annotations

from collections.abc import Sequence

from generation.brief import Reference
from generation.engines.mosaic.corpus import Source

Bars = tuple[
    int | None, int | None
]  # the first, and the first one left out; None: from the start, to the end
Seconds = tuple[float, float]


def named(references: Sequence[Reference], layer: str, track_id: str) -> tuple[Bars, ...]:
    """The ranges of this track for this layer; empty where all of it may be used.

    A reference for everything counts for each layer. The bass goes with the harmony unless it was asked for by itself.
    """
    mine = [one for one in references if one.track_id == track_id]
    own = [one for one in mine if one.role == layer]
    if layer == "bass" and not own:
        own = [one for one in mine if one.role == "harmony"]
    found = [one for one in mine if one in own or one.role == "all"]
    if any(one.start_bar is None and one.end_bar is None for one in found):
        return ()
    return tuple(dict.fromkeys((one.start_bar, one.end_bar) for one in found))


def seconds(source: Source, ranges: Sequence[Bars]) -> tuple[Seconds, ...]:
    """The same in seconds of the track; empty for none, and for a track without bars."""
    bars = source.track.analysis.bars
    if not len(bars):
        return ()
    last = len(bars) - 1
    return tuple(
        (float(bars.start[min(low or 0, last)]), float(bars.end[min(last, (high or len(bars)) - 1)]))
        for low, high in ranges
    )


def inside(start: float, end: float, within: Sequence[Seconds]) -> bool:
    """Whether a passage lies in one of these, or anywhere where none is named."""
    return not within or any(start >= first - 1e-3 and end <= last + 1e-3 for first, last in within)
