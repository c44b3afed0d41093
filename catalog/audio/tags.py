"""What a file says about itself: title, artist, tempo, key and so on, cleaned and bounded."""

from __future__ import annotations

import io
import os
import re
import unicodedata
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from catalog.audio.slices import Slice
from catalog.audio.sniff import open_regular

_BYTES = 24 * 2**20  # what a tag reader may read: large covers fit, bombs do not
_READS = 4000  # and how often: a reader that keeps lists is quadratic in the number of frames
_LENGTHS = {"title": 300, "artist": 300, "album": 300, "genre": 200, "key": 32, "comment": 1000}
_KEYS = ("initial_key", "initialkey", "key", "tkey")
_TEMPI = ("bpm", "tbpm", "tmpo", "tempo")


class _Thrifty(io.RawIOBase):
    """A file that pretends to end once it has been read too much or too often."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file, self._bytes, self._reads = file, _BYTES, _READS

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        if self._reads <= 0:
            return b""
        wanted = self._bytes if size is None or size < 0 else min(size, self._bytes)
        data = self._file.read(wanted)
        self._bytes -= len(data)
        self._reads -= 1
        return data


def read_tags(path: Path) -> dict[str, Any]:
    """Tags of the file at `path`, only those that are present and make sense.

    title, artist, album, genre, key, comment: cleaned text of bounded length; bpm: float in
    20..400; year: int. A file without tags, or with tags nobody can read, gives {}.
    """
    fd = open_regular(path)
    try:
        return read_from(io.BufferedReader(Slice(fd, 0, os.fstat(fd).st_size)))
    finally:
        os.close(fd)


def read_from(file: IO[bytes]) -> dict[str, Any]:
    """Like `read_tags`, from an open file."""
    from tinytag import TinyTag

    try:
        found = TinyTag.get(file_obj=cast(BinaryIO, _Thrifty(file)), duration=False, image=False)
    except Exception:  # noqa: BLE001 - hostile tags make a reader raise anything; the track is still a track
        return {}
    other = {str(name).lower(): value for name, value in (found.other or {}).items()}
    result: dict[str, Any] = {}
    for name in ("title", "artist", "album", "genre", "comment"):
        text = _text(getattr(found, name, None), _LENGTHS[name])
        if text:
            result[name] = text
    key = next((text for name in _KEYS if (text := _text(_first(other.get(name)), _LENGTHS["key"]))), "")
    if key:
        result["key"] = key
    bpm = next((value for name in _TEMPI if (value := _tempo(_first(other.get(name))))), None)
    if bpm:
        result["bpm"] = bpm
    year = re.match(r"\s*([12]\d{3})(?!\d)", str(found.year or ""))
    if year:
        result["year"] = int(year[1])
    return result


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _text(value: Any, longest: int) -> str:
    """Plain text: no control characters, one space between words, composed (NFC), bounded."""
    if not isinstance(value, str):
        return ""
    visible = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in value[: 4 * longest])
    return unicodedata.normalize("NFC", " ".join(visible.split()))[:longest].strip()


def _tempo(value: Any) -> float | None:
    match = re.match(r"\s*(\d{1,3}(?:[.,]\d{1,6})?)(?![\d.,])", str(value)) if value is not None else None
    bpm = float(match[1].replace(",", ".")) if match else 0.0
    return bpm if 20 <= bpm <= 400 else None
