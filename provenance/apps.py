from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class ProvenanceConfig(AppConfig):
    name = "provenance"
    verbose_name = "Provenance"

    def ready(self) -> None:
        post_migrate.connect(_guard_the_log, sender=self)


def _guard_the_log(*, using: str, **_: Any) -> None:
    from provenance.log import guard

    guard.install(connections[using])
