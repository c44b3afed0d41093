"""`manage.py work --queue cpu`: take jobs off a queue until stopped."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.queue import ALSO
from starforge_site.launcher import Launcher, Service

QUEUE_VARIABLE = "Q_CLUSTER_NAME"


def service(queue: str, number: int = 1, also: str = "") -> Service:
    """One crash-only cluster with one worker, as a service of a launcher. also: a further queue it works on."""
    return Service(
        name=f"work-{queue}-{number}",
        command=[sys.executable, str(settings.BASE_DIR / "manage.py"), "work", "--queue", queue],
        # django-q2 reads the queue's name when it is imported, so an option would come too late.
        environment={
            QUEUE_VARIABLE: queue,
            ALSO: also,
            "STARFORGE_DATA": str(settings.STARFORGE_DATA),
            # One worker for each core: threads of one worker's BLAS would only get in the way of the other.
            "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1"),
        },
    )


class Command(BaseCommand):
    help = (
        "Takes jobs off a queue until stopped. Any number of these, on any number of machines, may work "
        "against the same database."
    )
    requires_system_checks = []  # once in the supervisor, not in each process

    def add_arguments(self, parser: ArgumentParser) -> None:
        conf: dict[str, Any] = settings.Q_CLUSTER
        queues = [conf["name"], *conf["ALT_CLUSTERS"]]
        parser.add_argument("--queue", default=queues[0], choices=queues, help="which jobs to take")
        parser.add_argument(
            "--also",
            default="",
            choices=["", *(one for one in queues if one != queues[0])],
            help="a further queue to work on, where no other worker does",
        )
        parser.add_argument(
            "--processes", type=int, default=1, help="how many jobs at a time (one process each)"
        )

    def handle(self, *, queue: str, also: str, processes: int, **_: Any) -> None:
        if processes < 1:
            raise CommandError("--processes must be 1 or more.")
        if os.environ.get(QUEUE_VARIABLE) == queue and os.getpgrp() == os.getpid() and processes == 1:
            from starforge_site import cluster

            raise SystemExit(cluster.run(queue))
        self.check(tags=["starforge"])
        # Started by hand or by systemd: supervise, because a cluster that loses a worker ends itself.
        Launcher([service(queue, number + 1, also) for number in range(processes)]).run()
