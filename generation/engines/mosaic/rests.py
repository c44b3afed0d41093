"""Rests inside the bars of a recording: one that leaves a take silent gives way to another bar of the same passage.

Bars are measured as wholes, so a bar that stops after its first beat is known only once the mix is heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from generation.engines.mosaic.choose import longest_run
from generation.engines.mosaic.corpus import BLOCK_BARS
from generation.engines.mosaic.plan import SAMPLE_RATE, Block, Plan

TONAL = ("bass", "harmony", "lead")
FULLER_DB = 6.0  # a bar takes the place of another if its own quietest stretch is louder by so much
_TENTH = SAMPLE_RATE // 10


def without_rest(plan: Plan, stems: Mapping[str, np.ndarray], at: float) -> Plan | None:
    """The plan with another bar of the same passage where a take falls silent; None where none of them sounds.

    stems: (2, n) of the mix of the plan. at: seconds at which its quietest second begins. Everything tonal that is cut
    from the passage turns alike, so harmony and bass still agree; drums stay.
    """
    bar = _most_of_it(plan, at)
    lines = [block for block in plan.blocks if block.layer in TONAL and 0 <= bar - block.bar < block.bars]
    passage = next((block for block in lines if block.layer == "harmony"), None)
    if passage is None:
        return None
    place = bar - passage.bar
    levels = [_quietest(plan, stems, passage.bar + number) for number in range(passage.bars)]
    heard = dict(zip(passage.order, levels, strict=True))
    fuller = [turned for turned, level in heard.items() if level >= levels[place] + FULLER_DB]
    # odd bars stay odd: a phrase of a track at half the tempo is two of its bars, each cut in halves
    fuller.sort(key=lambda turned: ((turned - passage.order[place]) % 2, -round(heard[turned], 2), turned))
    for turned in fuller:
        order = (*passage.order[:place], turned, *passage.order[place + 1 :])
        if longest_run(order) <= longest_run(passage.order) and not _quotes(
            plan, replace(passage, order=order)
        ):
            return _turned(plan, passage, order, bar, passage.bar + passage.order.index(turned))
    return None


def _turned(plan: Plan, passage: Block, order: tuple[int, ...], bar: int, like: int) -> Plan:
    """like: the bar of the take whose chord the turned one has now."""
    same = (passage.bar, passage.bars, passage.track_id, passage.start, passage.order)
    blocks = tuple(
        replace(block, order=order)
        if block.layer in TONAL and (block.bar, block.bars, block.track_id, block.start, block.order) == same
        else block
        for block in plan.blocks
    )
    chords = list(plan.chords)
    if bar < len(chords):
        chords[bar] = chords[like]
    return replace(plan, blocks=blocks, chords=tuple(chords))


def _most_of_it(plan: Plan, at: float) -> int:
    """The bar that most of the second from `at` lies in."""
    first = int(at / plan.grid.bar_seconds)
    return min(
        range(first, min(plan.bars, int((at + 1.0) / plan.grid.bar_seconds) + 1)),
        key=lambda bar: abs((bar + 0.5) * plan.grid.bar_seconds - (at + 0.5)),
        default=first,
    )


def _quietest(plan: Plan, stems: Mapping[str, np.ndarray], bar: int) -> float:
    """dB of the quietest second of what is tonal in a bar, or of the whole of a shorter bar."""
    inside = slice(plan.grid.bar(bar), min(plan.grid.bar(bar + 1), plan.samples))
    total = np.asarray(sum(stems[name][:, inside] for name in TONAL if name in stems))
    tenths = max(1, total.shape[1] // _TENTH)
    power = np.square(total[:, : tenths * _TENTH], dtype=np.float64).mean(axis=0)
    steps = np.array([piece.mean() for piece in np.array_split(power, tenths)])
    width = min(10, tenths)
    return float(10.0 * np.log10(np.convolve(steps, np.full(width, 1.0 / width), mode="valid").min() + 1e-12))


def _quotes(plan: Plan, passage: Block) -> bool:
    """Whether a passage begins where the block before it ends, or ends where the next one begins, in one recording."""
    line = sorted((block for block in plan.blocks if block.layer == passage.layer), key=lambda one: one.bar)
    line = [passage if block.bar == passage.bar else block for block in line]
    for one, following in pairwise(line):
        if passage not in (one, following) or one.track_id != following.track_id:
            continue
        length = (one.end - one.start) / BLOCK_BARS
        ended = one.start + (one.order[one.bars - 1] + 1) * length
        began = following.start + following.order[0] * (following.end - following.start) / BLOCK_BARS
        if abs(began - ended) < 0.5 * length:
            return True
    return False
