"""Tracks by the demo synthesiser, by artists that neither the demo nor the background holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.labelled.case import Case, kept
from catalog.analysis.keys import Key
from catalog.demo import STYLES, render_style

ARTIST_SEED, TRACK_SEED = 51_000, 52_000


def tracks(cache: Path, per_style: int, seconds: float) -> list[Case]:
    """Tracks of every style. Tempos get odd fractions, so that no rounding helps."""
    found = []
    for style, table in STYLES.items():
        for number in range(per_style):

            def make(style: str = style, number: int = number) -> tuple[np.ndarray, dict[str, Any]]:
                chance = np.random.default_rng(TRACK_SEED + number)
                bpm = round(float(chance.uniform(*STYLES[style].bpm)), 2)
                lead_in = round(float(chance.uniform(0, 1)), 3)
                made = render_style(
                    style, ARTIST_SEED + number, TRACK_SEED + number, seconds, bpm, lead_in=lead_in
                )
                truth = {"bpm": made.bpm, "tonic": made.key.tonic, "mode": made.key.mode}
                bar = 240 / made.bpm
                parts = [[s.name, s.start, s.start + s.bars * bar] for s in made.sections]
                return made.samples, truth | {
                    "downbeats": [float(d) for d in made.downbeats],
                    "sections": parts,
                }

            name = f"{style}-{number}-{seconds:g}"
            path, truth = kept(cache, "tracks", name, make)
            key = Key(truth["tonic"], truth["mode"])
            sections = tuple((part, start, end) for part, start, end in truth["sections"])
            found.append(
                Case(name, path, truth["bpm"], key, tuple(truth["downbeats"]), table.bpm, sections=sections)
            )
    return found
