"""Where a fault can strike: everywhere the work reports, writes a row's end, commits, or gives a file its name.

Nothing of this is written down anywhere: a run without a fault tells which seams a job goes through, in which stage.
So a new stage is tried as soon as there is one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from catalog import jobs
from catalog.audio import atomic


@dataclass(frozen=True)
class Seam:
    stage: str  # what the job said it was doing
    event: str  # what it was about to do or had just done
    number: int  # the how manieth of these in this stage

    def __str__(self) -> str:
        return f"{self.stage} / {self.event} {self.number}"


Strike = Callable[[Seam], None]


def install(strike: Strike, *, first: str = "Taking it") -> None:
    """From now on `strike` is called at every seam this process comes to. For a process that ends soon."""
    stage, counts, within = first, Counter[tuple[str, str]](), False

    def at(event: str) -> None:
        nonlocal within
        if within:  # what a fault itself does is no seam
            return
        counts[stage, event] += 1
        within = True
        try:
            strike(Seam(stage, event, counts[stage, event]))
        finally:
            within = False

    def around(target: Any, name: str, event: Callable[..., str]) -> None:
        original = getattr(target, name)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            said = event(*arguments, **named)
            at(f"before {said}")
            result = original(*arguments, **named)
            at(f"after {said}")
            return result

        setattr(target, name, wrapped)

    report = jobs.Lease.report

    def reporting(lease: Any, progress: float, words: str = "", **fields: Any) -> None:
        nonlocal stage
        report(lease, progress, words, **fields)
        if words and (told := _plain(words)) != stage:
            stage = told
            at("report")

    jobs.Lease.report = reporting  # type: ignore[method-assign]
    around(jobs.Lease, "finish", lambda lease, status, **_: f"end as {status}")
    around(jobs.Lease, "later", lambda lease, **_: "end of a slice")
    around(jobs, "claim", lambda model, pk: "claim")
    around(atomic, "move", lambda draft, path: f"name of {Path(path).suffix or 'file'}")
    around(atomic, "move_folder", lambda draft, path: "name of folder")
    around(BaseDatabaseWrapper, "_commit", lambda connection: "commit")


def _plain(words: str) -> str:
    """Without what differs between two runs."""
    return re.sub(r"\s+", " ", re.sub(r"[\d,.]+ of [\d,.]+|[\d,]+", "…", words)).strip()
