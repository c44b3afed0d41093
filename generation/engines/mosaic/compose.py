"""From a brief and a catalog to plans: the key, the cast, the form, and for each style the material in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from catalog.analysis.keys import Key
from generation.brief import Brief
from generation.engines.base import CorpusTrack, EngineError
from generation.engines.mosaic import form, ranges
from generation.engines.mosaic.blending import Shares, cast_of_both, parts_of_both, shared_out
from generation.engines.mosaic.cast import Cast, Part, choose_cast, forward, mood_wishes
from generation.engines.mosaic.choose import Choice, Slot, assign, choose_line, following, slots
from generation.engines.mosaic.chords import chord_path
from generation.engines.mosaic.corpus import Source, best_key, read_corpus
from generation.engines.mosaic.dial import LOUDEST_LUFS, QUIETEST_LUFS
from generation.engines.mosaic.plan import BEATS, Block, Grid, Plan, Section, Voice, generator
from generation.engines.mosaic.tonality import Tonality, harmony_bars
from generation.engines.mosaic.used import Used
from generation.mastering import target_lufs

ENGINE = "mosaic/2.4"
HOMESICK = 0.5  # of `Cast.price`, between the key of a catalog and that of who plays
LIFTED_FROM = 3  # cuts that a kit or a voice is read from
A_PART = (
    0.4  # of a track that was played already is as good a reason to take another as one part in this take
)


@dataclass(frozen=True, eq=False)
class Session:
    """What all candidates of one take share: tracks bent to the tempo, the key, and who plays."""

    brief: Brief
    take: int
    sources: tuple[Source, ...]
    key: Key | None
    cast: Cast
    used: Used
    notes: tuple[str, ...]


def open_session(brief: Brief, corpus: Sequence[CorpusTrack], take: int) -> Session:
    """Choose key and cast for a take. Raises EngineError with a sentence when no track can be used.

    What the brief says earlier takes were built from is avoided: tracks that gave much, and the very bars.
    """
    if not corpus:
        raise EngineError("There are no tracks to compose from yet. Add some of your own and try again.")
    sources = tuple(read_corpus(corpus, brief.bpm))
    if not sources:
        raise EngineError(
            "None of your tracks can be cut: they are silent, or shorter than a few bars. "
            "Add tracks of at least half a minute."
        )
    key = brief.key or best_key(sources)
    if key is not None:
        key = Key(key.tonic, key.mode)
    used = Used.of_bars(brief.avoid)
    cast = _cast(sources, brief, key, generator(brief.seed, take, "cast"), _worn(sources, used))
    if brief.key is None:
        cast = at_home(cast)
    return Session(brief, take, sources, cast.key, cast, used, _notes(sources, cast, brief))


def _cast(
    sources: Sequence[Source],
    brief: Brief,
    key: Key | None,
    rng: np.random.Generator,
    worn: Mapping[tuple[str, str], float],
) -> Cast:
    choose = choose_cast if brief.blend is None else cast_of_both
    return choose(sources, brief, key, rng, used=worn)


def at_home(cast: Cast) -> Cast:
    """The cast in the key that its own tracks are in, where that is clearly nearer to them than the catalog's.

    Who plays a fifth away from the key of a take is not shifted: two of three so, and the take is in their key.
    """
    own = best_key([part.source for part in cast.harmony])
    if cast.key is None or own is None or cast.price(own) > cast.price(cast.key) - HOMESICK:
        return cast
    return cast.moved(own)


def recast(session: Session) -> Session:
    """The same take with others playing, where the catalog has others as good."""
    worn = _worn(session.sources, session.used)
    playing = [("harmony", part) for part in session.cast.harmony] + [
        ("drums", p) for p in session.cast.drums
    ]
    for role, part in playing:
        worn[(role, part.source.id)] += 1.0
    rng = generator(session.brief.seed, session.take, "cast", "others")
    cast = _cast(session.sources, session.brief, session.key, rng, worn)
    return replace(session, cast=cast, notes=_notes(session.sources, cast, session.brief))


def compose(session: Session, *, style: str, variant: int, in_key: bool = False) -> Plan:
    """A plan in a style ("hard" or "soft"). The variant draws other phrases from the same tracks.

    in_key: only phrases near the key of the take are cheap, which costs likeness where it is not needed.
    """
    brief, cast, key = session.brief, session.cast, session.key if in_key else None
    grid = Grid(brief.bpm)
    length = form.length(brief.duration_seconds, grid)
    kind = form.family(brief.genre)
    made = form.sections(
        length.bars,
        energy=brief.energy,
        density=brief.density,
        style=style,
        drop_bars=_drop_bars([p.source for p in cast.harmony]),
        contour=_contour(session.sources),
        emphasis=forward(brief),
        kind=kind,
    )
    # style is left out of the seed on purpose: hard and soft candidates share their cut phrases
    rng = generator(brief.seed, session.take, "phrases", variant)
    shares = shared_out(made, cast, brief.blend.weight, rng) if brief.blend else None
    harmony_slots = slots(made, "harmony")
    harmony, harmony_cost = choose_line(
        harmony_slots,
        _dealt(harmony_slots, cast.harmony, length.bars, "harmony", shares),
        rng,
        layer="harmony",
        temperature=brief.temperature,
        used=session.used,
        key=key,
    )
    every_drum = slots(
        [Section(s.name, s.first_bar, s.bars, s.energy, {"drums": 1.0}) for s in made], "drums"
    )
    drums, drums_cost = choose_line(
        every_drum,
        _dealt(every_drum, _ordered_drums(cast), length.bars, "drums", shares),
        rng,
        layer="drums",
        temperature=brief.temperature,
        used=session.used,
    )
    audible = {slot.bar for slot in slots(made, "drums")}
    drums = [choice for choice in drums if choice.slot.bar in audible]
    lines: dict[str, list[Choice]] = {"drums": drums, "harmony": harmony}
    bass_slots = slots(made, "bass")
    lines["bass"] = following(harmony, bass_slots)
    for layer, parts in (("bass", cast.bass), ("lead", cast.lead)):
        if parts:
            wanted = bass_slots if layer == "bass" else [s for s in slots(made, "lead") if s.name != "intro"]
            lines[layer], _ = choose_line(
                wanted, assign(wanted, parts, length.bars), rng, layer=layer, under=harmony, key=key
            )
    blocks = [block_of(choice, layer) for layer, line in lines.items() for choice in line]
    by_id = {source.id: source for source in session.sources}
    return Plan(
        engine=ENGINE,
        style=style,
        seed=str(brief.seed),
        take=session.take,
        bpm=brief.bpm,
        key=session.key.name if session.key else None,
        bars=length.bars,
        samples=length.samples,
        energy=brief.energy,
        target_lufs=_loudness(session),
        sections=made,
        blocks=tuple(sorted(blocks, key=lambda b: (b.bar, b.layer))),
        events=form.events(made, style=style, energy=brief.energy, bars=length.bars, kind=kind),
        spectrum=_spectrum(session),
        tilt_db=round(float(1.5 * mood_wishes(brief)[0] + 2.0 * (brief.energy - 0.5)), 3),
        voices=voices_of(made, blocks, f"{brief.seed}/{session.take}", brief, session.sources),
        chords=chords_of(blocks, by_id, session.key, length.bars),
        costs={
            **cast.costs,
            "harmony_phrases": round(harmony_cost, 4),
            "drum_phrases": round(drums_cost, 4),
            "key": Tonality.of(blocks, made, by_id).cost(session.key),
        },
    )


def _dealt(
    found: Sequence[Slot], parts: Sequence[Part], bars: int, layer: str, shares: Shares | None
) -> list[Part]:
    if shares is None:
        return assign(found, parts, bars, layer=layer)
    return parts_of_both(found, parts, shares, bars, layer=layer)


def total_cost(plan: Plan) -> float:
    """What the search paid for a plan; lower is better."""
    return sum(plan.costs.values())


def _worn(sources: Sequence[Source], used: Used) -> dict[tuple[str, str], float]:
    """How much each track gave to earlier takes, as the cast counts it: a short one is soon used up."""
    return {
        (role, source.id): used.portion(source) / A_PART
        for source in sources
        for role in ("harmony", "drums")
    }


def block_of(choice: Choice, layer: str) -> Block:
    slot, phrase, source = choice.slot, choice.phrase, choice.part.source
    return Block(
        bar=slot.bar,
        bars=slot.bars,
        layer=layer,
        track_id=source.id,
        source_bar=phrase.first_bar if source.pulse else None,
        start=round(phrase.start, 6),
        end=round(phrase.end, 6),
        source_beats=phrase.bars * BEATS,
        stretch=round(source.ratio, 9),
        shift=0 if layer == "drums" else choice.part.shift,
        order=choice.order,
        gain=round(source.gain, 5),
    )


def voices_of(
    made: Sequence[Section], blocks: Sequence[Block], seed: str, brief: Brief, sources: Iterable[Source]
) -> tuple[Voice, ...]:
    """What is played anew instead of cut: drums and bass in the second half of the last drop.

    So it begins with the artist's own bars and goes on with what was never recorded. A drop of less than eight bars
    has no halves. Of a track that the brief names some bars of, no other bars are lifted from.
    """
    by_id = {source.id: source for source in sources}
    drops = [section for section in made if section.name == "drop" and section.bars >= 8]
    if not drops:
        return ()
    found = []
    bars = drops[-1].bars // 8 * 4
    first = drops[-1].end_bar - bars
    for layer in ("bass", "drums"):
        under = next((b for b in blocks if b.layer == layer and b.bar == first and b.source_beats), None)
        if under is not None:
            voice = Voice(layer, first, bars, under.track_id, lifted_from(under, blocks), f"{seed}/{first}")
            asked = ranges.named(brief.references, layer, under.track_id)
            within = ranges.seconds(by_id[under.track_id], asked) if asked else ()
            found.append(replace(voice, within=within))
    return tuple(found)


def lifted_from(block: Block, blocks: Sequence[Block]) -> tuple[tuple[float, float, int], ...]:
    """The cuts that a voice's sounds are taken from: those of the block it plays instead of, and its track's others."""
    own = [b for b in blocks if b.layer == block.layer and b.track_id == block.track_id and b.source_beats]
    places = sorted({(b.start, b.end, b.source_beats) for b in own})
    return tuple(places[:LIFTED_FROM])


def chords_of(
    blocks: Sequence[Block], sources: Mapping[str, Source], key: Key | None, bars: int
) -> tuple[str, ...]:
    """The chord of every bar, heard in the bars that give its harmony; "" where none is clear."""
    rows = np.zeros((bars, 12))
    for bar, at, block in harmony_bars(blocks, sources):
        if bar < bars:
            rows[bar] = np.roll(sources[block.track_id].track.analysis.bars.chroma[at], block.shift)
    return tuple(chord.name if chord.clear else "" for chord in chord_path(rows, key))


def _ordered_drums(cast: Cast) -> list[Part]:
    """Drums in an order in which no track, where possible, gives drums and harmony to the same theme."""
    orders = (
        [list(order) for order in permutations(cast.drums)] if len(cast.drums) <= 4 else [list(cast.drums)]
    )
    names = [part.source.id for part in cast.harmony]

    def clashes(order: list[Part]) -> int:
        themes = range(max(len(names), len(order)))
        return sum(names[i % len(names)] == order[i % len(order)].source.id for i in themes)

    return min(orders, key=clashes)


def _drop_bars(sources: Sequence[Source]) -> int | None:
    """How long the drops of these tracks are in bars of the take; None when they have none."""
    found = [
        s.bars * source.fold for source in sources for s in source.track.analysis.sections if s.name == "drop"
    ]
    return int(round(float(np.median(found)) / 4) * 4) or None if found else None


def _contour(sources: Sequence[Source]) -> dict[str, tuple[float, float]]:
    """For each kind of section, how much of the drops' drums and low end these tracks keep in it (medians, 0..1)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for source in sources:
        analysis = source.track.analysis
        bars, rows = (
            analysis.bars,
            [(s.name, slice(s.first_bar, s.first_bar + s.bars)) for s in analysis.sections],
        )
        drops = [rows for name, rows in rows if name == "drop" and rows.stop <= len(bars)]
        if not drops:
            continue
        low = float(np.mean([bars.low[drop].mean() for drop in drops]))
        drums = max(float(np.mean([bars.drums[drop].mean() for drop in drops])), 1e-3)
        for name, inside in rows:
            if name != "drop" and inside.stop <= len(bars) and inside.stop > inside.start:
                fallen = 10.0 * (low - float(bars.low[inside].mean()))
                kept = float(np.clip(10.0 ** (-fallen / 20.0), 0.0, 1.0))
                share = float(np.clip((float(bars.drums[inside].mean()) / drums - 0.3) / 0.6, 0.0, 1.0))
                found.setdefault(name, []).append((share, kept))
    return {
        name: (float(np.median([d for d, _ in v])), float(np.median([b for _, b in v])))
        for name, v in found.items()
    }


