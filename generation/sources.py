"""Where every bar of a take comes from: the edit list of an engine, bar by bar and as passages.

Pure functions over `built_from`, one entry for each bar and layer: {bar, layer, track_id, source_bar, source_start,
source_end, stretch, shift, gain}. Bars count from 0; times are seconds of the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LAYERS = ("drums", "kit", "bass", "notes", "harmony", "lead")
PLAYED = ("kit", "notes")  # layers that are played on lifted sounds
JOIN_SECONDS = 0.02  # two bars belong to one passage when the second begins where the first ended
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Passage:
    """Bars of one layer that follow each other in the take and in one recording, bent alike.

    start, end: seconds of the source (of a kit, where its one-shots lie), None where the engine does not say.
    stretch: source seconds for each second of the take. shift: semitones.
    """

    layer: str
    bar: int
    bars: int
    track_id: str
    start: float | None
    end: float | None
    stretch: float | None
    shift: int


def passages(built_from: Iterable[Entry]) -> list[Passage]:
    """The edit list with its neighbours joined, by layer in the order of a score, then by bar."""
    found: list[Passage] = []
    for entry in sorted(built_from, key=lambda one: (_rank(str(one["layer"])), int(one["bar"]))):
        if not entry.get("track_id"):
            continue
        one = Passage(
            layer=str(entry["layer"]),
            bar=int(entry["bar"]),
            bars=1,
            track_id=str(entry["track_id"]),
            start=entry.get("source_start"),
            end=entry.get("source_end"),
            stretch=entry.get("stretch"),
            shift=int(entry.get("shift") or 0),
        )
        if found and _continues(found[-1], one):
            last = found.pop()
            one = Passage(
                one.layer, last.bar, last.bars + 1, one.track_id, last.start, one.end, one.stretch, one.shift
            )
        found.append(one)
    return found


def layers_of(built_from: Iterable[Entry]) -> list[str]:
    """The layers that are in it, in the order of a score."""
    return sorted({str(one["layer"]) for one in built_from}, key=_rank)


def recordings(built_from: Iterable[Entry], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """The recordings, numbered from 1, most used first: {number, id, title, bars, share}.

    bars: (bar, layer) cells that come from it; share: of all such cells.
    """
    cells = Counter(str(one["track_id"]) for one in built_from if one.get("track_id"))
    total = sum(cells.values())
    ordered = sorted(cells, key=lambda track: (-cells[track], track))
    return [
        {
            "number": number,
            "id": track,
            "title": titles.get(track, ""),
            "bars": cells[track],
            "share": round(cells[track] / total, 4),
        }
        for number, track in enumerate(ordered, start=1)
    ]


def bar_by_bar(
    built_from: Sequence[Entry], sections: Sequence[Entry], bpm: float, beats: int = 4
) -> list[dict[str, Any]]:
    """For each bar {bar, start, section, layers}: when it begins, in which section it lies, and its entries."""
    count = max((int(one["bar"]) + 1 for one in built_from), default=0)
    count = max([count, *(int(one["first_bar"]) + int(one["bars"]) for one in sections)])
    inside = {
        bar: str(one["name"])
        for one in sections
        for bar in range(int(one["first_bar"]), int(one["first_bar"]) + int(one["bars"]))
    }
    rows: list[dict[str, Any]] = [
        {"bar": bar, "start": round(bar * beats * 60.0 / bpm, 4), "section": inside.get(bar), "layers": []}
        for bar in range(count)
    ]
    for entry in sorted(built_from, key=lambda one: _rank(str(one["layer"]))):
        rows[int(entry["bar"])]["layers"].append(
            {name: entry.get(name) for name in ("layer", "track_id", *_TOLD)}
        )
    return rows


_TOLD = ("source_bar", "source_start", "source_end", "stretch", "shift", "gain")


def _continues(last: Passage, one: Passage) -> bool:
    same = (last.layer, last.track_id, last.shift, last.stretch) == (
        one.layer,
        one.track_id,
        one.shift,
        one.stretch,
    )
    if not same or one.bar != last.bar + last.bars or last.end is None or one.start is None:
        return False
    if one.layer in PLAYED:  # it plays on: every bar of it names the same sounds
        return (one.start, one.end) == (last.start, last.end)
    return abs(one.start - last.end) <= JOIN_SECONDS


def _rank(layer: str) -> tuple[int, str]:
    return (LAYERS.index(layer) if layer in LAYERS else len(LAYERS), layer)
