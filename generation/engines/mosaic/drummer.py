"""New patterns on an artist's own kit, in their groove: an exact score, and its sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generation.engines.mosaic.kit import NAMES, SECONDS, STEPS, Kit
from generation.engines.mosaic.plan import BEATS, Grid

PITCH = {"kick": 36, "snare": 38, "hat": 42}  # General MIDI
SURE, NEVER = 0.75, 0.15  # chances above and below which a sixteenth is always or never struck
LOUDEST = 127
STEM = {"kick": "kick", "snare": "drums", "hat": "drums"}

Note = dict[str, float | int]


@dataclass(frozen=True)
class Hit:
    """One stroke. beat: from the start of the part, groove included. velocity: 1..127, linear in amplitude."""

    beat: float
    name: str
    velocity: int


def pattern(kit: Kit, bars: int, bpm: float, rng: np.random.Generator) -> list[Hit]:
    """A part of `bars` bars: two bars drawn from how often the artist strikes what, repeated, varied, and filled.

    The same kit, bars, tempo and generator state give the same part.
    """
    theme = [_drawn(kit, rng), _drawn(kit, rng)]
    hits: list[Hit] = []
    for bar in range(bars):
        struck = theme[bar % 2]
        if bar % 4 == 3:
            # the fourth bar answers: other light strokes, the same backbone
            struck = {
                name: np.where(_sure(kit, name), struck[name], again)
                for name, again in _drawn(kit, rng).items()
            }
        for name, steps in struck.items():
            hits += [_hit(kit, name, bar, int(step), bpm) for step in np.flatnonzero(steps)]
        if bar == bars - 1 or bar % 8 == 7:
            hits = _filled(kit, hits, bar, bpm)
    return sorted(hits, key=lambda hit: (hit.beat, NAMES.index(hit.name)))


def sound(kit: Kit, hits: Sequence[Hit], grid: Grid, first_bar: int, count: int) -> dict[str, np.ndarray]:
    """By stem (kick, drums), (2, count) float32 from the start of `first_bar`.

    Each stroke lies at its sample and is as loud as its velocity says.
    """
    out = {stem: np.zeros((2, count), dtype=np.float32) for stem in dict.fromkeys(STEM.values())}
    origin = grid.bar(first_bar)
    for hit in hits:
        at = grid.beat(first_bar * BEATS + hit.beat) - origin
        shot = kit.shots[hit.name].samples
        size = min(shot.shape[1], count - at)
        if at >= 0 and size > 0:
            out[STEM[hit.name]][:, at : at + size] += shot[:, :size] * np.float32(hit.velocity / LOUDEST)
    return out


def score(hits: Sequence[Hit], first_bar: int, bpm: float) -> dict[str, list[Note]]:
    """The part as notes, by stem: {start, length (beats of the take), pitch, velocity}."""
    notes: dict[str, list[Note]] = {stem: [] for stem in STEM.values()}
    for hit in hits:
        beat = round(first_bar * BEATS + hit.beat, 6)
        notes[STEM[hit.name]].append(note(hit.name, beat, hit.velocity, bpm))
    return notes


def note(name: str, beat: float, velocity: int, bpm: float) -> Note:
    """One stroke of a voice as a note, at `beat` of the take."""
    length = round(SECONDS[name] * bpm / 60.0, 6)
    return {"start": beat, "length": length, "pitch": PITCH[name], "velocity": velocity}


def _sure(kit: Kit, name: str) -> np.ndarray:
    return np.asarray((kit.chance[name] >= SURE) | (kit.chance[name] <= NEVER))


def _drawn(kit: Kit, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """For each voice which of 16 steps are struck in one bar."""
    struck = {}
    for name in kit.shots:
        likely = np.clip((kit.chance[name] - NEVER) / (SURE - NEVER), 0.0, 1.0)
        struck[name] = rng.random(STEPS) < likely
    if not struck["kick"].any():
        struck["kick"][int(np.argmax(kit.chance["kick"]))] = True
    return struck


def _hit(kit: Kit, name: str, bar: int, step: int, bpm: float) -> Hit:
    force = float(kit.force[name][step]) or 0.6
    late = float(kit.late[step]) * bpm / 60.0
    beat = max(0.0, bar * BEATS + step * BEATS / STEPS + late)
    return Hit(round(beat, 6), name, int(np.clip(round(LOUDEST * force), 24, LOUDEST)))


def _filled(kit: Kit, hits: list[Hit], bar: int, bpm: float) -> list[Hit]:
    """The last beat of a bar as rising sixteenths of the snare (of the hat, where there is none)."""
    name = "snare" if "snare" in kit.shots else "hat"
    start = bar * BEATS + BEATS - 1 - 0.1
    kept = [hit for hit in hits if hit.beat < start or hit.name not in (name, "kick")]
    for number, step in enumerate(range(STEPS - STEPS // BEATS, STEPS)):
        beat = bar * BEATS + step * BEATS / STEPS + float(kit.late[step]) * bpm / 60.0
        kept.append(Hit(round(beat, 6), name, 72 + 17 * number))
    return kept
