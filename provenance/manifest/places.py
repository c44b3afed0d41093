"""Where the manifest store lies in a sound file (C2PA 2.4, appendix A.3): found with our own bounded readers.

A `C2PA` chunk in WAV, a GEOB frame of the ID3v2 tag in front of MP3 and FLAC, a `uuid` box in M4A.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from catalog.audio import mpeg
from catalog.audio.headers import chunks
from catalog.audio.sniff import Located
from provenance.manifest.boxes import MAX_STORE, Malformed

MIME = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "m4a": "audio/mp4"}
_GEOB_MIME = (b"application/c2pa", b"application/x-c2pa-manifest-store")
_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


@dataclass(frozen=True)
class Place:
    """The store lies in the bytes [start, end); the data hash leaves out [begin, end)."""

    start: int
    end: int
    begin: int


def find(fd: int, located: Located) -> Place | None:
    """The place of the manifest store, None where there is none. Raises Malformed for one that cannot be."""
    name = located.format.name
    found = (
        _wav(fd)
        if name == "wav"
        else _id3(fd)
        if name in ("mp3", "flac")
        else _mp4(fd)
        if name == "m4a"
        else None
    )
    if found is not None and (found.end - found.start > MAX_STORE or found.end > os.fstat(fd).st_size):
        raise Malformed("larger than any manifest, or than its file")
    return found


def read(fd: int, place: Place) -> bytes:
    return os.pread(fd, place.end - place.start, place.start)


def _wav(fd: int) -> Place | None:
    found = None
    for chunk in chunks(fd, big_endian=False):
        if chunk.name != b"C2PA":
            continue
        end = chunk.offset + chunk.length
        if found is not None:
            raise Malformed("a manifest twice")
        if chunk.length & 1 and os.pread(fd, 1, end) != b"\0":
            raise Malformed("the byte behind the manifest is not empty")
        found = Place(chunk.offset, end, chunk.offset - 8)
    return found


def _id3(fd: int) -> Place | None:
    """In the first tag; its frames must be plain ones, as the c2pa library writes them."""
    length = mpeg.id3v2_length(os.pread(fd, 10, 0))
    if not length:
        return None
    head = os.pread(fd, 10, 0)
    at, found = 10, None
    for _ in range(2000):
        frame = os.pread(fd, 10, at)
        raw = frame[4:8]
        size = mpeg.syncsafe(raw) if head[3] == 4 else int.from_bytes(raw, "big")
        if at + 10 > length or not frame[:4].isalnum() or size is None or at + 10 + size > length:
            break
        if frame[:4] == b"GEOB" and (start := _geob(os.pread(fd, min(size, 512), at + 10))):
            if found is not None or frame[8:10] != b"\0\0" or head[3] != 4 or head[5]:
                raise Malformed("a manifest twice, or in a tag of an odd kind")
            found = Place(at + 10 + start, at + 10 + size, at + 10 + start)
        at += 10 + size
    return found


def _geob(body: bytes) -> int:
    """Where the object begins in a GEOB frame that holds a manifest; 0 for others."""
    kind, mark, rest = body[1:].partition(b"\0")
    if not mark or kind not in _GEOB_MIME:
        return 0
    if body[0] not in (0, 3):
        raise Malformed("a manifest with a name in another alphabet")
    parts = rest.split(b"\0", 2)
    if len(parts) < 3:
        raise Malformed("a manifest whose name has no end")
    return 1 + len(kind) + 1 + len(parts[0]) + 1 + len(parts[1]) + 1


def _mp4(fd: int) -> Place | None:
    size, at, found = os.fstat(fd).st_size, 0, None
    for _ in range(10_000):
        head = os.pread(fd, 24, at)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if len(head) < 8 or length < 8 or at + length > size:
            break
        if head[4:8] == b"uuid" and head[8:24] == _UUID:
            # FullBox version and flags, purpose, offset of a Merkle tree (none), then the store
            purpose = os.pread(fd, 21, at + 24)
            if found is not None or purpose != b"\0\0\0\0manifest\0" + bytes(8):
                raise Malformed("a manifest twice, or of an odd kind")
            found = Place(at + 45, at + length, at)
        at += length
    return found
