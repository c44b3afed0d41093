"""From a plan to stems: every block placed on the grid with short crossfades, in the balance of its own sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from generation.engines.mosaic.plan import SAMPLE_RATE, STEMS, Block, Plan
from generation.engines.mosaic.players import Part, played
from generation.engines.mosaic.workshop import Cut, Workshop
from generation.loudness import block_energies
from generation.truepeak import BLOCK

# samples: drums must not lose their attack
FADE = {"kick": 220, "drums": 220, "bass": 660, "harmony": 882, "lead": 882}
# lowest and highest level of a section against the loudest drop, in LU
REACH = {
    "intro": (-13.0, -2.0),
    "build": (-9.0, -0.5),
    "drop": (-2.5, 0.0),
    "break": (-11.0, -2.5),
    "outro": (-13.0, -1.5),
}


def arrange(
    plan: Plan, workshop: Workshop, tick: Callable[[float], None]
) -> tuple[Plan, dict[str, np.ndarray]]:
    """Stems of a plan before events, each (2, plan.samples) float32, and the plan with its sections' levels.

    Levels that the plan names are kept; the others are measured here. `tick` hears the share done.
    """
    stems = {name: np.zeros((2, plan.samples), dtype=np.float32) for name in STEMS}
    balance = _Balance(plan, workshop)
    parts = played(plan, workshop)
    # what would have been cut where somebody plays: only to know how loud
    unheard = {part.voice.layer: np.zeros_like(stems["fx"]) for part in parts}
    for number, block in enumerate(plan.blocks):
        voiced = next((part.voice for part in parts if part.voice.covers(block)), None)
        if voiced is not None and voiced.layer == "drums" and voiced.track_id != block.track_id:
            continue  # one track's drums tell the level
        gain = block.gain * plan.section_at(block.bar).gains.get(block.layer, 1.0) * balance.of(block)
        for layer in layers_of(block):
            out = stems[layer] if voiced is None else unheard[voiced.layer]
            _place_block(out, plan, block, workshop.cut(block, layer), np.float32(gain))
        tick((number + 1) / len(plan.blocks))
    for part in parts:
        part.play(plan, unheard[part.voice.layer], stems)
    plan = _levelled(plan, stems)
    _apply_levels(plan, stems)
    return plan, stems


def layers_of(block: Block) -> tuple[str, ...]:
    """The stems that a block sounds in: drums are a kick and the rest."""
    return ("kick", "drums") if block.layer == "drums" else (block.layer,)


def strokes(plan: Plan, workshop: Workshop, parts: Sequence[Part]) -> list[tuple[int, float]]:
    """Every stroke of the kick that blocks bring, before the events: (sample of the take, gain), in order.

    gain: against the usual stroke of its track. What a voice plays instead is in its own score.
    """
    found: list[tuple[int, float]] = []
    for block in plan.blocks:
        if block.layer != "drums" or any(part.voice.covers(block) for part in parts):
            continue
        cut = workshop.strokes(block)
        for start, end, read in _runs(plan, block, cut):
            at = cut.strokes[0] - read + start
            inside = (at >= start) & (at < min(end, plan.samples))
            found += zip(at[inside].tolist(), cut.strokes[1][inside].tolist(), strict=True)
    return sorted(found)


def _levelled(plan: Plan, stems: dict[str, np.ndarray]) -> Plan:
    """Keep quiet sections within reach of the drops: a break may be 8 LU down, not 30, nor as loud as the drop.

    Sections of sparse sources would else vanish, since levels are those of their tracks. Drops that were measured
    before, in the take that this one is an edit of, stay the reference.
    """
    if all(section.level_db is not None for section in plan.sections):
        return plan
    total = np.zeros((1, plan.samples), dtype=np.float32)
    for stem in stems.values():
        total += stem.mean(axis=0, keepdims=True)
    power = block_energies(total, SAMPLE_RATE) / BLOCK
    edges = _edges(plan)
    levels = [
        10.0 * np.log10(float(power[a // BLOCK : b // BLOCK].mean()) + 1e-12) if b - a > BLOCK else -120.0
        for a, b in pairwise(edges)
    ]
    rows = list(zip(plan.sections, levels, strict=True))
    drops = [level + (section.level_db or 0.0) for section, level in rows if section.name == "drop"]
    known = [
        level + section.level_db
        for section, level in rows
        if section.level_db is not None and section.name == "drop"
    ]
    reference = max(known or drops or levels)
    # a calm take breathes: its quiet sections may fall further
    calm = 15.0 * max(0.0, 0.95 - max(section.energy for section in plan.sections))
    made = []
    for section, level in rows:
        change = 0.0
        if level > -100.0:
            low, high = REACH[section.name]
            low -= calm if section.name != "drop" else 0.0
            change = max(0.0, reference + low - level) - max(0.0, level - reference - high)
        measured = round(float(np.clip(change, -8.0, 12.0)), 3)
        made.append(section if section.level_db is not None else replace(section, level_db=measured))
    return replace(plan, sections=tuple(made))


def _apply_levels(plan: Plan, stems: dict[str, np.ndarray]) -> None:
    """Move each section by its level, in place, all stems alike."""
    edges = _edges(plan)
    for section, start, end in zip(plan.sections, edges[:-1], edges[1:], strict=True):
        if not section.level_db or end - start <= FADE["harmony"]:
            continue
        gain = np.float32(10.0 ** (section.level_db / 20.0))
        # the gain moves within the crossfade before the bar line
        lead = min(FADE["harmony"], start)
        ramp = np.linspace(1.0, gain, lead, dtype=np.float32)
        back = np.linspace(gain, 1.0, FADE["harmony"], dtype=np.float32)
        for stem in stems.values():
            stem[:, start - lead : start] *= ramp
            stem[:, start : end - back.size] *= gain
            stem[:, end - back.size : end] *= back


def quiet_curve(plan: Plan, quiet_db: float, rate: int, count: int) -> np.ndarray:
    """(count,) float32 at `rate`: 1 in drops, `quiet_db` elsewhere, moving within a crossfade before each bar line."""
    edges = [round(edge / SAMPLE_RATE * rate) for edge in _edges(plan)]
    wanted = [1.0 if section.name == "drop" else 10.0 ** (quiet_db / 20.0) for section in plan.sections]
    lead = round(FADE["harmony"] / SAMPLE_RATE * rate)
    points = [(0.0, wanted[0])]
    for edge, before, after in zip(edges[1:-1], wanted[:-1], wanted[1:], strict=True):
        points += [(edge - lead, before), (edge, after)]
    at, gain = zip(*points, strict=True)
    return np.interp(np.arange(count), at, gain).astype(np.float32)


def _edges(plan: Plan) -> list[int]:
    """First sample of each section, and the end of the last."""
    starts = [plan.grid.bar(section.first_bar) for section in plan.sections]
    return [min(edge, plan.samples) for edge in (*starts, plan.grid.bar(plan.bars))]


def block_gain(plan: Plan, block: Block) -> float:
    """The linear gain of a block's source in its section, as the source map tells it."""
    return round(block.gain * plan.section_at(block.bar).gains.get(block.layer, 1.0), 4)


