"""Write blocks of interleaved sound to a file as separate channel planes, in constant memory."""

from __future__ import annotations

import os

import numpy as np

_COPY = 1 << 20


class Planes:
    """Collects float32 blocks (frames, channels) and leaves a file of shape (channels, frames).

    The length is not known beforehand, so each channel is written with room for `max_frames`
    into a sparse file; `close` then moves the later channels forward and cuts the file.
    """

    def __init__(self, fd: int, channels: int, max_frames: int) -> None:
        self._fd = fd
        self._channels = channels
        self._room = max_frames * 4
        self.frames = 0

    def write(self, block: np.ndarray) -> None:
        """Append a float32 block (frames, channels)."""
        for channel in range(self._channels):
            plane = np.ascontiguousarray(block[:, channel], "<f4")
            self._put(plane.data.cast("B"), channel * self._room + self.frames * 4)
        self.frames += len(block)

    def close(self) -> None:
        """Close the gaps between the channels and cut the file to its true length."""
        length = self.frames * 4
        for channel in range(1, self._channels):
            for at in range(0, length, _COPY):
                piece = os.pread(self._fd, min(_COPY, length - at), channel * self._room + at)
                self._put(memoryview(piece), channel * length + at)
        os.ftruncate(self._fd, self._channels * length)

    def _put(self, data: memoryview, offset: int) -> None:
        while len(data):
            written = os.pwrite(self._fd, data, offset)
            data, offset = data[written:], offset + written
