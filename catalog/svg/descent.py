"""Where the tagged genres come from: a graph with several parents, on an axis of years."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from catalog.svg.draw import number, picture, safe, text

MOST_STYLES, MOST_TAGGED = 15, 5
_KNEE = 1955  # before it the years stand closer: most of what DJs tag is younger
_WIDE, _LEFT, _YOUNG, _RIGHT = 1150.0, 6.0, 190.0, 1010.0
_LANE, _TOP = 50.0, 26.0


@dataclass(frozen=True)
class Style:
    """A genre that is drawn: parents that are drawn too, and whether they are its own or further back."""

    id: str
    name: str
    year: int
    place: str
    count: int
    parents: tuple[str, ...]
    direct: bool


def chosen(document: Mapping[str, Any]) -> list[Style]:
    """The styles worth drawing, oldest first: those tagged most, and the ancestors they owe most, near ones first."""
    nodes = {str(node["id"]): node for node in document.get("nodes", [])}
    tagged = [str(one["id"]) for one in document.get("from_tags", [])][:MOST_TAGGED]
    if not tagged:
        return []
    youngest = max(int(nodes[name]["year"]) for name in tagged)

    def worth(name: str) -> float:
        return float(nodes[name]["part"]) * math.exp((int(nodes[name]["year"]) - youngest) / 80)

    others = sorted((n for n in nodes if n not in tagged), key=lambda n: (-worth(n), n))
    kept = {*tagged, *others[: MOST_STYLES - len(tagged)]}
    found = []
    older = {name: _older(name, nodes) for name in kept}
    # Of one year, parents first.
    order = sorted(kept, key=lambda n: (int(nodes[n]["year"]), len(older[n]), n))
    for name in order:
        node = nodes[name]
        own = [p for p in node["parents"] if p in kept]
        further = [p for p in order if p in older[name]][-1:]
        found.append(
            Style(
                id=name,
                name=str(node["name"]),
                year=int(node["year"]),
                place=_short(str(node["place"])),
                count=int(node["count"]) if name in tagged else 0,
                parents=tuple(own or further),
                direct=bool(own),
            )
        )
    return found


def _older(name: str, nodes: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Every ancestor of a style."""
    seen: set[str] = set()
    waiting = list(nodes[name]["parents"])
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += nodes[one]["parents"]
    return seen


def _short(place: str) -> str:
    return place.split(" and ")[0].split(",")[0]


def genealogy(document: Mapping[str, Any], tracks: int) -> SafeString:
    """The descent of the tagged genres, ending in the artist: across for wide screens, down for others."""
    styles = chosen(document)
    if not styles:
        return SafeString("")
    names = {style.id: style.name for style in styles}
    told = [
        f"{s.name} ({s.place}, {s.year})"
        + (f" from {' and '.join(names[p] for p in s.parents)}" if s.parents else "")
        for s in styles
    ]
    label = f"Your taste traces: {'; '.join(told)}"
    return safe([_across(styles, tracks, label), _downwards(styles, tracks, label)])


# --- across: years from left to right ------------------------------------------------------------------------


def _x(year: float, first: int, last: int) -> float:
    if first >= _KNEE:
        return _LEFT + (_RIGHT - _LEFT) * (year - first) / max(1, last - first)
    if year < _KNEE:
        return _LEFT + (_YOUNG - _LEFT) * (year - first) / (_KNEE - first)
    return _YOUNG + (_RIGHT - _YOUNG) * (year - _KNEE) / max(1, last - _KNEE)


def _room(style: Style) -> float:
    """How wide the words of a style are, roughly."""
    return max(7.1 * len(style.name), 5.9 * (len(style.place) + 6)) + 14


def _lanes(styles: Sequence[Style], at: Mapping[str, float]) -> dict[str, int]:
    """A row for each style, near those of its parents, where its words meet no others."""
    lanes: dict[str, int] = {}
    ends: dict[int, float] = {}
    for style in styles:
        x = at[style.id]
        parents = [lanes[p] for p in style.parents]
        wanted = sum(parents) / len(parents) if parents else len(ends)
        free = [lane for lane in range(len(ends) + 1) if ends.get(lane, -1.0) <= x]
        lane = min(free, key=lambda lane: (abs(lane - wanted), lane))
        lanes[style.id] = lane
        ends[lane] = x + _room(style)
    return lanes


