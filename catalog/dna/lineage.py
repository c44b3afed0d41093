"""The descent of the tagged genres: which styles they come from, through all their parents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from catalog.dna.facts import TrackFacts
from catalog.dna.genres import Genre, line_of, nodes, placed

_MOST = 8


def genealogy(tracks: Sequence[TrackFacts]) -> dict[str, Any]:
    """The lineage of the tagged genres.

    from_tags: the genres found with their count, oldest line of descent and all ancestors;
    nodes and edges: the part of the graph they need, `part` being how much of the tagged tracks descends from
    a node when each genre owes its parents equal parts; unplaced: tracks whose tags name no known genre.
    """
    known = nodes()
    tagged: Counter[str] = Counter()
    unplaced = 0
    for track in tracks:
        found = {g.id for tag in track.genres if (g := placed(tag))}
        tagged.update(found)
        unplaced += not found
    leading = sorted(tagged, key=lambda i: (-tagged[i], known[i].year, i))[:_MOST]
    needed: set[str] = set()
    for genre in leading:
        needed |= {genre} | ancestors(genre)
    parts = _parts({i: tagged[i] for i in leading})
    ordered = sorted(needed, key=lambda i: (known[i].year, i))
    return {
        "from_tags": [
            _described(known[i])
            | {
                "count": tagged[i],
                "share": round(tagged[i] / len(tracks), 4),
                "line": [_described(known[j]) for j in line_of(i)],
            }
            for i in leading
        ],
        "nodes": [
            _described(known[i])
            | {
                "count": tagged.get(i, 0),
                "part": round(parts[i], 4),
                "parents": list(known[i].parents),
                "sources": list(known[i].sources),
            }
            for i in ordered
        ],
        "edges": [{"from": parent, "to": i} for i in ordered for parent in known[i].parents],
        "placed": len(tracks) - unplaced,
        "unplaced": unplaced,
    }


def ancestors(genre: str) -> set[str]:
    """Every style this one descends from."""
    known = nodes()
    found: set[str] = set()
    waiting = list(known[genre].parents)
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting.extend(known[parent].parents)
    return found


def _parts(counts: dict[str, int]) -> Counter[str]:
    """How much of the tagged tracks reaches each node, 0..1 and more than 1 where lines meet again."""
    known, whole = nodes(), sum(counts.values())
    parts: Counter[str] = Counter()
    for genre, count in counts.items():
        waiting = [(genre, count / whole)]
        while waiting:
            at, part = waiting.pop()
            parts[at] += part  # type: ignore[assignment]
            waiting += [(parent, part / len(known[at].parents)) for parent in known[at].parents]
    return parts


def _described(genre: Genre) -> dict[str, Any]:
    return {
        "id": genre.id,
        "name": genre.name,
        "year": genre.year,
        "place": genre.place,
        "pioneers": genre.pioneers,
    }
