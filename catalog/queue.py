"""The broker: hands out no more tasks than there are workers, in the order of catalog/precedence.py.

django-q2's own ORM broker takes rows ahead of time and in no order. A row taken ahead runs twice when its
`retry` runs out in the local queue, and is lost to the other hosts in the meantime.

A wake-up says by its address what it is and whose: `async_task(name, pk, cluster=address("cpu", rank, artist))`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from time import sleep
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Min, Q, QuerySet
from django.utils.timezone import now
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from catalog import precedence
from catalog.precedence import Rank, Served, Waiting

log = logging.getLogger(__name__)

# Names of further queues that this cluster works on, separated by commas: where nobody else does.
ALSO = "STARFORGE_ALSO_SERVES"
# Every so many tasks a cluster takes what has waited longest, whatever its rank: nothing waits for ever.
OLDEST_EVERY = 8
RACES = 5  # how often in one look another cluster may be faster


def limits_of(queue: str) -> dict[str, Any]:
    """`timeout` and `retry` of a queue, in seconds, as Q_CLUSTER states them for it or for all."""
    clusters: dict[str, Any] = settings.Q_CLUSTER
    return {**clusters, **clusters["ALT_CLUSTERS"].get(queue, {})}


def also_served() -> list[str]:
    """The further queues that this process works on."""
    return [name.strip() for name in os.environ.get(ALSO, "").split(",") if name.strip()]


def address(queue: str, rank: Rank, owner: int | None) -> str:
    """Where a wake-up stands: the cluster's name for `async_task`."""
    return f"{queue}.{rank:d}.{'' if owner is None else owner}"


def read_address(key: str) -> tuple[str, Rank, int | None]:
    """(queue, rank, owner). A bare name, and one with `.urgent`, are of before wake-ups said whose they are."""
    queue, _, rest = key.partition(".")
    rank, _, owner = rest.partition(".")
    if not rank.isdigit() or int(rank) > Rank.BATCH:
        return queue, Rank.PRIORITY if rank else Rank.WAITED_FOR, None
    return queue, Rank(int(rank)), int(owner) if owner.isdigit() else None


def standing(queue: str) -> QuerySet[OrmQ]:
    """The wake-ups of a queue, taken or not."""
    return OrmQ.objects.filter(_of(queue))


def _of(queue: str) -> Q:
    return Q(key=queue) | Q(key__startswith=f"{queue}.")


class OneInHand(ORM):
    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._in_hand: set[int] = set()
        self._handed_out = 0

    def dequeue(self) -> list[tuple[int, str]] | None:
        """One (row id, signed payload), or None after waiting out a poll.

        Between two tasks of the same cluster at most one poll passes.
        """
        rows, moment = self.get_connection(), now()
        if self._in_hand:  # forget what was acknowledged (the row is gone) or has expired
            still = rows.filter(pk__in=self._in_hand, lock__gt=moment)
            self._in_hand &= set(still.values_list("pk", flat=True))
        if len(self._in_hand) < Conf.WORKERS:
            for _ in range(RACES):
                chosen = self._next(rows, moment)
                task = rows.filter(pk=chosen.what, lock__lt=moment).first() if chosen else None
                # Compare and set: another cluster may have been faster.
                if task and rows.filter(pk=task.pk, lock=task.lock).update(lock=self.timeout(task)):
                    self._in_hand.add(task.pk)
                    self._handed_out += 1
                    _note_turn(task.key)
                    return [(task.pk, task.payload)]
                if chosen is None:
                    break
        sleep(Conf.POLL)
        return None

    def _next(self, rows: QuerySet[OrmQ], moment: datetime) -> Waiting | None:
        """What is to be handed out now. One query while no two artists want the same, and two more when they do."""
        ours = Q()
        for queue in self._queues():
            ours |= _of(queue)
        oldest = rows.filter(ours, lock__lt=moment).values("key").annotate(first=Min("pk")).order_by()
        lines = [(queue, one) for queue, one in map(_line, oldest.values_list("key", "first"))]
        if not lines:
            return None
        if self._handed_out % OLDEST_EVERY == OLDEST_EVERY - 1:
            return min((one for _, one in lines), key=lambda one: one.since)
        rank = min(one.rank for _, one in lines)
        foremost = [(queue, one) for queue, one in lines if one.rank == rank]
        owners = {one.owner for _, one in foremost}
        if len(owners) == 1:
            return min((one for _, one in foremost), key=lambda one: one.since)
        found = {queue: precedence.served(queue, owners) for queue in {queue for queue, _ in foremost}}
        return min(foremost, key=lambda line: _place(found, *line))[1]

    def timeout(self, task: OrmQ) -> datetime:
        """Until when a task is out of reach of others: by its own queue's `retry`, whichever cluster serves it.

        By this cluster's own it would come back while a longer one still runs, and count as no longer in hand.
        """
        return now() + timedelta(seconds=limits_of(read_address(task.key)[0])["retry"])

    def queue_size(self) -> int:
        return int(self._mine().filter(lock__lte=now()).count())

    def lock_size(self) -> int:
        return int(self._mine().filter(lock__gt=now()).count())

    def _mine(self) -> QuerySet[OrmQ]:
        return self.get_connection().filter(_of(self.list_key))

    def _queues(self) -> Iterator[str]:
        """The queues this cluster works on: its own, then those where nobody else does."""
        yield self.list_key
        yield from (name for name in also_served() if name != self.list_key)


def _line(entry: tuple[str, int]) -> tuple[str, Waiting]:
    key, first = entry
    queue, rank, owner = read_address(key)
    return queue, Waiting(owner, rank, first, first)


def _place(found: dict[str, Served], queue: str, one: Waiting) -> tuple[Any, ...]:
    return found[queue].place(one)


def _note_turn(key: str) -> None:
    queue, _, owner = read_address(key)
    if owner is not None:
        try:
            precedence.took(queue, owner)
        except DatabaseError:  # the task is taken all the same
            log.warning("a turn could not be noted", exc_info=True)
