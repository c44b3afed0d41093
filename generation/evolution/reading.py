"""An artist's takes in order, their vectors, and the moments beside them, from the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from django.db.models import Min

from catalog import snapshots
from catalog.models import Analysis, Artist, DNASnapshot, Track
from generation.evolution.drawing import Series
from generation.evolution.measure import Drift, drift
from generation.models import Adapter, EvolutionNote, GeneratedTrack

MOST_MOMENTS = 40
_EXTREMES = 3


@dataclass(frozen=True)
class Moment:
    """Something that may have moved the takes. note: the row of one that the artist wrote, else None."""

    at: datetime
    words: str
    note: int | None = None


@dataclass(frozen=True)
class MadeTake:
    id: str
    title: str
    generation: str
    number: int
    at: datetime
    distance: float

    @property
    def url(self) -> str:
        return f"/generations/{self.generation}/#take-{self.number}"


@dataclass(frozen=True)
class Evolution:
    """unmeasured: takes made before vectors were kept, and not in the library either: they are left out."""

    artist: Artist
    rows: list[tuple[Any, ...]]
    drift: Drift
    unmeasured: int
    moments: list[Moment]

    @property
    def series(self) -> Series:
        return Series(self.drift, [row[4] for row in self.rows], [moment.at for moment in self.moments])

    @cached_property
    def takes(self) -> list[MadeTake]:
        """Those with a distance, in the order they were made."""
        pairs = zip(self.rows, self.drift.distances, strict=False)
        return [MadeTake(row[0], row[1], row[2], row[3], row[4], distance) for row, distance in pairs]

    @property
    def nearest(self) -> list[MadeTake]:
        return sorted(self.takes, key=lambda take: take.distance)[:_EXTREMES]

    @property
    def farthest(self) -> list[MadeTake]:
        return (
            sorted(self.takes, key=lambda take: -take.distance)[:_EXTREMES]
            if len(self.takes) > _EXTREMES
            else []
        )

    def to_json(self) -> dict[str, Any]:
        windows = [None] * (len(self.takes) - len(self.drift.windows)) + list(self.drift.windows)
        return self.drift.to_json() | {
            "background_version": snapshots.background().version,
            "unmeasured": self.unmeasured,
            "series": [
                {
                    "take": take.id,
                    "created_at": take.at.isoformat(),
                    "distance": round(take.distance, 4),
                    "window": None if window is None else round(window, 4),
                }
                for take, window in zip(self.takes, windows, strict=True)
            ],
            "moments": [
                {"at": one.at.isoformat(), "words": one.words, "note": one.note} for one in self.moments
            ],
        }


def evolution(artist: Artist) -> Evolution:
    own = Track.objects.of(artist).ready().own().order_by("id").values_list("analysis__vector", flat=True)
    catalog = [np.frombuffer(bytes(vector), "<f4") for vector in own]
    found = (
        GeneratedTrack.objects.filter(user=artist.user_id, generation__artist=artist)
        .order_by("created_at", "id")
        .values_list(
            "id",
            "title",
            "generation_id",
            "number",
            "created_at",
            "vector",
            "library_track__analysis__vector",
        )
    )
    rows = [row for row in found if row[5] or row[6]]
    vectors = [np.frombuffer(bytes(row[5] or row[6]), "<f4") for row in rows]
    size = snapshots.background().vectors.shape[1]
    measured = drift(
        np.stack(catalog) if catalog else np.zeros((0, size)),
        np.stack(vectors) if vectors else np.zeros((0, size)),
        snapshots.background(),
    )
    first = rows[0][4] if rows else None
    return Evolution(artist, rows, measured, len(found) - len(rows), moments(artist, first))


def moments(artist: Artist, first: datetime | None) -> list[Moment]:
    """The first take, adapters, a library that grew or was analysed anew, and what the artist noted; in order."""
    found = [] if first is None else [Moment(first, "First take")]
    learned = Adapter.objects.filter(artist=artist, status=Adapter.READY, finished_at__isnull=False)
    finished = learned.values_list("name", "finished_at")
    found += [Moment(at, f"Adapter “{name}” trained") for name, at in finished if at is not None]
    found += _grown(artist)
    versions = Analysis.objects.filter(track__artist=artist).values("version").annotate(at=Min("created_at"))
    found += [
        Moment(row["at"], f"Library analyzed anew (analysis {row['version']})")
        for row in versions.order_by("version")[1:]
    ]
    notes = EvolutionNote.objects.filter(artist=artist).values_list("pk", "on", "text")
    found += [Moment(datetime.combine(on, time(12), UTC), text, pk) for pk, on, text in notes]
    return sorted(found, key=lambda one: one.at)[-MOST_MOMENTS:]


def _grown(artist: Artist) -> list[Moment]:
    """By day: the library at the end of it, where it had grown since the day before that is known."""
    drawn = DNASnapshot.objects.filter(artist=artist).order_by("created_at")
    days = {at.date(): (at, count) for at, count in drawn.values_list("created_at", "track_count")}
    steps = list(days.values())
    return [
        Moment(at, f"Library grew from {before:,} to {count:,} tracks")
        for (_, before), (at, count) in pairwise(steps)
        if count > before
    ]
