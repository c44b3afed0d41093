"""Write samples as WAV, FLAC and MP3, block by block, completely or not at all.

WAV and FLAC of the same samples and bits hold exactly the same integers, so they share one
`pcm_sha256`. All three are deterministic: the same samples give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from catalog.audio.atomic import replacing

_BLOCK = 65_536
_MP3_RATES = (32_000, 44_100, 48_000)
_MP3_LEVELS = {320: 0.0, 128: 0.65, 96: 0.75}  # libsndfile's compression level that yields this constant rate


def write_wav(path: Path, samples: np.ndarray, sample_rate: int, bits: Literal[16, 24] = 24) -> None:
    """Write float samples (channels, n), full scale 1.0, as a PCM WAV file; louder ones are clipped.

    16 bits are dithered (triangular, fixed seed). Raises ValueError for samples of another shape or
    with values that are not finite.
    """
    _write_integers(path, samples, sample_rate, bits, "WAV")


def write_flac(path: Path, samples: np.ndarray, sample_rate: int, bits: Literal[16, 24] = 24) -> None:
    """Write a FLAC file. Everything as for `write_wav`."""
    _write_integers(path, samples, sample_rate, bits, "FLAC")


def write_mp3(path: Path, samples: np.ndarray, sample_rate: int, kbps: Literal[96, 128, 320] = 128) -> None:
    """Write an MP3 of constant bit rate, one or two channels, 32000, 44100 or 48000 Hz.

    Raises ValueError for anything else. No tags are written here: see `catalog.audio.marking`.
    """
    _check(samples)
    if sample_rate not in _MP3_RATES or samples.shape[0] > 2:
        raise ValueError(f"MP3 wants one or two channels at one of {_MP3_RATES} Hz")
    with (
        replacing(path) as part,
        _open(part, sample_rate, samples, "MP3", "MPEG_LAYER_III", _MP3_LEVELS[kbps]) as file,
    ):
        for block in _blocks(samples):
            file.write(np.clip(block, -1.0, 1.0).astype(np.float32))


def _write_integers(path: Path, samples: np.ndarray, sample_rate: int, bits: int, container: str) -> None:
    _check(samples)
    if bits not in (16, 24):
        raise ValueError("bits must be 16 or 24")
    dither = np.random.default_rng(0) if bits == 16 else None
    with replacing(path) as part, _open(part, sample_rate, samples, container, f"PCM_{bits}") as file:
        for block in _blocks(samples):
            file.write(quantise(block, bits, dither))


def quantise(block: np.ndarray, bits: int, dither: np.random.Generator | None = None) -> np.ndarray:
    """Floats as int32 with the top `bits` bits in use: rounded to nearest, clipped at full scale."""
    steps = block.astype(np.float64) * 2.0 ** (bits - 1)
    if dither is not None:
        steps += dither.random(block.shape) - dither.random(block.shape)
    top = 2.0 ** (bits - 1)
    return np.clip(np.rint(steps), -top, top - 1).astype(np.int32) << (32 - bits)


def _check(samples: np.ndarray) -> None:
    if samples.ndim != 2 or not samples.shape[0] or not samples.shape[1]:
        raise ValueError(f"samples must be (channels, n) and not empty, not {samples.shape}")
    if samples.shape[0] > samples.shape[1]:
        raise ValueError(f"samples look transposed: {samples.shape}; they must be (channels, n)")


def _blocks(samples: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks (frames, channels). Finiteness is checked here so that it costs no second pass."""
    for start in range(0, samples.shape[1], _BLOCK):
        block = np.ascontiguousarray(samples[:, start : start + _BLOCK].T)
        if not np.isfinite(block).all():
            raise ValueError("samples hold values that are not finite")
        yield block


def _open(
    path: Path, rate: int, samples: np.ndarray, container: str, subtype: str, level: float | None = None
) -> Any:
    import soundfile

    mode = None if level is None else "CONSTANT"
    return soundfile.SoundFile(
        path,
        "w",
        rate,
        samples.shape[0],
        subtype,
        format=container,
        compression_level=level,
        bitrate_mode=mode,
    )
