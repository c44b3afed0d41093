"""Which phrases play where: a beam search over the blocks of one layer, for energy, continuity and variety."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from catalog.analysis.keys import Key
from generation.engines.mosaic.cast import Part
from generation.engines.mosaic.corpus import BLOCK_BARS, Phrase
from generation.engines.mosaic.plan import Section
from generation.engines.mosaic.tonality import strangeness
from generation.engines.mosaic.used import Used

BEAM = 12
SHARE = 0.40  # most of the bars that one source may play in, where there are others
# orders keep odd bars odd: a phrase of a track at half the tempo is two of its bars, each cut in halves
ORDERS = ((0, 1, 0, 3), (2, 1, 2, 3), (0, 3, 2, 1), (2, 3, 0, 1))
PLAIN = (0, 1, 2, 3)
STRANGE = 0.8  # cost of a phrase that has nothing of the key of the take
AGAIN = 1.0  # cost of a phrase that was played already: that of one a good half of the energies away
NOTHING = Used()
VERBATIM = 7.9  # seconds of one recording in a row that are still a building block, not a quotation


@dataclass(frozen=True)
class Slot:
    """One block to fill: place in the take, its section, and its number within the section."""

    bar: int
    bars: int
    section: int
    name: str
    energy: float
    number: int


@dataclass(frozen=True, eq=False)
class Choice:
    """What fills a slot."""

    slot: Slot
    part: Part
    phrase: Phrase
    order: tuple[int, ...]


def slots(sections: Sequence[Section], layer: str) -> list[Slot]:
    """The blocks of a layer, in order, leaving out sections where it is silent."""
    found = []
    for index, section in enumerate(sections):
        if section.gains.get(layer, 0.0) <= 0.0:
            continue
        for number, start in enumerate(range(section.first_bar, section.end_bar, BLOCK_BARS)):
            bars = min(BLOCK_BARS, section.end_bar - start)
            # within a section the second half is a little fuller, so that it moves towards what follows
            rise = 0.06 * (number * BLOCK_BARS / max(section.bars, 1) - 0.25)
            found.append(Slot(start, bars, index, section.name, section.energy + rise, number))
    return found


def assign(
    found: Sequence[Slot], parts: Sequence[Part], total_bars: int, *, layer: str = "harmony"
) -> list[Part]:
    """The part for each slot: the themes of a form (first drop, quiet middle, last drop) each have their own.

    A part that would play in more than 40 % of the bars gives the end of its longest stretch to the least used one.
    Parts that the artist named for this very role play it throughout, the harmony but for builds and breaks.
    """
    if not parts:
        return []
    drop = [slot.section for slot in found if slot.name == "drop"]
    last_drop = max(drop, default=0)
    two_drops = len(set(drop)) > 1
    themes = []
    for slot in found:
        if slot.name == "drop":
            theme = 2 if two_drops and slot.section == last_drop else sorted(set(drop)).index(slot.section)
        elif slot.name == "intro":
            theme = 0 if two_drops else 1
        elif slot.name == "outro":
            theme = 2
        else:
            theme = 1
        themes.append(theme % len(parts))
    if len(parts) > 3:  # more were asked for than a form has themes: they take turns
        themes = [slot.section % len(parts) for slot in found]
    asked = [part.asked for part in parts]
    if any(asked) and not all(asked):
        first = [i for i, named in enumerate(asked) if named]
        rest = [i for i, named in enumerate(asked) if not named]
        aside = () if layer == "drums" else ("break", "build")
        return [
            parts[rest[slot.section % len(rest)] if slot.name in aside else first[slot.section % len(first)]]
            for slot in found
        ]
    if len(parts) >= 3 and not any(asked):
        _balance(themes, found, len(parts), total_bars)
    return [parts[theme] for theme in themes]


def _balance(themes: list[int], found: Sequence[Slot], count: int, total_bars: int) -> None:
    for _ in range(len(found)):
        bars = np.zeros(count)
        for theme, slot in zip(themes, found, strict=True):
            bars[theme] += slot.bars
        most = int(bars.argmax())
        if bars[most] <= SHARE * total_bars:
            return
        own = [i for i, theme in enumerate(themes) if theme == most]
        longest = max(
            {found[i].section for i in own},
            key=lambda s: sum(found[i].bars for i in own if found[i].section == s),
        )
        last = max(i for i in own if found[i].section == longest)
        if bars.min() + found[last].bars >= bars[most]:
            return
        themes[last] = int(bars.argmin())


def choose_line(
    found: Sequence[Slot],
    parts: Sequence[Part],
    rng: np.random.Generator,
    *,
    layer: str,
    temperature: float = 1.0,
    used: Used = NOTHING,
    under: Sequence[Choice] = (),
    key: Key | None = None,
) -> tuple[list[Choice], float]:
    """Phrases for the slots of a layer, and the mean cost of a block.

    parts: the part for each slot. used: what was played already, to be avoided. under: an already chosen line with
    which each block should agree in harmony, or none. key: that of the take, which tonal layers should be heard in.
    """
    beneath = {choice.slot.bar: choice for choice in under}
    pools = {_name(part): _Pool.of(part.phrases()) for part in parts}
    chance = {name: rng.exponential(0.12, len(pool.phrases)) * temperature for name, pool in pools.items()}
    stale = {
        _name(part): AGAIN * np.array([used.share(part.source, p) for p in pools[_name(part)].phrases])
        for part in parts
    }
    foreign = {
        _name(part): STRANGE * strangeness(np.roll(pools[_name(part)].chroma, part.shift, axis=1), key)
        for part in parts
        if layer != "drums"
    }
    turns = rng.integers(0, 12, len(found))
    beam: list[tuple[float, tuple[tuple[str, int], ...]]] = [(0.0, ())]
    for step, (slot, part) in enumerate(zip(found, parts, strict=True)):
        name = _name(part)
        pool = pools[name]
        fixed = chance[name] + stale[name] + foreign.get(name, 0.0)
        fixed = fixed + np.array([_fixed_cost(phrase, slot, part, layer) for phrase in pool.phrases])
        if slot.bar in beneath:
            fixed = fixed + np.array([_clash(phrase, part, beneath[slot.bar]) for phrase in pool.phrases])
        adjacent = step > 0 and found[step - 1].bar + found[step - 1].bars == slot.bar
        grown = []
        for cost, path in beam:
            total = cost + fixed
            if path and adjacent:
                last_name, last_index = path[-1]
                total = total + pool.seams(pools[last_name], last_index, same_part=last_name == name)
            counts: dict[int, int] = {}
            for used_name, index in path:
                if used_name == name:
                    counts[index] = counts.get(index, 0) + 1
            for index, uses in counts.items():
                if adjacent and path[-1] == (name, index) and slot.number % 2 == 1 and uses < 2:
                    total[index] += (
                        0.1  # the second half of eight bars may answer the first with its own material
                    )
                else:
                    total = total + pool.overlaps(index) * (0.5 * uses)
                if uses >= 2:
                    total[index] += 3.0
            for index in np.argsort(total, kind="stable")[:BEAM]:
                grown.append((float(total[index]), (*path, (name, int(index)))))
        grown.sort(key=lambda item: (round(item[0], 9), item[1]))
        beam = grown[:BEAM]
    cost, path = beam[0]
    chosen: list[Choice] = []
    for step, (slot, part, (name, index)) in enumerate(zip(found, parts, path, strict=True)):
        phrase = pools[name].phrases[index]
        chosen.append(Choice(slot, part, phrase, _order(slot, phrase, part, chosen, int(turns[step]), layer)))
    return chosen, cost / max(1, len(found))


def following(line: Sequence[Choice], found: Sequence[Slot]) -> list[Choice]:
    """The same phrases for another layer's slots, so that bass and harmony agree; slots outside the line are left."""
    by_bar = {choice.slot.bar: choice for choice in line}
    return [
        Choice(slot, by_bar[slot.bar].part, by_bar[slot.bar].phrase, by_bar[slot.bar].order)
        for slot in found
        if slot.bar in by_bar
    ]


