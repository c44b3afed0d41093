"""The voices of a plan at their instruments: what each plays, what it sounds like, and where its sounds come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from catalog.analysis.keys import parse_key
from generation.engines.mosaic import bassist, drummer
from generation.engines.mosaic.chords import Chord, chord_named
from generation.engines.mosaic.plan import BEATS, Plan, Voice, generator
from generation.engines.mosaic.workshop import Workshop

Note = dict[str, float | int]
MOST_GAIN = 8.0  # a part is brought to the level of what it plays instead of, but noise is not made music


@dataclass(frozen=True)
class Part:
    """A voice and what it plays. notes: by stem. lifted: by sound, (start, end) seconds in its track.

    draw: samples -> by stem, (2, samples) float32 from the voice's first bar on.
    """

    voice: Voice
    notes: dict[str, list[Note]]
    lifted: dict[str, tuple[float, float]]
    draw: Callable[[int], dict[str, np.ndarray]]

    def play(self, plan: Plan, instead_of: np.ndarray, stems: dict[str, np.ndarray]) -> None:
        """Add the part to its stems, together as loud as what it plays instead of."""
        start = plan.grid.bar(self.voice.bar)
        end = min(plan.grid.bar(self.voice.end_bar), plan.samples)
        if end <= start:
            return
        new = self.draw(end - start)
        both = np.asarray(sum(new.values()))
        wanted, own = (
            float(np.mean(np.square(x, dtype=np.float64))) for x in (instead_of[:, start:end], both)
        )
        gain = np.float32(min(MOST_GAIN, np.sqrt(wanted / max(own, 1e-12))))
        for name, voices in new.items():
            stems[name][:, start:end] += voices * gain


def played(plan: Plan, workshop: Workshop) -> list[Part]:
    """The voices of a plan that have an instrument: the same plan and sources, the same notes."""
    players = {"drums": _drums, "bass": _bass}
    found = (players[voice.layer](plan, voice, workshop) for voice in plan.voices)
    return [part for part in found if part is not None]


def _drums(plan: Plan, voice: Voice, workshop: Workshop) -> Part | None:
    kit = workshop.kit(voice)
    if kit is None:
        return None
    hits = drummer.pattern(kit, voice.skip + voice.bars, plan.bpm, generator(voice.seed, "kit"))
    hits = [
        replace(hit, beat=round(hit.beat - voice.skip * BEATS, 6))
        for hit in hits
        if hit.beat >= voice.skip * BEATS
    ]
    return Part(
        voice,
        drummer.score(hits, voice.bar, plan.bpm),
        {name: (shot.start, shot.end) for name, shot in kit.shots.items()},
        lambda count: drummer.sound(kit, hits, plan.grid, voice.bar, count),
    )


def _bass(plan: Plan, voice: Voice, workshop: Workshop) -> Part | None:
    bass = workshop.bass(voice)
    if bass is None:
        return None
    chords = [chord_named(name) if name else Chord(0, "") for name in plan.chords[voice.bar : voice.end_bar]]
    chords = [*chords[:1] * voice.skip, *chords]
    notes = bassist.pattern(
        bass,
        chords,
        parse_key(plan.key) if plan.key else None,
        plan.bpm,
        generator(voice.seed, "bass"),
        density=0.35 + 0.4 * plan.section_at(voice.bar).energy,
    )
    notes = [
        replace(one, beat=one.beat - voice.skip * BEATS) for one in notes if one.beat >= voice.skip * BEATS
    ]
    if not notes:
        return None
    lifted = {f"note {number}": place for number, place in enumerate(bass.voice.sources, start=1)}
    return Part(
        voice,
        {"bass": bassist.score(notes, voice.bar)},
        lifted,
        lambda count: {"bass": bassist.sound(bass.voice, notes, plan.grid, voice.bar, count)},
    )
