"""Where every bar of a take comes from."""

from __future__ import annotations

from collections.abc import Sequence

from generation.engines.mosaic.arrange import block_gain
from generation.engines.mosaic.plan import Plan
from generation.engines.mosaic.players import Part

# what the source map calls a layer that is played on lifted sounds instead of cut
PLAYED = {"drums": "kit", "bass": "notes"}


def source_map(plan: Plan, parts: Sequence[Part] = ()) -> list[dict[str, object]]:
    """For every bar and layer of a take, where in which track it comes from.

    A bar of a part that was played names the stretch of its track that its sounds lie in, and each of them.
    """
    found: list[dict[str, object]] = []
    for part in parts:
        for bar in range(part.voice.bar, part.voice.end_bar):
            found.append(
                {
                    "bar": bar,
                    "layer": PLAYED[part.voice.layer],
                    "track_id": part.voice.track_id,
                    "source_bar": None,
                    "source_start": min(start for start, _ in part.lifted.values()),
                    "source_end": max(end for _, end in part.lifted.values()),
                    "stretch": 1.0,
                    "shift": 0,
                    "gain": 1.0,
                    "shots": {name: list(place) for name, place in part.lifted.items()},
                }
            )
    for block in plan.blocks:
        if any(part.voice.covers(block) for part in parts):
            continue
        # seconds of source in one bar of the take, and its own bars in one
        seconds = plan.grid.bar_seconds * block.stretch
        own_bars = block.source_beats / 16.0
        for offset, turned in enumerate(block.order):
            start = block.start + turned * seconds
            found.append(
                {
                    "bar": block.bar + offset,
                    "layer": block.layer,
                    "track_id": block.track_id,
                    "source_bar": None
                    if block.source_bar is None
                    else int(block.source_bar + turned * own_bars),
                    "source_start": round(start, 4),
                    "source_end": round(start + seconds, 4),
                    "stretch": round(block.stretch, 5),
                    "shift": block.shift,
                    "gain": block_gain(plan, block),
                }
            )
    return sorted(found, key=lambda entry: (entry["bar"], entry["layer"]))
