"""/metrics, for Prometheus: what this web process answered, and what the database says of the work.

Nothing is sent anywhere: who is allowed to may come and read.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from starforge_site import work_figures

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
REQUESTS = Histogram(
    "starforge_request_seconds",
    "From the request to the first byte of its answer, in this web process.",
    ["route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
SOCKETS = Gauge("starforge_open_sockets", "Open sockets of this web process.", registry=REGISTRY)


class Work(Collector):
    """What the database says at the moment it is asked: the same from every web process."""

    def describe(self) -> list[Metric]:
        return []  # so that registering it asks no database

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("starforge_database_up", "1 when the database answered.")
        try:
            figures = work_figures.read()
        except DatabaseError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from _families(figures)


def _families(figures: work_figures.Figures) -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "starforge_queue_depth",
        "Jobs that wait, without those put off until later.",
        labels=["queue", "kind"],
    )
    oldest = GaugeMetricFamily(
        "starforge_queue_oldest_wait_seconds", "How long the first of them has waited.", labels=["queue"]
    )
    running = GaugeMetricFamily(
        "starforge_jobs_running", "Jobs a worker has in hand.", labels=["queue", "kind"]
    )
    for lane in figures.lanes:
        depth.add_metric([lane.queue, lane.kind], lane.waiting)
        running.add_metric([lane.queue, lane.kind], lane.running)
    for queue, seconds in figures.oldest_wait.items():
        oldest.add_metric([queue], seconds)
    yield from (depth, oldest, running)
    failed = GaugeMetricFamily(
        "starforge_jobs_failed", "Jobs that failed and were not tried again.", labels=["kind", "reason"]
    )
    for (kind, reason), count in figures.failed.items():
        failed.add_metric([kind, reason], count)
    yield failed
    workers = GaugeMetricFamily(
        "starforge_workers", "Workers that have beaten lately, on any host.", labels=["queue"]
    )
    for queue, count in figures.workers.items():
        workers.add_metric([queue], count)
    yield workers
    takes = GaugeMetricFamily("starforge_takes", "Finished takes that are kept.", labels=["engine"])
    for engine, count in figures.takes.items():
        takes.add_metric([engine], count)
    yield takes
    stages = SummaryMetricFamily(
        "starforge_stage_seconds", "Stages that workers went through.", labels=["kind", "engine", "stage"]
    )
    for row in figures.stages:
        stages.add_metric([row.kind, row.engine, row.stage], count_value=row.count, sum_value=row.seconds)
    yield stages
    entries = CounterMetricFamily("starforge_log_entries", "Entries of the public log.")
    entries.add_metric([], figures.log_entries)
    yield entries
    memory = GaugeMetricFamily(
        "starforge_gpu_memory_bytes", "Of each GPU of each worker host.", labels=["host", "gpu", "what"]
    )
    for host, number, used, total in figures.gpus:
        memory.add_metric([host, number, "used"], used)
        memory.add_metric([host, number, "total"], total)
    yield memory


REGISTRY.register(Work())


def may_read(request: HttpRequest) -> bool:
    """Whoever has the token; where none is set, this machine itself, and nobody a proxy speaks for.

    A site with a public address stands behind a proxy, which need not say so: there only the token counts.
    """
    if settings.STARFORGE_METRICS_TOKEN:
        wanted = f"Bearer {settings.STARFORGE_METRICS_TOKEN}"
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted.encode())
    spoken_for = {"forwarded", "via", "x-real-ip"}
    if any(name.lower() in spoken_for or name.lower().startswith("x-forwarded-") for name in request.headers):
        return False
    if settings.STARFORGE_PUBLIC_URL:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_read(request):
        return HttpResponse(
            "The metrics are for this machine only, or for who has the token: set STARFORGE_METRICS_TOKEN and "
            "send Authorization: Bearer with it.\n",
            status=403,
            content_type="text/plain; charset=utf-8",
        )
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
