"""The row is the job; the queue carries wake-ups only.

    queued --claim--> running --finish--> ready | failed | cancelled
       ^                 |
       +----recover------+   the worker is gone, attempts left   (none left -> failed)
       +----later--------+   a slice is done, and the next waits its turn

Every transition is one conditional UPDATE, so two workers, two deliveries or two clicks make one result.
A worker keeps its lease with `report()` and with a heartbeat thread; a row whose worker process is gone
(seen at once on the same host, after `LEASE` elsewhere) is given to another by `recover()`.
"""

from __future__ import annotations

import contextvars
import logging
import os
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from django.apps import apps
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    models,
    transaction,
)
from django.db.models import F, Min
from django.utils import timezone
from django_q.tasks import async_task

from catalog import tracing
from catalog.precedence import Rank
from catalog.queue import address, limits_of, read_address, standing

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
BEAT_EVERY = 5.0
ATTEMPTS = 3
# A process that is seen to live keeps its job much longer: a laptop may have slept between two beats.
LONG_LEASE = timedelta(minutes=30)
WAKE_AGAIN = timedelta(seconds=30)
WAKE_SLACK = timedelta(seconds=5)
ASK_AGAIN = 2.0
# What a database raises that went away, or cannot write now: nothing of it is the job's fault.
DATABASE_AWAY = (OperationalError, InterfaceError)


class Cancelled(Exception):
    """The owner asked for this job to stop."""


class Lost(Exception):
    """Another worker has this job now, or it was deleted."""


class Job(models.Model):
    """Columns every long job has. Subclasses name their states, their task and their queue."""

    QUEUED: ClassVar[str] = "queued"
    RUNNING: ClassVar[str] = "running"
    READY: ClassVar[str] = "ready"
    FAILED: ClassVar[str] = "failed"
    CANCELLED: ClassVar[str] = "cancelled"
    TASK: ClassVar[str]
    WHAT: ClassVar[str] = "this job"
    QUEUES: ClassVar[tuple[str, ...]] = ("cpu",)  # those that `queue_name` may say
    OWNER: ClassVar[str] = "artist"  # the way to the artist whose turn it takes; "" where it is nobody's
    # The column, or the way to it, that says which queue a row waits on; "" where all wait on one.
    QUEUE_BY: ClassVar[str] = ""

    status = models.CharField(max_length=16, default="queued", db_index=True)
    stage = models.CharField(max_length=120, blank=True)
    progress = models.FloatField(default=0.0)
    error = models.TextField(blank=True)
    failure = models.CharField(max_length=40, blank=True, help_text="the kind of error, as one word")
    request_id = models.CharField(
        max_length=tracing.LONGEST, blank=True, default=tracing.current, help_text="what asked for it last"
    )
    cancel_asked = models.BooleanField(default=False)
    worker = models.CharField(max_length=200, blank=True)
    beat = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_over(self) -> bool:
        return self.status in {self.READY, self.FAILED, self.CANCELLED}

    @classmethod
    def queue_for(cls, value: Any) -> str:
        """The queue of rows that have this value at QUEUE_BY."""
        return "cpu"

    @property
    def queue_name(self) -> str:
        value: Any = self
        for name in self.QUEUE_BY.split("__") if self.QUEUE_BY else []:
            value = getattr(value, name)
        return self.queue_for(value)

    @property
    def rank(self) -> Rank:
        """Before and after whose work it stands in its queue."""
        return Rank.WAITED_FOR if self.started_at is None else Rank.BEGUN

    @property
    def owner_id(self) -> int | None:
        found: Any = self
        *way, last = self.OWNER.split("__")
        for name in way:
            found = getattr(found, name)
        return getattr(found, f"{last}_id") if last else None

    def eta(self, estimate: float | None = None) -> float | None:
        """Seconds left, from what this run has shown so far; from `estimate` while it has shown little."""
        if self.status != self.RUNNING or not self.started_at:
            return None
        spent = (timezone.now() - self.started_at).total_seconds()
        if self.progress < 0.05:
            return None if estimate is None else max(1.0, estimate - spent)
        shown = spent * (1 - self.progress) / self.progress
        if estimate is None:
            return shown
        return self.progress * shown + (1 - self.progress) * max(0.0, estimate - spent)


