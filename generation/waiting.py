"""Where requests stand in their queues, in the order in which the broker hands them out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from django.conf import settings

from catalog import observed, precedence
from catalog.precedence import Waiting
from generation.models import Generation, queue_of


class Place(NamedTuple):
    """Where a request stands."""

    ahead: int = 0  # generations before it in the queue
    seconds: float = 0.0  # until it can start
    served: bool = True  # some worker that takes such work is alive


def queue_position(generation: Generation) -> Place:
    """`Place()` when it is next and somebody is there to take it, or when it is running."""
    return queue_positions([generation])[generation.pk]


def queue_positions(generations: Collection[Generation]) -> dict[str, Place]:
    """`queue_position` of each of these, by id, in five queries for all of one queue."""
    places = {one.pk: Place() for one in generations}
    queues = {one.queue_name for one in generations if one.status == Generation.QUEUED}
    if not queues:
        return places
    seen = ("artist__plan", "engine", "status", "queued_at", "started_at", "progress", "estimate_seconds")
    rows = Generation.objects.select_related("artist").only(*seen)
    under_way: dict[tuple[str, str], list[Generation]] = defaultdict(list)
    for one in rows.filter(status__in=[Generation.QUEUED, Generation.RUNNING]):
        under_way[queue_of(one.engine), one.status].append(one)
    taken = served()
    for queue in queues:
        workers = workers_of(queue)
        running = under_way[queue, Generation.RUNNING]
        left = sorted(one.eta_seconds or one.estimate_seconds for one in running)
        wait = 0.0 if len(left) < workers else left[0]
        for ahead, one in enumerate(_in_turn(queue, under_way[queue, Generation.QUEUED])):
            if one.pk in places:
                places[one.pk] = Place(ahead, round(wait, 1), queue in taken)
            wait += one.estimate_seconds / workers
    return places


def _in_turn(queue: str, generations: list[Generation]) -> list[Generation]:
    waiting = [Waiting(one.artist_id, one.rank, (one.queued_at, one.pk), one) for one in generations]
    served = precedence.served(queue, {one.owner for one in waiting})
    return [one.what for one in precedence.in_turn(waiting, served)]


def served() -> set[str]:
    """The queues from which some living worker takes work, on whichever host."""
    return {queue for worker in observed.alive() for queue in worker.queues}


def workers_of(queue: str) -> int:
    """How many jobs of a queue run at a time, as far as this installation's settings say."""
    if queue == "gpu" and settings.STARFORGE_GPU_WORKERS is not None:
        return max(1, settings.STARFORGE_GPU_WORKERS)
    return max(1, int(settings.STARFORGE_WORKERS))
