"""/healthz: this process answers. /readyz: what it needs to be of use answers too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from starforge_site import heartbeat

LEAST_FREE_BYTES = 200 * 2**20


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


def storage() -> str:
    for place in (settings.STARFORGE_DATA, Path(settings.MEDIA_ROOT)):
        existing = next(path for path in (place, *place.parents) if path.exists())
        if not os.access(existing, os.W_OK | os.X_OK):
            raise NotReady("The data folder cannot be written.")
        if shutil.disk_usage(existing).free < LEAST_FREE_BYTES:
            raise NotReady("The disk is almost full.")
    return "writable"


def workers() -> str:
    alive = [beat for beat in heartbeat.read(settings.STARFORGE_DATA) if beat.alive]
    if not any(beat.queue == settings.Q_CLUSTER["name"] for beat in alive):
        raise NotReady("No worker has reported lately. Start one: manage.py work --queue cpu")
    return f"{len(alive)} alive"


CHECKS: dict[str, Callable[[], str]] = {"database": database, "storage": storage, "workers": workers}


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    checks, ready = {}, True
    for name, check in CHECKS.items():
        try:
            checks[name] = {"ok": True, "detail": check()}
        except NotReady as reason:
            ready = False
            checks[name] = {"ok": False, "detail": str(reason)}
    return JsonResponse(
        {"status": "ready" if ready else "not ready", "checks": checks}, status=200 if ready else 503
    )
