"""Mosaic: the embedded engine. It composes from the artist's own tracks; CPU only, no weights, exact by seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from catalog.repeatable import one_thread
from generation.brief import Brief
from generation.engines.base import Availability, CorpusTrack, EngineError, Material, OnProgress, Rendering
from generation.engines.mosaic.arrange import Part, arrange, block_gain, played, strokes
from generation.engines.mosaic.compose import Session, compose, open_session, total_cost
from generation.engines.mosaic.drummer import Note, note, score
from generation.engines.mosaic.eq import filtered, long_term_spectrum, matching_filter
from generation.engines.mosaic.plan import SAMPLE_RATE, STEMS, Plan
from generation.engines.mosaic.transitions import apply_events, struck
from generation.engines.mosaic.workshop import Workshop
from generation.mastering import Mastered, master

VARIANTS = 6  # plans drawn and compared by their cost alone
GOOD_ENOUGH = 0.88  # a candidate this close to the catalog ends the search
OPENING = 88  # samples of fade at the very start: a cut seldom begins at zero
SHORTEST_SECONDS = 5.0
LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class Candidate:
    """A plan that was heard by the judge. match: 0..1, None without a judge."""

    plan: Plan
    match: float | None


class Mosaic:
    """Composes new tracks from bars of the artist's own."""

    slug = "mosaic"
    label = "Mosaic"
    version = "1.1"
    licence = "Your own recordings"
    commercial_use = True
    description = (
        "Composes from the bars of your own tracks, on any machine, and knows where each bar came from."
    )

    def availability(self) -> Availability:
        return Availability(ready=True)

    def capabilities(self) -> frozenset[str]:
        return frozenset({"bpm", "key", "energy", "references", "stems", "midi", "seed", "lineage"})

    def estimate(self, brief: Brief, corpus_size: int) -> float:
        """Seconds for all takes: reading about six tracks, then work in proportion to the duration."""
        reading = 0.6 * min(6, max(1, corpus_size))
        return max(1, brief.takes) * (2.0 + reading + 0.1 * brief.duration_seconds)

    @one_thread
    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        """Plan, cut, arrange and master one take; among a few candidates the one nearest to the catalog is kept.

        Deterministic: the same brief, corpus and take give the same samples on one platform.
        Raises EngineError with a sentence when the catalog or the request does not allow a take.
        """
        if not SHORTEST_SECONDS <= brief.duration_seconds <= LONGEST_SECONDS:
            raise EngineError(
                f"A take lasts {SHORTEST_SECONDS:.0f} to {LONGEST_SECONDS:.0f} seconds. Choose a duration in it."
            )
        if not 40.0 <= brief.bpm <= 250.0:
            raise EngineError("The tempo must lie between 40 and 250 BPM.")
        progress = _Progress(on_progress)
        progress.to(0.0, "Choosing from your tracks")
        session = open_session(brief, material.corpus, take)
        plans = _ranked(session, progress)
        workshop = workshop_for(material.corpus, progress.tick)
        best = _search(plans, workshop, material.judge, progress)
        progress.to(0.80, "Mixing")
        finished = finish(
            best[0].plan, workshop, progress.tick, lambda share: progress.to(0.80 + 0.18 * share)
        )
        progress.to(1.0, "Mastered")
        plan = best[0].plan
        parts = played(plan, workshop)
        return Rendering(
            audio=finished.audio,
            sample_rate=SAMPLE_RATE,
            stems=finished.stems,
            plan=plan.to_json()
            | {
                "candidates": [
                    {"style": c.plan.style, "match": c.match, "costs": c.plan.costs} for c in best
                ],
                "score": score_of(plan, workshop, parts),
            },
            built_from=source_map(plan, parts),
            sections=[
                {
                    "name": section.name,
                    "first_bar": section.first_bar,
                    "bars": section.bars,
                    "start": round(plan.grid.bar(section.first_bar) / SAMPLE_RATE, 4),
                    "end": round(min(plan.grid.bar(section.end_bar), plan.samples) / SAMPLE_RATE, 4),
                }
                for section in plan.sections
            ],
            notes=list(session.notes),
        )