def _across(styles: Sequence[Style], tracks: int, label: str) -> SafeString:
    first = min(style.year for style in styles)
    first, last = first // 10 * 10, max(2010, max(style.year for style in styles) + 8)
    at = {style.id: _x(style.year, first, last) for style in styles}
    lanes = _lanes(styles, at)
    rows = max(lanes.values()) + 1
    floor = _TOP + _LANE * rows - 6
    y = {name: _TOP + _LANE * lane + 10 for name, lane in lanes.items()}
    body = []
    decades = [d for d in range(first, last, 10) if d >= _KNEE or d == first]
    step = 2 if len(decades) > 6 else 1
    for decade in decades[::-step] if first >= _KNEE else [*decades[:0:-step], first]:
        x = _x(decade, first, last)
        body.append(f'<path class="hair" d="M{number(x)} 8V{number(floor)}"/>')
        anchor = "start" if x < 16 else "middle"
        body.append(text(max(x, 0), floor + 18, str(decade), 11, "soft", anchor))
    tagged = [style for style in styles if style.count]
    you = (_RIGHT + 62, sum(y[s.id] for s in tagged) / len(tagged))
    spots = {style.id: (at[style.id], y[style.id]) for style in styles}
    everyone = list(spots.values())
    for style in styles:
        for parent in style.parents:
            body.append(_curve(spots[parent], spots[style.id], 0.8, style.direct, everyone))
        if style.count:
            weight = 1 + 2 * style.count / max(1, tracks)
            body.append(_curve(spots[style.id], (you[0] - 6, you[1]), weight, True, everyone))
    for style in styles:
        x, line = at[style.id], y[style.id]
        radius = 3.5 if style.count else 2.5
        body.append(f'<circle class="ink" cx="{number(x)}" cy="{number(line)}" r="{radius}"/>')
        body.append(text(x, line - 8, style.name, 13, "halo strong" if style.count else "halo"))
        body.append(text(x, line + 16, f"{style.place}, {style.year}", 11, "halo soft"))
    body.append(text(you[0], you[1] - 2, "You", 13, "strong you"))
    body.append(text(you[0], you[1] + 14, f"{tracks:,}", 11, "soft"))
    body.append(text(you[0], you[1] + 28, f"track{'' if tracks == 1 else 's'}", 11, "soft"))
    return picture(_WIDE, floor + 26, label, body, 'class="picture across"')


def _curve(
    start: tuple[float, float],
    end: tuple[float, float],
    weight: float,
    direct: bool,
    others: Sequence[tuple[float, float]] = (),
) -> str:
    """A line from a style to its child; over the heads of those of `others` that stand in between."""
    (x, y), (to, lower) = start, end
    bend = max(18.0, min(70.0, (to - x) * 0.5))
    over = (
        32.0
        if any(x < at < to and abs(line - y) < 1 and abs(line - lower) < 1 for at, line in others)
        else 0.0
    )
    return (
        f'<path class="{"line" if direct else "line far"}" stroke-width="{weight:.1f}" '
        f'd="M{number(x)} {number(y)}C{number(x + bend)} {number(y - over)} '
        f'{number(to - bend)} {number(lower - over)} {number(to)} {number(lower)}"/>'
    )


# --- downwards: one row for each style -----------------------------------------------------------------------


def _downwards(styles: Sequence[Style], tracks: int, label: str) -> SafeString:
    step, dot, top = 42.0, 104.0, 16.0
    y = {style.id: top + step * row for row, style in enumerate(styles)}
    end = top + step * len(styles) + 4
    body = []

    def arc(above: float, below: float, weight: float, direct: bool) -> str:
        out = dot - min(62.0, 12 + (below - above) * 0.13)
        return (
            f'<path class="{"line" if direct else "line far"}" stroke-width="{weight:.1f}" '
            f'd="M{number(dot)} {number(above)}C{number(out)} {number(above)} '
            f'{number(out)} {number(below)} {number(dot)} {number(below)}"/>'
        )

    for style in styles:
        body += [arc(y[parent], y[style.id], 0.8, style.direct) for parent in style.parents]
        if style.count:
            body.append(arc(y[style.id], end, 1 + 2 * style.count / max(1, tracks), True))
    for style in styles:
        line = y[style.id]
        radius = 3.5 if style.count else 2.5
        body.append(text(0, line + 4, str(style.year), 12, "soft"))
        body.append(f'<circle class="ink" cx="{number(dot)}" cy="{number(line)}" r="{radius}"/>')
        body.append(text(dot + 14, line + 1, style.name, 13, "strong" if style.count else ""))
        mine = f", {style.count:,} of yours" if style.count else ""
        body.append(text(dot + 14, line + 16, style.place + mine, 11, "soft"))
    body.append(text(dot + 14, end + 4, "You", 13, "strong you"))
    body.append(text(dot + 44, end + 4, f"{tracks:,} track{'' if tracks == 1 else 's'}", 11, "soft"))
    return picture(342, end + 14, label, body, 'class="picture down"')
