"""Jobs that talk to a service which may be down: put off, each time further, and woken when their time comes.

Their rows have `tries` and `next_try_at` beside what every job has (catalog.jobs).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from catalog import jobs

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
TRIES = 12  # over about a day


def after(tries: int, now: datetime) -> datetime:
    """When to try again after so many tries."""
    return now + min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tries - 1))


def waiting(moment: datetime) -> dict[str, Any]:
    """The columns of a row that waits since, or until, `moment`. Recovery wakes nobody before it."""
    return {
        "status": jobs.Job.QUEUED, "worker": "", "attempts": 0, "queued_at": moment, "progress": 0.0,
    }  # fmt: skip


def put_off(lease: jobs.Lease, later: datetime, **fields: Any) -> bool:
    """Back into the queue, until `later`. False when the row was no longer ours."""
    return lease.finish(**waiting(later), next_try_at=later, **fields)


def wake_due(model: type[Any], now: datetime) -> int:
    """Wake those whose time has come. Returns how many."""
    touched = 0
    due = model.objects.filter(status=model.QUEUED, next_try_at__lte=now)
    for row in due.order_by("next_try_at")[:100]:
        with transaction.atomic():
            if due.filter(pk=row.pk, next_try_at=row.next_try_at).update(next_try_at=None, queued_at=now):
                jobs.wake(row)
                touched += 1
    return touched
