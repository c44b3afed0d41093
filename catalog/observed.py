"""What is kept for whoever runs the site: which workers live, and how long the stages of the work take."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import DatabaseError, models
from django.db.models import F
from django.utils import timezone

from catalog.jobs import here

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
ALIVE = timedelta(seconds=30)
FORGOTTEN = timedelta(hours=1)


class WorkerSeen(models.Model):
    """A cluster that takes jobs, on whichever host: rewritten every few seconds, gone when it stops in order."""

    name = models.CharField(max_length=200, unique=True, help_text="host and process")
    queue = models.CharField(max_length=40)
    also = models.CharField(max_length=120, blank=True, help_text="further queues it takes from, by commas")
    host = models.CharField(max_length=160)
    pid = models.PositiveIntegerField()
    gpus = models.JSONField(default=list, blank=True, help_text="of its host: name, used_mb, total_mb each")
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-seen_at", "name"]
        verbose_name_plural = "workers seen"

    def __str__(self) -> str:
        return self.name

    @property
    def machine(self) -> str:
        """Its host in a word, without what tells containers of one host apart."""
        return self.host.split(" ")[0]

    @property
    def queues(self) -> list[str]:
        return [self.queue, *filter(None, self.also.split(","))]

    @property
    def is_alive(self) -> bool:
        return self.seen_at > timezone.now() - ALIVE


def beat(queue: str, also: Sequence[str] = (), gpus: Sequence[dict[str, Any]] = ()) -> str:
    """This process takes jobs from `queue`. Returns its name, for `gone`. Raises DatabaseError."""
    host, pid, now = here(), os.getpid(), timezone.now()
    name = f"{host}|{pid}"[:200]
    said = {"queue": queue, "also": ",".join(also), "gpus": list(gpus), "seen_at": now}
    if not WorkerSeen.objects.filter(name=name).update(**said):
        WorkerSeen.objects.update_or_create(
            name=name, defaults={**said, "host": host[:160], "pid": pid, "started_at": now}
        )
        WorkerSeen.objects.filter(seen_at__lt=now - FORGOTTEN).delete()
    return name


def gone(name: str) -> None:
    WorkerSeen.objects.filter(name=name).delete()


def alive(now: datetime | None = None) -> list[WorkerSeen]:
    """Every worker that has beaten lately, whichever host it is on, the liveliest first."""
    return list(WorkerSeen.objects.filter(seen_at__gt=(now or timezone.now()) - ALIVE))


class StageTime(models.Model):
    """How often a stage of the work was gone through, and how long all of that took. Only ever grows."""

    kind = models.CharField(max_length=40, help_text="what was worked on: track, generation …")
    engine = models.CharField(max_length=40, blank=True)
    stage = models.CharField(max_length=40)
    count = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)

    class Meta:
        ordering = ["kind", "engine", "stage"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("kind", "engine", "stage", name="one_row_per_stage")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.engine} {self.stage}".replace("  ", " ")


@contextmanager
def stage(kind: str, name: str, engine: str = "") -> Iterator[None]:
    """The block is this stage of the work; what ends with an exception is not counted.

    Not inside a transaction: whoever ends the same stage elsewhere would wait for its end.
    """
    began = time.monotonic()
    yield
    took(kind, name, time.monotonic() - began, engine)


def took(kind: str, name: str, seconds: float, engine: str = "") -> None:
    """Counts a stage that took so long. Never fails: no job ends for the sake of a figure."""
    rows = StageTime.objects.filter(kind=kind, engine=engine, stage=name)
    more = {"count": F("count") + 1, "seconds": F("seconds") + seconds}
    try:
        if not rows.update(**more):
            StageTime.objects.get_or_create(kind=kind, engine=engine, stage=name)
            rows.update(**more)
    except DatabaseError:
        log.warning("a stage's time could not be kept", exc_info=True)