def workshop_for(corpus: Sequence[CorpusTrack], tick: Callable[[], None]) -> Workshop:
    """A workshop over the sound of these tracks; each is read when first cut."""
    return Workshop({t.id: t.load for t in corpus}, {t.id: t.title for t in corpus}, tick)


def mix(plan: Plan, workshop: Workshop, share_done: Callable[[float], None]) -> dict[str, np.ndarray]:
    """The stems of a plan with its events, before equalising and mastering."""
    missing = [track_id for track_id in plan.track_ids() if track_id not in workshop]
    if missing:
        raise EngineError(
            "A track this take was built from is no longer in the catalog, so it cannot be made again."
        )
    stems = arrange(plan, workshop, lambda share: share_done(0.9 * share))
    apply_events(plan, stems, lambda: share_done(0.95))
    share_done(1.0)
    return stems


@one_thread
def finish(
    plan: Plan, workshop: Workshop, tick: Callable[[], None], share_done: Callable[[float], None]
) -> Mastered:
    """A plan as mastered sound: the same plan and sources give the same samples."""
    stems = mix(plan, workshop, lambda share: share_done(0.3 * share))
    total = _total(stems)
    if float(np.abs(total).max(initial=0.0)) < 1e-4:
        raise EngineError(
            "The passages chosen for this take are silent. Try other references or another seed."
        )
    kernel = matching_filter(long_term_spectrum(total), plan.spectrum, plan.tilt_db)
    del total
    opening = np.linspace(0.0, 1.0, min(OPENING, plan.samples), dtype=np.float32)
    for number, name in enumerate(list(stems)):
        if stems[name].any():
            stems[name] = filtered(stems[name], kernel)
            stems[name][:, : opening.size] *= opening
        else:
            del stems[name]
        share_done(0.3 + 0.1 * (number + 1) / len(STEMS))
        tick()
    finished = master(stems, SAMPLE_RATE, target_lufs=plan.target_lufs, on_step=tick)
    share_done(1.0)
    return finished


def score_of(plan: Plan, workshop: Workshop, parts: Sequence[Part]) -> dict[str, list[Note]]:
    """The notes of every stem that has an exact score, by stem, in order.

    The kick is known stroke by stroke, cut or played; of the other drums only what was played.
    """
    notes: dict[str, list[Note]] = {"kick": [], "drums": []}
    for at, gain in struck(plan, strokes(plan, workshop, parts)):
        beat = round(at / SAMPLE_RATE * plan.bpm / 60.0, 6)
        notes["kick"].append(note("kick", beat, max(1, min(127, round(100 * gain))), plan.bpm))
    for part in parts:
        for stem, played_notes in score(part.hits, part.voice.bar, plan.bpm).items():
            notes[stem] += played_notes
    return {stem: sorted(found, key=lambda one: one["start"]) for stem, found in notes.items() if found}


