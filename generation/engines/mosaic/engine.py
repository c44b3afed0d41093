"""Mosaic: the embedded engine. It composes from the artist's own tracks; CPU only, no weights, exact by seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.repeatable import one_thread
from generation.brief import Brief, Edit
from generation.engines.base import (
    Availability,
    Cache,
    CorpusTrack,
    EngineError,
    Material,
    OnProgress,
    Rendering,
)
from generation.engines.mosaic.arrange import strokes
from generation.engines.mosaic.cast import own_energies
from generation.engines.mosaic.compose import ENGINE, open_session
from generation.engines.mosaic.corpus import Source
from generation.engines.mosaic.dial import wanted_energy
from generation.engines.mosaic.drummer import Note, note
from generation.engines.mosaic.edits import ANEW, edited
from generation.engines.mosaic.lineage import source_map
from generation.engines.mosaic.material import Desk
from generation.engines.mosaic.mixing import finish, mix
from generation.engines.mosaic.plan import PLAN_VERSION, SAMPLE_RATE, Plan, generator
from generation.engines.mosaic.players import Part, played
from generation.engines.mosaic.search import VARIANTS, choice, drafts, search
from generation.engines.mosaic.transitions import struck
from generation.engines.mosaic.workshop import Workshop
from generation.engines.progress import Progress
from generation.mastering import Mastered

SHORTEST_SECONDS = 5.0
LONGEST_SECONDS = 600.0
EDITS_TRIED = 3


class Mosaic:
    """Composes new tracks from bars of the artist's own."""

    slug = "mosaic"
    label = "Mosaic"
    version = ENGINE.split("/")[1]
    licence = "Your own recordings"
    commercial_use = True
    plan_version = PLAN_VERSION
    description = (
        "Composes from the bars of your own tracks, on any machine, and knows where each bar came from."
    )

    def availability(self) -> Availability:
        return Availability(ready=True)

    def capabilities(self) -> frozenset[str]:
        return frozenset(
            {
                *("bpm", "key", "energy", "references", "stems", "midi", "seed"),
                *("lineage", "edit", "replay", "blend"),
            }
        )

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
        progress = Progress(on_progress)
        if brief.edit is not None:
            return self._edit(brief, brief.edit, material, progress)
        progress.to(0.0, "Choosing from your tracks")
        session = open_session(brief, material.corpus, take)
        options = [Option(plan, notes=tuple(notes)) for plan, notes in drafts(session, progress.tick)]
        return _best_of(options, VARIANTS, brief, session.sources, material, progress)

    def _edit(self, brief: Brief, edit: Edit, material: Material, progress: Progress) -> Rendering:
        """A finished take with one thing changed. What is composed anew is tried a few times, as a whole take is."""
        progress.to(0.0, "Changing the plan")
        parent = stored_plan(material.parent or {})
        tries = EDITS_TRIED if edit.kind in ANEW and material.judge is not None else 1
        options = []
        for number in range(tries):
            chance = generator(brief.seed, "edit", edit.kind, number)
            desk = Desk.of(parent, material.corpus, brief, chance)
            plan, changes = edited(desk, edit)
            options.append(Option(plan, changes=tuple(changes)))
            progress.tick()
        return _best_of(options, tries, brief, tuple(desk.sources.values()), material, progress)

    @one_thread
    def replay(self, plan: dict[str, Any], material: Material, *, on_progress: OnProgress) -> Rendering:
        """The take of a stored plan once more: on the same platform and versions the very same samples.

        Raises EngineError with a sentence when a source is gone or the plan is another version's.
        """
        stored = stored_plan(plan)
        progress = Progress(on_progress)
        progress.to(0.0, "Cutting and layering")
        workshop = workshop_for(material.corpus, progress.tick, material.cache)
        again, finished = _finished(stored, None, workshop, progress)
        told: dict[str, Any] = {
            name: plan[name] for name in ("candidates", "choice", "changes") if name in plan
        }
        return _rendering(again, finished, workshop, told, [])


