"""A catalog over time, and what is made beside what is collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.utils.safestring import SafeString

from catalog.svg.draw import number, picture, safe, text

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def window_name(start: str, period: str) -> str:
    """ "2025-04-01" as "Q2 2025", "Apr 2025" or "2025"."""
    day = date.fromisoformat(start)
    if period == "year":
        return str(day.year)
    return (
        f"Q{(day.month + 2) // 3} {day.year}"
        if period == "quarter"
        else f"{_MONTHS[day.month - 1]} {day.year}"
    )


def drift(profile: Mapping[str, Any]) -> SafeString:
    """Tempo, energy and mode by window: the middle 80 % as a grey bar, the middle as a black stroke, moves marked."""
    windows = profile.get("windows") or []
    if len(windows) < 2:
        return SafeString("")
    period = str(profile["period"])
    since = {str(one["what"]): str(one["since"]) for one in profile.get("changes") or []}
    names = [window_name(str(one["start"]), period) for one in windows]
    told = [
        f"{name}: {one['n']} tracks" + (f", {one['bpm']:.0f} BPM" if one["bpm"] is not None else "")
        for name, one in zip(names, windows, strict=True)
    ]
    label = f"The catalog by {period}: " + "; ".join(told)
    drawings = []
    for width, kind, margin, most in ((720.0, "wide", 96.0, 12), (342.0, "slim", 40.0, 5)):
        body, top = [], 10.0
        step = (width - margin) / len(windows)
        strips = (("tempo", "Tempo", 110.0), ("energy", "Energy", 62.0), ("minor", "Minor", 62.0))
        for what, words, tall in strips:
            beside = 0.0 if kind == "wide" else 20.0  # on a phone the name stands above its strip
            drawn = _strip(windows, what, (margin, top + beside, step, tall), since.get(what))
            if drawn:
                body += [*drawn, text(0, top + 12 - beside / 2, words, 12, "strong")]
                top += tall + 34 + beside
        for i, short in _axis(names, period, most):
            x = margin + (i + 0.5) * step
            anchor = "end" if x > width - 24 else "middle"
            body.append(text(min(x, width), top, short, 11, "soft", anchor))
        drawings.append(picture(width, top + 8, label, body, f'class="picture {kind}"'))
    return safe(drawings)


def _axis(names: Sequence[str], period: str, most: int) -> list[tuple[int, str]]:
    """At most about `most` names of windows with their places: years where quarters are many."""
    shown = list(enumerate(names))
    if period == "quarter" and len(names) > 8:
        shown = [(i, name[3:]) for i, name in shown if name.startswith("Q1")]
    every = -(-len(shown) // most)
    return shown[::-1][::every]


def _strip(
    windows: Sequence[Mapping[str, Any]],
    what: str,
    place: tuple[float, float, float, float],
    since: str | None,
) -> list[str]:
    margin, top, step, tall = place
    field = {"tempo": "bpm", "energy": "energy", "minor": "minor_share"}[what]
    rows = [(i, one) for i, one in enumerate(windows) if one[field] is not None]
    if len(rows) < max(2, len(windows) / 3):
        return []
    if what == "tempo":
        low = min(float(one["bpm_p10"]) for _, one in rows) - 2
        high = max(float(one["bpm_p90"]) for _, one in rows) + 2
    else:
        low, high = 0.0, 1.0

    def y(value: float) -> float:
        return top + tall * (1 - (value - low) / (high - low))

    width = margin + step * len(windows)
    body = [f'<path class="hair" d="M{number(margin)} {number(top + tall + 0.5)}H{number(width)}"/>']
    ends = (
        (f"{high:.0f}", f"{low:.0f}")
        if what == "tempo"
        else ("100%", "0%")
        if what == "minor"
        else ("1", "0")
    )
    body.append(text(margin - 8, top + 9, ends[0], 11, "soft", "end"))
    body.append(text(margin - 8, top + tall + 3, ends[1], 11, "soft", "end"))
    thick = min(34.0, step * 0.62)
    for i, one in rows:
        x = margin + (i + 0.5) * step - thick / 2
        if what == "tempo" and float(one["bpm_p90"]) > float(one["bpm_p10"]):
            high_end, low_end = y(float(one["bpm_p90"])), y(float(one["bpm_p10"]))
            box = f"M{number(x)} {number(high_end)}h{number(thick)}V{number(low_end)}h-{number(thick)}z"
            body.append(f'<path class="past" d="{box}"/>')
        middle = y(float(one[field]))
        body.append(f'<path class="stroke" d="M{number(x)} {number(middle)}h{number(thick)}"/>')
    if since is not None:
        at = next((i for i, one in enumerate(windows) if str(one["start"]) == since), None)
        if at is not None:
            x = margin + at * step
            body.append(f'<path class="mark" d="M{number(x)} {number(top - 4)}V{number(top + tall + 6)}"/>')
    return body


def beside(profile: Mapping[str, Any]) -> SafeString:
    """The middle 80 % of tempo of what is made over that of what is collected, on one axis."""
    rows = [("Made", profile["own"]), ("Collected", profile["collected"])]
    if any(one["p10"] is None for _, one in rows):
        return SafeString("")
    low = min(80.0, *(float(one["p10"]) // 10 * 10 for _, one in rows))
    high = max(180.0, *(float(one["p90"]) // 10 * 10 + 10 for _, one in rows))
    label = "; ".join(
        f"{words}: {one['p10']:.0f} to {one['p90']:.0f} BPM, middle {one['median']:.0f}"
        for words, one in rows
    )
    drawings = []
    for width, kind, margin in ((720.0, "wide", 84.0), (342.0, "slim", 76.0)):
        scale = (width - margin - 10) / (high - low)
        body = []
        for i, (words, one) in enumerate(rows):
            y = 14 + 34.0 * i
            start, end, middle = (
                margin + (float(one[name]) - low) * scale for name in ("p10", "p90", "median")
            )
            body.append(text(0, y + 12, words, 13, "strong"))
            body.append(
                f'<path class="{"past" if i else "ink"}" d="M{number(start)} {number(y)}'
                f'h{number(max(3.0, end - start))}v16h-{number(max(3.0, end - start))}z"/>'
            )
            body.append(f'<path class="mark" d="M{number(middle)} {number(y - 4)}v24"/>')
        body.append(f'<path class="hair" d="M{number(margin)} 84.5H{number(width)}"/>')
        for bpm in range(int(low), int(high) + 1, 20):
            x = margin + (bpm - low) * scale
            body.append(text(min(x, width - 10), 104, str(bpm), 12, "soft", "middle"))
        drawings.append(picture(width, 110, label, body, f'class="picture {kind}"'))
    return safe(drawings)
