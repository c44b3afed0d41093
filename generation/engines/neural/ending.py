"""What every engine that makes a finished sound does with it: stems and notes out of it, and a master of the stems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.brief import Brief
from generation.engines.neural import parts
from generation.engines.progress import Progress
from generation.mastering import master, target_lufs


@dataclass(frozen=True, eq=False)
class Ended:
    """audio, stems: as a Rendering has them. told: what its plan says of stems and notes."""

    audio: np.ndarray
    stems: dict[str, np.ndarray]
    told: dict[str, Any]


def ended(sound: np.ndarray, brief: Brief, progress: Progress, begins: float) -> Ended:
    """Of (2, n) float32 at 44.1 kHz in the brief's tempo. begins: how far the take is before this."""
    left = 1.0 - begins
    progress.to(begins, "Taking it apart into stems")
    apart = parts.taken_apart(sound, progress.tick)
    progress.to(begins + 0.4 * left, "Writing down notes")
    score = parts.notes_of(apart, brief.bpm)
    progress.to(begins + 0.6 * left, "Mastering")
    done = master(apart.stems, parts.SAMPLE_RATE, target_lufs=target_lufs(brief.genre), on_step=progress.tick)
    midi = "Approximate: written down from the finished sound." if score else ""
    return Ended(done.audio, done.stems, {"score": score, "approximate": {"stems": apart.how, "midi": midi}})
