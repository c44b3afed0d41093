"""What a source map says: verbatim runs, shares of the sources, and bars that two takes share.

All of it reads `Rendering.built_from`: entries {bar, layer, track_id, source_bar, source_start, source_end, stretch}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Entry = dict[str, Any]
JOINED = 0.03  # seconds between the end of one cut and the start of the next that still play straight on


@dataclass(frozen=True)
class Run:
    """Bars of a take in a row in which one layer plays one track straight on."""

    bars: int
    seconds: float
    track_id: str
    layer: str
    bar: int


def longest_run(built_from: Sequence[Entry]) -> Run:
    """The longest stretch of consecutive bars that are consecutive in their source too. Played notes do not count."""
    rows = [entry for entry in built_from if not _played(entry)]
    rows.sort(key=lambda entry: (entry["layer"], entry["track_id"], entry["bar"]))
    best = Run(0, 0.0, "", "", 0)
    first: Entry | None = None
    last: Entry | None = None
    for entry in rows:
        if first is None or last is None or not _follows(last, entry):
            first = entry
        last = entry
        bars = entry["bar"] - first["bar"] + 1
        seconds = (entry["source_end"] - first["source_start"]) / (entry["stretch"] or 1.0)
        if bars > best.bars:
            best = Run(bars, seconds, entry["track_id"], entry["layer"], first["bar"])
    return best


def _follows(last: Entry, entry: Entry) -> bool:
    return bool(
        entry["layer"] == last["layer"]
        and entry["track_id"] == last["track_id"]
        and entry["bar"] == last["bar"] + 1
        and abs(entry["source_start"] - last["source_end"]) <= JOINED
    )


def shares(built_from: Sequence[Entry]) -> dict[str, float]:
    """For each track the share of sounding (bar, layer) cells that come from it, the largest first."""
    cells = {(e["bar"], e["layer"], e["track_id"]) for e in built_from if e.get("track_id")}
    counts = Counter(track for _, _, track in cells)
    total = sum(counts.values())
    return {track: count / total for track, count in counts.most_common()}


def shared_bars(one: Sequence[Entry], other: Sequence[Entry], *, same_place: bool = False) -> float:
    """Share of the cut bars of two takes that sound in the other's same layer too; `same_place`: in the same bar."""
    mine, theirs = (Counter(_keys(built, same_place)) for built in (one, other))
    total = sum(mine.values()) + sum(theirs.values())
    if not total:
        return 0.0
    common = sum(n for key, n in mine.items() if key in theirs)
    common += sum(n for key, n in theirs.items() if key in mine)
    return common / total


def _keys(built_from: Sequence[Entry], same_place: bool) -> list[tuple[object, ...]]:
    return [
        (
            entry["bar"] if same_place else -1,
            entry["layer"],
            entry["track_id"],
            # where a track has no bars, by the half second
            round(2.0 * entry["source_start"]) if entry["source_bar"] is None else entry["source_bar"],
        )
        for entry in built_from
        if not _played(entry)
    ]


def _played(entry: Entry) -> bool:
    """Whether the entry names the notes and hits a part was played from, not a bar that was cut."""
    return not entry.get("track_id") or bool(entry.get("shots") or entry.get("notes"))
