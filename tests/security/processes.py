"""How much memory something takes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path


def peak_of(work: Callable[[], object]) -> int:
    """Bytes that Python held at once during `work`, over what it held before. Not what C libraries hold."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def resident(pid: int) -> tuple[int, int]:
    """(now, highest ever) bytes of memory that a process has in use (Linux)."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            found[name] = int(value.split()[0]) * 1024
    return found["VmRSS"], found["VmHWM"]
