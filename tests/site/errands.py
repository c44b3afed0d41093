"""Tasks for tests of the queue. They write down what they did, because the worker is another process."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def note(path: str, text: str = "done") -> None:
    with Path(path).open("a") as file:
        file.write(f"{text}\n")


def work_slowly(path: str, seconds: float) -> None:
    note(path, f"started {os.getpid()}")
    time.sleep(seconds)
    note(path)


def die(path: str) -> None:
    note(path, "dying")
    os.kill(os.getpid(), signal.SIGKILL)


def hold(track: str, path: str) -> None:
    """Take a track as the analysis would, and never let go."""
    from catalog import jobs
    from catalog.models import Track

    assert jobs.claim(Track, track)
    note(path, "claimed")
    time.sleep(600)
