"""Which of thousands of recordings is this a copy of: exact, coded again, cut, an excerpt, or at another speed.

An alignment of two fingerprints costs milliseconds, all alignments with thousands of recordings would
cost minutes. So places are looked up first (Haitsma & Kalker 2002, section 4): a copy keeps some of
the 32-bit numbers bit for bit, and those that it keeps lie on one diagonal. The catalog's numbers are
read through once against a table of the wanted ones, which needs no stored index: 18 million numbers
(4,000 tracks) in about half a second. Only diagonals with several hits are then compared bit by bit.

A catalog need not lie in memory as a whole: every question can be asked of one shelf after another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.audio.fingerprint import FRAME_SECONDS, THRESHOLD, WINDOW_FRAMES

Numbers = npt.NDArray[np.uint32]
Places = npt.NDArray[np.int64]
# Of the percents by which a record player or a DJ deck is off; a quarter between two steps is still recognised.
SPEEDS = tuple(1 + step / 400 for step in range(-13, 14) if step)
LEAST_HITS = 3  # on one diagonal, before bits are compared
_BIN = 8  # frames: a diagonal is this wide, as a slightly wrong speed drifts
_REACH = 14  # frames tried to either side of a diagonal
_TRIED = 48  # diagonals compared for one question
_COMMON = 64  # a number found in more recordings of a shelf says nothing
_REPEATS = 8  # places of one number that count in one recording: a loop has it in every bar


@dataclass(frozen=True, eq=False)
class Shelf:
    """The fingerprints of a catalog, end to end: `frames` of recording i are starts[i] to starts[i + 1]."""

    ids: tuple[str, ...]
    frames: Numbers
    starts: Places

    @classmethod
    def of(cls, recordings: Iterable[tuple[str, npt.NDArray[np.uint32]]]) -> Shelf:
        """From (id, fingerprint) pairs."""
        ids, rows = [], []
        for pk, marks in recordings:
            ids.append(pk)
            rows.append(np.asarray(marks, np.uint32))
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return cls(tuple(ids), np.concatenate(rows) if rows else np.zeros(0, np.uint32), starts)

    def marks(self, index: int) -> Numbers:
        """The fingerprint of the recording at this index."""
        return self.frames[self.starts[index] : self.starts[index + 1]]


@dataclass(frozen=True)
class Shared:
    """A passage of the asked recording that also sounds in another one.

    `seconds` of it in a row, beginning `at_asked` and `at_other`; `covered`: the share of the asked
    recording that lies on this alignment, 0..1, and `of_other` the share of the other one. `errors`: the
    share of bits that differ in the passage.
    """

    id: str
    seconds: float
    covered: float
    of_other: float
    at_asked: float
    at_other: float
    speed: float = 1.0
    errors: float = 0.0

    @property
    def weight(self) -> float:
        """Its length, counting less the more bits differ: of neighbouring speeds the right one weighs most."""
        return self.seconds * (1 - 2 * self.errors)


def shared_with(marks: Sequence[Numbers], shelf: Shelf, *, speeds: Sequence[float] = (1.0,)) -> list[Shared]:
    """Passages that the asked recording shares with those on the shelf, longest first, one for each.

    marks: its fingerprint for each of `speeds` (`fingerprints_at`). Passages under two seconds, and
    those with fewer than a few numbers kept bit for bit, are not found.
    """
    best: dict[int, Shared] = {}
    diagonals: dict[int, list[tuple[int, int]]] = {}
    for which, index, diagonal in _diagonals(marks, shelf):
        diagonals.setdefault(which, []).append((index, diagonal))
    for which, some in diagonals.items():
        for index, found in _best(marks[which], shelf, some, speeds[which]).items():
            if index not in best or found.weight > best[index].weight:
                best[index] = found
    return sorted(best.values(), key=lambda one: -one.seconds)


def _best(
    asked: Numbers, shelf: Shelf, diagonals: Iterable[tuple[int, int]], speed: float = 1.0
) -> dict[int, Shared]:
    """What the asked one shares with each recording, of these (recording, diagonal) the one that weighs most."""
    tried: dict[int, list[int]] = {}
    for index, diagonal in diagonals:
        tried.setdefault(index, []).append(diagonal)
    best: dict[int, Shared] = {}
    for index, some in tried.items():
        other = shelf.marks(index)
        # Music that repeats agrees at many places; a copy agrees where both begin, or where both end.
        some += [0, len(other) - len(asked)]
        along = (_along(asked, other, diagonal, shelf.ids[index], speed) for diagonal in some)
        if found := max((one for one in along if one), key=lambda one: one.weight, default=None):
            best[index] = found
    return best


def _diagonals(marks: Sequence[Numbers], shelf: Shelf) -> list[tuple[int, int, int]]:
    """(which of marks, recording, frames by which it lies later there) with the most hits, best first."""
    if not len(shelf.frames) or not any(len(one) for one in marks):
        return []
    value, place = _telling(_found(_distinct(np.concatenate(marks)), shelf.frames), shelf)
    tallied: list[tuple[int, int, int, int]] = []
    for which, asked in enumerate(marks):
        low, high = np.searchsorted(value, asked), np.searchsorted(value, asked, side="right")
        hits = high - low
        frame = np.repeat(np.arange(len(asked)), hits)
        inner = np.arange(len(frame)) - np.repeat(np.cumsum(hits) - hits, hits)
        there = place[np.repeat(low, hits) + inner]
        index = np.searchsorted(shelf.starts, there, side="right") - 1
        shift = there - shelf.starts[index] - frame
        tallied += [(which, *one) for one in _tally(index, shift, frame)]
    tallied.sort(key=lambda one: -one[3])
    return [(which, index, shift) for which, index, shift, _ in tallied[:_TRIED]]


def _found(wanted: Numbers, frames: Numbers) -> Places:
    """Places of the catalog that hold one of the wanted numbers (in order, each once); silence (0) is never one."""
    # A small table stays in the processor's cache, but many numbers would fill it.
    shift = 16 if len(wanted) < 1 << 15 else 8
    table = np.zeros(1 << 32 - shift, bool)
    table[wanted >> shift] = True
    near = np.flatnonzero(table[frames >> shift])
    at = np.minimum(np.searchsorted(wanted, frames[near]), len(wanted) - 1)
    return near[(wanted[at] == frames[near]) & (frames[near] != 0)]


def _telling(place: Places, shelf: Shelf) -> tuple[Numbers, Places]:
    """(numbers, places), in order of the numbers, of those of these places whose number tells recordings apart."""
    value = shelf.frames[place]
    order = np.argsort(value, kind="stable")
    value, place = value[order], place[order]
    if not len(value):
        return value, place
    index = np.searchsorted(shelf.starts, place, side="right") - 1
    number_begins = np.concatenate([[True], value[1:] != value[:-1]])
    begins = number_begins | np.concatenate([[True], index[1:] != index[:-1]])  # a number in a recording
    nth = np.arange(len(value)) - np.flatnonzero(begins)[np.cumsum(begins) - 1]
    number = np.cumsum(number_begins) - 1
    recordings = np.bincount(number[begins])[number]
    kept = (nth < _REPEATS) & (recordings <= _COMMON)
    return value[kept], place[kept]


def _tally(index: Places, shift: Places, frame: Places) -> list[tuple[int, int, int]]:
    """(recording, diagonal, hits) where at least LEAST_HITS frames agree; the two best of a recording."""
    if not len(index):
        return []
    low = int(shift.min())
    width = (int(shift.max()) - low) // _BIN + 3
    tallied: dict[int, list[tuple[int, int]]] = {}
    # Every hit counts in the bin it lies in and in the one that begins half a bin earlier.
    for offset in (0, _BIN // 2):
        keys, inverse = np.unique(index * width + (shift - low + offset) // _BIN, return_inverse=True)
        # One frame that hits several neighbouring places counts once.
        pair = _distinct(inverse.astype(np.int64) * (int(frame.max()) + 1) + frame)
        count = np.bincount(pair // (int(frame.max()) + 1), minlength=len(keys))
        for at in np.flatnonzero(count >= LEAST_HITS):
            middle = int(keys[at] % width) * _BIN + low - offset + _BIN // 2
            tallied.setdefault(int(keys[at] // width), []).append((int(count[at]), middle))
    return [(index, middle, count) for index, some in tallied.items() for count, middle in sorted(some)[-2:]]


def _distinct(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sorted, each once: for thousands of integers several times faster than `np.unique`, which hashes them."""
    numbers = np.sort(numbers)
    return numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])] if len(numbers) else numbers


