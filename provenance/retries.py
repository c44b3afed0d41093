"""Jobs that ask a service which may be down: claimed, put off, each time further, woken in time, or given up.

Their rows have `tries` and `next_try_at` beside what every job has (catalog.jobs).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog import jobs
from provenance.authorities.base import Unreachable

log = logging.getLogger(__name__)

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
TRIES = 12  # over about a day


class Later(Exception):
    """Nothing usable came of it: try again. `fields`: what to write into the row as well."""

    def __init__(self, reason: str, **fields: Any) -> None:
        super().__init__(reason)
        self.reason, self.fields = reason, fields


class Over(Exception):
    """It will never come to anything. `word`: for the queue's records; the reason is for whoever asked for it."""

    def __init__(self, word: str, reason: str, **fields: Any) -> None:
        super().__init__(reason)
        self.word, self.reason, self.fields = word, reason, fields


def run(
    model: type[jobs.Job], pk: int, ask: Callable[[Any, jobs.Lease], str], *, related: tuple[str, ...]
) -> str:
    """Claim the row, ask, and put it off or give it up where that fails. Returns one word for the queue's records.

    `ask` finishes the row itself and returns its word, or raises Later, Unreachable, Over or jobs.Lost. `related`:
    what it needs of the row, for select_related.
    """
    row: Any = model._base_manager.filter(pk=pk).first()
    if row is None:
        return "gone"
    if row.next_try_at is not None:  # a wake-up from before it was put off
        return "not yet"
    lease = jobs.claim(model, pk)
    if lease is None:
        return "not ours"
    with lease.kept():
        row = model._base_manager.select_related(*related).get(pk=pk)
        try:
            return ask(row, lease)
        except jobs.Lost:
            return "lost"
        except Over as error:
            lease.finish(model.FAILED, error=error.reason, **{"failure": error.word, **error.fields})
            return error.word
        except Later as error:
            return _later(row, lease, error.reason, error.fields)
        except Unreachable as error:
            return _later(row, lease, error.reason, {})
        except jobs.DATABASE_AWAY:
            return lease.give_back()
        except Exception:
            log.exception("%s failed", model.WHAT, extra={"job": pk})
            lease.finish(
                model.FAILED,
                failure="unexpected",
                error="Something failed here that should not have; it was logged. Try again.",
            )
            raise


def _later(row: Any, lease: jobs.Lease, reason: str, fields: dict[str, Any]) -> str:
    """Back into the queue for later, further each time; after TRIES of them to whoever asked for it."""
    tries = row.tries + 1
    if tries >= TRIES:
        said = f"It was tried {tries} times in vain. {reason}"
        lease.finish(row.FAILED, tries=tries, failure="unreachable", error=said, **fields)
        return "given up"
    put_off(lease, after(tries, timezone.now()), error=reason, tries=tries, **fields)
    return "later"


def note(row: Any, lease: jobs.Lease, **changes: Any) -> None:
    """Write down what is about to be sent, while the row is still ours. Raises jobs.Lost."""
    mine = type(row)._base_manager.filter(pk=row.pk, status=row.RUNNING, worker=lease.worker)
    if not mine.update(**changes, version=F("version") + 1):
        raise jobs.Lost
    for name, value in changes.items():
        setattr(row, name, value)


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