def wake(job: Job, rank: Rank | None = None) -> None:
    """Put a wake-up on the queue. Called inside the transaction that made the row: both commit or neither."""
    queue = job.queue_name
    place = address(queue, job.rank if rank is None else rank, job.owner_id)
    # Its own queue's time-out, also where another cluster serves that queue.
    async_task(job.TASK, job.pk, cluster=place, timeout=limits_of(queue)["timeout"])


# --- who is working -----------------------------------------------------------------------------------


def _born(pid: int) -> str:
    """Start time of a process in clock ticks ("" when it is not there): tells a reused pid from the same process."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return "" if state == "Z" else fields[18]  # dead, only nobody has looked yet
    except (OSError, IndexError, ValueError):
        return ""


def here() -> str:
    """This host, told apart from containers that share its name but not its process numbers."""
    try:
        space = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        space = ""
    return f"{socket.gethostname()} {space}".strip()


def me() -> str:
    pid = os.getpid()
    return f"{here()}|{pid}|{_born(pid)}|{threading.get_ident()}"


def is_gone(worker: str) -> bool | None:
    """Whether the worker's process has ended. None: it ran elsewhere, so nobody here can know."""
    parts = worker.split("|")
    if len(parts) < 3 or parts[0] != here() or not parts[1].isdigit() or not parts[2]:
        return None
    return _born(int(parts[1])) != parts[2]


# --- one job in hand ------------------------------------------------------------------------------------


class Lease:
    """The right to work on one row, until `finish()`, a cancel, or the loss of it."""

    def __init__(self, model: type[Job], pk: Any, worker: str) -> None:
        self.model, self.pk, self.worker = model, pk, worker
        self._stop = threading.Event()

    @property
    def _mine(self) -> models.QuerySet[Job]:
        return self.model._base_manager.filter(pk=self.pk, status=self.model.RUNNING, worker=self.worker)

    def report(self, progress: float, stage: str = "", **fields: Any) -> None:
        """Say how far the work is (0..1, never backwards) and what it is doing; `fields` are seen at the same moment.

        Raises Cancelled when the owner asked to stop, Lost when the row is no longer ours.
        """
        changes: dict[str, Any] = {**fields, "beat": timezone.now(), "version": F("version") + 1}
        changes["progress"] = max(0.0, min(1.0, progress))
        if stage:
            changes["stage"] = stage[:120]
        if not self._mine.filter(cancel_asked=False).update(**changes):
            raise Cancelled if self._mine.filter(cancel_asked=True).exists() else Lost

    def finish(self, status: str, **fields: Any) -> bool:
        """Close the row. False when it was no longer ours: then nothing may be published."""
        now = timezone.now()
        if status == self.model.READY:
            fields.setdefault("progress", 1.0)
            fields.setdefault("error", "")
            fields.setdefault("failure", "")
        if status == self.model.FAILED:
            fields.setdefault("failure", "other")
        updated = self._mine.update(
            status=status, finished_at=now, beat=now, version=F("version") + 1, **fields
        )
        if updated:
            log.info("job left", extra={**self._said, "status": status, "failure": fields.get("failure", "")})
        return bool(updated)

    @property
    def _said(self) -> dict[str, Any]:
        return {"kind": self.model._meta.model_name, "job": self.pk}

    def later(self, **fields: Any) -> None:
        """Put the row back at the end of its queue with what was done, so that other work gets its turn.

        Getting so far counts as a success: attempts begin anew. Raises Cancelled or Lost as `report` does.
        """
        with transaction.atomic():
            updated = self._mine.filter(cancel_asked=False).update(
                status=self.model.QUEUED,
                worker="",
                attempts=0,
                queued_at=timezone.now(),
                version=F("version") + 1,
                **fields,
            )
            if not updated:
                raise Cancelled if self._mine.filter(cancel_asked=True).exists() else Lost
            wake(self.model._base_manager.get(pk=self.pk))

    def give_back(self) -> str:
        """The database went away under the work: let it be done again, as soon as the database can be told so."""
        log.warning("the database went away under a job", extra={"job": self.pk}, exc_info=True)
        if not self._given_back():
            threading.Thread(target=self._give_back_later, name="give back", daemon=True).start()
        return "given back"

    def _give_back_later(self) -> None:
        try:
            while not self._given_back():
                time.sleep(ASK_AGAIN)
        finally:
            connection.close()

    def _given_back(self) -> bool:
        """True also when it is no longer ours to give."""
        connection.close()  # whatever state it is in
        try:
            touched = _let_go(self._mine, self.model, "The database went away")
            log.info("a job was given back", extra={"job": self.pk, "touched": touched})
        except DatabaseError:
            return False
        return True

    @contextmanager
    def kept(self) -> Iterator[Lease]:
        """Beat the lease from a thread while long silent work (a model load, a decode) goes on."""
        # In a copy of this context: its log lines carry the same request's number.
        run = contextvars.copy_context().run
        thread = threading.Thread(target=run, args=(self._beat,), name="lease", daemon=True)
        thread.start()
        try:
            yield self
        except DATABASE_AWAY:  # also while the end of it was being written down
            self.give_back()
            raise
        finally:
            self._stop.set()
            thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.wait(BEAT_EVERY):
                try:
                    if not self._mine.update(beat=timezone.now()):
                        return
                except DatabaseError:
                    log.warning("heartbeat failed", exc_info=True)
                    close_old_connections()
        finally:
            connection.close()


