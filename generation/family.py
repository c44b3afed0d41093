"""Families of variations: what was made from what. The order is pure; `family_of` and `families` read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch

from catalog.models import Artist
from generation.models import GeneratedTrack, Generation
from generation.parameters import Parameter, compared, edit_words

DEEPEST = 6  # steps that are indented; a longer chain of edits goes straight down
MOST = 200  # members drawn of one family
_TOLD = {"bpm": "BPM", "key": "key", "energy": "energy", "genre": "genre", "duration_seconds": "seconds"}


@dataclass(frozen=True)
class Placed:
    """A member of a family. depth: steps from the one it all came from. parent: its id, or None."""

    id: str
    parent: str | None
    depth: int


@dataclass(frozen=True)
class Member:
    """A member as the page draws it: what is different from the one it was made from, in words."""

    generation: Generation
    takes: Sequence[GeneratedTrack]
    parent: Generation | None
    depth: int
    words: str

    @property
    def indent(self) -> int:
        return min(self.depth, DEEPEST)


def in_order(edges: Mapping[str, str | None], root: str) -> list[Placed]:
    """The family below `root`, each followed by what was made from it. edges: parent by id, oldest first."""
    children: dict[str, list[str]] = {}
    for pk, parent in edges.items():
        if parent is not None and parent != pk:
            children.setdefault(parent, []).append(pk)
    found: list[Placed] = []
    seen: set[str] = set()
    ahead: list[tuple[str, str | None, int]] = [(root, None, 0)]
    while ahead:
        pk, parent, depth = ahead.pop()
        if pk not in seen:
            seen.add(pk)
            found.append(Placed(pk, parent, depth))
            ahead += [(child, pk, depth + 1) for child in reversed(children.get(pk, []))]
    return found


def root_of(edges: Mapping[str, str | None], pk: str) -> str:
    """The one that this came from, over all steps."""
    seen = {pk}
    while (parent := edges.get(pk)) is not None and parent in edges and parent not in seen:
        seen.add(parent)
        pk = parent
    return pk


def roots(edges: Mapping[str, str | None]) -> list[str]:
    """Those from which something was made and that came from nothing, the latest first."""
    parents = {parent for parent in edges.values() if parent is not None}
    return [pk for pk in reversed(list(edges)) if pk in parents and root_of(edges, pk) == pk]


def edges_of(artist: Artist) -> dict[str, str | None]:
    rows = Generation.objects.filter(artist=artist).order_by("created_at", "id")
    return dict(rows.values_list("pk", "parent_id"))


def family_of(generation: Generation) -> list[Member]:
    """Everything that this came from and that came from it; empty where it stands alone."""
    edges = edges_of(generation.artist)
    placed = in_order(edges, root_of(edges, generation.pk))
    return _members([placed])[0] if len(placed) > 1 else []


def families(edges: Mapping[str, str | None], chosen: Iterable[str]) -> list[list[Member]]:
    """The families below these roots."""
    return _members([in_order(edges, root) for root in chosen])


def _members(placed: list[list[Placed]]) -> list[list[Member]]:
    kept = [family[:MOST] for family in placed]
    takes = GeneratedTrack.objects.only(
        "generation_id", "number", "title", "similarity_score", "favourite", "duration", "peaks", "audio_path"
    )
    rows = (
        Generation.objects.filter(pk__in=[one.id for family in kept for one in family])
        .only("title", "created_at", "status", "engine", "brief")
        .prefetch_related(Prefetch("takes", takes.order_by("-similarity_score", "number")))
        .in_bulk()
    )
    return [[_member(one, rows) for one in family if one.id in rows] for family in kept]


def _member(one: Placed, rows: Mapping[str, Generation]) -> Member:
    generation, parent = rows[one.id], rows.get(one.parent or "")
    takes = list(generation.takes.all())
    for take in takes:
        take.generation = generation
    words = "" if parent is None else _different(parent, generation)
    return Member(generation, takes, parent, one.depth, words)


def _different(parent: Generation, child: Generation) -> str:
    """ "replace, drums", "BPM 140 to 150, energy 0.6 to 0.7", or "the same request once more"."""
    if words := edit_words(child.brief.get("edit") or {}):
        return f"Edit: {words}"
    sides = [
        [Parameter("", label, _told(one.brief.get(name))) for name, label in _TOLD.items()]
        for one in (parent, child)
    ]
    changed = [row for _, rows in compared(sides) for row in rows if row.differs]
    told = ", ".join(f"{row.label} {row.values[0] or 'any'} to {row.values[1] or 'any'}" for row in changed)
    return told[:1].upper() + told[1:] if told else "The same request once more"


def _told(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value or "")
