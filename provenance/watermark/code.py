"""A serial number as 224 coded bits, and back from soft values.

32 bits of serial and a CRC-16 (CCITT-FALSE) go through a convolutional code of rate 1/4 and constraint length 9
(generators 463, 535, 733, 745 octal; free distance 24: J. Proakis, Digital Communications, table 8-2-3), ended by
eight zeros. The Viterbi algorithm takes soft values, many candidates at once.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SERIALS = 2**32
_DATA, _CHECK = 32, 16
_MEMORY = 8
_STATES = 1 << _MEMORY
_GENERATORS = (0o463, 0o535, 0o733, 0o745)
_STEPS = _DATA + _CHECK + _MEMORY
CODED = _STEPS * len(_GENERATORS)
_AT_ONCE = 4_096  # serials: a few megabytes


def encode(serial: int) -> np.ndarray:
    """(CODED,) int8 of +1 and -1. Raises ValueError for a serial outside 0 .. SERIALS - 1."""
    if not 0 <= serial < SERIALS:
        raise ValueError(f"a watermark carries 0 to {SERIALS - 1}, not {serial}")
    word = serial << _CHECK | _crc(serial)
    bits = [word >> place & 1 for place in range(_DATA + _CHECK - 1, -1, -1)] + [0] * _MEMORY
    out, register = [], 0
    for bit in bits:
        register = register >> 1 | bit << _MEMORY
        out += [1 - 2 * ((register & one).bit_count() & 1) for one in _GENERATORS]
    return np.array(out, np.int8)


@lru_cache(maxsize=1)
def _low() -> np.ndarray:
    """(_AT_ONCE, CODED) float32 of +1 and -1: the words of the serials below _AT_ONCE."""
    return np.array([encode(serial) for serial in range(_AT_ONCE)], np.float32)


def nearest(soft: np.ndarray, given: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the serials 1 to `given`, the likeliest for each row of (candidates, CODED) soft values: (score, serial).

    The score is the correlation with its coded bits. Every one of them is tried, so where the code alone no longer
    corrects what is wrong, a number that was really given is still told from all others that were.
    """
    rows, low = np.asarray(soft, np.float32), _low()
    score, serial = np.full(len(rows), -np.inf, np.float32), np.zeros(len(rows), np.int64)
    for high in range(0, given + 1, _AT_ONCE):
        # every coded bit is a parity of bits of the serial, so the words of high and low bits multiply
        turned = encode(high).astype(np.float32) * low[0]
        words = low[: given + 1 - high]
        found = (rows * turned) @ words.T
        if high == 0:
            found[:, 0] = -np.inf  # no recording has number 0
        best = found.argmax(axis=1)
        value = found[np.arange(len(rows)), best]
        better = value > score
        score[better], serial[better] = value[better], high + best[better]
    return score, serial


def decode(soft: np.ndarray) -> list[int | None]:
    """The likeliest serial for each row of (candidates, CODED) soft values; None where its check does not hold."""
    found = []
    for row in _viterbi(np.atleast_2d(soft)):
        word = int("".join(map(str, row[: _DATA + _CHECK])), 2)
        serial, check = word >> _CHECK, word & (1 << _CHECK) - 1
        found.append(serial if _crc(serial) == check else None)
    return found


def _crc(serial: int) -> int:
    value = 0xFFFF
    for byte in serial.to_bytes(_DATA // 8, "big"):
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


@lru_cache(maxsize=1)
def _trellis() -> tuple[np.ndarray, np.ndarray]:
    """before: (2, states) the two states that lead to each; sent: (2, states, generators) what is sent on the way."""
    state = np.arange(_STATES)
    newest = state >> _MEMORY - 1  # the bit that led here
    before = np.stack([(state << 1 & _STATES - 1) | oldest for oldest in (0, 1)])
    register = newest << _MEMORY | before
    parity = np.stack([np.bitwise_count(register & one) & 1 for one in _GENERATORS], axis=-1)
    return before, 1.0 - 2.0 * parity


def _viterbi(soft: np.ndarray) -> np.ndarray:
    """(candidates, steps) uint8: the bits of the path with the largest correlation, beginning and ending at zero."""
    before, sent = _trellis()
    count = len(soft)
    steps = soft.reshape(count, _STEPS, len(_GENERATORS))
    score = np.full((count, _STATES), -np.inf)
    score[:, 0] = 0.0
    chosen = np.empty((_STEPS, count, _STATES), np.bool_)
    for step in range(_STEPS):
        gained = np.einsum("cg,bsg->bcs", steps[:, step], sent)
        zero, one = score[:, before[0]] + gained[0], score[:, before[1]] + gained[1]
        chosen[step] = one > zero
        score = np.maximum(zero, one)
    rows, state = np.arange(count), np.zeros(count, np.int64)
    bits = np.empty((count, _STEPS), np.uint8)
    for step in range(_STEPS - 1, -1, -1):
        bits[:, step] = state >> _MEMORY - 1
        state = (state << 1 & _STATES - 1) | chosen[step, rows, state]
    return bits