def claim(model: type[Job], pk: Any) -> Lease | None:
    """Take the row if it is still waiting. None: somebody else has it, or it was cancelled or deleted."""
    worker, now = me(), timezone.now()
    lease = Lease(model, pk, worker)
    try:
        taken = model._base_manager.filter(pk=pk, status=model.QUEUED).update(
            status=model.RUNNING,
            worker=worker,
            beat=now,
            started_at=now,
            progress=0.0,
            attempts=F("attempts") + 1,
            version=F("version") + 1,
        )
    except DATABASE_AWAY:  # it may have been written before the line went
        lease.give_back()
        raise
    if not taken:
        return None
    if row := model._base_manager.filter(pk=pk).values_list("request_id", "queued_at", "attempts").first():
        tracing.bind(row[0])  # what this worker does from here on, it does for the request that asked for it
        waited = round((now - row[1]).total_seconds(), 2)
        log.info("job taken", extra={**lease._said, "attempt": row[2], "waited_s": waited})
    return lease


def cancel(job: Job) -> bool:
    """A waiting job is cancelled at once; a running one is asked to stop. False when it was over."""
    rows = type(job)._base_manager.filter(pk=job.pk)
    now = timezone.now()
    if rows.filter(status=job.QUEUED).update(
        status=job.CANCELLED, finished_at=now, stage="", version=F("version") + 1
    ):
        return True
    return bool(rows.filter(status=job.RUNNING).update(cancel_asked=True, version=F("version") + 1))


def requeue(job: Job) -> bool:
    """Try a failed or cancelled job again from the start. False when it is waiting, running or done."""
    return bool(requeue_all(type(job)._base_manager.filter(pk=job.pk)))


def requeue_all(rows: models.QuerySet[Any]) -> int:
    """Try all failed or cancelled jobs among `rows` again, oldest first. Returns how many there were."""
    with transaction.atomic():
        over = rows.filter(status__in=[Job.FAILED, Job.CANCELLED])
        again = list(over.select_for_update().order_by("queued_at", "pk"))
        rows.model._base_manager.filter(pk__in=[job.pk for job in again]).update(
            status=Job.QUEUED,
            stage="",
            progress=0.0,
            error="",
            failure="",
            request_id=tracing.current() or F("request_id"),
            cancel_asked=False,
            attempts=0,
            worker="",
            queued_at=timezone.now(),
            started_at=None,
            finished_at=None,
            version=F("version") + 1,
        )
        for job in again:
            job.started_at = None
            wake(job)
    return len(again)


