"""The few strokes every picture is made of."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString, mark_safe


def number(value: float) -> str:
    """A coordinate: one decimal, no idle zero."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def safe(parts: Iterable[str]) -> SafeString:
    # Every word that came from outside went through escape(); the rest is numbers and our own markup.
    return mark_safe("".join(parts))  # noqa: S308


def picture(width: float, height: float, label: str, body: Iterable[str], extra: str = "") -> SafeString:
    return safe(
        [
            f'<svg viewBox="0 0 {number(width)} {number(height)}" role="img" {extra}>',
            f"<title>{escape(label)}</title>",
            *body,
            "</svg>",
        ]
    )


def text(x: float, y: float, words: str, size: int = 12, kind: str = "", anchor: str = "start") -> str:
    place = f'x="{number(x)}" y="{number(y)}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} class="{kind}">{escape(words)}</text>'
