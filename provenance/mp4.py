"""The sound of an M4A from the bytes of its container alone: which samples, in which order, how long each.

Only plain files: one sound track, no fragments (ISO/IEC 14496-12). Every length is checked before anything is read.
docs/audio-hash.md defines `mp4-stream` over what is found here.
"""

from __future__ import annotations

import itertools
import os
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.audio.errors import AudioError

_MAX_BOXES, _MAX_TABLE, _MAX_SAMPLES = 10_000, 32 << 20, 4_000_000
_MAX_CHUNKS = 1_000_000  # more than half an hour has when every few milliseconds are a chunk of their own
_DAMAGED = "This M4A file is damaged and cannot be read. Export it again."


@dataclass(frozen=True)
class Sound:
    """`parts`: bodies of the boxes that say how the samples are heard; `runs`: (offset, length) of the samples."""

    parts: tuple[bytes, ...]
    runs: tuple[tuple[int, int], ...]


def read(fd: int) -> Sound:
    """The sound of an open file. Raises AudioError: "unsupported" for fragments or several sound tracks, "damaged"."""
    size = os.fstat(fd).st_size
    top = list(_boxes(fd, 0, size))
    names = [name for name, _, _ in top]
    if names.count(b"moov") != 1 or names.count(b"ftyp") != 1:
        raise AudioError("damaged", _DAMAGED)
    if b"moof" in names or b"mfra" in names:
        raise AudioError(
            "unsupported", "This M4A file is in fragments, as a stream is. Export it as one file."
        )
    start, end = next((at, stop) for name, at, stop in top if name == b"moov")
    tracks = [
        one
        for one in (_track(fd, at, stop) for name, at, stop in _boxes(fd, start, end) if name == b"trak")
        if one
    ]
    if len(tracks) != 1:
        raise AudioError(
            "unsupported", "This M4A file has no sound track, or more than one. Export it with one."
        )
    kind = next(_body(fd, at, stop) for name, at, stop in top if name == b"ftyp")
    return Sound((kind, *tracks[0].parts), _within(tracks[0].runs, size))


def _track(fd: int, start: int, end: int) -> Sound | None:
    """A track if it is one of sound; None for pictures and texts."""
    held = dict(_walk(fd, start, end))
    handler = held.get(b"hdlr")
    if handler is None or _body(fd, *handler)[8:12] != b"soun":
        return None
    try:
        tables = {name: _body(fd, *held[name]) for name in (b"mdhd", b"stsd", b"stts", b"stsc", b"stsz")}
        offsets = _offsets(fd, held)
    except KeyError as error:
        raise AudioError("damaged", _DAMAGED) from error
    edits = _body(fd, *held[b"elst"]) if b"elst" in held else b""
    head = tables[b"mdhd"]
    scale = head[20:24] if head[:1] == b"\x01" else head[12:16]
    runs = tuple(_runs(_sizes(tables[b"stsz"]), tables[b"stsc"], offsets))
    return Sound((scale, tables[b"stsd"], edits, tables[b"stts"], tables[b"stsz"]), runs)


def _walk(fd: int, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """The boxes of a track that matter, each once, with those inside the boxes that only hold others."""
    seen: set[bytes] = set()
    inside = [(start, end)]
    while inside:
        for name, at, stop in _boxes(fd, *inside.pop()):
            if name in (b"mdia", b"minf", b"stbl", b"edts"):
                inside.append((at, stop))
            if name in seen:
                raise AudioError("damaged", _DAMAGED)
            seen.add(name)
            yield name, (at, stop)


def _boxes(fd: int, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start of the body, end) of the boxes in [at, end), which they must fill."""
    for _ in range(_MAX_BOXES):
        if at == end:
            return
        head = os.pread(fd, 16, at)
        length, begin = int.from_bytes(head[:4], "big"), at + 8
        if length == 1:
            length, begin = int.from_bytes(head[8:16], "big"), at + 16
        if len(head) < 8 or at + length > end or length < begin - at:
            break
        yield head[4:8], begin, at + length
        at += length
    raise AudioError("damaged", _DAMAGED)


def _body(fd: int, at: int, end: int) -> bytes:
    if end - at > _MAX_TABLE:
        raise AudioError("damaged", _DAMAGED)
    return os.pread(fd, end - at, at)


def _numbers(table: bytes, at: int, width: int, count: int) -> array[int]:
    """Big-endian numbers of 4 or 8 bytes, held as compactly as they lie there: a hostile table has millions."""
    if at + width * count > len(table):
        raise AudioError("damaged", _DAMAGED)
    numbers = array("Q" if width == 8 else "I", table[at : at + width * count])
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _offsets(fd: int, held: dict[bytes, tuple[int, int]]) -> array[int]:
    """Where the chunks lie in the file."""
    wide = b"co64" in held
    table = _body(fd, *held[b"co64" if wide else b"stco"])
    count = int.from_bytes(table[4:8], "big")
    if count > _MAX_CHUNKS:
        raise AudioError("damaged", _DAMAGED)
    return _numbers(table, 8, 8 if wide else 4, count)


def _sizes(table: bytes) -> array[int]:
    (same, count) = _numbers(table, 4, 4, 2)
    if count > _MAX_SAMPLES:
        raise AudioError("damaged", _DAMAGED)
    return array("I", [same]) * count if same else _numbers(table, 12, 4, count)


def _runs(sizes: Sequence[int], table: bytes, offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The bytes of each chunk: `stsc` says from which chunk on how many samples a chunk has."""
    (count,) = _numbers(table, 4, 4, 1)
    if count > _MAX_CHUNKS:
        raise AudioError("damaged", _DAMAGED)
    flat = _numbers(table, 8, 4, 3 * count)
    entries = list(zip(flat[::3], flat[1::3], strict=True))
    firsts = [first for first, _ in entries]
    if not entries or firsts[0] != 1 or any(a >= b for a, b in itertools.pairwise(firsts)):
        raise AudioError("damaged", _DAMAGED)
    at, entry = 0, 0
    for chunk, offset in enumerate(offsets, 1):
        if entry + 1 < len(entries) and entries[entry + 1][0] <= chunk:
            entry += 1
        stop = at + entries[entry][1]
        if stop > len(sizes):
            raise AudioError("damaged", _DAMAGED)
        yield offset, sum(sizes[at:stop])
        at = stop
    if at != len(sizes):
        raise AudioError("damaged", _DAMAGED)


def _within(runs: tuple[tuple[int, int], ...], size: int) -> tuple[tuple[int, int], ...]:
    if sum(length for _, length in runs) > size or any(at + length > size for at, length in runs):
        raise AudioError(
            "damaged", _DAMAGED
        )  # a table that names the same bytes over and over would never end
    return runs
