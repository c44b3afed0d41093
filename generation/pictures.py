"""A take drawn as a score of its sources: for each layer a line, and on it which recording plays from which bar on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from django.utils.safestring import SafeString

from catalog.svg.draw import number, safe
from generation.sources import Passage

WIDE, SLIM = 32, 16  # most bars in a line of the score
ROW = 26
HEAD = 30  # above the first row: section names and bar numbers


def score(
    passages: Sequence[Passage], sections: Sequence[Mapping[str, Any]], numbers: Mapping[str, int], bars: int
) -> SafeString:
    """The score for a wide and for a narrow screen. `numbers`: of each recording in the legend; `bars`: of the take."""
    layers = list(dict.fromkeys(one.layer for one in passages))
    if not layers:
        return SafeString("")
    drawn = []
    for kind, most in (("wide", WIDE), ("slim", SLIM)):
        # as few lines as fit, about equally long, in whole phrases
        across = min(most, 4 * math.ceil(bars / math.ceil(bars / most) / 4))
        lines = [
            _line(first, across, bars, layers, passages, sections, numbers)
            for first in range(0, bars, across)
        ]
        drawn.append(f'<div class="picture {kind} score">{"".join(lines)}</div>')
    return safe(drawn)


def _line(
    first: int,
    across: int,
    bars: int,
    layers: Sequence[str],
    passages: Sequence[Passage],
    sections: Sequence[Mapping[str, Any]],
    numbers: Mapping[str, int],
) -> str:
    """One line of the score: `across` bars from `first` on. Drawn in percent, so that text never stretches."""
    last = min(first + across, bars)
    height = HEAD + ROW * len(layers) + 2
    body = [_sections(first, last, height, sections)]
    for row, layer in enumerate(layers):
        base = HEAD + ROW * (row + 1) - 4
        body.append(f'<path class="hair" d="M0 {number(base + 0.5)}H4000"/>')
        for one in passages:
            begin, end = max(one.bar, first), min(one.bar + one.bars, last)
            if one.layer == layer and begin < end:
                body.append(_passage(one, begin, end, first, last, base, numbers))
    label = f"Bars {first + 1} to {last}: which recording plays in each layer. The table below says the same."
    names = "".join(f"<span>{escape(layer.capitalize())}</span>" for layer in layers)
    # the hairlines end with the last bar
    width = 100 * (last - first) / across
    return (
        f'<div class="stave"><p aria-hidden="true">{names}</p>'
        f'<div><svg width="{width:.3f}%" height="{height}" role="img"><title>{escape(label)}</title>'
        f"{''.join(body)}</svg></div></div>"
    )


def _place(bar: int, first: int, last: int) -> str:
    return f"{100 * (bar - first) / (last - first):.3f}%"


def _sections(first: int, last: int, height: int, sections: Sequence[Mapping[str, Any]]) -> str:
    """A hairline where a section begins (or goes on in this line), its name, and the number of the bar there."""
    found = []
    for one in sections:
        begin = max(int(one["first_bar"]), first)
        end = min(int(one["first_bar"]) + int(one["bars"]), last)
        if begin < end:
            name = str(one["name"]).capitalize()
            # nested, so that a short section's name never writes over the next; the number first, so it is never cut
            found.append(
                f'<svg x="{_place(begin, first, last)}" width="{100 * (end - begin) / (last - first):.3f}%" '
                f'height="{height}"><path class="hair" d="M.5 0V{height}"/>'
                f'<text x="7" y="12" font-size="11" class="soft">{begin + 1} {escape(name)}</text></svg>'
            )
    return "".join(found)


def _passage(
    one: Passage, begin: int, end: int, first: int, last: int, base: int, numbers: Mapping[str, int]
) -> str:
    """A line under its bars, a stem where it begins, and the number of its recording above."""
    found = numbers.get(one.track_id)
    stem = f'<path class="line" d="M.5 {base - 6}V{base + 1}"/>' if begin == one.bar else ""
    return (
        f'<svg x="{_place(begin, first, last)}" width="{100 * (end - begin) / (last - first):.3f}%" '
        f'height="{base + 2}"><rect class="ink" y="{base - 0.5}" width="96%" height="1.5"/>{stem}'
        f'<text x="5" y="{base - 6}" font-size="11">{found if found is not None else ""}</text></svg>'
    )
