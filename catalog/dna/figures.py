"""Figures as the product writes them."""

from __future__ import annotations


def percent(value: float) -> str:
    """A share as the product writes it: one decimal."""
    return f"{100 * value:.1f}%"


def tracks(count: int) -> str:
    """ "1 track", "4,152 tracks"."""
    return f"{count:,} track" + ("" if count == 1 else "s")
