"""Which of several plans becomes the take: all are costed, some mixed and heard, one chosen, and it is said why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from catalog.analysis.keys import Key, mirex_weight, parse_key
from generation.engines.base import Judge
from generation.engines.mosaic.compose import Session, compose, recast, total_cost
from generation.engines.mosaic.dial import Hearing, Levels, tuned
from generation.engines.mosaic.ears import Ears
from generation.engines.mosaic.mixing import mix
from generation.engines.mosaic.plan import SAMPLE_RATE, Plan
from generation.engines.mosaic.rests import without_rest
from generation.engines.mosaic.tonality import ASTRAY
from generation.engines.mosaic.workshop import Workshop
from generation.engines.progress import Progress

VARIANTS = 7  # plans drawn and compared by their cost alone
OTHERS = 3  # of them with other tracks playing
MIXED = 4  # of them are mixed and heard, at most
LONG = 150 * SAMPLE_RATE  # from here on two are, and their stems are not kept: they would fill the memory
GOOD_ENOUGH = 0.88  # a candidate that fits so well and misses nothing ends the search
LEAST_OTHERS = 4  # tracks that must be left for a comparison without the ones the take is built from
ENERGY_SLACK = 0.03
DEAD_AIR_DB = -38.0  # of the quietest second: from here down a take seems to have stopped
RESTS = 3  # at most, that are played over by other bars
NOTICEABLE = 0.01  # of match


@dataclass(frozen=True)
class Candidate:
    """A plan that was mixed and heard, with everything measured that its sound decides.

    number: among the plans, from 0. match, alone: calibrated match with the catalog, and with those of its tracks that
    are not in the take; None without a judge. energy: as it will be measured. quietest: dBFS of its quietest second,
    rest: when it begins, in seconds. stems: None where they were not kept.
    """

    plan: Plan
    number: int = 0
    match: float | None = None
    alone: float | None = None
    energy: float | None = None
    key: Key | None = None
    quietest: float = 0.0
    rest: float = 0.0
    wanted_energy: float = 0.5
    stems: dict[str, np.ndarray] | None = field(default=None, repr=False, compare=False)
    ears: Ears | None = field(default=None, repr=False, compare=False)

    @property
    def quality(self) -> float:
        """What is maximised: fit, less what was asked for and missed."""
        fits = [value for value in (self.match, self.alone) if value is not None]
        return (float(np.mean(fits)) if fits else 0.0) - self.energy_miss - self.key_miss - self.silence_miss

    @property
    def energy_miss(self) -> float:
        if self.energy is None:
            return 0.0
        return 0.7 * max(0.0, abs(self.energy - self.wanted_energy) - ENERGY_SLACK)

    @property
    def key_miss(self) -> float:
        wanted = parse_key(self.plan.key) if self.plan.key else None
        if wanted is None or self.key is None:
            return 0.0
        weight = mirex_weight(self.key, wanted)
        return 0.0 if weight == 1.0 else 0.05 if weight == 0.3 else 0.15

    @property
    def silence_miss(self) -> float:
        return silence(self.quietest)

    def told(self, best: Candidate) -> dict[str, Any]:
        """The candidate for whoever wants to know why: {style, match, alone, energy, key, costs, chosen, reason}."""
        return {
            "style": self.plan.style,
            "match": self.match,
            "alone": self.alone,
            "energy": self.energy,
            "key": self.key.name if self.key else None,
            "costs": self.plan.costs,
            "chosen": self is best,
            "reason": _reason(self, best),
        }


def silence(quietest: float) -> float:
    """Of match, what a take is worth less whose quietest second is of this level (dBFS)."""
    return min(0.2, 0.02 * max(0.0, DEAD_AIR_DB - quietest))


def drafts(session: Session, tick: Callable[[], None]) -> list[tuple[Plan, tuple[str, ...]]]:
    """The plans worth hearing, likeliest first, each with what the artist should know of it.

    The cheapest in the likelier style, the cheapest of others who could play, the next cheapest, and the first in the
    other style. Where even the cheapest is likely to be heard in another key than its own, all are drawn anew from
    phrases near the key. The last two keep the artist's own bass throughout: not every bass can be played anew and
    still be theirs, and the match tells.
    """
    likely, other = ("hard", "soft") if session.brief.energy >= 0.45 else ("soft", "hard")

    def cheapest(of: Session, variants: int) -> list[tuple[int, Plan, bool]]:
        found: list[tuple[int, Plan, bool]] = []
        for in_key in (False, True):
            drawn = []
            for variant in range(variants):
                drawn.append(compose(of, style=likely, variant=variant, in_key=in_key))
                tick()
            order = sorted(range(variants), key=lambda n: (round(total_cost(drawn[n]), 9), n))
            found = [(n, drawn[n], in_key) for n in order]
            if found[0][1].costs["key"] < ASTRAY:
                break
        return found

    others = recast(session)
    own, theirs = cheapest(session, VARIANTS - OTHERS), cheapest(others, OTHERS)
    return [
        (own[0][1], session.notes),
        (theirs[0][1], others.notes),
        (_bass_cut(own[1][1]), session.notes),
        (_bass_cut(compose(session, style=other, variant=own[0][0], in_key=own[0][2])), session.notes),
    ]


def _bass_cut(plan: Plan) -> Plan:
    return replace(plan, voices=tuple(voice for voice in plan.voices if voice.layer != "bass"))


def search(
    plans: Sequence[Plan],
    workshop: Workshop,
    judge: Judge | None,
    progress: Progress,
    *,
    energy: float,
    catalog: Sequence[str],
    fresh: bool = True,
) -> list[Candidate]:
    """Mix and hear the plans in turn; all that were heard, best first. Without a judge only the first is.

    energy: what the take should measure. catalog: ids of all tracks. fresh: no edits, which keep the passages of their
    parent, rests and all. Only the best keeps its stems.
    """
    longest = max(plan.samples for plan in plans)
    limit = 1 if judge is None else min(len(plans), MIXED if longest <= LONG else 2)
    heard: list[Candidate] = []
    for number, plan in enumerate(plans[:limit]):
        # the first cuts nearly everything; the others find most of it cut
        low, span = (
            (0.04, 0.5)
            if number == 0
            else (0.54 + 0.24 * (number - 1) / max(1, limit - 1), 0.24 / max(1, limit - 1))
        )
        progress.to(low, "Cutting and layering" if number == 0 else "Trying another arrangement")
        measured, stems = mix(plan, workshop, partial(progress.within, low, low + 0.85 * span))
        progress.to(low + 0.9 * span, "Comparing with your catalog")
        listen = partial(hear, judge=judge, energy=energy, catalog=catalog)
        candidate = listen(measured, stems)
        if fresh and longest <= LONG:  # beside the stems of what is mended lie those of the attempt
            candidate = sounding(plan, candidate, workshop, listen, progress.tick)
        candidate = replace(candidate, number=number)
        progress.tick()
        if longest > LONG and limit > 1:
            candidate = replace(candidate, stems=None)
        heard = _kept([*heard, candidate])
        best = heard[0]
        if best.quality >= GOOD_ENOUGH and not (best.energy_miss or best.key_miss or best.silence_miss):
            break
    return [dialled(heard[0], judge), *heard[1:]]


def sounding(
    plan: Plan,
    candidate: Candidate,
    workshop: Workshop,
    listen: Callable[[Plan, dict[str, np.ndarray]], Candidate],
    tick: Callable[[], None],
) -> Candidate:
    """The candidate, with other bars where it fell silent for a second, as long as that makes it better.

    tick: called as it goes on; may raise, where the take was cancelled.
    """
    for _ in range(RESTS):
        if not candidate.silence_miss or candidate.stems is None:
            break
        turned = without_rest(plan, candidate.stems, candidate.rest)
        if turned is None:
            break
        again = listen(*mix(turned, workshop, lambda share: tick()))
        if again.quality <= candidate.quality:
            break
        plan, candidate = turned, again
    return candidate


def hear(
    plan: Plan,
    stems: dict[str, np.ndarray],
    judge: Judge | None,
    *,
    energy: float,
    catalog: Sequence[str],
) -> Candidate:
    """What a mixed plan will sound like as it is: its equaliser, its energy and key, and how it fits."""
    settled = bool(plan.eq_db)  # an edit keeps the equaliser and the levels of its parent
    ears = Ears(plan, stems)
    plan = replace(plan, eq_db=ears.eq_db)
    levels = Levels(plan.trims_db, plan.target_lufs, plan.quiet_db)
    if judge is None:
        quietest, rest = ears.quietest(levels)
        kept = None if settled else ears
        return Candidate(
            plan, quietest=round(quietest, 1), rest=rest, wanted_energy=energy, stems=stems, ears=kept
        )
    heard = ears.hear(levels)
    donors = plan.track_ids()
    alone = None
    if len(set(catalog) - set(donors)) >= LEAST_OTHERS:
        alone = round(float(judge(heard.vector, donors)), 4)
    return Candidate(
        plan,
        match=round(float(judge(heard.vector, ())), 4),
        alone=alone,
        energy=round(heard.energy, 3),
        key=heard.key,
        quietest=round(heard.quietest, 1),
        rest=heard.rest,
        wanted_energy=energy,
        stems=stems,
        ears=None if settled else ears,
    )


def dialled(candidate: Candidate, judge: Judge | None) -> Candidate:
    """The candidate with the levels and the loudness that bring it towards the energy asked for."""
    ears = candidate.ears
    if ears is None:
        return candidate

    def judged(levels: Levels) -> Hearing:
        if judge is None:
            return Hearing(ears.energy(levels))
        heard = ears.hear(levels)
        return Hearing(heard.energy, judge(heard.vector, ()), silence(heard.quietest))

    levels, heard = tuned(judged, candidate.plan.target_lufs, candidate.wanted_energy)
    plan = replace(
        candidate.plan, trims_db=levels.trims_db, target_lufs=levels.lufs, quiet_db=levels.quiet_db
    )
    return replace(
        candidate,
        plan=plan,
        energy=round(heard.energy, 3),
        match=None if heard.match is None else round(float(heard.match), 4),
        ears=None,
    )


def choice(candidates: Sequence[Candidate], drawn: int) -> str:
    """One sentence: how many there were, and why this one."""
    best = candidates[0]
    if len(candidates) == 1:
        if best.match is None:
            return f"The cheapest of {drawn} plans by fit, continuity and variety."
        return f"The cheapest of {drawn} plans, and the first that was heard fits your catalog at {best.match:.1%}."
    why = (
        "the nearest to your catalog"
        if best.match == max(c.match or 0.0 for c in candidates)
        else "the best balance"
    )
    if best.alone is not None and best.alone == max(c.alone or 0.0 for c in candidates):
        why += ", also without the tracks it is built from"
    return f"{drawn} plans were drawn, {len(candidates)} of them mixed and heard; this one is {why}."


def _reason(candidate: Candidate, best: Candidate) -> str:
    if candidate is best:
        return "Chosen."
    if candidate.key_miss > best.key_miss:
        return f"Reads as {candidate.key.name if candidate.key else 'no key'}, not as the key of the plan."
    if candidate.silence_miss > best.silence_miss + NOTICEABLE:
        return "Falls nearly silent for a second."
    if (candidate.match or 0.0) < (best.match or 0.0) - NOTICEABLE:
        return "Further from your catalog."
    if candidate.energy_miss > best.energy_miss + NOTICEABLE:
        return "Further from the energy asked for."
    if (candidate.match or 0.0) < (best.match or 0.0):
        return "Further from your catalog."
    if (candidate.alone or 0.0) < (best.alone or 0.0):
        return "Leans more on the tracks it is built from."
    return "No better, and drawn later."


def _kept(heard: list[Candidate]) -> list[Candidate]:
    """Best first; an earlier one wins a tie, for it is the likelier. Only the best keeps its stems."""
    ordered = sorted(heard, key=lambda candidate: -round(candidate.quality, 6))
    return [one if number == 0 else replace(one, stems=None, ears=None) for number, one in enumerate(ordered)]
