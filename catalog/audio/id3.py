"""ID3v2 tags as lists of frames: read 2.3 and 2.4, write 2.4 (id3.org, "ID3v2.4.0 structure").

Strict and bounded: a tag comes from an untrusted file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from catalog.audio.mpeg import id3v2_length, syncsafe

MAX_TAG = 24 * 2**20
_MAX_FRAMES = 2000
_CODECS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
TEXT_FRAMES = {
    "title": b"TIT2",
    "artist": b"TPE1",
    "bpm": b"TBPM",
    "key": b"TKEY",
    "genre": b"TCON",
    "software": b"TSSE",
    "comment": b"COMM",
}


@dataclass(frozen=True)
class Frame:
    """One frame: a four-letter name and its content without header."""

    name: bytes
    body: bytes

    @property
    def field(self) -> tuple[str, str] | None:
        """(description, value) of a TXXX frame, None for others and for text that cannot be read."""
        if self.name != b"TXXX" or not self.body or self.body[0] not in _CODECS:
            return None
        codec = _CODECS[self.body[0]]
        if self.body[0] in (0, 3):
            name, _, value = self.body[1:].partition(b"\0")
        else:
            cut = next((i for i in range(1, len(self.body) - 1, 2) if self.body[i : i + 2] == b"\0\0"), None)
            if cut is None:
                return None
            name, value = self.body[1:cut], self.body[cut + 2 :]
        try:
            return name.decode(codec), value.decode(codec).rstrip("\0")
        except UnicodeDecodeError:
            return None


def parse(tag: bytes) -> list[Frame]:
    """The frames of a whole tag (header included) that can be carried into a new one.

    Compressed, encrypted and grouped frames, and anything behind the first malformed frame, are
    left out. A tag of version 2.2, or no tag, gives [].
    """
    if not id3v2_length(tag[:10]) or tag[3] not in (3, 4) or len(tag) > MAX_TAG:
        return []
    version, flags, body = tag[3], tag[5], tag[10:]
    if version == 3 and flags & 0x80:
        body = body.replace(b"\xff\x00", b"\xff")
    if flags & 0x40:
        extended = syncsafe(body[:4]) if version == 4 else int.from_bytes(body[:4], "big") + 4
        if extended is None:
            return []
        body = body[extended:]
    return list(_frames(body, version))


def _frames(body: bytes, version: int) -> Iterator[Frame]:
    at = 0
    for _ in range(_MAX_FRAMES):
        name = body[at : at + 4]
        if at + 10 > len(body) or not name.isalnum() or not name.isupper():
            return
        raw = body[at + 4 : at + 8]
        size = syncsafe(raw) if version == 4 else int.from_bytes(raw, "big")
        if size is None or at + 10 + size > len(body):
            return
        flags, content = body[at + 9], body[at + 10 : at + 10 + size]
        at += 10 + size
        if version == 3:
            if flags & 0xE0 == 0:
                yield Frame(name, content)
        elif flags & 0x4C == 0:
            if flags & 0x01:
                content = content[4:]
            if flags & 0x02:
                content = content.replace(b"\xff\x00", b"\xff")
            yield Frame(name, content)


def build(frames: Iterable[Frame]) -> bytes:
    """A whole ID3v2.4 tag without padding."""
    body = b"".join(f.name + _syncsafe(len(f.body)) + b"\0\0" + f.body for f in frames)
    return b"ID3\x04\0\0" + _syncsafe(len(body)) + body


def merged(frames: list[Frame], text: Mapping[str, str], custom: Mapping[str, str]) -> list[Frame]:
    """`frames` with the given fields replaced; ours come first, an empty value only removes."""
    names = {TEXT_FRAMES[key] for key in text}
    kept = [
        frame
        for frame in frames
        if frame.name not in names and not (frame.field and frame.field[0].upper() in custom)
    ]
    new = [Frame(TEXT_FRAMES[key], _body(key, value)) for key, value in text.items() if value]
    new += [Frame(b"TXXX", b"\x03" + k.encode() + b"\0" + v.encode()) for k, v in custom.items() if v]
    return new + kept


def _body(key: str, value: str) -> bytes:
    return (b"\x03eng\0" if key == "comment" else b"\x03") + value.encode()


def _syncsafe(size: int) -> bytes:
    if size >= 1 << 28:
        raise ValueError("an ID3 tag cannot be larger than 256 MB")
    return bytes((size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127))
