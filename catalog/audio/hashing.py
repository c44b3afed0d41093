"""Identities of a file: of its bytes, of its decoded sound, of its MP3 stream.

`pcm_sha256` is SHA-256 over the ASCII text "<rate>:<channels>:" followed by the decoded,
interleaved samples as little-endian int32 at full scale, at the rate of the file. A WAV and a FLAC
of the same sound share it, whatever their tags say. For float files samples are rounded to int32
and clipped at full scale; for lossy files the value depends on the decoder and is good for finding
duplicates, not for proofs. An MP3 is proved by the hash of its own stream instead.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal

import numpy as np

from catalog.audio import mpeg
from catalog.audio.decode import inspect
from catalog.audio.encode import quantise
from catalog.audio.errors import AudioError
from catalog.audio.sniff import open_regular, sniff

_BLOCK = 1 << 20


def file_sha256(path: Path) -> str:
    """SHA-256 of all bytes of the file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pcm_sha256(path: Path) -> str:
    """SHA-256 of the decoded sound (see the module text). Raises AudioError as `decode` does."""
    return str(inspect(path)["pcm_sha256"])


def pcm_sha256_of(samples: np.ndarray, sample_rate: int, bits: Literal[24] = 24) -> str:
    """`pcm_sha256` of the WAV or FLAC that `catalog.audio.encode` would write of (channels, n) float samples."""
    digest = hashlib.sha256(f"{sample_rate}:{samples.shape[0]}:".encode())
    for start in range(0, samples.shape[1], _BLOCK):
        block = np.ascontiguousarray(samples[:, start : start + _BLOCK].T)
        digest.update(quantise(block, bits).astype("<i4").tobytes())
    return digest.hexdigest()


def mpeg_stream_sha256(path: Path) -> str:
    """SHA-256 of an MP3 without its tags (ID3v2 before, ID3v1, APEv2 and ID3v2.4 behind).

    Raises AudioError("unsupported") for a file that is not an MP3.
    """
    if sniff(path).name != "mp3":
        raise AudioError("unsupported", "This is not an MP3 file.")
    digest = hashlib.sha256()
    fd = open_regular(path)
    try:
        size = os.fstat(fd).st_size
        at = mpeg.end_of_leading_tags(fd, size)
        end = mpeg.start_of_trailing_tags(fd, at, size)
        while at < end and (data := os.pread(fd, min(_BLOCK, end - at), at)):
            digest.update(data)
            at += len(data)
    finally:
        os.close(fd)
    return digest.hexdigest()


def audio_digest(path: Path) -> tuple[Literal["pcm", "mpeg-stream"], str]:
    """The identity of the sound that a certificate signs, and of which kind it is.

    ("mpeg-stream", hex) for MP3, ("pcm", hex) for everything else. Tags do not change it, the
    smallest change of the sound does. Raises AudioError as `decode` does.
    """
    if sniff(path).name == "mp3":
        return "mpeg-stream", mpeg_stream_sha256(path)
    return "pcm", pcm_sha256(path)
