"""Whether a row of a collection and a recording here are the same file. By what they are called, never by looking.

Name first (case, accents' spelling and folders left out), then size, then length within two seconds, then how much of
the path agrees. A name alone decides nothing when sizes or lengths speak against it: half of the world's exports are
called Untitled.wav.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

SECONDS = 2.0


@dataclass(frozen=True)
class Wanted:
    """What is looked for. path: as far as it is known, at least the file's name."""

    path: str
    size: int | None = None
    duration: float | None = None


@dataclass(frozen=True)
class Known:
    """A track that is there, with the same facts."""

    pk: str
    path: str
    size: int | None = None
    duration: float | None = None


@dataclass(frozen=True)
class Match:
    """certain: one track, and nothing speaks against it. Else `candidates` are what a person may choose from."""

    candidates: tuple[Known, ...] = ()
    certain: bool = False
    by: str = ""  # "size", "length", "path" or "name"


def fold(path: str) -> str:
    """The file name in a path for comparing: last part, NFC, case folded."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()


def narrowed(wanted: Wanted, known: Iterable[Known]) -> Match:
    """The track of `known` that `wanted` is. All of `known` have its `fold`ed name."""
    same_size, same_length, silent, doubtful = [], [], [], []
    for one in known:
        size = None if not (wanted.size and one.size) else wanted.size == one.size
        length = _same_length(wanted.duration, one.duration)
        if size:
            same_size.append(one)
        elif length:  # other size: tags were written into one of them
            same_length.append(one)
        elif size is None and length is None:
            silent.append(one)
        elif length is None:  # other size, and no length to say whether that matters
            doubtful.append(one)
    if len(same_size) > 1:
        closer = [one for one in same_size if _same_length(wanted.duration, one.duration)]
        same_size = closer or same_size
    for group, by in ((same_size, "size"), (same_length, "length"), (silent, "name")):
        if group:
            return _decided(wanted, group, by)
    return Match(tuple(doubtful))


def _same_length(one: float | None, other: float | None) -> bool | None:
    return None if not (one and other) else abs(one - other) <= SECONDS


def _decided(wanted: Wanted, group: list[Known], by: str) -> Match:
    if len(group) == 1:
        return Match(tuple(group), certain=True, by=by)
    shared = [_shared_end(wanted.path, one.path) for one in group]
    most = max(shared)
    if most > 1 and shared.count(most) == 1:
        return Match((group[shared.index(most)],), certain=True, by="path")
    return Match(tuple(group))


def _shared_end(one: str, other: str) -> int:
    """How many parts at the end of two paths are the same."""
    left, right = _parts(one), _parts(other)
    count = 0
    for mine, theirs in zip(reversed(left), reversed(right), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _parts(path: str) -> list[str]:
    folded = unicodedata.normalize("NFC", path.replace("\\", "/")).casefold()
    return [part for part in folded.split("/") if part not in {"", "."}]