def _loudness(session: Session) -> float:
    """LUFS: what this artist's tracks are mastered to, or their genre where that is not known; calm takes lower.

    Of a blend, the weighted mean of what the two are mastered to.
    """
    brief, found = session.brief, []
    for sources, weight in _sides(session):
        known = [s.track.analysis.lufs for s in sources if s.track.analysis.lufs is not None]
        if known:
            found.append((float(np.median(known)), weight))
    parts = sum(weight for _, weight in found)
    wanted = sum(lufs * weight for lufs, weight in found) / parts if found else target_lufs(brief.genre)
    wanted = float(np.clip(wanted, QUIETEST_LUFS, LOUDEST_LUFS))
    wanted -= 2.5 * max(0.0, 0.5 - brief.energy)
    return round(float(np.clip(wanted, QUIETEST_LUFS, LOUDEST_LUFS)), 2)


def _spectrum(session: Session) -> tuple[float, ...]:
    """Mean long-term spectrum in dB around zero: of the style references where there are any, else of the catalog.

    Of a blend, the weighted mean of the two: the references stand for the artist's own part.
    """
    levels = np.zeros(1)
    for sources, weight in _sides(session):
        guides = [s for s in sources if s.id in session.cast.style_ids] or sources
        levels = levels + weight * np.mean(
            [np.asarray(s.track.analysis.ltas, dtype=np.float64) for s in guides], axis=0
        )
    return tuple(round(float(v), 2) for v in levels - levels.mean())


def _sides(session: Session) -> list[tuple[list[Source], float]]:
    """The catalogs behind a take, each with its weight; of a take of one's own the one."""
    weight = session.brief.blend.weight if session.brief.blend else 0.0
    mine = [s for s in session.sources if not s.track.theirs]
    theirs = [s for s in session.sources if s.track.theirs]
    found = [(mine, 1.0 - weight), (theirs, weight)] if mine and theirs else [(mine or theirs, 1.0)]
    return [(sources, part) for sources, part in found if part > 0.0]


def _notes(sources: Sequence[Source], cast: Cast, brief: Brief) -> tuple[str, ...]:
    notes = list(cast.notes)
    count = len(cast.sources())
    if count < 3:
        whose = "the tracks of both" if brief.blend else "your tracks"
        notes.append(
            f"Only {count} of {whose} could be used, so this take leans on "
            f"{'it' if count == 1 else 'them'} heavily. More tracks make more of your own mixture."
        )
    return tuple(notes)
