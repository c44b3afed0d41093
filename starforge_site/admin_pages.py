"""Two pages of the admin that are no table: how the queues are, and how the plan's own measures stand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet, Value
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from catalog import importing, intake, jobs
from catalog.observed import StageTime, WorkerSeen
from generation import adapters, lifecycle
from generation.submitting import Refused
from provenance import anchoring
from starforge_site import success, work_figures

SHOWN = 25
# What a kind does besides going back into its queue when it is tried again.
TRY_AGAIN: dict[str, Callable[[Any], bool]] = {
    "track": intake.retry,
    "import": importing.retry,
    "generation": lambda row: lifecycle.retry(row, limited=False),
    "adapter": adapters.go_on,
    "anchor": anchoring.again,
}


def _may_look(request: HttpRequest) -> None:
    if not request.user.has_perm("catalog.view_workerseen"):
        raise PermissionDenied


@require_safe
def measures(request: HttpRequest) -> HttpResponse:
    _may_look(request)
    context = {**admin.site.each_context(request), "title": "The plan's measures", "measures": success.read()}
    return render(request, "admin/measures.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def queues(request: HttpRequest) -> HttpResponse:
    _may_look(request)
    if request.method == "POST":
        _steer(request)
        return HttpResponseRedirect(reverse("admin-queues"))
    now = timezone.now()
    lanes, workers = work_figures.lanes(now), list(WorkerSeen.objects.all())
    context = {
        **admin.site.each_context(request),
        "title": "Queues",
        "queues": _queues(lanes, workers, now),
        "failures": sorted(work_figures.failures().items(), key=lambda item: -item[1]),
        "workers": workers,
        "stages": [
            {"row": row, "mean": row.seconds / row.count} for row in StageTime.objects.all() if row.count
        ],
        "groups": [
            ("In hand", "running", _shown(request, "RUNNING", "-started_at"), ("Stage", "Since", "Worker")),
            (
                "First in the queue",
                "queued",
                _shown(request, "QUEUED", "queued_at"),
                ("Queue", "Waits since", "Attempts"),
            ),
            ("Failed last", "failed", _shown(request, "FAILED", "-finished_at"), ("Why", "When", "Attempts")),
        ],
        "shown": SHOWN,
    }
    return render(request, "admin/queues.html", context)


def _queues(lanes: list[work_figures.Lane], workers: list[WorkerSeen], now: Any) -> list[dict[str, Any]]:
    """Each queue that has a worker, work or a place in the settings."""
    conf: dict[str, Any] = settings.Q_CLUSTER
    served = work_figures.served([worker for worker in workers if worker.is_alive])
    waits = work_figures.oldest_waits(lanes, now)
    names = dict.fromkeys([conf["name"], *conf["ALT_CLUSTERS"], *waits, *served])
    return [
        {
            "name": name,
            "waiting": sum(lane.waiting for lane in lanes if lane.queue == name),
            "running": sum(lane.running for lane in lanes if lane.queue == name),
            "oldest": timedelta(seconds=round(waits.get(name, 0.0))),
            "workers": served[name],
        }
        for name in names
    ]


def _shown(request: HttpRequest, status: str, order: str) -> list[dict[str, Any]]:
    """The first jobs in this state, of all kinds together."""
    field = order.removeprefix("-")
    rows: list[Any] = []
    for model in work_figures.kinds():
        found: QuerySet[Any] = model._base_manager.filter(status=getattr(model, status)).order_by(order)
        light = ("pk", "status", "stage", "progress", "error", "failure", "request_id", "cancel_asked")
        found = found.annotate(waits_by=F(model.QUEUE_BY) if model.QUEUE_BY else Value(""))
        rows += found.only(*light, "worker", "attempts", "queued_at", "started_at", "finished_at")[:SHOWN]
    rows.sort(key=lambda row: getattr(row, field) or row.queued_at, reverse=order.startswith("-"))
    return [_line(request, row) for row in rows[:SHOWN]]


def _line(request: HttpRequest, row: Any) -> dict[str, Any]:
    meta = row._meta
    try:
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        url = ""
    return {
        "row": row,
        "kind": meta.verbose_name,
        "model": meta.model_name,
        "url": url,
        "queue": row.queue_for(row.waits_by),
        "worker": row.worker.split("|")[0].split(" ")[0] if row.worker else "",
        # Sentences of a failure may name a recording.
        "why": row.error if request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}") else "",
        "may_steer": request.user.has_perm(f"{meta.app_label}.change_{meta.model_name}"),
    }


def _steer(request: HttpRequest) -> None:
    """Try a job again or stop it, as its row and the verbs of its kind allow."""
    kind, pk, verb = (request.POST.get(name, "") for name in ("kind", "pk", "do"))
    model = next((model for model in work_figures.kinds() if work_figures.kind_of(model) == kind), None)
    try:
        row = model._base_manager.filter(pk=pk).first() if model and "\0" not in pk else None
    except (ValueError, OverflowError):  # a key that is no number where keys are
        row = None
    if row is None or verb not in {"retry", "cancel"}:
        raise Http404
    if not request.user.has_perm(f"{row._meta.app_label}.change_{kind}"):
        raise PermissionDenied
    try:
        done = jobs.cancel(row) if verb == "cancel" else TRY_AGAIN.get(kind, jobs.requeue)(row)
    except Refused as error:
        messages.error(request, str(error))
        return
    if done:
        words = "Stopped" if verb == "cancel" else "Queued again"
        LogEntry.objects.log_actions(
            int(request.user.pk or 0), [row], CHANGE, f"{words} on the page of the queues."
        )
        messages.success(request, f"{words}: {row}.")
    else:
        messages.warning(request, f"Left as it is, because it is {row.status} now: {row}.")


def routes() -> list[URLPattern]:
    """What stands beside the tables in the address space of the admin, before its own routes."""
    return [
        path("admin/queues/", admin.site.admin_view(queues), name="admin-queues"),
        path("admin/measures/", admin.site.admin_view(measures), name="admin-measures"),
    ]
