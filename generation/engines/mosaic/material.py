"""Material for stretches of a plan that are composed anew while the rest of it stays: other phrases, other tracks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from catalog.analysis.keys import Key, parse_key
from generation.brief import Brief
from generation.engines.base import CorpusTrack, EngineError
from generation.engines.mosaic import ranges
from generation.engines.mosaic.cast import Part
from generation.engines.mosaic.choose import Choice, choose_line, following, slots
from generation.engines.mosaic.compose import block_of, chords_of, voices_of
from generation.engines.mosaic.corpus import Source, read_corpus
from generation.engines.mosaic.plan import Block, Plan, Section, Voice
from generation.engines.mosaic.used import Used

CUT = ("drums", "bass", "harmony", "lead")
DONORS = 3


@dataclass(frozen=True, eq=False)
class Desk:
    """What an edit works with: the plan as it is, the tracks bent to the tempo, and chance."""

    plan: Plan
    sources: Mapping[str, Source]
    brief: Brief
    rng: np.random.Generator

    @classmethod
    def of(cls, plan: Plan, corpus: Sequence[CorpusTrack], brief: Brief, rng: np.random.Generator) -> Desk:
        """Raises EngineError when a track of the plan is gone."""
        sources = {source.id: source for source in read_corpus(corpus, brief.bpm)}
        if any(track_id not in sources for track_id in plan.track_ids()):
            raise EngineError(
                "A track this take was built from is no longer in the catalog, so it cannot be edited. "
                "Generate a new take instead."
            )
        return cls(plan, sources, brief, rng)

    @property
    def key(self) -> Key | None:
        return parse_key(self.plan.key) if self.plan.key else None

    def parts(self, layer: str) -> list[Part]:
        """Who plays a layer, in order of appearance."""
        found: dict[object, Part] = {}
        for block in sorted(self.plan.blocks, key=lambda b: b.bar):
            if block.layer != layer:
                continue
            for low, high in ranges.named(self.brief.references, layer, block.track_id) or [(None, None)]:
                part = Part(self.sources[block.track_id], block.shift, low=low, high=high)
                if part.phrases():
                    found.setdefault((block.track_id, block.shift, low, high), part)
        return list(found.values())

    def others(self, layer: str, without: Collection[str]) -> list[Part]:
        """Tracks that could play a layer instead, best first: within reach, sure of their beat, and somebody else."""

        def price(source: Source) -> float:
            cost = 4.0 * source.bend + 0.8 * source.doubt + (0.0 if source.fits else 2.0)
            cost += 0.0 if source.pulse else 1.5
            if layer == "drums":
                return cost - source.drums
            return cost + source.shift(self.key).cost + (0.6 if source.drums > 0.8 else 0.0)

        free = [source for name, source in self.sources.items() if name not in without]
        chance = {source.id: float(self.rng.exponential(0.3)) for source in sorted(free, key=lambda s: s.id)}
        ordered = sorted(free, key=lambda source: (price(source) + chance[source.id], source.id))
        shift = 0 if layer == "drums" else None
        return [Part(s, s.shift(self.key).semitones if shift is None else shift) for s in ordered[:DONORS]]

    def used(self, layer: str) -> Used:
        """What the plan plays in a layer already."""
        return Used.of_blocks(block for block in self.plan.blocks if block.layer == layer)

    def bass_follows(self) -> bool:
        """Whether the bass is the harmony's own, as it is unless it was asked from somebody else."""
        own = {(b.bar, b.track_id, b.start) for b in self.plan.blocks if b.layer == "harmony"}
        bass = [b for b in self.plan.blocks if b.layer == "bass"]
        return all((b.bar, b.track_id, b.start) in own for b in bass)


def line(
    desk: Desk,
    layer: str,
    made: Sequence[Section],
    bars: range,
    parts: Sequence[Part],
    under: Sequence[Choice] = (),
) -> list[Choice]:
    """New phrases for a layer in these bars of the sections `made`; the parts take turns by section."""
    if not parts:
        return []
    found = [slot for slot in slots(made, layer) if slot.bar in bars]
    first = int(desk.rng.integers(0, len(parts)))
    turns = {section: number for number, section in enumerate(dict.fromkeys(slot.section for slot in found))}
    chosen, _ = choose_line(
        found,
        [parts[(first + turns[slot.section]) % len(parts)] for slot in found],
        desk.rng,
        layer=layer,
        temperature=desk.brief.temperature,
        used=desk.used(layer),
        under=under,
        key=desk.key,
    )
    return chosen


def all_anew(desk: Desk, made: Sequence[Section], bars: range) -> list[Block]:
    """Every layer of these bars composed anew, by those who play in the plan."""
    harmony = line(desk, "harmony", made, bars, desk.parts("harmony"))
    lines = {"harmony": harmony, "drums": line(desk, "drums", made, bars, desk.parts("drums"))}
    if desk.bass_follows():
        lines["bass"] = following(harmony, [slot for slot in slots(made, "bass") if slot.bar in bars])
    else:
        lines["bass"] = line(desk, "bass", made, bars, desk.parts("bass"), harmony)
    lines["lead"] = line(desk, "lead", made, bars, desk.parts("lead"), harmony)
    return [block_of(choice, layer) for layer, choices in lines.items() for choice in choices]


def ordered(blocks: Sequence[Block]) -> tuple[Block, ...]:
    return tuple(sorted(blocks, key=lambda block: (block.bar, block.layer)))


def with_chords(desk: Desk, plan: Plan, bars: Collection[int]) -> Plan:
    """The plan with the chords of these bars heard anew; the others keep theirs, and so do the lines over them."""
    heard = chords_of(plan.blocks, desk.sources, desk.key, plan.bars)
    kept = (*plan.chords, *[""] * max(0, plan.bars - len(plan.chords)))
    return replace(plan, chords=tuple(heard[bar] if bar in bars else kept[bar] for bar in range(plan.bars)))


def revoiced(
    desk: Desk, plan: Plan, changed: Collection[int], layers: Collection[str] = ("drums", "bass")
) -> Plan:
    """The plan with the voices that lie in changed bars drawn anew there; voices elsewhere play on as they did."""
    kept: list[Voice] = []
    for voice in plan.voices:
        if voice.layer not in layers or not set(range(voice.bar, voice.end_bar)) & set(changed):
            kept.append(voice)
    seed = f"{desk.brief.seed}/{plan.take}/edit"
    fresh = [
        voice
        for voice in voices_of(plan.sections, plan.blocks, seed, desk.brief, desk.sources.values())
        if voice.layer in layers and set(range(voice.bar, voice.end_bar)) & set(changed)
    ]
    return replace(plan, voices=tuple(sorted([*kept, *fresh], key=lambda voice: (voice.bar, voice.layer))))
