"""A django-q2 cluster that would rather die than limp; whoever supervises it starts a clean one.

django-q2 replaces a killed worker, but the killed one may have held the queue's lock: then nothing is ever
taken again and nothing is logged. So here any violent death ends the whole process group, at once. The jobs
are rows (catalog/jobs.py); the next worker gives them on.

The process runs as the leader of its own process group: launcher.py and systemd see to that.
"""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils.module_loading import import_string
from django_q import cluster
from django_q.monitor import monitor
from django_q.pusher import pusher
from django_q.signals import post_spawn, pre_execute

from catalog import jobs, observed, tracing
from catalog.queue import also_served
from starforge_site import gpus
from starforge_site.launcher import die_with_parent

log = logging.getLogger(__name__)

TIMED_OUT, RECYCLED = 0, -2  # what a worker's timer says when its end was meant
GRACE_SECONDS = 6.0  # less than the launcher's, so that we are gone when it looks
STALLED_SECONDS = 90.0
RECOVER_EVERY_SECONDS = 3.0
LOOK_EVERY_SECONDS = 0.1
GPU_QUEUES = frozenset({"gpu", "train"})
# Imported by each worker as it starts, so that the first job does not wait for it. Never torch: a torch
# operation before a fork hangs the child, and most workers never need it.
WARM = ("scipy.signal", "soundfile", "soxr", "catalog.listening", "catalog.analysis", "catalog.audio.decode")

_pulse = multiprocessing.Value("d", 0.0)


def _child(target: Callable[..., None]) -> Callable[..., None]:
    """`target`, in a process that does not outlive the one that started it."""
    parent = os.getpid()

    def run(*arguments: Any) -> None:
        die_with_parent(signal.SIGKILL, parent)
        target(*arguments)

    return run


def _worker_born(**_: Any) -> None:
    """In a new worker, before its first task."""
    die_with_parent(signal.SIGKILL, os.getppid())
    pre_execute.connect(_task_begins)
    for name in WARM:
        try:
            importlib.import_module(name)
        except ImportError:
            log.warning("cannot be imported ahead", extra={"module": name}, exc_info=True)


def _task_begins(**_: Any) -> None:
    """In a worker: whatever the last task was done for, this one is not. Its job says what for (jobs.claim)."""
    tracing.bind("")


def _beat(queue: str) -> str:
    """Say that this cluster lives; "" when the database does not listen, which is no reason to stop."""
    also = also_served()
    try:
        return observed.beat(queue, also, gpus.memory() if GPU_QUEUES & {queue, *also} else ())
    except DatabaseError:
        log.warning("the heartbeat could not be written", exc_info=True)
        return ""
    finally:
        close_old_connections()


class CrashOnlySentinel(cluster.Sentinel):
    """django-q2's sentinel; runs in a child process."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        die_with_parent(signal.SIGKILL, os.getppid())
        super().__init__(*arguments, **named)

    def spawn_pusher(self) -> Any:
        return self.spawn_process(_child(pusher), self.task_queue, self.event_out, self.broker)

    def spawn_monitor(self) -> Any:
        return self.spawn_process(_child(monitor), self.result_queue, self.broker)

    def status(self) -> str:
        _pulse.value = time.monotonic()  # asked for in every turn of every loop of the sentinel
        return str(super().status())

    def reincarnate(self, process: Any) -> None:
        if process in self.pool:
            violent = process.timer.value not in (TIMED_OUT, RECYCLED)
        else:  # pusher and monitor end by themselves when the database goes away
            violent = (process.exitcode or 0) < 0
        if violent:
            log.error("a worker process died; ending the cluster", extra={"exit": process.exitcode})
            os.killpg(0, signal.SIGKILL)
        super().reincarnate(process)


class Cluster(cluster.Cluster):
    """Only notes that it was asked to stop: stopping inside a signal handler can hang in a lock."""

    asked_to_stop = False

    def sig_handler(self, *_: Any) -> None:
        self.asked_to_stop = True


def rest_of_group() -> list[int]:
    """Process ids in our group, without our own (Linux)."""
    group, found = os.getpgrp(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError, IndexError, ValueError):
                state, _, member_of = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:3]
                if int(member_of) == group and state != "Z":
                    found.append(int(entry.name))
    return found


def kill_rest_of_group() -> None:
    for _ in range(50):  # one of them may be starting another
        left = rest_of_group()
        if not left:
            return
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def recover() -> bool:
    """Let every app give the jobs of dead workers to living ones (settings.STARFORGE_RECOVER).

    False when one of them failed: a database that is away now is no reason to stop, only to ask less often.
    """
    fine = True
    for name in settings.STARFORGE_RECOVER:
        try:
            import_string(name)()
        except Exception:
            fine = False
            log.warning("recovery failed", extra={"function": name}, exc_info=True)
    close_old_connections()
    return fine


def run(queue: str, *, grace: float = GRACE_SECONDS) -> int:
    """Work until asked to stop (0) or until the cluster is lost (1). Needs a process group of its own."""
    if os.getpgrp() != os.getpid():
        raise RuntimeError("A crash-only cluster ends its process group, so it must lead its own.")
    cluster.Sentinel = CrashOnlySentinel
    post_spawn.connect(_worker_born)
    workers = Cluster()
    _pulse.value = time.monotonic()
    workers.start()
    # Only now: a database connection opened before the fork would be shared by both sides.
    sentinel, beat, next_beat, next_recovery, pause = workers.sentinel, "", 0.0, 0.0, RECOVER_EVERY_SECONDS
    try:
        while sentinel.is_alive() and not workers.asked_to_stop:
            now = time.monotonic()
            if now - _pulse.value > STALLED_SECONDS:
                log.error("the cluster has stalled; ending it")
                return 1
            if now >= next_beat:
                beat = _beat(queue) or beat
                next_beat = time.monotonic() + observed.BEAT_SECONDS
            if now >= next_recovery:
                pause = RECOVER_EVERY_SECONDS if recover() else min(60.0, 2 * pause)
                next_recovery = time.monotonic() + pause
            time.sleep(LOOK_EVERY_SECONDS)
        if not workers.asked_to_stop:
            log.error("the cluster ended by itself", extra={"exit": sentinel.exitcode})
            return 1
        _stop(workers, sentinel, grace)
        _hand_back()
        return 0
    finally:
        kill_rest_of_group()
        if beat:
            with suppress(DatabaseError):
                observed.gone(beat)


def _hand_back() -> None:
    """Kill what did not end in time, and put its jobs back as if they had never been taken."""
    unfinished = rest_of_group()
    kill_rest_of_group()
    if unfinished:
        try:
            jobs.hand_back(unfinished)
        except DatabaseError:  # then recovery finds them at the next start
            log.warning("the running job could not be handed back", exc_info=True)


def _stop(workers: Cluster, sentinel: Any, grace: float) -> None:
    """Let a running task end within the grace."""
    deadline = time.monotonic() + grace
    # The whole group may have got the signal (Ctrl-C in a terminal): a sentinel that died of it never reads
    # the event, and setting an event whose waiter was killed can block for ever.
    time.sleep(0.2)
    if sentinel.is_alive():
        workers.stop_event.set()
    while sentinel.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
