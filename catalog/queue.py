"""The broker: hands out no more tasks than there are workers, urgent ones first, then the oldest.

django-q2's own ORM broker takes rows ahead of time and in no order. A row taken ahead runs twice when its
`retry` runs out in the local queue, and is lost to the other hosts in the meantime.

Urgent work: `async_task(name, pk, cluster="cpu.urgent")`.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from time import sleep
from typing import Any

from django.conf import settings
from django.utils.timezone import now
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

URGENT = ".urgent"
# Names of further queues that this cluster works on, separated by commas: where nobody else does.
ALSO = "STARFORGE_ALSO_SERVES"


def limits_of(queue: str) -> dict[str, Any]:
    """`timeout` and `retry` of a queue, in seconds, as Q_CLUSTER states them for it or for all."""
    clusters: dict[str, Any] = settings.Q_CLUSTER
    return {**clusters, **clusters["ALT_CLUSTERS"].get(queue, {})}


def also_served() -> list[str]:
    """The further queues that this process works on."""
    return [name.strip() for name in os.environ.get(ALSO, "").split(",") if name.strip()]


class OneInHand(ORM):
    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._in_hand: set[int] = set()

    def dequeue(self) -> list[tuple[int, str]] | None:
        """One (row id, signed payload), or None after waiting out a poll.

        Between two tasks of the same cluster at most one poll passes.
        """
        rows, moment = self.get_connection(), now()
        if self._in_hand:  # forget what was acknowledged (the row is gone) or has expired
            still = rows.filter(pk__in=self._in_hand, lock__gt=moment)
            self._in_hand &= set(still.values_list("pk", flat=True))
        if len(self._in_hand) < Conf.WORKERS:
            for key in self._keys():
                task = rows.filter(key=key, lock__lt=moment).order_by("pk").first()
                # Compare and set: another cluster may have been faster.
                if task and rows.filter(pk=task.pk, lock=task.lock).update(lock=self.timeout(task)):
                    self._in_hand.add(task.pk)
                    return [(task.pk, task.payload)]
        sleep(Conf.POLL)
        return None

    def timeout(self, task: OrmQ) -> datetime:
        """Until when a task is out of reach of others: by its own queue's `retry`, whichever cluster serves it.

        By this cluster's own it would come back while a longer one still runs, and count as no longer in hand.
        """
        return now() + timedelta(seconds=limits_of(task.key.removesuffix(URGENT))["retry"])

    def _keys(self) -> list[str]:
        """Where to look, in order: what is urgent on any of our queues before the rest."""
        queues = [self.list_key, *(name for name in also_served() if name != self.list_key)]
        return [f"{name}{URGENT}" for name in queues] + queues
