"""Where attacks really lie: the offset that brings measured beats onto them."""

from __future__ import annotations

import numpy as np

from generation.engines.mosaic.plan import SAMPLE_RATE

WINDOW = 256
STEP = 32
LOOK = 0.035  # seconds an attack may lie off its beat
FINE_LOOK = 0.008  # … and off the offset of its own track


def alignment(samples: np.ndarray, beats: np.ndarray, *, look: float, around: int) -> int:
    """Samples to add to `beats` (seconds) so that they fall on the attacks of (2, n); within `look` s of `around`.

    Attack strength is the mean level of the 6 ms after a moment minus that of the 6 ms before: highest on the attack
    itself. Nothing to align to (or nothing louder than elsewhere) gives `around`.
    """
    level = np.abs(samples).sum(axis=0, dtype=np.float32)
    running = np.concatenate(([0.0], np.cumsum(level, dtype=np.float64)))
    reach = int(look * SAMPLE_RATE) // STEP
    shifts = around + STEP * np.arange(-reach, reach + 1)
    at = np.round(beats * SAMPLE_RATE).astype(int)[:, None] + shifts[None, :]
    inside = (at[:, 0] >= WINDOW) & (at[:, -1] < level.size - WINDOW)
    at = at[inside]
    if not len(at):
        return around
    rise = np.maximum(0.0, running[at + WINDOW] - 2.0 * running[at] + running[at - WINDOW])
    strength = rise.sum(axis=0)
    if strength.max() <= 1e-6 or strength.max() < 1.15 * strength.mean():
        return around
    return int(shifts[int(np.argmax(strength))])
