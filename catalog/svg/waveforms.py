"""Waveforms, the names of their sections, and plain bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from django.utils.safestring import SafeString

from catalog.svg.draw import number, safe


def levels(peaks: Sequence[float], count: int) -> list[float]:
    """`peaks` (0..127) brought to `count` bars, each the mean of its stretch, as 0..1.

    Limited music lies in the top fifth of the scale, where a linear picture of it would be a black block. So
    the levels are raised to a power that brings their 60th percentile to a little over half the height: the
    picture shows the form, not the loudness. static/js/player.js draws the same.
    """
    total = len(peaks)
    if not total:
        return []
    heights = np.asarray(peaks, dtype=np.float64) / 127
    typical = float(np.partition(heights, int(0.6 * (total - 1)))[int(0.6 * (total - 1))])
    power = min(3.0, max(1.0, math.log(0.55) / math.log(typical))) if 0 < typical < 1 else 1.0
    edges = np.round(np.linspace(0, total, min(count, total) + 1)).astype(int)
    means = np.add.reduceat(heights, edges[:-1]) / np.diff(edges)
    levels: list[float] = (means**power).tolist()
    return levels


def wave(peaks: Sequence[float], count: int = 240, height: int = 120, kind: str = "") -> SafeString:
    """A waveform of `count` bars, mirrored around its middle. Stretches to the width of its place."""
    bars = levels(peaks, count)
    path = []
    for i, level in enumerate(bars):
        tall = max(2.0, min(1.0, level) * height)
        path.append(f"M{i * 4} {number((height - tall) / 2)}h3v{number(tall)}h-3z")
    return safe(
        [
            f'<svg class="wave {escape(kind)}" viewBox="0 0 {max(1, len(bars) * 4 - 1)} {height}" ',
            f'height="{height}" preserveAspectRatio="none" aria-hidden="true">',
            f'<path d="{"".join(path)}"/></svg>',
        ]
    )


def waves(peaks: Sequence[float], wide: int = 288, slim: int = 96, height: int = 120) -> SafeString:
    """The same waveform for a wide and for a narrow screen."""
    return safe([wave(peaks, wide, height, "wide"), wave(peaks, slim, height, "slim")])


def sections(parts: Sequence[Mapping[str, Any]], duration: float) -> SafeString:
    """The names of the sections under a waveform, each at its place. Drawn in percent: text never stretches."""
    if not parts or not duration:
        return SafeString("")
    spoken = ", ".join(f"{str(one['name']).capitalize()} at {_clock(one['start'])}" for one in parts)
    body = []
    for one in parts:
        left = 100 * max(0.0, float(one["start"])) / duration
        width = max(0.0, 100 * float(one["end"]) / duration - left)
        # A nested svg clips its own label, so a short section never writes over the next.
        body.append(
            f'<svg x="{left:.2f}%" width="{width:.2f}%" height="28"><path class="hair" d="M.5 0V28"/>'
            f'<text x="8" y="21" font-size="12" class="soft">{escape(str(one["name"]).capitalize())}</text></svg>'
        )
    return safe(
        [
            f'<svg class="parts" width="100%" height="28" role="img"><title>{escape(spoken)}</title>',
            *body,
            "</svg>",
        ]
    )


def _clock(seconds: Any) -> str:
    whole = round(float(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def share(value: float) -> SafeString:
    """A horizontal bar filled to `value` (0..1). The figure stands beside it in words."""
    width = 100 * max(0.0, min(1.0, value))
    return safe([f'<svg aria-hidden="true"><rect class="ink" width="{width:.1f}%" height="100%"/></svg>'])