def _name(part: Part) -> str:
    """A track, or some bars of it: two ranges of one track are two things to choose from."""
    whole = part.low is None and part.high is None
    return part.source.id if whole else f"{part.source.id} {part.low} {part.high}"


def _fixed_cost(phrase: Phrase, slot: Slot, part: Part, layer: str) -> float:
    cost = 1.6 * abs(phrase.energy - slot.energy)
    cost += 0.3 if phrase.phase else 0.0
    cost += 0.06 * max(0.0, phrase.hole_db - 14.0)  # where a track dies away, a take would have a hole
    if layer == "drums":
        cost += 0.8 * max(0.0, part.source.drums - phrase.drums)
    else:
        # a passage of drums alone has no harmony to give
        cost += 1.5 * max(0.0, phrase.drums - 0.8) + 0.02 * max(0.0, -30.0 - phrase.level_db)
    return cost


def _clash(phrase: Phrase, part: Part, other: Choice) -> float:
    """1 - cosine between the notes of a phrase and those of the block it sounds with, both as shifted."""
    mine, theirs = np.roll(phrase.chroma, part.shift), np.roll(other.phrase.chroma, other.part.shift)
    return 1.2 * (1.0 - _cosine(mine, theirs))


@dataclass(frozen=True, eq=False)
class _Pool:
    """A source's phrases as arrays, so that a step of the search is a few vector operations."""

    phrases: list[Phrase]
    starts: np.ndarray
    ends: np.ndarray
    first: np.ndarray
    level: np.ndarray
    chroma: np.ndarray
    head: np.ndarray  # unit rows, like the next two
    tail: np.ndarray
    after: np.ndarray

    @classmethod
    def of(cls, phrases: list[Phrase]) -> _Pool:
        return cls(
            phrases,
            np.array([p.start for p in phrases]),
            np.array([p.end for p in phrases]),
            np.array([p.first_bar for p in phrases]),
            np.array([p.level_db for p in phrases]),
            np.array([p.chroma for p in phrases]).reshape(-1, 12),
            *(_unit(np.array([getattr(p, name) for p in phrases])) for name in ("head", "tail", "following")),
        )

    def seams(self, previous: _Pool, index: int, *, same_part: bool) -> np.ndarray:
        """How badly each phrase follows one of `previous`: within a track, against the bar that really followed."""
        if not same_part:
            return np.asarray(0.3 * (1.0 - self.head @ previous.tail[index]))
        last = previous.phrases[index]
        # playing straight on would be quoting: eight bars of a track in a row are the track
        straight_on = (self.first == last.first_bar + last.bars) & (last.bars > 0)
        level = 0.02 * np.abs(self.level - last.level_db)
        return np.asarray(0.5 * (1.0 - self.head @ previous.after[index]) + level + 0.9 * straight_on)

    def overlaps(self, index: int) -> np.ndarray:
        """Share of each phrase's time that phrase `index` plays too."""
        shared = np.minimum(self.ends, self.ends[index]) - np.maximum(self.starts, self.starts[index])
        return np.asarray(np.maximum(0.0, shared) / np.maximum(self.ends - self.starts, 1e-6))


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float64)


