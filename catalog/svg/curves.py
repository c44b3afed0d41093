"""The energy of a track over its bars, drawn to stand under its waveform."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from django.utils.safestring import SafeString

from catalog.svg.draw import number, safe

WIDTH, HEIGHT = 1000.0, 40.0


def energy_curve(
    values: Sequence[float], starts: Sequence[float], ends: Sequence[float], duration: float
) -> SafeString:
    """One step for each bar, at its place in time: values 0..1, starts, ends and duration in seconds.

    Stretches to the width of its place, as the waveform above it does.
    """
    bars = list(zip(values, starts, ends, strict=False))
    if not bars or duration <= 0:
        return SafeString("")
    floor = HEIGHT - 1

    def across(seconds: float) -> str:
        return number(WIDTH * min(1.0, max(0.0, seconds / duration)))

    path = [f"M{across(bars[0][1])} {number(floor)}"]
    for value, start, end in bars:
        height = floor - min(1.0, max(0.0, value)) * (HEIGHT - 4)
        path.append(f"L{across(start)} {number(height)}H{across(end)}")
    path.append(f"V{number(floor)}z")
    fullest = max(range(len(bars)), key=lambda i: bars[i][0]) + 1
    calmest = min(range(len(bars)), key=lambda i: bars[i][0]) + 1
    label = f"Energy over {len(bars)} bars: fullest in bar {fullest}, calmest in bar {calmest}"
    return safe(
        [
            f'<svg class="curve" viewBox="0 0 {number(WIDTH)} {number(HEIGHT)}" height="{number(HEIGHT)}" ',
            f'preserveAspectRatio="none" role="img"><title>{escape(label)}</title>',
            f'<path class="past" d="{"".join(path)}"/></svg>',
        ]
    )
