"""Where attacks really lie: every clear one in a sound, and the offset that brings measured beats onto them."""

from __future__ import annotations

import numpy as np

from generation.engines.mosaic.plan import SAMPLE_RATE
from generation.engines.mosaic.separate import low_passed

WINDOW = 256
STEP = 32
LOOK = 0.035  # seconds an attack may lie off its beat
FINE_LOOK = 0.008  # … and off the offset of its own track
ATTACK_HZ = (
    1000.0  # below it a level swings with every period of the bass, in which an attack of 6 ms is lost
)
QUIET = 1e-3  # mean level of a sample, both channels: below it a rise is nothing
CLEAR = 1.8  # how far the best place stands out from the mean of all; noise reaches 1.6
RISE = 2.0  # times the level before an attack that is clear by itself
FAINT = 0.03  # of the step up at a loud attack (95th percentile): less than that is a ripple
APART = 0.045  # seconds between two attacks: separation leaves an echo of one before it, of up to 40 ms


def alignment(samples: np.ndarray, beats: np.ndarray, *, look: float, around: int) -> int:
    """Samples to add to `beats` (seconds) so that they fall on the attacks of (2, n); within `look` s of `around`.

    Attack strength is by how many times the level above 1 kHz in the 6 ms after a moment exceeds that in the 6 ms
    before (its logarithm, so that no loud beat outvotes the others). No clear attack gives `around`.
    """
    running = _running(samples)
    reach = int(look * SAMPLE_RATE) // STEP
    shifts = around + STEP * np.arange(-reach, reach + 1)
    at = np.round(beats * SAMPLE_RATE).astype(int)[:, None] + shifts[None, :]
    inside = (at[:, 0] >= WINDOW) & (at[:, -1] < running.size - 1 - WINDOW)
    at = at[inside]
    if not len(at):
        return around
    after, before = running[at + WINDOW] - running[at], running[at] - running[at - WINDOW]
    floor = QUIET * WINDOW
    strength = np.maximum(0.0, np.log((after + floor) / (before + floor))).sum(axis=0)
    if strength.max() <= 1e-6 or strength.max() < CLEAR * strength.mean():
        return around
    return int(shifts[int(np.argmax(strength))])


def attacks(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(samples, strengths) at which the clear attacks of (2, n) begin, in order: to about a millisecond.

    The largest step up within 45 ms of each other in the level that `alignment` hears. A strength of one is a loud
    attack's; those under FAINT are left out.
    """
    from scipy.signal import find_peaks

    running = _running(samples)
    at = np.arange(WINDOW, running.size - WINDOW, STEP)
    if not len(at):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    after, before = running[at + WINDOW] - running[at], running[at] - running[at - WINDOW]
    jump = after - before
    jump[after < RISE * (before + QUIET * WINDOW)] = 0.0
    peaks, found = find_peaks(jump, height=1e-9, distance=int(APART * SAMPLE_RATE) // STEP)
    if not len(peaks):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    strength = found["peak_heights"] / np.percentile(found["peak_heights"], 95)
    clear = strength >= FAINT
    return at[peaks[clear]], strength[clear]


def _running(samples: np.ndarray) -> np.ndarray:
    """(n + 1,) running sum of the level above ATTACK_HZ."""
    level = np.abs(samples - low_passed(samples, ATTACK_HZ, 129)).sum(axis=0, dtype=np.float32)
    return np.concatenate(([0.0], np.cumsum(level, dtype=np.float64)))
