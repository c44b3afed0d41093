"""How long it takes, and how often it says so."""

from __future__ import annotations

import time

from generation.engines.base import OnProgress
from generation.engines.neural.catalogue import Model

EVERY_SECONDS = 0.25
FRAMES_A_SECOND = 50
# Where nothing is known of this machine yet. Weights are read once for each step, whatever the number of tries.
PROCESSOR_BYTES_A_SECOND = 15e9
GPU_SECONDS_A_STEP = 0.028  # launch-bound in audiocraft, on any recent card


class Calm:
    """Progress of a network's single steps, told a few times a second: each telling is a row written.

    Each time it is told, whoever listens may raise; so a cancel is heard within EVERY_SECONDS.
    """

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress, self._last, self._words = on_progress, 0.0, ""

    def __call__(self, fraction: float, words: str) -> None:
        now = time.monotonic()
        if words != self._words or fraction >= 1.0 or now - self._last >= EVERY_SECONDS:
            self._last, self._words = now, words
            self._on_progress(fraction, words)


def guess(model: Model, seconds: float, tries: int) -> float:
    """Seconds for one take, loading included, before this machine has made any."""
    steps = FRAMES_A_SECOND * seconds
    if has_gpu():
        return 15.0 + GPU_SECONDS_A_STEP * steps * (1 + 0.1 * (tries - 1))
    step = 4.0 * model.parameters / PROCESSOR_BYTES_A_SECOND
    return 10.0 + model.size_bytes / 1e9 * 5.0 + step * steps * (1 + 0.4 * (tries - 1))


def has_gpu() -> bool:
    """Without torch, which web processes do not load: whether the driver shows a device."""
    from pathlib import Path

    return any(Path("/proc/driver/nvidia/gpus").glob("*")) or Path("/dev/nvidia0").exists()
