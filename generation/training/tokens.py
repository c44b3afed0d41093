"""Recordings as EnCodec tokens, worked out once for each recording and codec, and kept on disk."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.engines.base import Cache
from generation.training.dataset import Chunk, Recording

WINDOW_SECONDS, MARGIN_SECONDS = 20.0, 1.0


@dataclass(frozen=True, eq=False)
class Example:
    """What one step may learn from. codes: (codebooks, frames) integers."""

    track_id: str
    codes: np.ndarray
    caption: str


def codes_of(
    recording: Recording, codec: Any, codec_sha256: str, cache: Cache | None, tick: Callable[[], None]
) -> np.ndarray:
    """(codebooks, frames) of the whole recording, from the cache or worked out now. tick may raise to stop."""
    name = name_of(codec_sha256)
    kept = cache.get(recording.id, recording.digest, name) if cache else None
    if kept is not None and (found := _read(kept)) is not None:
        return found
    codes = encode(codec, recording.load(int(codec.sample_rate)), tick)
    if cache is not None:
        cache.put(recording.id, recording.digest, name, _written(codes))
    return codes


def name_of(codec_sha256: str) -> str:
    """That codes of this codec are kept under."""
    return f"encodec-{codec_sha256[:24]}"


def encode(codec: Any, audio: np.ndarray, tick: Callable[[], None] = lambda: None) -> np.ndarray:
    """EnCodec's tokens of (2, samples) float32 at the codec's rate: (codebooks, frames) uint16.

    Taken in windows that overlap by a second, of which only the middle counts: memory stays small however long the
    recording is, and no edge is heard inside a chunk. codec: audiocraft's CompressionModel, mono or stereo.
    """
    import torch

    rate, hop = int(codec.sample_rate), round(codec.sample_rate / codec.frame_rate)
    sound = audio if codec.channels == 2 else audio.mean(axis=0, keepdims=True)
    frames = max(1, sound.shape[1] // hop)
    window, margin = round(WINDOW_SECONDS * rate / hop), round(MARGIN_SECONDS * rate / hop)
    device = next(codec.parameters()).device
    parts = []
    for first in range(0, frames, window):
        tick()
        last = min(frames, first + window)
        begin, end = max(0, first - margin), min(frames, last + margin)
        piece = np.ascontiguousarray(sound[:, begin * hop : end * hop], dtype=np.float32)
        piece = np.pad(piece, ((0, 0), (0, max(0, (end - begin) * hop - piece.shape[1]))))
        with torch.no_grad():
            codes, _ = codec.encode(torch.from_numpy(piece)[None].to(device))
        parts.append(codes[0, :, first - begin : last - begin].cpu().numpy().astype(np.uint16))
    return np.concatenate(parts, axis=1)


def example(chunk: Chunk, codes: np.ndarray, frame_rate: float, segment: float) -> Example:
    """The chunk cut out of its recording's codes."""
    first = round(chunk.start * frame_rate)
    count = round(min(chunk.seconds, segment) * frame_rate)
    return Example(chunk.track_id, np.ascontiguousarray(codes[:, first : first + count]), chunk.caption)


def examples(
    chunks: Sequence[Chunk], codes: dict[str, np.ndarray], frame_rate: float, segment: float
) -> list[Example]:
    found = [example(chunk, codes[chunk.track_id], frame_rate, segment) for chunk in chunks]
    return [one for one in found if one.codes.shape[1] > 1]


def _written(codes: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, codes, allow_pickle=False)
    return out.getvalue()


def _read(data: bytes) -> np.ndarray | None:
    try:
        found: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.ndim == 2 and found.dtype == np.uint16 else None