def source_map(plan: Plan, parts: Sequence[Part] = ()) -> list[dict[str, object]]:
    """For every bar and layer of a take, where in which track it comes from.

    A bar of a part that was played names the stretch of its track that the one-shots lie in, and each of them.
    """
    found: list[dict[str, object]] = []
    for part in parts:
        shots = part.kit.shots
        for bar in range(part.voice.bar, part.voice.end_bar):
            found.append(
                {
                    "bar": bar,
                    "layer": "kit",
                    "track_id": part.voice.track_id,
                    "source_bar": None,
                    "source_start": min(shot.start for shot in shots.values()),
                    "source_end": max(shot.end for shot in shots.values()),
                    "stretch": 1.0,
                    "shift": 0,
                    "gain": 1.0,
                    "shots": {name: [shot.start, shot.end] for name, shot in shots.items()},
                }
            )
    for block in plan.blocks:
        if block.layer == "drums" and any(part.covers(block) for part in parts):
            continue
        # seconds of source in one bar of the take, and its own bars in one
        seconds = plan.grid.bar_seconds * block.stretch
        own_bars = block.source_beats / 16.0
        for offset, turned in enumerate(block.order):
            start = block.start + turned * seconds
            found.append(
                {
                    "bar": block.bar + offset,
                    "layer": block.layer,
                    "track_id": block.track_id,
                    "source_bar": None
                    if block.source_bar is None
                    else int(block.source_bar + turned * own_bars),
                    "source_start": round(start, 4),
                    "source_end": round(start + seconds, 4),
                    "stretch": round(block.stretch, 5),
                    "shift": block.shift,
                    "gain": block_gain(plan, block),
                }
            )
    return sorted(found, key=lambda entry: (entry["bar"], entry["layer"]))


class _Progress:
    """Fractions that never fall, and a tick for long work in between."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress, self._fraction, self._words = on_progress, 0.0, ""

    def to(self, fraction: float, words: str | None = None) -> None:
        self._fraction = max(self._fraction, min(1.0, fraction))
        self._words = words or self._words
        self._on_progress(self._fraction, self._words)

    def within(self, low: float, high: float, share: float) -> None:
        self.to(low + (high - low) * share)

    def tick(self) -> None:
        self._on_progress(self._fraction, self._words)


def _ranked(session: Session, progress: _Progress) -> list[Plan]:
    """The plans worth hearing: both styles of the cheapest variant, then the next variant in the likelier style."""
    drawn = []
    for variant in range(VARIANTS):
        drawn.append((variant, compose(session, style="hard", variant=variant)))
        progress.tick()
    drawn.sort(key=lambda item: (round(total_cost(item[1]), 9), item[0]))
    first, second = drawn[0][0], drawn[1][0]
    likely, other = ("hard", "soft") if session.brief.energy >= 0.45 else ("soft", "hard")
    return [
        compose(session, style=likely, variant=first),
        compose(session, style=other, variant=first),
        compose(session, style=likely, variant=second),
        compose(session, style=other, variant=second),
    ]


def _search(
    plans: Sequence[Plan],
    workshop: Workshop,
    judge: Callable[[np.ndarray], float] | None,
    progress: _Progress,
) -> list[Candidate]:
    """Candidates, best first. Both styles are heard, then another variant in the better one; one without a judge."""
    if judge is None:
        return [Candidate(plans[0], None)]
    heard: list[Candidate] = []
    limit = 3 if plans[0].samples <= 150 * SAMPLE_RATE else 2
    for number in range(limit):
        plan = plans[number]
        if number == 2 and heard[1].match is not None and heard[0].match is not None:
            plan = plans[2] if heard[0].match >= heard[1].match else plans[3]
        low, span = ((0.04, 0.5), (0.54, 0.08), (0.62, 0.18))[number]
        progress.to(low, "Cutting and layering" if number == 0 else "Trying another arrangement")
        total = _total(mix(plan, workshop, partial(progress.within, low, low + 0.9 * span)))
        progress.tick()
        total = filtered(total, matching_filter(long_term_spectrum(total), plan.spectrum, plan.tilt_db))
        progress.to(low + 0.95 * span, "Comparing with your catalog")
        match = float(judge(total))
        progress.tick()
        heard.append(Candidate(plan, round(match, 4)))
        if match >= GOOD_ENOUGH:
            break
    # the earlier one wins a tie: it is the likelier style
    return sorted(heard, key=lambda c: -(c.match or 0.0))


def _total(stems: dict[str, np.ndarray]) -> np.ndarray:
    names = list(stems)
    total = stems[names[0]].copy()
    for name in names[1:]:
        total += stems[name]
    return total
