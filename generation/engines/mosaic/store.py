"""Bytes that were expensive to work out, kept in files: by track, by what its sound is, by name.

A cache and nothing more: what is missing, cut short or damaged is not there, and is worked out again. Files appear
whole (written aside, then renamed), so processes may share a folder. What was not used for longest goes first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import struct
import time
import zlib
from collections.abc import Callable, Collection
from pathlib import Path

HEADER = struct.Struct("<4sIQ")  # mark, CRC-32 of what follows, its length
MARK = b"SFc1"
SAFE = re.compile(r"[A-Za-z0-9_.-]{1,80}")
TOUCH_SECONDS = 60.0  # a file used again within it keeps its time: most are read several times in one take
ROOM = 0.9  # of the limit is left when something had to go
LOOK_AGAIN = 1 / 16  # of the limit written by this process before the folder is measured again
STALE_SECONDS = 3600.0


class DiskCache:
    """A `Cache` (generation.engines.base) in a folder, of about `limit` bytes; several processes may exceed it.

    needed: tells of which tracks all stays, even beyond the limit.
    """

    def __init__(self, folder: Path, limit: int, needed: Callable[[], Collection[str]] = frozenset) -> None:
        self._folder, self._limit, self._needed = folder, limit, needed
        self._unmeasured: int | None = (
            None  # bytes written since the folder was measured; None before the first time
        )

    def get(self, track_id: str, digest: str, name: str) -> bytes | None:
        """What was put there, or None."""
        file = self._file(track_id, digest, name)
        if file is None:
            return None
        try:
            data = file.read_bytes()
            if len(data) < HEADER.size:
                return None
            mark, check, length = HEADER.unpack_from(data)
            body = data[HEADER.size :]
            if mark != MARK or length != len(body) or check != zlib.crc32(body):
                return None
            if time.time() - file.stat().st_mtime > TOUCH_SECONDS:
                os.utime(file)
        except OSError:
            return None
        return body

    def put(self, track_id: str, digest: str, name: str, data: bytes) -> None:
        """Keep it if there is room on the disk. What is kept of the track's earlier sound goes."""
        file = self._file(track_id, digest, name)
        if file is None or len(data) > self._limit:
            return
        draft = file.with_name(f".{name}.{os.getpid()}.{time.monotonic_ns()}")
        try:
            if not file.parent.is_dir():
                file.parent.mkdir(parents=True, exist_ok=True)
                for other in file.parent.parent.iterdir():
                    if other.name != file.parent.name:
                        shutil.rmtree(other, ignore_errors=True)
            draft.write_bytes(HEADER.pack(MARK, zlib.crc32(data), len(data)) + data)
            draft.replace(file)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return
        if self._unmeasured is not None:
            self._unmeasured += HEADER.size + len(data)
        if self._unmeasured is None or self._unmeasured > self._limit * LOOK_AGAIN:
            self.trim()

    def forget(self, track_id: str) -> None:
        """Remove all that is kept of a track."""
        if SAFE.fullmatch(track_id) and not track_id.startswith("."):
            shutil.rmtree(self._folder / track_id, ignore_errors=True)

    def tracks(self) -> list[str]:
        """The ids of the tracks of which something is kept."""
        with contextlib.suppress(OSError):
            return sorted(entry.name for entry in os.scandir(self._folder) if entry.is_dir())
        return []

    def trim(self) -> int:
        """Remove what was not used for longest until the rest fits. Returns the bytes that are left."""
        self._unmeasured = 0
        now, found = time.time(), []
        for path in self._folder.glob("*/*/*"):
            with contextlib.suppress(OSError):
                state = path.stat()
                if path.name.startswith(".") and now - state.st_mtime > STALE_SECONDS:
                    path.unlink()
                else:
                    found.append((state.st_mtime, state.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self._limit:
            return total
        needed = set(self._needed())
        for _, size, path in sorted(found):
            if total <= self._limit * ROOM:
                break
            if path.parent.parent.name in needed:
                continue
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size
                path.parent.rmdir()  # only when it was the last in it
                path.parent.parent.rmdir()
        return total

    def _file(self, track_id: str, digest: str, name: str) -> Path | None:
        if not digest or not all(
            SAFE.fullmatch(part) and not part.startswith(".") for part in (track_id, name)
        ):
            return None
        return self._folder / track_id / hashlib.sha256(digest.encode()).hexdigest()[:32] / name
