"""Signs of life of the workers: one small file per worker in the data folder, rewritten every few seconds.

A file, not a row: it costs the database nothing, and a worker that cannot write the data folder is not well.
"""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path

EVERY_SECONDS = 2.0
ALIVE_SECONDS = 15.0
FORGET_SECONDS = 3600.0


@dataclass(frozen=True)
class Beat:
    queue: str
    host: str
    pid: int
    at: float  # seconds since the epoch

    @property
    def age(self) -> float:
        return max(0.0, time.time() - self.at)

    @property
    def alive(self) -> bool:
        return self.age < ALIVE_SECONDS


def folder(data: Path) -> Path:
    return data / "workers"


def write(data: Path, queue: str) -> Path:
    """Beat for this process; returns the file, which the process removes when it stops."""
    beat = Beat(queue=queue, host=socket.gethostname(), pid=os.getpid(), at=time.time())
    place = folder(data)
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{queue}-{beat.host}-{beat.pid}.json"
    draft = file.with_suffix(".part")
    draft.write_text(json.dumps(asdict(beat)))
    draft.replace(file)
    return file


def read(data: Path) -> list[Beat]:
    """Every worker that has beaten within the hour, the liveliest first; forgets older ones."""
    beats = []
    for file in folder(data).glob("*.json"):
        try:
            beat = Beat(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            continue
        if beat.age > FORGET_SECONDS:
            file.unlink(missing_ok=True)
        else:
            beats.append(beat)
    return sorted(beats, key=lambda beat: beat.age)
