"""Bytes made hostile: a whole example, damaged as accidents and attackers do."""

from __future__ import annotations

import json
import math
import random
from typing import Any

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
WORDS = (
    b"\0", b"\xff\xfe", b"\r\n", b"../../", b"%00", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"]]>",
    b"Infinity", b"-Infinity", b"NaN", b"1e999", b"-0", b"9" * 400, b"null", b"[]", b"{}", b'""', b"true",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xae", b"\x1b[2J", b'"\\ud800"', b"a" * 5000,
)  # fmt: skip


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to some changes: bits, numbers of one to eight bytes, words, cuts, doublings, swaps."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not out:
            out = bytearray(rng.randbytes(16))
        # Heads are where the lengths are.
        at = (
            min(int(rng.expovariate(1 / 60)), len(out) - 1) if rng.random() < 0.6 else rng.randrange(len(out))
        )
        match rng.randrange(9):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.randrange(256)
            case 2:
                width = rng.choice((1, 2, 4, 8))
                value = rng.choice(NUMBERS) & ((1 << 8 * width) - 1)
                out[at : at + width] = value.to_bytes(width, rng.choice(("big", "little")))
            case 3:
                out[at:at] = rng.choice(WORDS)
            case 4:
                del out[at : at + rng.choice((1, 2, 4, 100, len(out)))]
            case 5:
                piece = out[at : at + rng.choice((4, 20, 500))]
                out[at:at] = piece * rng.choice((1, 2, 30))
            case 6:
                other = rng.randrange(len(out))
                out[at], out[other] = out[other], out[at]
            case 7:
                word = rng.choice(WORDS)
                out[at : at + len(word)] = word
            case 8:
                out = out[: max(1, at)]
    return bytes(out[: 4 << 20])


ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**53, 2**64, -(2**63), 1e308, math.inf, -math.inf, math.nan, "", "\0", "a" * 5000,
    "\ud800", "\u202e", "../../etc/passwd", "٣", "１", [], {}, [[]], {"": ""}, [None] * 3, "2026-13-45T99:99:99Z",
)  # fmt: skip


def restructured(data: bytes, rng: random.Random) -> bytes:
    """JSON that still parses, with something in it that does not belong there."""
    value = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        value = _odd(value, rng)
    return json.dumps(value).encode()


def _odd(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(list(value))
        match rng.randrange(6):
            case 0:
                return {one: part for one, part in value.items() if one != name}
            case 1:
                return {**value, rng.choice(("", "__proto__", "\0", "x" * 300, "a.b")): rng.choice(ODD)}
            case _:
                return {**value, name: _odd(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        match rng.randrange(5):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return value * rng.choice((2, 200))
            case _:
                return [*value[:at], _odd(value[at], rng), *value[at + 1 :]]
    if rng.random() < 0.03:
        deep: Any = value
        for _ in range(400):
            deep = [deep]
        return deep
    return rng.choice(ODD)
