"""What a take is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from django.utils.safestring import SafeString

from catalog.svg.draw import safe

SHADES = ("1", ".72", ".5", ".32", ".18")
LAYERS = ("drums", "bass", "harmony", "lead")


def built_from(entries: Sequence[Mapping[str, Any]], bars: int, sources: Sequence[str]) -> SafeString:
    """Each bar of each layer, shaded by the recording it comes from: the darker, the more it gave.

    `sources` are track ids, most used first; those after the fourth share the lightest shade.
    """
    layers = [layer for layer in LAYERS if any(one["layer"] == layer for one in entries)]
    layers += sorted({str(one["layer"]) for one in entries} - set(LAYERS))
    bars = max(bars, 1 + max((int(one["bar"]) for one in entries), default=0))
    if not layers or not bars:
        return SafeString("")
    rank = {track: min(place, len(SHADES) - 1) for place, track in enumerate(sources)}
    cells: dict[tuple[int, str], str] = {}
    for one in entries:
        if one.get("track_id"):
            shade = SHADES[rank.get(str(one["track_id"]), len(SHADES) - 1)]
            cells[int(one["bar"]), str(one["layer"])] = shade
    label = f"Source of every bar: {len(layers)} layers over {bars} bars from {len(sources)} recordings"
    body = [
        f'<rect class="ink" x="{100 * bar / bars:.3f}%" y="{layers.index(layer) * 24}" '
        f'width="{90 / bars:.3f}%" height="18" fill-opacity="{shade}"/>'
        for (bar, layer), shade in sorted(cells.items())
    ]
    height = len(layers) * 24 - 6
    return safe(
        [
            f'<svg class="grid" width="100%" height="{height}" role="img"><title>{escape(label)}</title>',
            *body,
            "</svg>",
        ]
    )
