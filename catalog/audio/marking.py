"""Write our own text fields into a finished sound file, and read them back.

The sound is not touched: the decoded PCM of WAV, AIFF and FLAC and the stream of an MP3 hash to the
same value before and after. Fields that are already there and not named stay as they are, pictures
included. MP3 gets an ID3v2.4 tag in front, WAV and AIFF an ID3 chunk at the end, FLAC its Vorbis
comment block.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from catalog.audio import id3, mpeg, vorbis
from catalog.audio.atomic import replacing
from catalog.audio.errors import AudioError
from catalog.audio.headers import Chunk, chunks, damaged
from catalog.audio.sniff import Located, locate, open_regular

MAX_VALUE = 64 * 1024
MARKABLE = ("mp3", "wav", "aiff", "flac")
_MAX_FIELDS = 200
_NAME = re.compile(r"[A-Z0-9_]{1,64}")
_ID3_CHUNKS = (b"id3 ", b"ID3 ")
_PIECE = 1 << 20


def write_fields(
    path: Path, *, text: Mapping[str, str], custom: Mapping[str, str], to: IO[bytes] | None = None
) -> None:
    """Write fields into the file at `path`, completely or not at all (`catalog.audio.atomic`).

    to: an empty file that gets the result instead; then `path` stays as it is, and nothing is flushed to the disk.

    `text`: title, artist, bpm, key, genre, software, comment, where every player shows them.
    `custom`: names of A-Z, 0-9 and _ (at most 64), e.g. STARFORGE_CERTIFICATE; values of at most
    64 kB. An empty value removes the field. Doing it twice gives the same file.

    Raises ValueError for other names or larger values; AudioError("unsupported") for a format that
    cannot be marked (Ogg, Opus, M4A) and "damaged" for a file whose structure is broken.
    """
    text, custom = _checked(text, custom)
    fd = open_regular(path)
    try:
        located = locate(fd)
        pieces = _rewritten(fd, located, text, custom)
        if to is not None:
            to.writelines(pieces)
            to.flush()
            return
        with replacing(path) as part, part.open("wb") as out:
            out.writelines(pieces)
    finally:
        os.close(fd)


def read_fields(path: Path) -> dict[str, str]:
    """The custom fields in the file at `path`; {} when there are none or they cannot be read.

    Reads with our own bounded parsers: at most 200 fields, values of at most 64 kB, names as
    `write_fields` takes them; the first of two fields with one name counts.
    """
    fd = open_regular(path)
    try:
        located = locate(fd)
        pairs = list(_fields(fd, located))
    except AudioError:
        return {}
    finally:
        os.close(fd)
    result: dict[str, str] = {}
    for name, value in pairs:
        upper = name.upper()
        if _NAME.fullmatch(upper) and len(value.encode("utf-8", "replace")) <= MAX_VALUE:
            result.setdefault(upper, value)
        if len(result) == _MAX_FIELDS:
            break
    return result


def _checked(text: Mapping[str, str], custom: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    for key in text:
        if key not in id3.TEXT_FRAMES:
            raise ValueError(f"unknown text field {key!r}")
    for name in custom:
        if not _NAME.fullmatch(name) or name in vorbis.TEXT_NAMES.values():
            raise ValueError(f"{name!r} is not a name for a custom field")
    clean = [{key: _clean(value) for key, value in fields.items()} for fields in (text, custom)]
    for fields in clean:
        for key, value in fields.items():
            if len(value.encode()) > MAX_VALUE:
                raise ValueError(f"the value of {key} is larger than {MAX_VALUE} bytes")
    return clean[0], clean[1]


def _clean(value: str) -> str:
    """Without NUL, which ends strings in ID3, and without lone surrogates, which no file can hold."""
    return value.replace("\0", " ").encode("utf-8", "replace").decode()


def _rewritten(fd: int, located: Located, text: dict[str, str], custom: dict[str, str]) -> Iterator[bytes]:
    name = located.format.name
    if name == "mp3":
        return _mp3(fd, text, custom)
    if name == "flac":
        return _flac(fd, located.start, text, custom)
    if name in ("wav", "aiff"):
        return _iff(fd, name == "aiff", text, custom)
    raise AudioError("unsupported", "Starforge can mark WAV, FLAC, AIFF and MP3 files, not this one.")


def _copy(fd: int, start: int, end: int) -> Iterator[bytes]:
    while start < end and (data := os.pread(fd, min(_PIECE, end - start), start)):
        yield data
        start += len(data)


def _mp3(fd: int, text: dict[str, str], custom: dict[str, str]) -> Iterator[bytes]:
    size = os.fstat(fd).st_size
    start = mpeg.end_of_leading_tags(fd, size)
    if mpeg.id3v2_length(os.pread(fd, 10, start)):
        raise damaged("mp3")  # more tags than anyone stacks, or one that is larger than the file
    first = mpeg.id3v2_length(os.pread(fd, 10, 0))
    frames = id3.parse(os.pread(fd, first, 0)) if first <= id3.MAX_TAG else []
    yield id3.build(id3.merged(frames, text, custom))
    yield from _copy(fd, start, size)


def _flac(fd: int, start: int, text: dict[str, str], custom: dict[str, str]) -> Iterator[bytes]:
    found = vorbis.blocks(fd, start)
    if found is None or not found[0] or found[0][0].kind != 0:
        raise damaged("flac")
    blocks, audio = found
    old = next((b for b in blocks if b.kind == vorbis.COMMENT), None)
    vendor, entries = vorbis.parse_comments(os.pread(fd, old.length, old.offset) if old else b"")
    comments = vorbis.build_comments(vendor or b"Starforge", vorbis.merged(entries, text, custom))
    if len(comments) >= 1 << 24:
        raise damaged("flac")
    yield from _copy(fd, 0, start + 4)
    for block in blocks:
        if block.kind not in (vorbis.COMMENT, vorbis.PADDING):
            yield bytes([block.kind]) + block.length.to_bytes(3, "big")
            yield from _copy(fd, block.offset, block.offset + block.length)
    yield bytes([0x80 | vorbis.COMMENT]) + len(comments).to_bytes(3, "big") + comments
    yield from _copy(fd, audio, os.fstat(fd).st_size)


def _iff(fd: int, big_endian: bool, text: dict[str, str], custom: dict[str, str]) -> Iterator[bytes]:
    """RIFF and IFF: every chunk with its true length, then our own at the end.

    True, because a recorder that crashed leaves lengths behind that reach past the end of the file
    and would swallow whatever is appended.
    """
    order, size = ">" if big_endian else "<", os.fstat(fd).st_size
    found = list(_true_chunks(fd, big_endian))
    tag = next((c for c in found if c.name in _ID3_CHUNKS and c.length <= id3.MAX_TAG), None)
    frames = id3.parse(os.pread(fd, tag.length, tag.offset)) if tag else []
    kept = [c for c in found if c.name not in _ID3_CHUNKS and c.name != b"ds64"]
    new = id3.build(id3.merged(frames, text, custom))
    total = 4 + sum(8 + c.length + (c.length & 1) for c in kept) + 8 + len(new) + (len(new) & 1)
    if total >= 1 << 32 or size >= 1 << 32:
        raise AudioError("too_big", "This file is larger than 4 GB and cannot be marked.")
    yield (b"FORM" if big_endian else b"RIFF") + struct.pack(f"{order}I", total) + os.pread(fd, 4, 8)
    for chunk in kept:
        yield struct.pack(f"{order}4sI", chunk.name, chunk.length)
        yield from _copy(fd, chunk.offset, chunk.offset + chunk.length)
        yield b"\0" * (chunk.length & 1)
    yield (
        struct.pack(f"{order}4sI", b"ID3 " if big_endian else b"id3 ", len(new))
        + new
        + b"\0" * (len(new) & 1)
    )


def _true_chunks(fd: int, big_endian: bool) -> Iterable[Chunk]:
    size, data_length = os.fstat(fd).st_size, None
    if os.pread(fd, 4, 0) == b"RF64":
        data_length = int.from_bytes(os.pread(fd, 8, 28), "little")
    for chunk in chunks(fd, big_endian=big_endian, data_length=data_length):
        yield Chunk(chunk.name, chunk.offset, min(chunk.length, size - chunk.offset))


def _fields(fd: int, located: Located) -> Iterator[tuple[str, str]]:
    name, size = located.format.name, os.fstat(fd).st_size
    if name == "flac":
        found = vorbis.blocks(fd, located.start)
        block = next((b for b in found[0] if b.kind == vorbis.COMMENT), None) if found else None
        if block:
            ours = set(vorbis.TEXT_NAMES.values())
            entries = vorbis.parse_comments(os.pread(fd, block.length, block.offset))[1]
            yield from ((key, value) for key, value in entries if key not in ours)
        return
    offset, length = 0, 0
    if name == "mp3":
        length = mpeg.id3v2_length(os.pread(fd, 10, 0))
    elif name in ("wav", "aiff"):
        for chunk in _true_chunks(fd, name == "aiff"):
            if chunk.name in _ID3_CHUNKS:
                offset, length = chunk.offset, chunk.length
                break
    if 0 < length <= min(id3.MAX_TAG, size):
        for frame in id3.parse(os.pread(fd, length, offset)):
            if len(frame.body) <= 2 * MAX_VALUE + 256 and (field := frame.field):
                yield field
