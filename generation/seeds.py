"""A seed may be a number or any words; the same words always mean the same number."""

from __future__ import annotations

import hashlib


def seed_of(text: str | int | None) -> int | None:
    """The 64-bit seed somebody meant: digits as they are, other words by sha256. None: nothing said."""
    if text is None or isinstance(text, int):
        return text
    words = text.strip()
    if not words:
        return None
    if words.isdecimal() and words.isascii() and len(words) <= 20 and int(words) < 2**64:
        return int(words)
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") >> 1
