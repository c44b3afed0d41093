"""What one upload may cost. Shared by the caller and the decoding child."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """Bounds on one file. Every one of them is enforced by `catalog.audio.decode.decode`.

    `memory_bytes` is the whole address space of the decoding child (RLIMIT_AS), so its resident
    memory is always less. The decoded sound is not held there: it goes to a file block by block.
    `wall_seconds` is generous beside `cpu_seconds` because workers share processors.
    """

    max_bytes: int = 400 * MEBIBYTE
    min_seconds: float = 1.0
    max_seconds: float = 1800.0
    max_channels: int = 8
    min_sample_rate: int = 8_000
    max_sample_rate: int = 192_000
    memory_bytes: int = 300 * MEBIBYTE
    cpu_seconds: int = 90
    wall_seconds: float = 240.0