def hand_back(pids: Collection[int]) -> int:
    """Give back what processes of this host held that were ended by a planned stop. Returns how many rows.

    The attempt is not counted: however often the site is restarted, no job fails of it.
    """
    now, touched = timezone.now(), 0
    for model in apps.get_models():
        if not issubclass(model, Job):
            continue
        running = model._base_manager.filter(status=model.RUNNING)
        for job in running.only("pk", "worker"):
            if not is_gone(job.worker) or int(job.worker.split("|")[1]) not in pids:
                continue
            with transaction.atomic():
                if running.filter(pk=job.pk, worker=job.worker, attempts__gt=0).update(
                    status=model.QUEUED,
                    worker="",
                    attempts=F("attempts") - 1,
                    queued_at=now,
                    stage="",
                    version=F("version") + 1,
                ):
                    wake(job)
                    touched += 1
    return touched


def recover(model: type[Job], *, now: datetime | None = None) -> int:
    """Give rows of dead workers to living ones, end those that kill every worker, wake forgotten rows.

    Safe to run from any number of processes at any time. Returns the number of rows touched.
    """
    now = now or timezone.now()
    touched = 0
    running = model._base_manager.filter(status=model.RUNNING)
    for job in running.only("pk", "worker", "beat"):
        gone = is_gone(job.worker)
        lease = LEASE if gone is None else LONG_LEASE
        if not (gone or (job.beat and job.beat < now - lease)):
            continue
        # The very row we looked at: a beat since then means somebody lives after all.
        dead = running.filter(pk=job.pk, worker=job.worker, beat=job.beat)
        touched += _let_go(dead, model, "The worker stopped", now)
    return touched + _wake_forgotten(model, now)


def _let_go(held: models.QuerySet[Job], model: type[Job], what: str, now: datetime | None = None) -> int:
    """End the hold on this row, if `held` still finds it: back into the queue, or over. Returns whether it did."""
    now = now or timezone.now()
    job = held.only("pk", "attempts", "cancel_asked").first()
    if job is None:
        return 0
    over = {"finished_at": now, "worker": "", "version": F("version") + 1}
    if job.cancel_asked:
        return held.update(status=model.CANCELLED, **over)
    if job.attempts >= ATTEMPTS:
        error = (
            f"{what} {job.attempts} times while working on {model.WHAT}. "
            "Try again; if it stops again, the machine may be short of memory."
        )
        return held.update(status=model.FAILED, failure="worker-stopped", error=error, **over)
    with transaction.atomic():
        touched = held.update(
            status=model.QUEUED, worker="", queued_at=now, stage="", version=F("version") + 1
        )
        if touched:
            wake(job)
    return touched


def _wake_forgotten(model: type[Job], now: datetime) -> int:
    """Wake waiting rows whose wake-up is gone: taken by a worker that died before its claim, or lost otherwise.

    An artist's wake-ups stand in the queue since their rows do, so a row that waits longer than the oldest one of
    its artist that is still to be had has none. Should it have one after all: three deliveries are one start.
    """
    touched = 0
    waiting = model._base_manager.filter(status=model.QUEUED, queued_at__lt=now - WAKE_AGAIN)
    owner = F(model.OWNER) if model.OWNER else models.Value(None, output_field=models.IntegerField())
    rows = list(waiting.order_by("queued_at").values_list("pk", owner, "queued_at"))
    oldest = _oldest_standing(model.QUEUES, now) if rows else {}
    for pk, whose, queued_at in rows:
        first = oldest.get(whose)
        if first is not None and queued_at >= first - WAKE_SLACK:
            continue
        with transaction.atomic():
            if waiting.filter(pk=pk, queued_at=queued_at).update(queued_at=now):
                wake(model._base_manager.get(pk=pk))
                touched += 1
    return touched


def _oldest_standing(queues: Collection[str], now: datetime) -> dict[int | None, datetime]:
    """Since when the oldest wake-up of each artist stands that nobody has taken."""
    found: dict[int | None, datetime] = {}
    for queue in queues:
        lines = standing(queue).filter(lock__lt=now).order_by().values("key").annotate(first=Min("lock"))
        for key, first in lines.values_list("key", "first"):
            whose = read_address(key)[2]
            found[whose] = min(first, found.get(whose, first))
    return found
