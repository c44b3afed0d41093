"""What the artist makes beside what they collect: the audio in the catalog against rows without audio.

Compared by percentiles and by keys as values, so that one outlier decides nothing and "Abm" is "G# minor".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from catalog.dna.facts import TrackFacts
from catalog.dna.weighing import quantile

LEAST = 5
_ROOM = (
    1.0  # BPM on both sides of the middle 80 %: an artist who always writes at 140 still overlaps with 140.4
)


def collection_profile(own: Sequence[TrackFacts], collected: Sequence[TrackFacts]) -> dict[str, Any] | None:
    """Tempo and key of what was heard (`own`) and of what is only listed (`collected`), or None without five of each.

    tempo_overlap: share of the collected tempos, by weight, inside the own middle 80 %. key_overlap: how much of
    the two distributions over the 24 keys is common, 0..1. Either is None without five figures on both sides.
    """
    if len(own) < LEAST or len(collected) < LEAST:
        return None
    mine, theirs = _tempo(own), _tempo(collected)
    overlap = None
    if mine["n"] >= LEAST and theirs["n"] >= LEAST:
        low, high = mine["p10"] - _ROOM, mine["p90"] + _ROOM
        inside = sum(t.weight for t in collected if t.bpm and low <= t.bpm <= high)
        overlap = round(inside / sum(t.weight for t in collected if t.bpm), 4)
    return {
        "own": mine,
        "collected": theirs,
        "tempo_overlap": overlap,
        "key_overlap": _common(own, collected),
    }


def _tempo(tracks: Sequence[TrackFacts]) -> dict[str, Any]:
    known = [t for t in tracks if t.bpm]
    if not known:
        return {"tracks": len(tracks), "n": 0, "median": None, "p10": None, "p90": None}
    values, weights = np.array([t.bpm for t in known], dtype=float), [t.weight for t in known]
    low, middle, high = (round(quantile(values, weights, share), 2) for share in (0.1, 0.5, 0.9))
    return {"tracks": len(tracks), "n": len(known), "median": middle, "p10": low, "p90": high}


def _common(own: Sequence[TrackFacts], collected: Sequence[TrackFacts]) -> float | None:
    shares = []
    for side in (own, collected):
        counts = Counter((t.key.tonic, t.key.mode) for t in side if t.key is not None)
        if counts.total() < LEAST:
            return None
        shares.append({key: count / counts.total() for key, count in counts.items()})
    return round(sum(min(share, shares[1].get(key, 0.0)) for key, share in shares[0].items()), 4)
