"""Real processes for tests: start the product, watch it, and be sure nothing is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from starforge_site.launcher import die_with_parent

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], object], *, seconds: float = 45.0, what: str = "") -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or true}"
        time.sleep(0.05)


def environment(data: Path, **extra: str) -> dict[str, str]:
    """The environment of a fresh installation in `data`, on SQLite."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("STARFORGE_", "Q_CLUSTER")) and key != "DATABASE_URL"
    }
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": "starforge_site.settings",
        "STARFORGE_DATA": str(data),
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


def manage(data: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=ROOT,
        env=environment(data, **extra),
        capture_output=True,
        text=True,
        timeout=120,
    )


def of(data: Path) -> set[int]:
    """Every living process that was started with this data folder, whoever its parent is by now (Linux)."""
    needle, found = f"STARFORGE_DATA={data}".encode(), set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if needle in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@contextmanager
def running(command: list[str], data: Path, **extra: str) -> Iterator[subprocess.Popen[str]]:
    """`command` with its output in data/output.txt; whatever it started is gone afterwards."""
    data.mkdir(parents=True, exist_ok=True)
    tests = os.getpid()
    with (data / "output.txt").open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(data, **extra),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL, tests),  # also when the tests are killed
        )
    try:
        yield process
    finally:
        for pid in {process.pid, *of(data)}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


def output(data: Path) -> str:
    return (data / "output.txt").read_text()
