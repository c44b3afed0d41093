"""Whose turn it is: one order for the broker that hands work out and for the pages that say how long it takes.

First by rank. Within a rank the artist with the least work in hand; of several, the one who was served longest ago.
Of one artist's work, the oldest. So an artist with thousands of jobs keeps nobody waiting longer than one job.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.db.models import F
from django.utils import timezone


class Turn(models.Model):
    """When work of this artist was last taken off a queue: of several who wait, the one served longest ago is next."""

    queue = models.CharField(max_length=40)
    # No constraint in the database: a worker may note a turn in the moment the artist is deleted.
    artist = models.ForeignKey(
        "catalog.Artist", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["queue", "artist"], name="one_turn_per_queue_and_artist")
        ]

    def __str__(self) -> str:
        return f"{self.artist_id} on {self.queue}"


class Rank(IntEnum):
    """What comes before what, whoever it belongs to."""

    BEGUN = 0  # a worker had it already, and was killed or stopped
    PRIORITY = 1  # somebody waits for it whose plan comes first
    WAITED_FOR = 2  # somebody waits for it
    BATCH = 3  # one of many, or nobody looks


@dataclass(frozen=True)
class Waiting:
    """One piece of work. since: anything that grows with its age in the queue getting less."""

    owner: int | None
    rank: Rank
    since: Any
    what: Any = None


@dataclass(frozen=True)
class Served:
    """What artists have had of a queue: how many of their jobs run now, and when each was last given a turn."""

    running: Mapping[int | None, int]
    last: Mapping[int | None, float]

    def place(self, one: Waiting) -> tuple[Any, ...]:
        """Sorts what is to be handed out next to the front."""
        return one.rank, self.running.get(one.owner, 0), self.last.get(one.owner, 0.0), one.since


def in_turn(waiting: Iterable[Waiting], served: Served) -> Iterator[Waiting]:
    """All of it in the order it is handed out, if nothing else comes and each job ends before its artist's next."""
    ranks: dict[Rank, dict[int | None, deque[Waiting]]] = defaultdict(lambda: defaultdict(deque))
    for one in sorted(waiting, key=lambda one: one.since):
        ranks[one.rank][one.owner].append(one)
    turns: dict[int | None, int] = {}
    turn = 0
    for _, lines in sorted(ranks.items()):
        heap = [(turns.get(owner, 0), served.place(line[0]), line) for owner, line in lines.items()]
        heapq.heapify(heap)
        while heap:
            _, _, line = heapq.heappop(heap)
            one = line.popleft()
            yield one
            turn += 1
            turns[one.owner] = turn
            if line:
                heapq.heappush(heap, (turn, served.place(line[0]), line))


def served(queue: str, owners: Collection[int | None]) -> Served:
    """What these artists have had of this queue. Two queries."""
    known = [one for one in owners if one is not None]
    turns = Turn.objects.filter(queue=queue, artist__in=known).values_list("artist", "at")
    return Served(_running(queue), {owner: at.timestamp() for owner, at in turns})


def took(queue: str, owner: int) -> None:
    """A job of this artist was handed out."""
    turn = Turn(queue=queue, artist_id=owner, at=timezone.now())
    Turn.objects.bulk_create(
        [turn], update_conflicts=True, unique_fields=["queue", "artist"], update_fields=["at"]
    )


def _running(queue: str) -> Mapping[int | None, int]:
    """How many jobs of each artist run that came from this queue, as far as the kind of job tells. One query."""
    from catalog.jobs import Job

    selects: list[Any] = []
    for model in apps.get_models():
        if issubclass(model, Job) and model.OWNER and queue in model.QUEUES:
            rows = model._base_manager.filter(status=model.RUNNING).order_by()
            selects.append(rows.values_list(F(model.OWNER), flat=True))
    return Counter(selects[0].union(*selects[1:], all=True)) if selects else {}
