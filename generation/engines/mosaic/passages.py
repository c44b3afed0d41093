"""Where in a track its bass is clear: single notes are lifted there, wherever a take plays them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.engines.mosaic.kicks import Kicks
from generation.engines.mosaic.pitches import FRAME_SECONDS, follow
from generation.engines.mosaic.plan import SAMPLE_RATE

CLEAR = 0.93  # clarity of a frame
STEADY_FRAMES, STEADY = 4, 0.5  # on either side, and the semitones within which they all lie
LOUD = 0.3  # against the loud frames of the track
KICK_BEFORE, KICK_AFTER = 0.06, 0.20  # seconds around a kick in which what is clear may be the kick
UNIT = 0.25  # seconds
LEAST = 0.04  # share of a passage that must be clear
AT_HAND = 1.25  # by how much clearer another must be than a passage that is separated anyway

Passage = tuple[float, float, int]  # start, end in seconds, beats


def clearness(samples: np.ndarray, kicks: Kicks | None) -> np.ndarray:
    """(n,) float32: for every UNIT of a whole track (2, samples), in what share of it a low note is clear and steady.

    In the untouched sound, and so without separating it; kicks are left out.
    """
    line = follow(samples)
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(line.midi, STEADY_FRAMES, mode="edge"), 2 * STEADY_FRAMES + 1
    )
    clear = (line.clarity > CLEAR) & (np.ptp(around, axis=1) < STEADY)
    clear &= line.level > LOUD * np.percentile(line.level, 85)
    if kicks is not None:
        struck, _ = kicks.struck(0, samples.shape[1])
        for second in struck / SAMPLE_RATE:
            first, last = (round((second + by) / FRAME_SECONDS) for by in (-KICK_BEFORE, KICK_AFTER))
            clear[max(0, first) : max(0, last)] = False
    unit = (np.arange(len(clear)) * FRAME_SECONDS / UNIT).astype(int)
    return np.asarray(np.bincount(unit, clear) / np.maximum(np.bincount(unit), 1), dtype=np.float32)


def clearest(
    clear: np.ndarray, passages: Sequence[Passage], count: int, at_hand: Sequence[Passage] = ()
) -> list[Passage]:
    """Up to `count` of these passages that do not overlap, where the bass is clearest, in order of time.

    clear: what `clearness` found. at_hand: passages that are taken before others that are little clearer.
    """
    running = np.concatenate(([0.0], np.cumsum(clear, dtype=np.float64)))

    def share(passage: Passage) -> float:
        first, last = (min(len(clear), max(0, round(second / UNIT))) for second in passage[:2])
        return float(running[last] - running[first]) / max(1, last - first)

    priced = [(share(one) * (AT_HAND if one in at_hand else 1.0), one) for one in {*passages, *at_hand}]
    taken: list[Passage] = []
    for worth, one in sorted(priced, key=lambda item: (-round(item[0], 6), item[1])):
        apart = all(one[0] >= other[1] - UNIT or one[1] <= other[0] + UNIT for other in taken)
        if worth >= LEAST and apart and len(taken) < count:
            taken.append(one)
    return sorted(taken)
