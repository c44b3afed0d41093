"""A finished mix taken apart again, and what can be read out of it as notes. Both are guesses, and say so.

Demucs separates where its weights are on this machine; else our own split by percussive and harmonic sound and by
frequency. Either way the parts add up to the mix to the last bit of rounding: what nobody claims stays in the harmony.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generation.engines.mosaic.drummer import Note
from generation.engines.mosaic.kicks import find_kicks
from generation.engines.mosaic.pitches import LowPhrase, follow, heard
from generation.engines.mosaic.separate import separate, split_bass
from generation.engines.neural import separating

SAMPLE_RATE = 44_100
KICK_PITCH = 36
STEPS_A_BEAT = 4


@dataclass(frozen=True, eq=False)
class Parts:
    """stems: by name, adding up to the mix. how: a sentence on how they were made."""

    stems: dict[str, np.ndarray]
    how: str


def taken_apart(mix: np.ndarray, tick: Callable[[], None]) -> Parts:
    """(2, n) float32 at 44.1 kHz into drums, bass, harmony and, with Demucs, what sounds like a voice as lead."""
    if (found := separating.separated(mix, tick)) is not None:
        stems = {"drums": found["drums"], "bass": found["bass"], "lead": found["vocals"]}
        how = "Approximate: separated from the finished sound by Demucs."
    else:
        percussive, harmonic = separate(mix)
        tick()
        bass, _ = split_bass(harmonic)
        stems = {"drums": percussive, "bass": bass}
        how = (
            "Approximate: split from the finished sound by what strikes and what rings, and by frequency. "
            "With the weights of Demucs on this machine the split is cleaner."
        )
    stems = {name: stem for name, stem in stems.items() if float(np.abs(stem).max(initial=0.0)) > 1e-4}
    rest = mix.astype(np.float32, copy=True)
    for stem in stems.values():
        rest -= stem
    return Parts(stems | {"harmony": rest}, how)


def notes_of(parts: Parts, bpm: float) -> dict[str, list[Note]]:
    """The bass line, and the kick's strokes among the drums, as they were heard; beats from the first sample on."""
    score: dict[str, list[Note]] = {}
    step = 60.0 / bpm / STEPS_A_BEAT
    struck = np.zeros(0)
    if (drums := parts.stems.get("drums")) is not None and (kicks := find_kicks(drums)) is not None:
        at, gains = kicks.struck(0, drums.shape[1])
        struck = at / SAMPLE_RATE
        loudest = float(gains.max(initial=1e-9))
        score["drums"] = [
            _note(seconds * bpm / 60.0, 0.25, KICK_PITCH, float(gain) / loudest)
            for seconds, gain in zip(struck, gains, strict=True)
        ]
    if (bass := parts.stems.get("bass")) is not None:
        phrase = LowPhrase(bass, 0.0, step, 0.0, struck)
        if len(phrase.lines):
            score["bass"] = [
                _note(note.line / STEPS_A_BEAT, note.steps / STEPS_A_BEAT, round(note.midi), note.force)
                for note in heard([phrase], [follow(bass)])[0]
                if np.isfinite(note.midi)
            ]
    return {name: notes for name, notes in score.items() if notes}


def _note(start: float, length: float, pitch: int, force: float) -> Note:
    return {
        "start": round(float(start), 6),
        "length": round(float(length), 6),
        "pitch": int(np.clip(pitch, 0, 127)),
        "velocity": int(np.clip(round(100 * force), 1, 127)),
    }
