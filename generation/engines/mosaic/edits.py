"""Changes to a finished plan: each gives another plan, and says in sentences what is different.

An edit keeps what it does not name: the same phrases, the same equaliser and levels. Composing one section anew keeps
the gain of the master too, so that everything more than a beat outside it stays the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from generation.brief import Edit
from generation.engines.base import EngineError
from generation.engines.mosaic import form
from generation.engines.mosaic.cast import forward
from generation.engines.mosaic.choose import following, slots
from generation.engines.mosaic.compose import block_of
from generation.engines.mosaic.corpus import GOOD_RATIO
from generation.engines.mosaic.material import (
    Desk,
    all_anew,
    line,
    ordered,
    revoiced,
    with_chords,
)
from generation.engines.mosaic.plan import SAMPLE_RATE, STEMS, Block, Event, Plan, Section

Changed = tuple[Plan, list[str]]
DRUMS = ("kick", "drums")
LEAST_BARS = 2


def edited(desk: Desk, edit: Edit) -> Changed:
    """The plan after an edit, and a sentence for each thing that is different. Raises EngineError with a sentence."""
    try:
        change = KINDS[edit.kind]
    except KeyError:
        raise EngineError(f"Mosaic does not know the edit “{edit.kind}”.") from None
    return change(desk, edit)


def _energy(desk: Desk, edit: Edit) -> Changed:
    plan, energy = desk.plan, desk.brief.energy
    made = form.with_energy(
        plan.sections,
        style=plan.style,
        energy=energy,
        density=desk.brief.density,
        emphasis=forward(desk.brief),
        kind=form.family(desk.brief.genre),
    )
    louder = 2.0 * (energy - 0.5) - 2.0 * (desk.plan.energy - 0.5)
    target = round(min(-9.0, max(-14.0, plan.target_lufs + louder)), 2)
    events = _events(desk, plan, made)
    new = replace(plan, sections=made, events=events, target_lufs=target, energy=energy).unmeasured
    more = "forward" if energy > plan.energy else "back"
    return new, [
        f"Energy {plan.energy:.2f} → {energy:.2f}: the same passages, drums and bass further {more}.",
        f"Mastered towards {target:g} LUFS instead of {plan.target_lufs:g}.",
    ]


def _tempo(desk: Desk, edit: Edit) -> Changed:
    plan, bpm = desk.plan, desk.brief.bpm
    factor = bpm / plan.bpm
    fits = {name: abs(source.ratio - 1.0) <= GOOD_RATIO for name, source in desk.sources.items()}
    moved, kept, swapped = replace(plan, bpm=bpm), [], set()
    for block in plan.blocks:
        source = desk.sources[block.track_id]
        same_fold = block.source_beats in (0, source.source_beats)
        if same_fold and (fits[block.track_id] or not any(fits.values())):
            kept.append(
                replace(block, stretch=round(block.stretch * factor if block.source_beats else 1.0, 9))
            )
        else:
            swapped.add((block.layer, block.track_id))
            kept.append(block)
    for layer in dict.fromkeys(layer for layer, _ in swapped):
        gone = {track for name, track in swapped if name == layer}
        kept = _swapped(desk, layer, kept, gone)
    samples = round((plan.bars * moved.grid.bar_seconds + _ring(plan)) * SAMPLE_RATE)
    new = replace(moved, blocks=ordered(kept), samples=samples, gain_db=None)
    lasts = f"{plan.bars} bars in {samples / SAMPLE_RATE:.0f} seconds"
    said = [f"{plan.bpm:g} → {bpm:g} BPM: the same form and passages, {lasts}."]
    if swapped:
        count = len({track for _, track in swapped})
        said.append(
            f"{count} recording{'s' if count > 1 else ''} cannot be stretched so far and gave way to others nearer to "
            f"{bpm:g} BPM."
        )
        new = with_chords(desk, new, range(new.bars))
    return revoiced(desk, new, range(new.bars)), said


def _replace(desk: Desk, edit: Edit) -> Changed:
    layer = "drums" if edit.layer in DRUMS else str(edit.layer)
    plan, every = desk.plan, range(desk.plan.bars)
    before = {block.track_id for block in plan.blocks if block.layer == layer}
    avoid = before | (
        {b.track_id for b in plan.blocks if b.layer == "harmony"} if layer == "drums" else set()
    )
    parts = desk.others(layer, avoid) or desk.others(layer, before)
    if not parts:
        raise EngineError(
            "There is no other track in your catalog that could play this. Add more of your own."
        )
    rest = [block for block in plan.blocks if block.layer != layer]
    if layer == "harmony":
        harmony = line(desk, "harmony", plan.sections, every, parts)
        new = [block_of(choice, "harmony") for choice in harmony]
        if desk.bass_follows():
            rest = [block for block in rest if block.layer != "bass"]
            new += [block_of(choice, "bass") for choice in following(harmony, slots(plan.sections, "bass"))]
    else:
        new = [block_of(choice, layer) for choice in line(desk, layer, plan.sections, every, parts)]
    changed = replace(
        plan, blocks=ordered([*rest, *new]), gain_db=None, muted=tuple(set(plan.muted) - {layer})
    )
    if layer == "harmony":
        changed = with_chords(desk, changed, every)
    layers = {"drums": ("drums",), "bass": ("bass",), "harmony": ("bass",)}.get(layer, ())
    changed = revoiced(desk, changed, every, layers)
    old = [block for block in plan.blocks if block.layer == layer]
    return changed, [
        f"Other {layer}: {_titles(desk, new)} instead of {_titles(desk, old)}.",
        "Everything else plays the same passages.",
    ]


def _section(desk: Desk, edit: Edit) -> Changed:
    plan = desk.plan
    index = _index(desk, edit)
    section = plan.sections[index]
    bars = range(section.first_bar, section.end_bar)
    rest = [block for block in plan.blocks if block.bar not in bars]
    fresh = all_anew(desk, plan.sections, bars)
    made = tuple(
        replace(s, level_db=None) if number == index else s for number, s in enumerate(plan.sections)
    )
    new = replace(plan, blocks=ordered([*rest, *fresh]), sections=made)
    new = revoiced(desk, with_chords(desk, new, bars), bars)
    return new, [
        f"The {_called(plan, index)} is composed anew from {_titles(desk, fresh)}.",
        "Everything more than a beat outside it is the same recording, bit for bit.",
    ]


def _longer(desk: Desk, edit: Edit) -> Changed:
    plan, index = desk.plan, _index(desk, edit)
    bars = max(1, edit.bars or 4)
    section = plan.sections[index]
    new = _inserted(desk, [(index, bars)])
    return new, [f"The {_called(plan, index)} lasts {section.bars + bars} bars instead of {section.bars}."]


def _shorter(desk: Desk, edit: Edit) -> Changed:
    plan, index = desk.plan, _index(desk, edit)
    section, bars = plan.sections[index], max(1, edit.bars or 4)
    if section.bars - bars < 1:
        raise EngineError(f"The {_called(plan, index)} has {section.bars} bars; take away fewer than that.")
    new = _without(plan, section.end_bar - bars, section.end_bar)
    new = _finished(desk, new)
    return new, [f"The {_called(plan, index)} lasts {section.bars - bars} bars instead of {section.bars}."]


def _extend(desk: Desk, edit: Edit) -> Changed:
    plan, bars = desk.plan, max(1, edit.bars or 16)
    last = max((n for n, s in enumerate(plan.sections) if s.name == "drop"), default=len(plan.sections) - 1)
    if bars < 12 or plan.sections[last].name != "drop":
        return _inserted(desk, [(last, bars)]), [f"The {_called(plan, last)} goes on for {bars} more bars."]
    # a break to breathe in, and the drop once more
    rest = max(4, bars // 3 // 4 * 4)
    drop = plan.sections[last]
    kind = form.family(desk.brief.genre)
    like = next((s for s in plan.sections if s.name == "break"), None)
    quiet = like or next((s for s in plan.sections if s.name == "intro"), drop)
    label = form.LABELS[kind].get("break", "break")
    pause = replace(quiet, name="break", label=label, first_bar=drop.end_bar, bars=rest, level_db=None)
    again = replace(drop, first_bar=drop.end_bar + rest, bars=bars - rest, level_db=None)
    new = _room_for(plan, drop.end_bar, bars)
    made = (*new.sections[: last + 1], pause, again, *new.sections[last + 1 :])
    new = replace(new, sections=made)
    fresh = all_anew(desk, made, range(drop.end_bar, drop.end_bar + bars))
    new = replace(new, blocks=ordered([*new.blocks, *fresh]))
    return _finished(desk, with_chords(desk, new, range(drop.end_bar, drop.end_bar + bars))), [
        f"{bars} more bars before the ending: a {label} of {rest} and a {drop.label or drop.name} of {bars - rest}."
    ]


def _crop(desk: Desk, edit: Edit) -> Changed:
    plan = desk.plan
    first, end = edit.first_bar or 0, plan.bars if edit.end_bar is None else min(plan.bars, edit.end_bar)
    if not 0 <= first < end or end - first < LEAST_BARS:
        raise EngineError(f"A crop keeps at least {LEAST_BARS} of the take's {plan.bars} bars.")
    new = plan if end == plan.bars else _without(plan, end, plan.bars)
    new = _without(new, 0, first) if first else new
    return _finished(desk, new), [
        f"Bars {first + 1} to {end} of {plan.bars} are kept, with an ending of their own."
    ]


def _mute(desk: Desk, edit: Edit) -> Changed:
    names = tuple(name for name in STEMS if name in edit.layers)
    if not names:
        raise EngineError("Name the layers to leave out.")
    there = {b.layer for b in desk.plan.blocks} | {"fx", "kick"}
    if there <= set(names) | set(desk.plan.muted):
        raise EngineError("Something has to stay: leave at least one layer in.")
    muted = tuple(name for name in STEMS if name in names or name in desk.plan.muted)
    new = replace(desk.plan, muted=muted, gain_db=None)
    return new, [
        f"Without {_listed([_LABELS.get(name, name) for name in names])}; the others are as they were."
    ]


KINDS: dict[str, Callable[[Desk, Edit], Changed]] = {
    "energy": _energy,
    "tempo": _tempo,
    "replace": _replace,
    "section": _section,
    "longer": _longer,
    "shorter": _shorter,
    "extend": _extend,
    "crop": _crop,
    "mute": _mute,
}
ANEW = ("section", "replace", "longer", "extend")  # kinds that are worth trying several times
_LABELS = {"fx": "effects"}


def _index(desk: Desk, edit: Edit) -> int:
    if edit.section is None or not 0 <= edit.section < len(desk.plan.sections):
        raise EngineError("Name a section of this take.")
    return edit.section


def _called(plan: Plan, index: int) -> str:
    name = plan.sections[index].label or plan.sections[index].name
    same = [n for n, s in enumerate(plan.sections) if (s.label or s.name) == name]
    return name if len(same) == 1 else f"{name} at bar {plan.sections[index].first_bar + 1}"


def _swapped(desk: Desk, layer: str, blocks: Sequence[Block], gone: set[str]) -> list[Block]:
    """The blocks with those of `gone` tracks in a layer given to others, phrase by phrase."""
    parts = [part for part in desk.parts(layer) if part.source.id not in gone] or desk.others(layer, gone)
    if not parts:
        return list(blocks)
    bars = {block.bar for block in blocks if block.layer == layer and block.track_id in gone}
    slots_of = line(desk, layer, desk.plan.sections, range(desk.plan.bars), parts)
    fresh = [block_of(choice, layer) for choice in slots_of if choice.slot.bar in bars]
    return [b for b in blocks if not (b.layer == layer and b.track_id in gone)] + fresh


def _inserted(desk: Desk, where: Sequence[tuple[int, int]]) -> Plan:
    """The plan with sections longer by so many bars each, filled with new material."""
    plan = desk.plan
    for index, bars in where:
        section = plan.sections[index]
        at = section.end_bar
        plan = _room_for(plan, at, bars)
        made = tuple(
            replace(s, bars=s.bars + bars) if number == index else s for number, s in enumerate(plan.sections)
        )
        fresh = all_anew(desk, [replace(made[index], first_bar=at, bars=bars)], range(at, at + bars))
        plan = replace(plan, sections=made, blocks=ordered([*plan.blocks, *fresh]))
        plan = with_chords(desk, plan, range(at, at + bars))
    return _finished(desk, plan)


def _room_for(plan: Plan, at: int, bars: int) -> Plan:
    """The plan with everything from bar `at` on moved later."""

    def later(bar: int) -> int:
        return bar + bars if bar >= at else bar

    return replace(
        plan,
        bars=plan.bars + bars,
        samples=plan.samples + round(bars * plan.grid.bar_seconds * SAMPLE_RATE),
        sections=tuple(replace(s, first_bar=later(s.first_bar)) for s in plan.sections),
        blocks=tuple(replace(b, bar=later(b.bar)) for b in plan.blocks),
        voices=tuple(replace(v, bar=later(v.bar)) for v in plan.voices),
        chords=(*plan.chords[:at], *[""] * bars, *plan.chords[at:]),
    )


def _without(plan: Plan, first: int, end: int) -> Plan:
    """The plan without the bars from `first` to `end`; what comes after moves up."""
    gone = end - first

    sections = []
    for section in plan.sections:
        pieces = _pieces(section.first_bar, section.bars, first, end)
        if pieces:
            sections.append(replace(section, first_bar=pieces[0][0], bars=sum(bars for _, bars, _ in pieces)))
    blocks = []
    for block in plan.blocks:
        for start, bars, skipped in _pieces(block.bar, block.bars, first, end):
            blocks.append(replace(block, bar=start, bars=bars, order=block.order[skipped : skipped + bars]))
    voices = []
    for voice in plan.voices:
        for start, bars, skipped in _pieces(voice.bar, voice.bars, first, end):
            voices.append(replace(voice, bar=start, bars=bars, skip=voice.skip + skipped))
    return replace(
        plan,
        bars=plan.bars - gone,
        samples=plan.samples - round(gone * plan.grid.bar_seconds * SAMPLE_RATE),
        sections=tuple(sections),
        blocks=tuple(blocks),
        voices=tuple(voices),
        chords=(*plan.chords[:first], *plan.chords[end:]),
    )


def _pieces(bar: int, bars: int, first: int, end: int) -> list[tuple[int, int, int]]:
    """(new bar, bars, bars left out in front) of what is left of a stretch when [first, end) is taken out."""
    found = []
    if bar < first:
        found.append((bar, min(bar + bars, first) - bar, 0))
    if bar + bars > end:
        start = max(bar, end)
        found.append((start - (end - first), bar + bars - start, start - bar))
    return found


def _finished(desk: Desk, plan: Plan) -> Plan:
    """A plan of another length: its events are laid out anew, its master is balanced anew."""
    return replace(plan, events=_events(desk, plan, plan.sections), gain_db=None)


def _events(desk: Desk, plan: Plan, made: Sequence[Section]) -> tuple[Event, ...]:
    return form.events(
        made, style=plan.style, energy=desk.brief.energy, bars=plan.bars, kind=form.family(desk.brief.genre)
    )


def _ring(plan: Plan) -> float:
    """Seconds that the last chord rings."""
    return plan.samples / SAMPLE_RATE - plan.bars * plan.grid.bar_seconds


def _titles(desk: Desk, blocks: Sequence[Block]) -> str:
    names = dict.fromkeys(f"“{desk.sources[b.track_id].track.title}”" for b in blocks)
    return _listed(list(names)) or "nothing"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
