"""Read-only views on a part of an open file."""

from __future__ import annotations

import io
import os


class Slice(io.RawIOBase):
    """The bytes [start, end) of a file descriptor as a file of its own.

    Reads with pread, so it never moves the descriptor's own position. Decoders are given a slice
    that begins with the very bytes the sniffer recognised, so that what precedes them (an ID3 tag,
    padding) can never make a native library choose another parser.
    """

    def __init__(self, fd: int, start: int, end: int) -> None:
        super().__init__()
        self._fd = fd
        self._start = start
        self._length = max(0, end - start)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._length - self._at)
        if wanted <= 0:
            return 0
        data = os.pread(self._fd, wanted, self._start + self._at)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def buffered(fd: int, start: int, end: int, size: int = 1 << 16) -> io.BufferedReader:
    """A buffered reader over the bytes [start, end) of `fd`."""
    return io.BufferedReader(Slice(fd, start, end), size)
