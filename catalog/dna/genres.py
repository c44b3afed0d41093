"""Genres as the artist tagged them, under one name for every spelling, and the graph of where they come from.

Only tags speak here, never the sound: what is measured is not called a genre (`catalog.dna.families`). The
graph lives in catalog/data/genres.json; a genre may have several parents, and every row names its sources.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.dna.facts import TrackFacts
from catalog.dna.weighing import behind

_DATA = Path(__file__).resolve().parent.parent / "data" / "genres.json"
# What programs write where nobody chose a genre, folded.
_NO_GENRE = frozenset(
    (
        *("other", "unknown", "misc", "miscellaneous", "none", "nogenre", "genre", "music", "default", "na"),
        *("undefined", "unclassifiable", "unclassified", "various", "variousartists", "artists", "null"),
        *("untitled", "track", "audio", "notset", "general", "tba", "mp3", "m4a", "wav", "flac"),
    )
)
_LINK = re.compile(r"://|\bwww\.|\.(?:com|net|org|de|uk|fr|ru|info|io|co)\b", re.IGNORECASE)
_LONGEST = 60


@dataclass(frozen=True)
class Genre:
    """A node of the graph: id, name, parent ids, the year and place it took shape, who made it first.

    sources: citations, as written for a reader. bpm: the range usually given; nothing is decided by it.
    """

    id: str
    name: str
    parents: tuple[str, ...]
    year: int
    place: str
    pioneers: str
    sources: tuple[str, ...]
    bpm: tuple[float, float] | None = None


@lru_cache(maxsize=1)
def _graph() -> tuple[dict[str, Genre], dict[str, str]]:
    data = json.loads(_DATA.read_text(encoding="utf-8"))
    works = {work["id"]: _citation(work) for work in data["works"]}
    rows = data["genres"]
    nodes = {
        r["id"]: Genre(
            r["id"],
            r["name"],
            tuple(r["parents"]),
            r["year"],
            r["place"],
            r["pioneers"],
            tuple(works[s] for s in r["sources"]),
            (float(r["bpm"][0]), float(r["bpm"][1])) if "bpm" in r else None,
        )
        for r in rows
    }
    # A genre's own name wins over another's alias.
    aliases = {folded(alias): r["id"] for r in rows for alias in r["aliases"]}
    return nodes, aliases | {folded(r["name"]): r["id"] for r in rows}


def _citation(work: dict[str, Any]) -> str:
    by = f"{work['author']}, " if "author" in work else ""
    return f"{by}{work['title']}" + (f" ({work['year']})" if "year" in work else "")


@lru_cache(maxsize=1)
def graph_version() -> int:
    """The version of the graph's file: another one may tell another lineage of the same tags."""
    return int(json.loads(_DATA.read_text(encoding="utf-8"))["version"])


def nodes() -> dict[str, Genre]:
    """Every genre of the graph by its id."""
    return _graph()[0]


def folded(tag: str) -> str:
    """A tag without case, accents, punctuation and spacing: "Drum & Bass", "drum'n'bass" -> "drumbass"."""
    text = tag.casefold().replace("&", " and ").replace("'n'", " and ").replace(" n ", " and ")
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^\w]+|_", "", re.sub(r"\band\b", "", plain))


def placed(tag: str) -> Genre | None:
    """The node a tag means, or None when the graph does not know it."""
    known, aliases = _graph()
    found = aliases.get(folded(tag))
    return known[found] if found else None


def genres_in(text: str) -> list[str]:
    """The genres a tag field names: "Jungle; Drum & Bass" -> two. A spelling the graph knows whole stays whole."""
    parts = []
    for outer in re.split(r"[;,|]", text):
        if placed(outer) is not None:
            parts.append(outer)
        else:
            parts += outer.split("/")
    return [part.strip() for part in parts if part.strip()]


def canonical(tag: str) -> str | None:
    """One display name for every spelling of a tag; None for what is no genre (numbers, links, blanks)."""
    genre = placed(tag)
    if genre is not None:
        return genre.name
    text = re.sub(r"\s+", " ", tag).strip()
    if not 2 <= len(text) <= _LONGEST or _LINK.search(text) or folded(text) in _NO_GENRE:
        return None
    letters = sum(c.isalpha() for c in text)
    # "2020", "128 bpm", "8A": a figure with at most a unit beside it.
    if letters < 2 or re.fullmatch(
        r"[\d\s.,:+-]*(?:bpm|kbps|khz|st|nd|rd|th|s)?[\d\s.,:+-]*", text.casefold()
    ):
        return None
    return text if any(c.isupper() for c in text) else text.title()


def genre_counts(tracks: Sequence[TrackFacts]) -> Counter[str]:
    """How many tracks carry each genre; a track counts once for each, whatever the spelling."""
    counts: Counter[str] = Counter()
    spelled: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for track in tracks:
        found = {folded(name): name for tag in track.genres if (name := canonical(tag))}
        for same, name in found.items():
            counts[same] += 1
            spelled[same][name] += 1
    return Counter(
        {min(spelled[same], key=lambda n: (-spelled[same][n], n)): count for same, count in counts.items()}
    )


def genre_profile(tracks: Sequence[TrackFacts]) -> dict[str, Any]:
    """The tagged genres: `genres` by count, `dominant_genres` by weight, and what they rest on."""
    counts = genre_counts(tracks)
    names = {folded(name): name for name in counts}
    weighed: Counter[str] = Counter()
    tagged = []
    for track in tracks:
        found = {names[folded(name)] for tag in track.genres if (name := canonical(tag))}
        if found:
            tagged.append(track)
        for name in found:
            weighed[name] += track.weight  # type: ignore[assignment]
    total = len(tracks)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    by_weight = sorted(weighed, key=lambda name: (-round(weighed[name], 9), name))
    known = [t for t in tagged if any(placed(tag) for tag in t.genres)]
    return {
        "dominant_genres": by_weight[:5],
        "genres": [{"name": name, "count": c, "share": round(c / total, 4)} for name, c in ranked],
        "untagged_count": total - len(tagged),
        "genre_profile": behind([t.weight for t in tagged], total, 0) | {"placed": len(known)},
    }


def line_of(genre: str) -> list[str]:
    """From the root to this genre, by its first-named parents: the line that is told in a sentence."""
    known = nodes()
    line = [genre]
    while known[line[0]].parents:
        line.insert(0, known[line[0]].parents[0])
    return line
