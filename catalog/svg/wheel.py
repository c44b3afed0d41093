"""The Camelot wheel: minor keys inside, major keys outside, twelve places each; as a picture and as a control."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from django.utils.safestring import SafeString

from catalog.analysis.keys import ALL_KEYS, Key, compatible, key_or_none
from catalog.svg.draw import number, picture, safe, text

CENTRE = 202.0


def _ring(start: float, end: float, inner: float, outer: float, centre: float) -> str:
    def at(radius: float, angle: float) -> str:
        return f"{number(centre + radius * math.sin(angle))} {number(centre - radius * math.cos(angle))}"

    return (
        f"M{at(outer, start)}A{outer} {outer} 0 0 1 {at(outer, end)}"
        f"L{at(inner, end)}A{inner} {inner} 0 0 0 {at(inner, start)}z"
    )


def _place(key: Key) -> tuple[str, float, float]:
    """The path of a key's place, and the middle of it."""
    middle = (int(key.camelot[:-1]) % 12) * math.tau / 12
    inner, outer = (66.0, 118.0) if key.mode == "minor" else (120.0, 172.0)
    radius = (inner + outer) / 2
    path = _ring(middle - math.tau / 24, middle + math.tau / 24, inner, outer, CENTRE)
    return path, CENTRE + radius * math.sin(middle), CENTRE - radius * math.cos(middle)


def _numbers() -> list[str]:
    """The Camelot numbers around it: A is inside, B outside."""
    found = []
    for place in range(12):
        angle = place * math.tau / 12
        x, y = CENTRE + 187 * math.sin(angle), CENTRE - 187 * math.cos(angle)
        found.append(text(x, y + 4, str(place or 12), 11, "soft", "middle"))
    return found


def _spelled(name: str) -> str:
    return name.replace("b", "♭").replace("#", "♯")


def key_wheel(counts: Sequence[Mapping[str, Any]], leading: str = "") -> SafeString:
    """The Camelot wheel: minor keys inside, major keys outside, each with its tracks, darker where more are."""
    by_name = {str(one["name"]): int(one["count"]) for one in counts}
    most = max(by_name.values(), default=0)
    centre, body = CENTRE, []
    for key in ALL_KEYS:
        count = by_name.get(key.name, 0)
        path, x, y = _place(key)
        share = count / most if most else 0.0
        opacity = f' fill-opacity="{0.14 + 0.86 * share:.2f}"' if count else ""
        body.append(f'<path class="{"ink" if count else "none"} edge"{opacity} d="{path}"/>')
        if count:
            tone = "inverse" if share > 0.5 else ""
            body.append(text(x, y, _spelled(key.short), 12, tone, "middle"))
            body.append(text(x, y + 14, f"{count:,}", 11, tone, "middle"))
        else:
            body.append(text(x, y + 4, _spelled(key.short), 11, "soft", "middle"))
    body += _numbers()
    if leading:
        body.append(text(centre, centre - 2, _spelled(leading.split()[0]), 26, "", "middle"))
        body.append(text(centre, centre + 18, " ".join(leading.split()[1:]), 12, "soft", "middle"))
    ordered = sorted(by_name.items(), key=lambda one: -one[1])
    label = "Tracks in each key: " + ", ".join(f"{count} in {name}" for name, count in ordered if count)
    return picture(404, 404, label, body, 'class="picture wheel"')


def key_control(counts: Sequence[Mapping[str, Any]], chosen: str = "", *, own: bool = False) -> SafeString:
    """The wheel to choose on: darker where more of the catalog lies, what mixes with the chosen key framed.

    chosen: name of the key that is asked for (`own`) or that would be taken. Each place is a `g.seg` with data-key and
    data-state chosen, now, mixes or nothing; static/js/wheel.js sets them anew. It is hidden from readers of the page
    that cannot see it: radio buttons beside it choose the same.
    """
    by_name = {str(one["name"]): int(one["count"]) for one in counts}
    most = max(by_name.values(), default=0)
    here = key_or_none(chosen) if chosen else None
    near = {key.name for key in compatible(here)[1:]} if here else set()
    body = []
    for key in sorted(
        ALL_KEYS, key=lambda one: (one.name in near, one.same_as(here))
    ):  # frames lie over neighbours
        path, x, y = _place(key)
        count = by_name.get(key.name, 0)
        state = ("chosen" if own else "now") if key.same_as(here) else "mixes" if key.name in near else ""
        opacity = 0.06 + 0.34 * count / most if count else 0.0
        words = text(x, y + (0 if count else 4), _spelled(key.short), 12, "", "middle")
        words += text(x, y + 14, f"{count:,}", 11, "", "middle") if count else ""
        body.append(
            f'<g class="seg" data-key="{escape(key.name)}" data-state="{state}"><path class="ground" d="{path}"/>'
            f'<path class="fill" fill-opacity="{opacity:.2f}" d="{path}"/>{words}</g>'
        )
    tonic, mode = (_spelled(here.tonic_name), here.mode) if here else ("", "")
    body += [
        *_numbers(),
        f"<g data-centre>{text(CENTRE, CENTRE - 2, tonic, 26, '', 'middle')}"
        f"{text(CENTRE, CENTRE + 18, mode, 12, 'soft', 'middle')}</g>",
    ]
    return safe(
        [
            f'<svg viewBox="0 0 {number(2 * CENTRE)} {number(2 * CENTRE)}" aria-hidden="true" class="picture wheel">',
            *body,
            "</svg>",
        ]
    )
