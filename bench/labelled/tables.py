"""Answers against truth, as lines of figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.labelled.answers import Answer
from bench.labelled.case import Case
from catalog.analysis.keys import mirex_weight

RATIOS = (1, 2, 1 / 2, 3, 1 / 3)
TOLERANCE = 0.04
Pairs = Sequence[tuple[Case, Answer]]


def tempo_line(label: str, pairs: Pairs) -> str:
    """Accuracy1 within 4 %, Accuracy2 by an octave or a factor of three, and the error where it is right."""
    known = [(c.bpm, a.bpm) for c, a in pairs if c.bpm]
    ratio = np.array([found / bpm for bpm, found in known])
    right = np.abs(ratio - 1) < TOLERANCE
    family = np.min([np.abs(ratio / r - 1) for r in RATIOS], axis=0) < TOLERANCE
    error = 100 * float(np.median(np.abs(ratio[right] - 1))) if right.any() else float("nan")
    return f"{label:<34} n {len(known):>3}  A1 {right.mean():.2f}  A2 {family.mean():.2f}  median error {error:.3f} %"


def bars_line(label: str, pairs: Pairs) -> str:
    """Of the tracks with the right tempo: every true bar line met by one of ours; and of all of them."""
    known = [(c, a) for c, a in pairs if c.bpm and c.downbeats]
    right = [(c, a) for c, a in known if len(a.downbeats) and abs(a.bpm / c.bpm - 1) < TOLERANCE]  # type: ignore[operator]
    away = np.array([_away(c, a) for c, a in right]) if right else np.zeros(0)
    met, close = int((away < 0.04).sum()), int((away < 0.015).sum())
    count = max(len(right), 1)
    return (
        f"{label:<34} n {len(right):>3}  bar lines within 40 ms {met / count:.2f}, within 15 ms {close / count:.2f}; "
        f"of all {len(known)} tracks {met / len(known):.2f}"
    )


def _away(case: Case, answer: Answer) -> float:
    """The worst distance from a true bar line within our bars to the nearest of ours; half a second at most."""
    lines = np.asarray(case.downbeats)
    inside = lines[(lines > answer.downbeats[0] - 0.5) & (lines < answer.downbeats[-1] + 0.5)]
    if len(inside) < 0.5 * len(lines):
        return 0.5
    return float(np.abs(answer.downbeats[:, None] - inside).min(axis=0).max())


def key_line(label: str, pairs: Pairs) -> str:
    """Mean MIREX weight and the share that is exactly right."""
    weights = [mirex_weight(a.key, c.key) if a.key else 0.0 for c, a in pairs if c.key]
    exact = float(np.mean([w == 1.0 for w in weights]))
    return f"{label:<34} n {len(weights):>3}  key MIREX {np.mean(weights):.3f}  exact {exact:.2f}"


def sections_line(label: str, pairs: Pairs) -> str:
    """Where the bar lines are met: turns of the arrangement found, how many of ours are true, bars named right."""
    found = wanted = true = said = 0
    named: list[bool] = []
    for case, answer in pairs:
        if not case.sections or not answer.sections or _away(case, answer) > 0.04:
            continue
        turns = [start for _, start, _ in case.sections[1:]]
        ours = [section.start for section in answer.sections[1:]]
        found += sum(any(abs(turn - other) < 0.1 for other in ours) for turn in turns)
        true += sum(any(abs(turn - other) < 0.1 for turn in turns) for other in ours)
        wanted, said = wanted + len(turns), said + len(ours)
        for middle in answer.downbeats + 0.9:
            heard = next((s.name for s in answer.sections if s.start <= middle < s.end), "")
            meant = next((name for name, start, end in case.sections if start <= middle < end), "")
            if meant:
                named.append(heard == meant)
    return (
        f"{label:<34} turns found {found / max(wanted, 1):.2f}, of those said true {true / max(said, 1):.2f}; "
        f"bars named right {np.mean(named) if named else 0:.2f}"
    )


def drift_line(case: Case, answer: Answer) -> str:
    """One piece whose tempo moves or does not."""
    said = "steady" if answer.steady else f"moves by {100 * answer.drift:.1f} %"
    return f"  {case.name:<28} true drift {100 * case.drift:4.1f} %   said: {said}"
