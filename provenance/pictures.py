"""The lineage of a recording as inline SVG, for a wide screen and for a narrow one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from django.utils.safestring import SafeString

from provenance import wording

WIDE, BOX_HEIGHT, MAX_ACROSS = 832, 56, 5
STACK_GAP, MAX_STACK = 8, 4
ORIGIN = "origin"  # as provenance.lineage.ORIGIN, which knows the database
SLIM, SLIM_GAP = 342, 28
CHARACTER, SMALL = 7.2, 6.3  # widths of the body type at 14 and 12 px, on average


@dataclass(frozen=True)
class Box:
    """One station: what it is, its number or hash, and where to read more."""

    words: str
    note: str
    href: str = ""
    here: bool = False


Stage = list[Box]


def stages(chain: Sequence[Mapping[str, Any]], seed: str = "") -> list[Stage]:
    """The stations of a chain in the order of time, those of one time together: catalog first, this recording last."""
    roots: dict[str, Stage] = {name: [] for name in ("catalog", "dna_snapshot", "adapter", "model")}
    steps: dict[int, Stage] = {}
    origins: Stage = []
    for link in chain:
        if (box := _box(link, seed)) is None:
            continue
        if link["kind"] != "certificate":
            roots[link["kind"]].append(box)
        elif link.get("type") == ORIGIN and link.get("relation") != "this":
            origins.append(box)
        else:
            steps.setdefault(link.get("depth", 0 if box.here else 1), []).append(box)
    if len(origins) > 1:
        origins = [Box(f"{len(origins)} origin stamps", "the artist’s own")]
    roots["catalog"] = origins + roots["catalog"]
    later = [_few(steps[depth]) for depth in sorted(steps, reverse=True)]
    return [stage for stage in (*roots.values(), *later) if stage]


def boxes(chain: Sequence[Mapping[str, Any]], seed: str = "") -> list[Box]:
    """Every station, in the order of time."""
    return [box for stage in stages(chain, seed) for box in stage]


def lineage(chain: Sequence[Mapping[str, Any]], seed: str = "", then: Sequence[Box] = ()) -> SafeString:
    """The picture; "" when there is nothing behind the recording to draw. `then`: what became of it."""
    drawn = [*stages(chain, seed), *([list(then)] if then else [])]
    if sum(len(stage) for stage in drawn) < 2:
        return SafeString("")
    spoken = "From the roots to this recording: " + ", then ".join(
        " and ".join(f"{box.words} ({box.note})" if box.note else box.words for box in stage)
        for stage in drawn
    )
    across = _across(drawn) if len(drawn) <= MAX_ACROSS else _down(drawn, WIDE)
    return SafeString(  # every word that came from outside went through escape()
        _svg(across, spoken, "lineage wide") + _svg(_down(drawn, SLIM), spoken, "lineage slim")
    )


def _few(stage: Stage) -> Stage:
    over = len(stage) - MAX_STACK
    return stage if over <= 0 else [*stage[: MAX_STACK - 1], Box(f"{over + 1} more", "named below")]


def _box(link: Mapping[str, Any], seed: str) -> Box | None:
    kind = link.get("kind")
    if kind == "catalog":
        count = link.get("track_count")
        words = f"{count:,} recording{'' if count == 1 else 's'}" if isinstance(count, int) else "Catalog"
        digest = link.get("catalog_hash")
        # Of two artists the other's stations carry their name: room for more there is none.
        words = wording.clip(link["artist"]) if link.get("artist") else words
        return Box(words, f"catalog {wording.short(str(digest))}" if digest else "catalog")
    if kind == "dna_snapshot":
        digest = wording.short(str(link["snapshot_hash"]))
        other = wording.clip(link.get("artist") or "")
        return Box(other, f"DNA {digest}") if other else Box("DNA snapshot", digest)
    if kind == "adapter":
        digest = str(link.get("sha256") or "")
        return Box(
            wording.clip(link.get("name") or "Adapter"), wording.short(digest) or "trained on the catalog"
        )
    if kind == "model":
        note = f"seed {wording.clip(seed)}" if seed else ("fine-tuned" if link.get("fine_tuned") else "")
        return Box(wording.model_name({"generator": link}) or "Model", note)
    if kind != "certificate":
        return None
    if not link.get("found"):
        return Box("Not held here", wording.clip(link["certificate_id"]))
    if link.get("state") == "cycle":
        return Box("Leads back here", wording.clip(link["certificate_id"]))
    if link.get("relation") == "this":
        note = f"entry {link['log_index'] + 1:,}"
        return Box(
            "This recording", f"revoked; {note}" if link.get("state") == "revoked" else note, here=True
        )
    title = wording.clip(link["title"]) or "A recording"
    note = f"revoked; {link['relation']}" if link.get("state") == "revoked" else str(link["relation"])
    return Box(title, note, f"/certificates/{link['certificate_id']}/")


def _across(drawn: Sequence[Stage]) -> tuple[int, int, list[str]]:
    gap = 72 if len(drawn) <= 4 else 28
    width = (WIDE - gap * (len(drawn) - 1)) / len(drawn)
    height = max(_height(stage) for stage in drawn)
    body: list[str] = []
    before: list[float] = []
    for place, stage in enumerate(drawn):
        left, top = place * (width + gap), (height - _height(stage)) / 2
        tops = [top + number * (BOX_HEIGHT + STACK_GAP) + 0.5 for number in range(len(stage))]
        middles = [round(one + BOX_HEIGHT / 2) - 0.5 for one in tops]
        if place:
            body.append(f'<path class="thread" d="{_threads(left - gap, left, before, middles)}"/>')
        for box, one in zip(stage, tops, strict=True):
            body += _drawn(box, left, one, width - 1)
        before = middles
    return WIDE, height + 1, body


def _threads(start: float, end: float, before: Sequence[float], after: Sequence[float]) -> str:
    """Lines from every station of one time to every station of the next, through one upright between them."""
    if len(before) == len(after) == 1 and before == after:
        return f"M{start:.1f} {before[0]:.1f}H{end:.1f}"
    middle = round((start + end) / 2) + 0.5
    ways = [f"M{start:.1f} {y:.1f}H{middle:.1f}" for y in before]
    ways.append(f"M{middle:.1f} {min(*before, *after):.1f}V{max(*before, *after):.1f}")
    ways += [f"M{middle:.1f} {y:.1f}H{end:.1f}" for y in after]
    return "".join(ways)


def _height(stage: Stage) -> int:
    return len(stage) * (BOX_HEIGHT + STACK_GAP) - STACK_GAP


def _down(drawn: Sequence[Stage], width: int) -> tuple[int, int, list[str]]:
    body: list[str] = []
    top = 0.5
    for place, stage in enumerate(drawn):
        if place:
            body.append(f'<path class="thread" d="M24.5 {top:.1f}V{top + SLIM_GAP:.1f}"/>')
            top += SLIM_GAP
        for number, box in enumerate(stage):
            top += STACK_GAP if number else 0
            body += _drawn(box, 0.5, top, width - 1)
            top += BOX_HEIGHT
    return width, int(top + 1), body


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
