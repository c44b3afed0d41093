"""FLAC metadata blocks and Vorbis comments (RFC 9639 section 8; the Vorbis I comment header)."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass

COMMENT, PADDING = 4, 1
_MAX_BLOCKS = 512
_MAX_COMMENTS = 2000
TEXT_NAMES = {
    "title": "TITLE",
    "artist": "ARTIST",
    "bpm": "BPM",
    "key": "INITIALKEY",
    "genre": "GENRE",
    "software": "ENCODER",
    "comment": "COMMENT",
}


@dataclass(frozen=True)
class Block:
    """One metadata block; `offset` is where its content begins."""

    kind: int
    offset: int
    length: int


def blocks(fd: int, start: int) -> tuple[list[Block], int] | None:
    """The metadata blocks of the FLAC stream at `start` and the offset of its first audio frame.

    None when the chain of blocks does not end inside the file.
    """
    size = os.fstat(fd).st_size
    at, found = start + 4, []
    for _ in range(_MAX_BLOCKS):
        head = os.pread(fd, 4, at)
        length = int.from_bytes(head[1:4], "big")
        if len(head) < 4 or at + 4 + length > size:
            return None
        found.append(Block(head[0] & 0x7F, at + 4, length))
        at += 4 + length
        if head[0] & 0x80:
            return found, at
    return None


def parse_comments(block: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """(vendor, [(NAME, value), …]) of a comment block; stops at the first malformed entry."""
    try:
        (length,) = struct.unpack_from("<I", block)
        vendor, at = block[4 : 4 + length], 8 + length
        (count,) = struct.unpack_from("<I", block, at - 4)
    except struct.error:
        return b"", []
    entries: list[tuple[str, str]] = []
    for _ in range(min(count, _MAX_COMMENTS)):
        if at + 4 > len(block):
            break
        (length,) = struct.unpack_from("<I", block, at)
        raw = block[at + 4 : at + 4 + length]
        if len(raw) < length:
            break
        at += 4 + length
        name, equals, value = raw.decode("utf-8", "replace").partition("=")
        if equals:
            entries.append((name.upper(), value))
    return vendor, entries


def build_comments(vendor: bytes, entries: list[tuple[str, str]]) -> bytes:
    """A comment block, the inverse of `parse_comments`."""
    raw = [f"{name}={value}".encode() for name, value in entries]
    head = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(raw))
    return head + b"".join(struct.pack("<I", len(entry)) + entry for entry in raw)


def merged(
    entries: list[tuple[str, str]], text: Mapping[str, str], custom: Mapping[str, str]
) -> list[tuple[str, str]]:
    """`entries` with the given fields replaced; ours come first, an empty value only removes."""
    new = {TEXT_NAMES[key]: value for key, value in text.items()} | dict(custom)
    return [(k, v) for k, v in new.items() if v] + [(k, v) for k, v in entries if k not in new]
