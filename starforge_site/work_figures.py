"""How the work stands, asked of the database: what waits, runs and failed, who works, how long things take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Count, Min, Q
from django.utils import timezone

from catalog import observed
from catalog.jobs import Job
from catalog.observed import StageTime, WorkerSeen
from generation.models import GeneratedTrack
from provenance.models import LogHead

# Labels are few whatever a row says: a word that is not among these counts as "other".
REASONS = frozenset(
    {
        "different", "engine", "known-already", "refused", "unexpected", "unreachable", "worker-stopped",
        # of catalog.audio.errors.AudioError
        "damaged", "empty", "no_space", "sample_rate", "silent", "too_big", "too_expensive", "too_long",
        "too_many_channels", "too_short", "truncated", "unsupported", "video",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Lane:
    """One kind of job on one queue."""

    queue: str
    kind: str
    waiting: int
    running: int
    since: datetime | None  # when the first of those that wait began to


@dataclass
class Figures:
    lanes: list[Lane] = field(default_factory=list)
    oldest_wait: dict[str, float] = field(default_factory=dict)
    failed: dict[tuple[str, str], int] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)
    takes: dict[str, int] = field(default_factory=dict)
    stages: list[StageTime] = field(default_factory=list)
    gpus: list[tuple[str, str, int, int]] = field(default_factory=list)  # host, number, bytes used, in all
    log_entries: int = 0


def kinds() -> list[type[Job]]:
    """Every kind of job there is."""
    return [model for model in apps.get_models() if issubclass(model, Job)]


def kind_of(model: type[Job]) -> str:
    return str(model._meta.model_name)


def lanes(now: datetime | None = None) -> list[Lane]:
    """What waits and what runs, for each queue and kind; a kind with neither has an empty lane on each of its own.

    What was put off until a service answers again does not wait for a worker, and is not counted.
    """
    now = now or timezone.now()
    found: list[Lane] = []
    for model in kinds():
        rows = model._base_manager.filter(status__in=[model.QUEUED, model.RUNNING])
        waits = Q(status=model.QUEUED, queued_at__lte=now)
        counts = {
            "waiting": Count("pk", filter=waits),
            "running": Count("pk", filter=Q(status=model.RUNNING)),
            "since": Min("queued_at", filter=waits),
        }
        grouped: list[dict[str, Any]]
        if model.QUEUE_BY:
            grouped = list(rows.order_by().values(model.QUEUE_BY).annotate(**counts))
        else:
            grouped = [rows.aggregate(**counts)]
        by_queue = {queue: Lane(queue, kind_of(model), 0, 0, None) for queue in model.QUEUES}
        for one in grouped:
            queue = model.queue_for(one.get(model.QUEUE_BY))
            before = by_queue.get(queue) or Lane(queue, kind_of(model), 0, 0, None)
            starts = [moment for moment in (before.since, one["since"]) if moment]
            by_queue[queue] = Lane(
                queue,
                kind_of(model),
                before.waiting + one["waiting"],
                before.running + one["running"],
                min(starts, default=None),
            )
        found += by_queue.values()
    return found


def oldest_waits(found: list[Lane], now: datetime) -> dict[str, float]:
    """Seconds the first job of each queue has waited; 0 where none waits."""
    waits = {lane.queue: 0.0 for lane in found}
    for lane in found:
        if lane.since:
            waits[lane.queue] = max(waits[lane.queue], (now - lane.since).total_seconds())
    return waits


def served(workers: list[WorkerSeen]) -> Counter[str]:
    """How many workers take jobs from each queue."""
    return Counter(queue for worker in workers for queue in worker.queues)


def failures() -> dict[tuple[str, str], int]:
    """How many jobs of a kind failed for a reason and were not tried again."""
    found: Counter[tuple[str, str]] = Counter()
    for model in kinds():
        rows = model._base_manager.filter(status=model.FAILED).order_by()
        for reason, count in rows.values_list("failure").annotate(n=Count("pk")):
            found[kind_of(model), reason if reason in REASONS else "other"] += count
    return dict(found)


def read() -> Figures:
    """Everything at once. Raises DatabaseError."""
    now = timezone.now()
    current, alive = lanes(now), observed.alive(now)
    gpus = {
        (worker.host, str(number)): (int(gpu["used_mb"]) * 2**20, int(gpu["total_mb"]) * 2**20)
        for worker in reversed(alive)  # the liveliest has the last word
        for number, gpu in enumerate(worker.gpus)
    }
    return Figures(
        lanes=current,
        oldest_wait=oldest_waits(current, now),
        failed=failures(),
        workers=dict(served(alive)),
        takes=dict(GeneratedTrack.objects.order_by().values_list("engine").annotate(n=Count("pk"))),
        stages=list(StageTime.objects.all()),
        gpus=[(*place, *memory) for place, memory in sorted(gpus.items())],
        log_entries=LogHead.objects.values_list("size", flat=True).first() or 0,
    )