class _Balance:
    """Drums as loud against the harmony as its own track has them: what the artist mixed is the best guess there is.

    Half of the difference is corrected, in dB, so that drums keep some of their own track's weight too.
    """

    def __init__(self, plan: Plan, workshop: Workshop) -> None:
        self._workshop = workshop
        self._harmony = [block for block in plan.blocks if block.layer == "harmony"]

    def of(self, block: Block) -> float:
        if block.layer != "drums":
            return 1.0
        under = next((b for b in self._harmony if b.bar <= block.bar < b.bar + b.bars), None)
        if under is None:
            return 1.0
        theirs = self._workshop.percussive_share(under)
        mine = self._workshop.percussive_share(block)
        return float(np.clip((max(theirs, 0.05) / max(mine, 0.05)) ** 0.5, 0.5, 1.6))


def _place_block(out: np.ndarray, plan: Plan, block: Block, cut: Cut, gain: np.float32) -> None:
    """Lay the bars of a block in its order; bars that follow each other in the source stay in one piece."""
    for start, end, read in _runs(plan, block, cut):
        place(out, cut.samples, read, start, min(end, out.shape[1]), FADE[block.layer], gain)


def _runs(plan: Plan, block: Block, cut: Cut) -> list[tuple[int, int, int]]:
    """(start, end, read) in samples: cut[read:] plays from start to end of the take."""
    grid, found, at = plan.grid, [], 0
    while at < block.bars:
        run = 1
        while at + run < block.bars and block.order[at + run] == block.order[at + run - 1] + 1:
            run += 1
        start, end = grid.bar(block.bar + at), grid.bar(block.bar + at + run)
        found.append((start, end, cut.lead + grid.bar(block.order[at])))
        at += run
    return found


def place(
    out: np.ndarray, samples: np.ndarray, read: int, start: int, end: int, fade: int, gain: np.float32
) -> None:
    """Add samples[read:] to out[start:end], fading in over the `fade` samples before `start` and out before `end`.

    The fade in lies before the bar line and uses what the source has there, so an attack on the line is whole. In
    and out curves have constant power: neighbours come from different places.
    """
    lead = min(fade, start, read)
    count = min(end - start, samples.shape[1] - read)
    if count <= 0:
        return
    piece = samples[:, read - lead : read + count] * gain
    if lead:
        piece[:, :lead] *= np.sin(np.linspace(0.0, np.pi / 2, lead, endpoint=False, dtype=np.float32))
    tail = min(fade, count)
    piece[:, piece.shape[1] - tail :] *= np.cos(np.linspace(0.0, np.pi / 2, tail, dtype=np.float32))
    out[:, start - lead : start + count] += piece