def _along(asked: Numbers, other: Numbers, diagonal: int, pk: str, speed: float) -> Shared | None:
    """What the two share near one diagonal, following a slow drift of a few frames."""
    if min(len(asked), len(other)) < WINDOW_FRAMES:
        return None
    shifts = np.arange(diagonal - _REACH, diagonal + _REACH + 1)
    frame = np.arange(len(asked))
    there = frame + shifts[:, None]
    inside = (there >= 0) & (there < len(other))
    errors = np.bitwise_count(asked ^ other[np.clip(there, 0, len(other) - 1)]).astype(np.int32)
    errors[~inside | (asked == 0)] = 16  # nothing there, or silence: no evidence
    sums = np.cumsum(errors, axis=1)
    windows = sums[:, WINDOW_FRAMES - 1 :].copy()
    windows[:, 1:] -= sums[:, :-WINDOW_FRAMES]
    alike = windows <= int(THRESHOLD * 32 * WINDOW_FRAMES)
    at_all = np.asarray(alike.any(axis=0))
    if not at_all.any():
        return None
    start, length = _longest(at_all)
    covered = np.zeros(len(asked) + 1, np.int64)
    begins = np.flatnonzero(at_all)
    np.add.at(covered, begins, 1)
    np.add.at(covered, begins + WINDOW_FRAMES, -1)
    frames = int((np.cumsum(covered) > 0).sum())
    shift = int(shifts[np.argmin(windows[:, start])])
    return Shared(
        id=pk,
        seconds=(length + WINDOW_FRAMES - 1) * FRAME_SECONDS,
        covered=frames / len(asked),
        of_other=min(1.0, frames / len(other)),
        at_asked=start * FRAME_SECONDS,
        at_other=max(0, start + shift) * FRAME_SECONDS,
        speed=speed,
        errors=float(windows.min(axis=0)[start : start + length].mean()) / (32 * WINDOW_FRAMES),
    )


