"""The faults themselves, as they strike the process that comes to a seam."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings
from django.db import connection

# Taken before the write lock is let go, a database that nobody can write for longer than anybody waits.
_LOCKER = """
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
held.execute("begin immediate")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
"""


def ballast() -> Path:
    return Path(settings.STARFORGE_DATA) / "ballast"


def worker_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def group_killed() -> None:
    """The worker with everything it started."""
    os.killpg(0, signal.SIGKILL)


def connection_cut() -> None:
    """PostgreSQL ends this connection; SQLite stays locked for longer than a writer waits."""
    if connection.vendor == "postgresql":
        import psycopg

        wrapped = connection.connection
        if wrapped is None:
            return
        parameters = connection.get_connection_params()
        keys = ("host", "port", "user", "password", "dbname")
        with psycopg.connect(**{key: parameters[key] for key in keys if key in parameters}) as other:
            other.execute("select pg_terminate_backend(%s)", [wrapped.info.backend_pid])
        return
    seconds = settings.LOCK_SECONDS + 1.0
    locker = subprocess.Popen(
        [sys.executable, "-S", "-c", _LOCKER, str(settings.DATABASES["default"]["NAME"]), str(seconds)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    if not connection.in_atomic_block:  # else it waits for us, and gets the lock the moment we commit
        assert locker.stdout is not None
        locker.stdout.readline()
    else:
        time.sleep(0.3)


def disk_full() -> None:
    out = os.open(ballast(), os.O_WRONLY | os.O_CREAT)
    for size in (2**20, 4096, 1):
        with contextlib.suppress(OSError):
            while True:
                os.write(out, bytes(size))
    os.close(out)


BLOWS = {
    "worker killed": worker_killed,
    "group killed": group_killed,
    "database cut": connection_cut,
    "disk full": disk_full,
}
