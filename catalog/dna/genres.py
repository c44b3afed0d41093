"""Genres as the artist tagged them, under one name for every spelling, and where they come from.

Only tags speak here, never the sound: what is measured is not called a genre. The graph lives in
catalog/data/genres.json; a genre may have several parents.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.dna.facts import TrackFacts

_DATA = Path(__file__).resolve().parent.parent / "data" / "genres.json"
_MOST = 8


@dataclass(frozen=True)
class Genre:
    """A node of the graph: id, name, parent ids, the year and place it took shape, who made it first."""

    id: str
    name: str
    parents: tuple[str, ...]
    year: int
    place: str
    pioneers: str


@lru_cache(maxsize=1)
def _graph() -> tuple[dict[str, Genre], dict[str, str]]:
    rows = json.loads(_DATA.read_text(encoding="utf-8"))["genres"]
    nodes = {
        r["id"]: Genre(r["id"], r["name"], tuple(r["parents"]), r["year"], r["place"], r["pioneers"])
        for r in rows
    }
    # A genre's own name wins over another's alias.
    aliases = {folded(alias): r["id"] for r in rows for alias in r["aliases"]}
    return nodes, aliases | {folded(r["name"]): r["id"] for r in rows}


def folded(tag: str) -> str:
    """A tag without case, punctuation and spacing: "Drum & Bass", "drum'n'bass" -> "drumbass"."""
    text = tag.casefold().replace("&", " and ").replace("'n'", " and ").replace(" n ", " and ")
    return re.sub(r"[^a-z0-9]+", "", re.sub(r"\band\b", "", text))


def placed(tag: str) -> Genre | None:
    """The node a tag means, or None when the graph does not know it."""
    nodes, aliases = _graph()
    found = aliases.get(folded(tag))
    return nodes[found] if found else None


def canonical(tag: str) -> str | None:
    """One display name for every spelling of a tag; None for what is no genre (numbers, links, blanks)."""
    genre = placed(tag)
    if genre is not None:
        return genre.name
    text = re.sub(r"\s+", " ", tag).strip()
    if len(text) < 2 or len(text) > 60 or not re.search(r"[^\W\d_]", text) or "://" in text or "www." in text:
        return None
    return text if any(c.isupper() for c in text) else text.title()


def genre_counts(tracks: Sequence[TrackFacts]) -> Counter[str]:
    """How many tracks carry each genre; a track counts once for each."""
    counts: Counter[str] = Counter()
    for track in tracks:
        counts.update({name for tag in track.genres if (name := canonical(tag))})
    return counts


def genealogy(tracks: Sequence[TrackFacts]) -> dict[str, Any]:
    """The lineage of the tagged genres.

    from_tags: the genres found with their count, oldest line of descent and all ancestors;
    nodes and edges: the part of the graph they need; unplaced: tracks whose tags name no known genre.
    """
    nodes, _ = _graph()
    tagged: Counter[str] = Counter()
    unplaced = 0
    for track in tracks:
        found = {g.id for tag in track.genres if (g := placed(tag))}
        tagged.update(found)
        unplaced += not found
    leading = sorted(tagged, key=lambda i: (-tagged[i], nodes[i].year, i))[:_MOST]
    needed: set[str] = set()
    for genre in leading:
        needed |= {genre} | _ancestors(genre)
    return {
        "from_tags": [
            _described(nodes[i])
            | {
                "count": tagged[i],
                "share": round(tagged[i] / len(tracks), 4),
                "line": [_described(nodes[j]) for j in line_of(i)],
            }
            for i in leading
        ],
        "nodes": [
            _described(nodes[i]) | {"count": tagged.get(i, 0)}
            for i in sorted(needed, key=lambda i: (nodes[i].year, i))
        ],
        "edges": [
            {"from": parent, "to": i}
            for i in sorted(needed, key=lambda i: (nodes[i].year, i))
            for parent in nodes[i].parents
            if parent in needed
        ],
        "unplaced": unplaced,
    }


def line_of(genre: str) -> list[str]:
    """From the root to this genre, by its first-named parents: the line that is told in a sentence."""
    nodes, _ = _graph()
    line = [genre]
    while nodes[line[0]].parents:
        line.insert(0, nodes[line[0]].parents[0])
    return line


def _ancestors(genre: str) -> set[str]:
    nodes, _ = _graph()
    found: set[str] = set()
    waiting = list(nodes[genre].parents)
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting.extend(nodes[parent].parents)
    return found


def _described(genre: Genre) -> dict[str, Any]:
    return {
        "id": genre.id,
        "name": genre.name,
        "year": genre.year,
        "place": genre.place,
        "pioneers": genre.pioneers,
    }