def _longest(cells: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """(first, length) of the longest stretch of True."""
    change = np.diff(np.concatenate([[False], cells, [False]]).astype(np.int8))
    begin, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    longest = int(np.argmax(end - begin))
    return int(begin[longest]), int(end[longest] - begin[longest])


@dataclass(frozen=True)
class Pair:
    """Two recordings of a shelf that share a passage. first, second: their ids; `passage`: of the first."""

    first: str
    second: str
    passage: Shared


_EVERY = 4  # frames: whole recordings have thousands
_LEAST_PAIR_HITS = 6
_PAIRS_EACH = 8
_HITS_AT_ONCE = 1 << 19


def pairs_among(
    new: Sequence[Callable[[], Shelf]], known: Sequence[Callable[[], Shelf]] = ()
) -> Iterator[Pair]:
    """Pairs of recordings that share passages, each once: new ones among themselves and with the known ones.

    Each shelf is asked for when it is its turn, and two lie in memory at a time. For whole recordings: every
    fourth number is looked up, so a short excerpt may be missed.
    """
    for at, load in enumerate(new):
        asked = load()
        yield from _pairs(asked, asked)
        for other in (*new[at + 1 :], *known):
            yield from _pairs(asked, other())


def _pairs(asked: Shelf, shelf: Shelf) -> Iterator[Pair]:
    """Pairs of one recording of `asked` and one of `shelf`; when both are the same shelf, each pair once."""
    if not asked.ids or not shelf.ids:
        return
    at = np.concatenate([np.arange(*bounds, _EVERY) for bounds in pairwise(asked.starts)])
    at = at[asked.frames[at] != 0]
    order = np.argsort(asked.frames[at], kind="stable")
    wanted = asked.frames[at][order]
    value, where = _telling(_found(_distinct(wanted), shelf.frames), shelf)
    low, hits = np.empty(len(at), np.int64), np.empty(len(at), np.int64)
    low[order] = np.searchsorted(value, wanted)  # of sorted numbers, which is many times faster
    hits[order] = np.searchsorted(value, wanted, side="right")
    hits -= low
    at, low, hits = at[hits > 0], low[hits > 0], hits[hits > 0]
    owner = np.searchsorted(asked.starts, at, side="right") - 1
    # Of which recording a frame is: with millions of hits an array is several times faster than a search.
    recording = np.repeat(np.arange(len(shelf.ids)), np.diff(shelf.starts))
    for begin, end in _portions(owner, hits):
        count = hits[begin:end]
        place = np.repeat(at[begin:end], count)
        inner = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        there = where[np.repeat(low[begin:end], count) + inner]
        one = np.repeat(owner[begin:end], count)
        other = recording[there]
        if asked is shelf:
            kept = one < other
            one, other, place, there = one[kept], other[kept], place[kept], there[kept]
        frame = place - asked.starts[one]
        shift = there - shelf.starts[other] - frame
        for index in np.unique(one):
            mine = slice(*np.searchsorted(one, [index, index + 1]))  # they are in order
            tallied = [t for t in _tally(other[mine], shift[mine], frame[mine]) if t[2] >= _LEAST_PAIR_HITS]
            most = sorted(tallied, key=lambda t: -t[2])[:_PAIRS_EACH]
            shared = _best(asked.marks(index), shelf, ((second, diagonal) for second, diagonal, _ in most))
            for second, found in shared.items():
                yield Pair(asked.ids[index], shelf.ids[second], found)


def _portions(owner: Places, hits: Places) -> Iterator[tuple[int, int]]:
    """(begin, end) of whole recordings with about _HITS_AT_ONCE hits together, so that memory stays bounded."""
    if not len(owner):
        return
    begins = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
    bounds = [*map(int, begins), len(owner)]
    total = np.concatenate([[0], np.cumsum(hits)])
    begin = 0
    for end, after in zip(bounds[1:], [*bounds[2:], None], strict=True):
        if after is None or total[after] - total[begin] > _HITS_AT_ONCE:
            yield begin, end
            begin = end
