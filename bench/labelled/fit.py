"""Fit the weights of `catalog.analysis.readings` on the half of the labelled music that may be looked at.

    python -m bench.labelled.fit --cache DIR

Prints them, and how often the right reading is the likeliest, by fifths left out. The cache is that of
`bench.evaluate`, whose held-out half is not read here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from bench.labelled import electronic, loops, midi
from bench.labelled.case import RATE, Case, kept
from catalog.analysis.frontend import front_end
from catalog.analysis.readings import features
from catalog.analysis.tempo import readings_of, signs_of
from catalog.demo import ARTISTS, STYLES, render, render_style

# How much one piece of each group counts: loops are many and alike.
GROUPS = {"midi": 1.0, "electronic": 1.0, "loops": 0.4, "demo": 0.5}
PENALTY = 0.3
Problem = tuple[str, np.ndarray, np.ndarray]  # group, (readings, features), (readings,) whether right


def problems(cache: Path) -> list[Problem]:
    """Every piece that has a tempo, with its readings; the wrong ones are told from the right by 4 %."""
    cases = [(("midi"), case) for case in midi.pieces(cache / "packages", cache)]
    cases += [("electronic", case) for case in [*electronic.tracks(cache, 2, 60.0), *_more_tracks(cache)]]
    cases += [("loops", case) for case in [*loops.loops(cache), *loops.clicks(cache)]]
    cases += [("demo", case) for case in _demo(cache)]
    found = []
    for group, case in cases:
        if not case.bpm or (case.held_out and group != "demo"):
            continue
        heard = signs_of(front_end(case.read(), RATE))
        if heard is None:
            continue
        signs, score, _ = heard
        readings = readings_of(score)
        right = np.array([abs(reading.bpm / case.bpm - 1) < 0.04 for reading in readings])
        found.append((group, np.array([features(signs, reading) for reading in readings]), right))
    return found


def _more_tracks(cache: Path) -> list[Case]:
    """Two more artists of each style; all may be looked at."""
    found = []
    for style in STYLES:
        for number in range(2):

            def make(style: str = style, number: int = number) -> tuple[np.ndarray, dict[str, float]]:
                made = render_style(style, 61_000 + number, 62_000 + number, 40.0, lead_in=0.1 + 0.3 * number)
                return made.samples, {"bpm": made.bpm}

            path, truth = kept(cache, "tune", f"{style}-{number}", make)
            found.append(_Open(f"tune-{style}-{number}", path, truth["bpm"]))
    return found


def _demo(cache: Path) -> list[Case]:
    found = []
    for artist in ARTISTS:
        for track in artist.tracks:
            name = f"{artist.slug}-{track.seed}"
            path, _ = kept(cache, "demo", name, lambda track=track: (render(track).samples, {}))  # type: ignore[misc]
            found.append(_Open(name, path, track.bpm))
    return found


class _Open(Case):
    """A piece made for fitting: none of it is held out."""

    held_out = False  # type: ignore[assignment]


def fitted(some: Sequence[Problem], scale: np.ndarray) -> np.ndarray:
    """Weights of the features that make the right readings likely: conditional logit with a ridge penalty."""

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total, slope = PENALTY * float(weights @ weights), 2 * PENALTY * weights
        for group, rows, right in some:
            if right.any():
                scaled = rows / scale
                odds = scaled @ weights
                share = np.exp(odds - odds.max())
                share /= share.sum()
                rightly = share * right
                total -= GROUPS[group] * float(np.log(rightly.sum() + 1e-12))
                slope = slope - GROUPS[group] * ((rightly / max(rightly.sum(), 1e-12) - share) @ scaled)
        return total, slope

    found: np.ndarray = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B").x
    return found / scale


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    asked = parser.parse_args()
    some = problems(asked.cache)
    scale = np.concatenate([rows for _, rows, _ in some]).std(axis=0) + 1e-6
    hits: dict[str, list[bool]] = {}
    for fifth in range(5):
        weights = fitted([p for i, p in enumerate(some) if i % 5 != fifth], scale)
        for group, rows, right in some[fifth::5]:
            hits.setdefault(group, []).append(bool(right[int(np.argmax(rows @ weights))]))
    for group, several in hits.items():
        print(f"{group:<12} n {len(several):>3}  right when left out {np.mean(several):.3f}")
    print(np.array2string(fitted(some, scale), precision=3, separator=", ", max_line_width=100))


if __name__ == "__main__":
    main()
