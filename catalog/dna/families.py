"""What was measured of the drums and the tempo, in words that are no genres: "half-time near 140, sub-heavy".

A rule per family over figures of the stored analysis, each with a confidence; a track that fits none of them
well is unplaced. Nothing here reads a tag, and nothing here is called a genre: tempo alone names a genre wrongly
nine times out of ten.

The kick is read from the low onset autocorrelation of the embedding at half a beat and at one beat: a kick on
every beat repeats after one beat and not after half of one (.41 to .92 against at most .00 on procedural house,
techno and disco); a broken or half-time pattern does not repeat after one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.analysis.frontend import FPS
from catalog.dna.facts import TrackFacts
from catalog.dna.palette import MUCH, NAMES
from catalog.similarity import Background

LEAST_CONFIDENCE = 0.6
WORDS = {
    "four-on-the-floor": "Four-on-the-floor",
    "half-time": "Half-time",
    "breakbeat": "Breakbeat",
    "broken-beat": "Broken beat",
    "beatless": "Beatless",
}
_ACF, _GROUPS, _LOW_SPREAD = slice(146, 158), 12, 210  # places in the embedding: catalog.analysis.embedding
_LAGS = np.geomspace(5, 340, 48).reshape(_GROUPS, 4)
_SLACK = 1.05  # half the step between two lags


@dataclass(frozen=True)
class Placed:
    """A family of `WORDS` with its confidence, or None and the confidence of the best one that fell short."""

    family: str | None
    confidence: float


def family_of(track: TrackFacts) -> Placed:
    """The measured family of a track. Unplaced for a track that was not measured."""
    if track.vector is None or not track.analysed:
        return Placed(None, 0.0)
    hits = float(track.vector[_LOW_SPREAD])
    scores = {"beatless": _above(0.034 - hits, 0.004)}
    if track.bpm:
        beat = 60 * FPS / track.bpm
        one, half = _repeats(track.vector, beat), _repeats(track.vector, beat / 2)
        drums = _above(hits - 0.10, 0.008)
        off = _above(0.30 - one, 0.04)
        felt_half = track.felt == "half-time" and track.bpm >= 120
        scores["four-on-the-floor"] = drums * _above(min(one - 0.36, one - half - 0.36), 0.05)
        scores["half-time"] = float(felt_half) * off * _above(hits - 0.055, 0.008)
        if not felt_half:
            scores["breakbeat"] = drums * off * float(155 <= track.bpm <= 185)
            # A broken beat comes round after two beats; half-time only after four, heard as such or not.
            firmly_off = _above(min(0.15 - one, _repeats(track.vector, 2 * beat) - 0.15), 0.03)
            scores["broken-beat"] = drums * firmly_off * float(115 <= track.bpm <= 145)
    best = max(scores, key=lambda name: scores[name])
    sure = round(scores[best], 4)
    return Placed(best if sure >= LEAST_CONFIDENCE else None, sure)


def family_profile(tracks: Sequence[TrackFacts], background: Background) -> dict[str, Any]:
    """The families of a catalog, fullest first: count, share of the measured, middle tempo, mean confidence.

    sub_heavy: the middle track of the family has more below 60 Hz than three of four background recordings near
    its tempo. unplaced: measured tracks that fit no family; n: measured tracks.
    """
    measured = [t for t in tracks if t.analysed]
    members: dict[str, list[tuple[TrackFacts, float]]] = {}
    for track in measured:
        found = family_of(track)
        if found.family is not None:
            members.setdefault(found.family, []).append((track, found.confidence))
    rows = []
    for name, inside in sorted(members.items(), key=lambda item: (-len(item[1]), item[0])):
        tempos = [t.bpm for t, _ in inside if t.bpm and name != "beatless"]
        bpm = round(float(np.median(tempos))) if tempos else None
        heavy = _sub_heavy([t for t, _ in inside], background, bpm)
        near = f" near {bpm}" if bpm else ""
        rows.append(
            {
                "family": name,
                "words": f"{WORDS[name]}{near}{', sub-heavy' if heavy else ''}",
                "bpm": bpm,
                "sub_heavy": heavy,
                "count": len(inside),
                "share": round(len(inside) / len(measured), 4),
                "confidence": round(float(np.mean([sure for _, sure in inside])), 4),
            }
        )
    placed = sum(len(inside) for inside in members.values())
    return {"n": len(measured), "families": rows, "unplaced": len(measured) - placed}


def _sub_heavy(tracks: Sequence[TrackFacts], background: Background, bpm: float | None) -> bool:
    shares = [t.palette[NAMES[0]] for t in tracks if t.palette.get(NAMES[0]) is not None]
    if not shares:
        return False
    return bool((background.palette_near(bpm)[:, 0] < np.median(shares)).mean() >= MUCH)


def _repeats(vector: npt.NDArray[np.float32], lag: float) -> float:
    """How much the low onsets repeat after `lag` frames, about -.2..1; 0 beyond the lags that were kept."""
    near = (_LAGS[:, 0] / _SLACK <= lag) & (lag <= _LAGS[:, -1] * _SLACK)
    return float(vector[_ACF][near].max()) if near.any() else 0.0


def _above(margin: float, width: float) -> float:
    """0..1: how surely a figure lies beyond its threshold, .5 on it and .88 at two widths."""
    return float(1 / (1 + np.exp(-np.clip(margin / width, -40, 40))))