@dataclass(frozen=True)
class Option:
    """A plan that may become the take. notes: what the artist should know of it. changes: of an edit, what is new."""

    plan: Plan
    notes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


def _best_of(
    options: Sequence[Option],
    drawn: int,
    brief: Brief,
    sources: Sequence[Source],
    material: Material,
    progress: Progress,
) -> Rendering:
    """The best of these as a take. drawn: how many plans there were before these were picked for hearing."""
    workshop = workshop_for(material.corpus, progress.tick, material.cache)
    heard = search(
        [option.plan for option in options],
        workshop,
        material.judge,
        progress,
        energy=wanted_energy(brief.energy, own_energies(sources)),
        catalog=[track.id for track in material.corpus],
        fresh=brief.edit is None,
    )
    best = heard[0]
    chosen = options[best.number]
    plan, finished = _finished(best.plan, best.stems, workshop, progress)
    told: dict[str, Any] = {
        "candidates": [candidate.told(best) for candidate in heard],
        "choice": choice(heard, drawn) if drawn > 1 else "",
        "changes": list(chosen.changes),
    }
    return _rendering(plan, finished, workshop, told, list(chosen.notes))


def stored_plan(plan: dict[str, Any]) -> Plan:
    """A plan as a take keeps it. Raises EngineError for one that this version does not play."""
    try:
        return Plan.from_json(plan)
    except (KeyError, TypeError, ValueError) as problem:
        raise EngineError(
            "This take was made by another version of Mosaic, whose plans this one does not play."
        ) from problem


def workshop_for(
    corpus: Sequence[CorpusTrack], tick: Callable[[], None], cache: Cache | None = None
) -> Workshop:
    """A workshop over the sound of these tracks; each is read when first cut and not in the cache."""
    return Workshop(corpus, tick, cache)


def _finished(
    plan: Plan, stems: dict[str, np.ndarray] | None, workshop: Workshop, progress: Progress
) -> tuple[Plan, Mastered]:
    """Mixed again where the stems were not kept, and mastered."""
    if stems is None:
        plan, stems = mix(plan, workshop, lambda share: progress.within(0.7, 0.8, share))
    progress.to(0.80, "Mixing")
    done = finish(plan, stems, progress.tick, lambda share: progress.within(0.80, 0.98, share))
    progress.to(1.0, "Mastered")
    return done


def _rendering(
    plan: Plan, finished: Mastered, workshop: Workshop, told: dict[str, Any], notes: list[str]
) -> Rendering:
    parts = played(plan, workshop)
    return Rendering(
        audio=finished.audio,
        sample_rate=SAMPLE_RATE,
        stems=finished.stems,
        plan=plan.to_json() | told | {"score": _score(plan, workshop, parts)},
        built_from=source_map(plan, parts),
        sections=[
            {
                "name": section.label or section.name,
                "first_bar": section.first_bar,
                "bars": section.bars,
                "start": round(plan.grid.bar(section.first_bar) / SAMPLE_RATE, 4),
                "end": round(min(plan.grid.bar(section.end_bar), plan.samples) / SAMPLE_RATE, 4),
            }
            for section in plan.sections
        ],
        notes=notes,
    )


def _score(plan: Plan, workshop: Workshop, parts: Sequence[Part]) -> dict[str, list[Note]]:
    """The notes of every stem that has an exact score, by stem, in order.

    The kick is known stroke by stroke, cut or played; of the others only what was played.
    """
    notes: dict[str, list[Note]] = {name: [] for name in ("kick", "drums", "bass", "lead")}
    for at, gain in struck(plan, strokes(plan, workshop, parts)):
        beat = round(at / SAMPLE_RATE * plan.bpm / 60.0, 6)
        notes["kick"].append(note("kick", beat, max(1, min(127, round(100 * gain))), plan.bpm))
    for part in parts:
        for stem, some in part.notes.items():
            notes[stem] += some
    return {stem: sorted(found, key=lambda one: one["start"]) for stem, found in notes.items() if found}
