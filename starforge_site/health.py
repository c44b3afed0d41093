"""/healthz: this process answers. /readyz: what it needs to be of use answers too, and if not, what is wrong."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog import observed
from starforge_site import work_figures

LEAST_FREE_BYTES = 200 * 2**20
# A worker that is being started again is away for some seconds; who waits longer waits for nobody.
PATIENCE = timedelta(seconds=60)


class NotReady(Exception):
    """One sentence for whoever runs the site."""


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        raise NotReady("The database does not answer.") from error
    return connection.vendor


def migrations() -> str:
    try:
        behind = _steps_behind()
    except DatabaseError as error:
        raise NotReady("Not known while the database does not answer.") from error
    if behind:
        _steps_behind.cache_clear()
        steps = "1 step" if behind == 1 else f"{behind} steps"
        raise NotReady(f"The database is {steps} behind this version. Run manage.py migrate.")
    return "up to date"


@functools.cache
def _steps_behind() -> int:
    """How many migrations are missing. Kept by this process once there are none: it will not need more."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def storage() -> str:
    least = 0
    for what, place in (("data", settings.STARFORGE_DATA), ("media", Path(settings.MEDIA_ROOT))):
        existing = next(path for path in (place, *place.parents) if path.exists())
        if not os.access(existing, os.W_OK | os.X_OK):
            raise NotReady(f"The {what} folder cannot be written.")
        free = shutil.disk_usage(existing).free
        if free < LEAST_FREE_BYTES:
            raise NotReady(
                f"The disk of the {what} folder is almost full: {free // 2**20} MB are free, "
                f"{LEAST_FREE_BYTES // 2**20} MB are the least. Make room, or purge expired takes."
            )
        least = min(least or free, free)
    return f"writable, {least / 2**30:.1f} GB free"


def models() -> str:
    place = Path(settings.STARFORGE_MODELS)
    if not place.exists():
        return "none; Mosaic needs none"
    if not place.is_dir() or not os.access(place, os.R_OK | os.X_OK):
        raise NotReady("The models' folder (STARFORGE_MODELS) cannot be read.")
    try:
        found = sum(one.is_dir() for one in place.iterdir())
    except OSError as error:
        raise NotReady("The models' folder (STARFORGE_MODELS) cannot be read.") from error
    return f"{found} fetched"


def workers() -> str:
    """The main queue is served."""
    try:
        alive = observed.alive()
    except DatabaseError as error:
        raise NotReady("Not known while the database does not answer.") from error
    main = str(settings.Q_CLUSTER["name"])
    if not work_figures.served(alive)[main]:
        raise NotReady(f"No worker has reported lately. Start one: manage.py work --queue {main}")
    return f"{len(alive)} alive"


def queues() -> str:
    """No queue has work that nobody takes."""
    try:
        now = timezone.now()
        served = work_figures.served(observed.alive(now))
        waits = work_figures.oldest_waits(work_figures.lanes(now), now)
    except DatabaseError as error:
        raise NotReady("Not known while the database does not answer.") from error
    for queue, seconds in waits.items():
        if seconds > PATIENCE.total_seconds() and not served[queue]:
            raise NotReady(
                f"Work waits on the queue {queue} for {seconds / 60:.0f} min and no worker serves it. "
                f"Start one: manage.py work --queue {queue}"
            )
    return "served where work waits"


CHECKS: dict[str, Callable[[], str]] = {
    "database": database,
    "migrations": migrations,
    "storage": storage,
    "workers": workers,
    "models": models,
    "queues": queues,
}
# What is wrong with these is told, but the site is of use without them: whoever sends requests only to where it is
# ready shall not shut it down because a GPU is away.
LIVED_WITH = frozenset({"models", "queues"})


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    checks = {}
    for name, check in CHECKS.items():
        try:
            checks[name] = {"ok": True, "detail": check()}
        except NotReady as reason:
            checks[name] = {"ok": False, "detail": str(reason)}
    wrong = {name for name, found in checks.items() if not found["ok"]}
    ready = wrong <= LIVED_WITH
    status = "not ready" if not ready else "ready, but not all is well" if wrong else "ready"
    return JsonResponse({"status": status, "checks": checks}, status=200 if ready else 503)
