"""Runs the site and its workers as one group: starts them, restarts the dead, ends them all.

1. Each service leads a process group of its own.
2. A service that dies takes what is left of its group with it and is started again, later each time.
3. To stop: SIGTERM to each leader (never to a group: django-q2 hangs on that), and after the grace period
   SIGKILL to each group.
4. Should the launcher itself be killed, the kernel signals each leader (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

GRACE_SECONDS = 8.0
LOOK_EVERY_SECONDS = 0.2
STEADY_SECONDS = 30.0  # a service that lived this long is started again at once
LONGEST_PAUSE_SECONDS = 30.0

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Service:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    orphan_signal: int = signal.SIGTERM  # what the kernel sends when the launcher is gone


@dataclass
class _Running:
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    failures: int = 0
    again_at: float = 0.0


def die_with_parent(signum: int, parent: int) -> None:
    """Ask the kernel for `signum` when the thread that started this process ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:  # it was gone before we could ask
        os._exit(1)


def kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def pause_before_restart(failures: int) -> float:
    """Seconds: none after the first death, then 1, 2, 4 … up to LONGEST_PAUSE_SECONDS."""
    return 0.0 if failures < 2 else min(LONGEST_PAUSE_SECONDS, 2.0 ** (failures - 2))


class Launcher:
    """Supervises services from the main thread, until `stop()` is called or a signal comes."""

    def __init__(self, services: Sequence[Service], *, grace: float = GRACE_SECONDS) -> None:
        self.services = {service.name: service for service in services}
        self.grace = grace
        self.stopping = False
        self.hurried = False
        self._running = {name: _Running() for name in self.services}

    def run(self, *, started: Callable[[Launcher], None] | None = None) -> None:
        """Start everything and keep it alive; returns once all of it has ended.

        `started` is called once, when every service has been launched; what it raises ends the group too.
        """
        before = {
            number: signal.signal(number, self._asked_to_stop)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            for name in self.services:
                self._launch(name)
            if started:
                started(self)
            while not self.stopping:
                self.look()
                time.sleep(LOOK_EVERY_SECONDS)
        finally:
            self._end()
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        self.stopping = True

    def alive(self, name: str) -> bool:
        process = self._running[name].process
        return process is not None and process.poll() is None

    def look(self) -> None:
        """Bury the dead, start what is due."""
        now = time.monotonic()
        for name, running in self._running.items():
            if running.process is not None and running.process.poll() is not None:
                kill_group(running.process.pid)  # what the dead leader left behind
                steady = now - running.since > STEADY_SECONDS
                running.failures = 1 if steady else running.failures + 1
                pause = pause_before_restart(running.failures)
                log.warning(
                    "service ended, starting it again",
                    extra={"service": name, "exit": running.process.returncode, "pause_s": pause},
                )
                running.process, running.again_at = None, now + pause
            if running.process is None and now >= running.again_at and not self.stopping:
                self._launch(name)

    def _launch(self, name: str) -> None:
        service, parent = self.services[name], os.getpid()
        self._running[name].process = subprocess.Popen(
            service.command,
            env={**os.environ, **service.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(service.orphan_signal, parent),
        )
        self._running[name].since = time.monotonic()

    def _asked_to_stop(self, *_: object) -> None:
        self.hurried, self.stopping = self.stopping, True

    def _end(self) -> None:
        self.stopping = True
        processes = [running.process for running in self._running.values() if running.process]
        for process in processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        while any(process.poll() is None for process in processes):
            if self.hurried or time.monotonic() > deadline:  # a second Ctrl-C does not wait
                break
            time.sleep(0.05)
        for process in processes:
            kill_group(process.pid)
            process.wait()
