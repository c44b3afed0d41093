"""The profiles of a catalog: palette, tempo, key, energy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString

from catalog.svg.draw import number, picture, safe, text

FLOOR_DB = -42.0
BANDS = (
    ("sub_bass", "Sub", "20–60 Hz"),
    ("bass", "Bass", "60–250 Hz"),
    ("low_mid", "Low mid", "250–500 Hz"),
    ("mid", "Mid", "500–2k Hz"),
    ("high_mid", "High mid", "2–4k Hz"),
    ("presence", "Presence", "4–6k Hz"),
    ("brilliance", "Brilliance", "6–20k Hz"),
)


def decibel_height(share: float, most: float) -> float:
    """Share of the power on a decibel scale, 0..most."""
    level = 10 * math.log10(max(share, 1e-9))
    return most * max(0.0, 1 - level / FLOOR_DB)


def palette(values: Mapping[str, float], reference: Mapping[str, float] | None) -> SafeString:
    """Seven bands as bars on a decibel scale, the reference as a line across each."""
    reference = reference or {}
    label = "Share of the sound in seven bands: " + ", ".join(
        f"{name} {float(values.get(key, 0)) * 100:.1f} %" for key, name, _ in BANDS
    )
    tall, step, bar = 196.0, 104.0, 72.0
    wide = []
    for i, (key, name, hertz) in enumerate(BANDS):
        x = 8 + i * step
        height = decibel_height(float(values.get(key, 0)), tall)
        wide.append(
            f'<path class="ink" d="M{number(x)} {number(tall - height + 8)}'
            f'h{number(bar)}V{number(tall + 8)}h-{number(bar)}z"/>'
        )
        if key in reference:
            y = tall + 8 - decibel_height(float(reference[key]), tall)
            wide.append(f'<path class="mark" d="M{number(x - 6)} {number(y)}h{number(bar + 12)}"/>')
        wide.append(text(x, 228, name, 13, "strong") + text(x, 246, hertz, 12, "soft"))
    slim = []
    for i, (key, name, hertz) in enumerate(BANDS):
        y = i * 40.0
        width = decibel_height(float(values.get(key, 0)), 222)
        slim.append(text(0, y + 14, name, 13, "strong") + text(0, y + 30, hertz, 12, "soft"))
        slim.append(f'<path class="ink" d="M112 {number(y + 6)}h{number(width)}v20h-{number(width)}z"/>')
        if key in reference:
            x = 112 + decibel_height(float(reference[key]), 222)
            slim.append(f'<path class="mark" d="M{number(x)} {number(y + 1)}v30"/>')
    return safe(
        [
            picture(720, 252, label, wide, 'class="picture wide"'),
            picture(342, 280, label, slim, 'class="picture slim"'),
        ]
    )


def tempo(histogram: Sequence[Mapping[str, Any]], low: float | None, high: float | None) -> SafeString:
    """How many tracks at each tempo. The middle 80 % stand in black, the rest in grey."""
    pairs = sorted((float(one["bpm"]), float(one["count"])) for one in histogram)
    filled = [(bpm, count) for bpm, count in pairs if count > 0]
    if not filled:
        return SafeString("")
    first = min(80.0, math.floor(filled[0][0] / 10) * 10)
    last = max(180.0, math.ceil(filled[-1][0] / 10) * 10)
    most = max(count for _, count in filled)
    label = "Tracks at each tempo: " + ", ".join(f"{count:.0f} at {bpm:.0f} BPM" for bpm, count in filled)
    drawings = []
    for width, height, kind, every in ((720.0, 190.0, "wide", 10), (342.0, 150.0, "slim", 20)):
        floor = height - 34
        scale = width / (last - first + 2)
        bar = max(2.5, scale * 0.78)
        body = [f'<path class="hair" d="M0 {number(floor + 0.5)}H{number(width)}"/>']
        for bpm, count in filled:
            x = (bpm - first + 1) * scale - bar / 2
            tall = (floor - 24) * count / most
            inside = low is None or high is None or low - 0.5 <= bpm <= high + 0.5
            body.append(
                f'<path class="{"ink" if inside else "past"}" '
                f'd="M{number(x)} {number(floor - tall)}h{number(bar)}v{number(tall)}h-{number(bar)}z"/>'
            )
        # The tallest bars that stand apart carry their tempo; the axis carries the rest.
        named: list[float] = []
        for bpm, count in sorted(filled, key=lambda one: -one[1]):
            if count >= most * 0.4 and all(abs(bpm - other) >= 12 for other in named):
                named.append(bpm)
                x = (bpm - first + 1) * scale
                y = floor - (floor - 24) * count / most - 8
                body.append(text(x, y, f"{bpm:.0f}", 13, "strong", "middle"))
        for bpm in range(int(math.ceil(first / every) * every), int(last) + 1, every):
            x = (bpm - first + 1) * scale
            body.append(text(max(11.0, min(width - 11, x)), height - 12, str(bpm), 12, "soft", "middle"))
        drawings.append(picture(width, height, label, body, f'class="picture {kind}"'))
    return safe(drawings)


def energy(
    histogram: Sequence[Any], low: float | None, middle: float | None, high: float | None
) -> SafeString:
    """How the tracks spread over energy 0..1: counts as bars, median as a mark, the middle 80 % below."""
    counts = [float(one["count"]) if isinstance(one, Mapping) else float(one) for one in histogram]
    if not any(counts):
        return SafeString("")
    most = max(counts)
    label = (
        f"Tracks over energy from 0 to 1; half of them lie below {middle:.2f}"
        if middle is not None
        else "Energy"
    )
    drawings = []
    for width, height, kind in ((720.0, 170.0, "wide"), (342.0, 150.0, "slim")):
        floor = height - 44
        step = width / len(counts)
        body = [f'<path class="hair" d="M0 {number(floor + 0.5)}H{number(width)}"/>']
        for i, count in enumerate(counts):
            if count:
                tall = (floor - 8) * count / most
                body.append(
                    f'<path class="ink" d="M{number(i * step + 1)} {number(floor - tall)}'
                    f'h{number(step - 2)}v{number(tall)}h-{number(step - 2)}z"/>'
                )
        if low is not None and high is not None:
            body.append(
                f'<path class="past" d="M{number(low * width)} {number(floor + 6)}'
                f'H{number(high * width)}v5H{number(low * width)}z"/>'
            )
        if middle is not None:
            body.append(f'<path class="mark" d="M{number(middle * width)} {number(floor + 2)}v13"/>')
        for value, words, anchor in (
            (0, "0 calm", "start"),
            (width / 2, ".5", "middle"),
            (width, "full 1", "end"),
        ):
            body.append(text(float(value), height - 12, words, 12, "soft", anchor))
        drawings.append(picture(width, height, label, body, f'class="picture {kind}"'))
    return safe(drawings)
