"""Where the tagged genres come from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from django.utils.safestring import SafeString

from catalog.svg.draw import number, picture, text

MOST_GENERATIONS = 5


def _strands(genealogy: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """The lines of descent of the three genres with most tracks, each cut to its latest generations."""
    lines = [list(one["line"])[-MOST_GENERATIONS:] for one in genealogy.get("from_tags", [])[:3]]
    return [line for line in lines if line]


def genealogy(document: Mapping[str, Any], tracks: int) -> SafeString:
    """Where the tagged genres come from, oldest left, ending in the artist. For wide screens: a list says the same."""
    strands = _strands(document)
    if not strands:
        return SafeString("")
    nodes = {str(node["id"]): node for line in strands for node in line}
    parents: dict[str, list[str]] = {name: [] for name in nodes}
    for line in strands:
        for older, younger in pairwise(line):
            if str(older["id"]) not in parents[str(younger["id"])]:
                parents[str(younger["id"])].append(str(older["id"]))
    depth: dict[str, int] = {}
    for name in sorted(nodes, key=lambda name: (nodes[name]["year"], name)):
        depth[name] = max((depth.get(parent, 0) + 1 for parent in parents[name]), default=0)
    last = max(depth.values()) + 1
    counts = {str(one["id"]): int(one["count"]) for one in document["from_tags"]}
    step, places, taken = 720 / (last + 1), {}, set()
    for row, line in enumerate(strands):
        for name in (str(node["id"]) for node in line):
            if name in places:
                continue
            place = row
            while (depth[name], place) in taken:
                place += 1
            taken.add((depth[name], place))
            places[name] = (depth[name] * step, 24.0 + 76 * place)
    height = max(y for _, y in places.values()) + 44
    you = (last * step, (min(y for _, y in places.values()) + max(y for _, y in places.values())) / 2)

    def curve(start: tuple[float, float], end: tuple[float, float], words: str, weight: float) -> str:
        x = min(start[0] + 7.4 * len(words) + 8, end[0] - 16)
        y, to, lower = start[1] - 4, end[0] - 8, end[1] - 4
        middle = (x + to) / 2
        return (
            f'<path class="line" stroke-width="{weight:.1f}" '
            f'd="M{number(x)} {number(y)}C{number(middle)} {number(y)} '
            f'{number(middle)} {number(lower)} {number(to)} {number(lower)}"/>'
        )

    body = []
    for name, node in nodes.items():
        for parent in parents[name]:
            body.append(curve(places[parent], places[name], str(nodes[parent]["name"]), 1))
        if name in counts:
            body.append(curve(places[name], you, str(node["name"]), 1 + 2 * counts[name] / max(1, tracks)))
        x, y = places[name]
        body.append(text(x, y, str(node["name"]), 13, "strong"))
        city = (
            str(node["place"])
            if len(str(node["place"])) <= step / 6.4
            else str(node["place"]).split(" and ")[0]
        )
        body.append(text(x, y + 17, city, 11, "soft") + text(x, y + 32, str(node["year"]), 11, "soft"))
    body.append(text(you[0], you[1], "You", 13, "strong you"))
    body.append(text(you[0], you[1] + 17, f"{tracks:,} track{'' if tracks == 1 else 's'}", 11, "soft"))
    label = "; ".join(" to ".join(f"{node['name']} ({node['year']})" for node in line) for line in strands)
    return picture(720, height, f"Your taste traces: {label}", body, 'class="picture wide"')
