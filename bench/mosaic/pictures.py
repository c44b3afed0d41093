"""A take as a picture: spectrogram above, loudness below, with the bounds of its sections. Written with zlib alone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.mosaic.sound import Level
from generation.loudness import k_weighted

RATE = 44_100
WIDTH, HIGH, LOW, GAP = 1200, 320, 120, 6
FLOOR_DB, TOP_LUFS, SPAN_LU = -85.0, -4.0, 36.0
FFT = 4096
# dark to bright: values of red, green and blue at equal steps
COLOURS = np.array(
    [(8, 8, 20), (50, 20, 90), (140, 40, 110), (225, 90, 60), (250, 190, 70), (255, 255, 220)], float
)
INK, LINE, BACK = (235, 235, 235), (90, 200, 250), (20, 20, 28)
TINTS = {"drop": (70, 30, 40), "break": (25, 40, 70), "build": (55, 50, 25)}


def draw(path: Path, audio: np.ndarray, levels: Sequence[Level]) -> None:
    """audio: (2, n). levels: its sections."""
    image = np.zeros((HIGH + GAP + LOW, WIDTH, 3), dtype=np.uint8)
    image[:] = BACK
    image[:HIGH] = _spectrogram(audio.mean(axis=0))
    seconds = audio.shape[1] / RATE
    place = [(_column(one.start, seconds), _column(one.end, seconds), one) for one in levels]
    for first, last, one in place:
        image[HIGH + GAP :, first:last] = TINTS.get(one.name, BACK)
    curve = _rows(_loudness(audio))
    for x in range(1, WIDTH):
        low, high = sorted((curve[x - 1], curve[x]))
        image[HIGH + GAP + low : HIGH + GAP + high + 1, x] = LINE
    for first, last, one in place:
        image[:, first] = INK
        image[HIGH + GAP + int(_rows(np.array([one.lufs]))[0]), first:last] = INK
    _write(path, image)


def _column(seconds: float, total: float) -> int:
    return min(WIDTH - 1, int(seconds / total * WIDTH))


def _spectrogram(mono: np.ndarray) -> np.ndarray:
    """(HIGH, WIDTH, 3): 30 Hz to 18 kHz in equal steps of pitch, low at the bottom."""
    starts = np.linspace(0, max(0, len(mono) - FFT), WIDTH).astype(int)
    window = np.hanning(FFT).astype(np.float32)
    frames = np.stack([mono[start : start + FFT] for start in starts]) * window
    power = np.square(np.abs(np.fft.rfft(frames, axis=1))) / window.sum() ** 2 * 4.0
    edges = np.geomspace(30.0, 18_000.0, HIGH + 1) * FFT / RATE
    rows = np.empty((HIGH, WIDTH))
    for row in range(HIGH):
        first = int(edges[row])
        rows[row] = power[:, first : max(first + 1, int(edges[row + 1]))].max(axis=1)
    share = np.clip(1.0 - 10.0 * np.log10(rows + 1e-12) / FLOOR_DB, 0.0, 1.0) * (len(COLOURS) - 1)
    at = np.arange(len(COLOURS))
    colours = np.stack([np.interp(share, at, COLOURS[:, channel]) for channel in range(3)], axis=-1)
    return np.asarray(colours[::-1], dtype=np.uint8)


def _loudness(audio: np.ndarray) -> np.ndarray:
    """(WIDTH,) LUFS over 400 ms around each column."""
    power = np.square(k_weighted(audio, RATE)).sum(axis=0)
    running = np.concatenate([[0.0], np.cumsum(power, dtype=np.float64)])
    middle = np.linspace(0, len(power), WIDTH)
    first = np.clip(middle - 0.2 * RATE, 0, len(power)).astype(int)
    last = np.clip(middle + 0.2 * RATE, 0, len(power)).astype(int)
    return np.asarray(
        -0.691 + 10.0 * np.log10((running[last] - running[first]) / np.maximum(last - first, 1) + 1e-12)
    )


def _rows(lufs: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip((TOP_LUFS - lufs) / SPAN_LU, 0.0, 1.0) * (LOW - 1), dtype=int)


def _write(path: Path, image: np.ndarray) -> None:
    height, width, _ = image.shape
    raw = b"".join(b"\0" + row.tobytes() for row in image)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw, 6))
        + chunk(b"IEND", b"")
    )
