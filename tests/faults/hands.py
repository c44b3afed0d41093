"""Processes that do the work, one of which meets a fault. Forked from one that has everything loaded.

They take tasks off the queue with the product's own broker and call what the wake-ups name, as django-q2's workers do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import close_old_connections, connections
from django.utils.module_loading import import_string

Told = Callable[[str], None]
TICK = 0.05


@dataclass
class Hand:
    pid: int
    pipe: int
    said: list[str] = field(default_factory=list)
    over: bool = False

    def look(self) -> None:
        """Hear what it says, and whether it lives."""
        while not self.over and select.select([self.pipe], [], [], 0)[0]:
            data = os.read(self.pipe, 65536)
            if not data:
                break
            self.said += data.decode().splitlines()
        if not self.over and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.over = True

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self.over:
            os.waitpid(self.pid, 0)
            self.over = True
        os.close(self.pipe)


def fork(work: Callable[[Told], None]) -> Hand:
    """`work`, in a process that leads a group of its own. It may tell lines, which its `Hand` hears."""
    connections.close_all()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setpgid(0, 0)
            os.close(reading)
            work(lambda line: void(os.write(writing, f"{line}\n".encode())))
            status = 0
        except BaseException:
            os.write(writing, f"broke: {traceback.format_exc(limit=3)!r}\n".encode())
        finally:
            sys.stdout.flush()
            os._exit(status)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)
    os.close(writing)
    return Hand(pid, reading)


def void(_: object) -> None:
    return None


def work_on(queue: str, tell: Told, *, recovering: bool) -> None:
    """Take what stands on a queue until killed. recovering: also give the jobs of the dead to the living."""
    from django_q.signing import SignedPackage

    from catalog import jobs
    from catalog.queue import OneInHand
    from starforge_site import cluster

    jobs.WAKE_AGAIN, jobs.WAKE_SLACK = 1 * jobs.WAKE_SLACK / 5, jobs.WAKE_SLACK / 50
    broker, looked = OneInHand(queue), 0.0
    while True:
        try:
            if recovering and time.monotonic() - looked > 0.3:
                cluster.recover()
                looked = time.monotonic()
            given = broker.dequeue()
        except Exception as error:  # the database is away: the pusher tries again
            tell(f"broker: {error!r}")
            close_old_connections()
            connections.close_all()
            time.sleep(0.2)
            continue
        for row, payload in given or ():
            task: dict[str, Any] = SignedPackage.loads(payload)
            try:
                tell(f"did {task['func']}: {import_string(task['func'])(*task['args'])}")
            except Exception as error:
                tell(f"raised {task['func']}: {error!r}")
                logging.getLogger(__name__).warning("raised", exc_info=True)
            close_old_connections()
            with contextlib.suppress(Exception):
                broker.acknowledge(row)
        if not given:
            tell("idle")
            time.sleep(TICK)
