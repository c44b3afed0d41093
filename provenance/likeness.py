"""Which certified recording a fingerprint belongs to, if any: very likely, never certainly. Pure.

A copy lies on one alignment with its original from end to end. What shares only bars with it does not: another take
of the same artist, the artist's own recordings a take was composed from, or a mix in which it is heard for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.audio.copies import Shared, Shelf, shared_with

COVERED = 0.8  # of the shorter of the two must lie on one alignment
ERRORS = 0.15  # share of bits that may differ on it
LEAST_SECONDS = 8.0
CLEAR = 1.1  # how much more the best must share than the next, to be named alone


@dataclass(frozen=True)
class Likeness:
    """The likeliest one. next: the next likeliest where it is about as near: a section edit of the same take, say."""

    best: Shared
    next: Shared | None


def likeliest(
    marks: Sequence[np.ndarray], shelves: Iterable[Callable[[], Shelf]], speeds: Sequence[float] = (1.0,)
) -> Likeness | None:
    """Look a recording up. marks: its fingerprint for each of `speeds` (catalog.audio.fingerprint.fingerprints_at)."""
    found = [one for load in shelves for one in shared_with(marks, load(), speeds=speeds)]
    near = sorted((one for one in found if is_copy(one)), key=_nearness, reverse=True)
    if not near:
        return None
    second = near[1] if len(near) > 1 and _nearness(near[1]) * CLEAR >= _nearness(near[0]) else None
    return Likeness(near[0], second)


def is_copy(one: Shared) -> bool:
    """Whether the asked recording is very likely the other one, or a part of it, or holds it whole."""
    return one.seconds >= LEAST_SECONDS and max(one.covered, one.of_other) >= COVERED and one.errors <= ERRORS


def _nearness(one: Shared) -> float:
    return max(one.covered, one.of_other) * (1.0 - 2.0 * one.errors)