def _order(
    slot: Slot, phrase: Phrase, part: Part, before: Sequence[Choice], turn: int, layer: str
) -> tuple[int, ...]:
    """Plain for the first block of eight bars; the second is permuted where it would repeat or quote.

    Where the tempo is so slow that a whole phrase would be a long quotation, no run of it lasts over VERBATIM seconds.
    """
    # as long as it is heard, or as it is in its own track, whichever is more
    bar_seconds = part.source.block_seconds * max(1.0, part.source.ratio) / BLOCK_BARS
    most = max(1, int(VERBATIM / bar_seconds + 1e-6))
    quoting = repeating = False
    if before and before[-1].part.source.id == part.source.id:
        last = before[-1]
        adjacent = last.slot.bar + last.slot.bars == slot.bar
        quoting = adjacent and abs(last.phrase.end - phrase.start) < 0.5 * (phrase.end - phrase.start)
        repeating = adjacent and last.phrase is phrase
    permuted = repeating or quoting or (layer == "drums" and slot.number % 2 == 1)
    if slot.bars == BLOCK_BARS and (permuted or most < BLOCK_BARS):
        fitting = [
            order for order in ORDERS if longest_run(order) <= most and not (quoting and order[0] == 0)
        ]
        if fitting:
            return fitting[turn % len(fitting)]
    if slot.bars > most or (quoting and slot.bars > 1):
        return _broken(slot.bars, most, first=1 if quoting else 0)
    return PLAIN[: slot.bars]


def longest_run(order: Sequence[int]) -> int:
    """Most bars in a row that follow each other in the source."""
    longest = run = 1
    for one, following_one in pairwise(order):
        run = run + 1 if following_one == one + 1 else 1
        longest = max(longest, run)
    return longest


def _broken(bars: int, most: int, *, first: int) -> tuple[int, ...]:
    """Bars of a phrase in runs of at most `most`, each begun again from its start."""
    return tuple(
        (first + number % most) % bars if most > 1 else (first + 2 * number) % bars for number in range(bars)
    )


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.dot(a, b)) / size if size > 1e-9 else 0.0
