"""Where the mark lies: blocks of time by bands of frequency, and the secret pattern over them.

A cell is BLOCK samples (139 ms at 44.1 kHz) by 172 Hz; the BANDS bands reach from 775 Hz to 9.04 kHz, which every
common coder keeps. PERIOD blocks (8.9 s) carry the whole code once and repeat until the recording ends.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .code import CODED, encode

SCHEME, VERSION = "starforge-spread-spectrum", 1
RATE = 44_100  # the rate all lengths below are given at
FRAME, HOP = 2048, 1024  # of the transform in which the gains are applied
FRAMES = 6  # per block
BLOCK = FRAMES * HOP
PERIOD = 64  # blocks
BANDS = 48
FIRST_BIN, BINS = 36, 8  # of a transform of FRAME samples: the lowest band begins at FIRST_BIN
BAND_HERTZ = BINS * RATE / FRAME
LOWEST_HERTZ = FIRST_BIN * RATE / FRAME


def hop_at(sample_rate: int) -> int:
    """HOP at another rate, to the nearest sample. Raises ValueError below 32 kHz, which the bands do not fit under."""
    if sample_rate < 32_000:
        raise ValueError(f"the watermark needs 32 kHz or more, not {sample_rate} Hz")
    return round(HOP * sample_rate / RATE)


@dataclass(frozen=True)
class Pattern:
    """The secret of an installation: which cell carries which coded bit, and with which sign.

    Whoever knows it can read serials, remove the mark cleanly and put a serial of his choice into other music; that is
    why a mark is never taken for a proof.
    """

    secret: bytes

    @cached_property
    def key_id(self) -> str:
        """Names the secret without telling it."""
        return hashlib.sha256(b"starforge watermark key id\0" + self.secret).hexdigest()[:16]

    @cached_property
    def signs(self) -> np.ndarray:
        """(PERIOD, BANDS) int8, +1 or -1: independent and even, as the bound on false positives needs."""
        count = PERIOD * BANDS
        raw = hashlib.shake_256(b"starforge watermark signs\0" + self.secret).digest(count // 8)
        bits = np.unpackbits(np.frombuffer(raw, np.uint8))
        return (1 - 2 * bits.astype(np.int8)).reshape(PERIOD, BANDS)

    @cached_property
    def places(self) -> np.ndarray:
        """(PERIOD, BANDS) which of the coded bits each cell carries: every bit 13 or 14 times, scattered."""
        count = PERIOD * BANDS
        raw = hashlib.shake_256(b"starforge watermark places\0" + self.secret).digest(8 * count)
        order = np.argsort(np.frombuffer(raw, ">u8"), kind="stable")
        out = np.empty(count, np.int64)
        out[order] = np.arange(count) % CODED
        return out.reshape(PERIOD, BANDS)

    def chips(self, serial: int) -> np.ndarray:
        """(PERIOD, BANDS) int8: whether each cell is raised (+1) or lowered (-1) for this serial."""
        return self.signs * encode(serial)[self.places]


def false_positive_bound(score: float, candidates: int, messages: int) -> float:
    """At most how likely some codeword would reach `score` in sound that was made without knowing the secret.

    score: correlation of the cells with a codeword, over the cells' Euclidean norm. For whatever cells, the signs of
    each codeword are even coin tosses, so Hoeffding's inequality gives exp(-score²/2); one for every message that
    could have been sent, and for every position that was tried.
    """
    log = math.log(candidates) + math.log(messages) - score * score / 2 if score > 0 else 0.0
    return math.exp(min(0.0, log))
