"""The lineage of a recording as inline SVG, for a wide screen and for a narrow one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from django.utils.safestring import SafeString

from provenance import wording

WIDE, BOX_HEIGHT, MAX_ACROSS = 832, 56, 5
SLIM, SLIM_GAP = 342, 28
CHARACTER, SMALL = 7.2, 6.3  # widths of the body type at 14 and 12 px, on average


@dataclass(frozen=True)
class Box:
    """One station: what it is, its number or hash, and where to read more."""

    words: str
    note: str
    href: str = ""
    here: bool = False


def boxes(chain: Sequence[Mapping[str, Any]], seed: str = "") -> list[Box]:
    """The stations of a chain in the order of time: catalog first, this recording last."""
    return [box for link in reversed(chain) if (box := _box(link, seed)) is not None]


def lineage(chain: Sequence[Mapping[str, Any]], seed: str = "") -> SafeString:
    """The picture; "" when there is nothing behind the recording to draw."""
    stations = boxes(chain, seed)
    if len(stations) < 2:
        return SafeString("")
    spoken = "From the catalog to this recording: " + ", then ".join(
        f"{box.words} ({box.note})" if box.note else box.words for box in stations
    )
    across = _across(stations) if len(stations) <= MAX_ACROSS else _down(stations, WIDE)
    return SafeString(  # every word that came from outside went through escape()
        _svg(across, spoken, "lineage wide") + _svg(_down(stations, SLIM), spoken, "lineage slim")
    )


def _box(link: Mapping[str, Any], seed: str) -> Box | None:
    kind = link.get("kind")
    if kind == "catalog":
        count = link.get("track_count")
        words = f"{count:,} recording{'' if count == 1 else 's'}" if isinstance(count, int) else "Catalog"
        digest = link.get("catalog_hash")
        return Box(words, f"catalog {wording.short(str(digest))}" if digest else "catalog")
    if kind == "dna_snapshot":
        return Box("DNA snapshot", wording.short(str(link["snapshot_hash"])))
    if kind == "model":
        note = f"seed {wording.clip(seed)}" if seed else ("fine-tuned" if link.get("fine_tuned") else "")
        return Box(wording.model_name({"generator": link}) or "Model", note)
    if kind != "certificate":
        return None
    if not link.get("found"):
        return Box("Not held here", wording.clip(link["certificate_id"]))
    if link.get("relation") == "this":
        return Box("This recording", f"entry {link['log_index'] + 1:,}", here=True)
    title = wording.clip(link["title"]) or "A recording"
    return Box(title, link["relation"], f"/certificates/{link['certificate_id']}/")


def _across(stations: Sequence[Box]) -> tuple[int, int, list[str]]:
    gap = 72 if len(stations) <= 4 else 28
    width = (WIDE - gap * (len(stations) - 1)) / len(stations)
    body = []
    for place, box in enumerate(stations):
        left = place * (width + gap)
        if place:
            body.append(f'<path class="thread" d="M{left - gap:.1f} 28.5H{left:.1f}"/>')
        body += _drawn(box, left, 0.5, width - 1)
    return WIDE, BOX_HEIGHT + 1, body


def _down(stations: Sequence[Box], width: int) -> tuple[int, int, list[str]]:
    step = BOX_HEIGHT + SLIM_GAP
    body = []
    for place, box in enumerate(stations):
        top = place * step + 0.5
        if place:
            body.append(f'<path class="thread" d="M24.5 {top - SLIM_GAP:.1f}V{top:.1f}"/>')
        body += _drawn(box, 0.5, top, width - 1)
    return width, len(stations) * step - SLIM_GAP + 1, body


def _drawn(box: Box, left: float, top: float, width: float) -> list[str]:
    inset = 16 if width > 150 else 12
    room = width - 2 * inset
    kind = "station here" if box.here else "station"
    out = [
        f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{BOX_HEIGHT - 1}"/>',
        f'<text class="strong" x="{left + inset:.1f}" y="{top + 24:.1f}" font-size="14">'
        f"{escape(_fit(box.words, int(room / CHARACTER)))}</text>",
        f'<text class="soft" x="{left + inset:.1f}" y="{top + 43:.1f}" font-size="12">'
        f"{escape(_fit(box.note, int(room / SMALL)))}</text>",
    ]
    return [f'<a href="{escape(box.href)}">', *out, "</a>"] if box.href else out


def _fit(words: str, room: int) -> str:
    return words if len(words) <= room else words[: max(1, room - 1)].rstrip() + "…"


def _svg(drawing: tuple[int, int, list[str]], spoken: str, kind: str) -> str:
    width, height, body = drawing
    # An image may hold no links for those who cannot see it; a group may.
    role = "group" if any("<a " in part for part in body) else "img"
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" role="{role}" '
        f'aria-label="{escape(spoken)}">{"".join(body)}</svg>'
    )
