"""The plain profiles of a catalog: tempo, key, energy. Each is defined for no tracks at all.

Tempo and key count tracks that were only tagged too; energy is measured or absent. Counts are counts of
tracks; medians and percentiles weigh each track by `TrackFacts.weight`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from catalog.analysis.keys import ALL_KEYS, Key, Mode, compatible
from catalog.dna.facts import TrackFacts
from catalog.dna.weighing import behind, quantile

_CENTRE_WIDTH = 4.0


def bpm_profile(tracks: Sequence[TrackFacts]) -> dict[str, Any]:
    """Range, percentiles, one bin for each whole BPM between the ends, the centres, and what they rest on."""
    known = [t for t in tracks if t.bpm]
    values = np.array([t.bpm for t in known], dtype=float)
    weights = [t.weight for t in known]
    footing = behind(weights, len(tracks), sum(t.analysed for t in known))
    if not len(values):
        empty: dict[str, Any] = dict.fromkeys(("min", "max", "median", "p10", "p90"))
        return empty | footing | {"histogram": [], "centres": [], "half_time_count": 0}
    counts = Counter(int(b) for b in np.round(values))
    low, high = min(counts), max(counts)
    return {
        "min": round(float(values.min()), 2),
        "max": round(float(values.max()), 2),
        "median": round(quantile(values, weights, 0.5), 2),
        "p10": round(quantile(values, weights, 0.1), 2),
        "p90": round(quantile(values, weights, 0.9), 2),
        **footing,
        "histogram": [{"bpm": b, "count": counts.get(b, 0)} for b in range(low, high + 1)],
        "centres": _centres(known),
        "half_time_count": sum(t.felt == "half-time" for t in known),
    }


def _centres(tracks: Sequence[TrackFacts]) -> list[dict[str, Any]]:
    """Up to three tempos around which at least an eighth of the tracks gather, fullest first."""
    left = list(tracks)
    centres: list[dict[str, Any]] = []
    while left and len(centres) < 3:
        values = np.array([t.bpm for t in left], dtype=float)
        ordered = np.sort(values)
        above = np.searchsorted(ordered, values + _CENTRE_WIDTH, side="right")
        best = int(np.argmax(above - np.searchsorted(ordered, values - _CENTRE_WIDTH, side="left")))
        near = np.abs(values - values[best]) <= _CENTRE_WIDTH
        members = [t for t, inside in zip(left, near, strict=True) if inside]
        if len(members) < max(1, len(tracks) / 8):
            break
        half = sum(t.felt == "half-time" for t in members)
        centres.append(
            {
                "bpm": round(float(np.median([t.bpm for t in members if t.bpm]))),
                "count": len(members),
                "half_time": half,
            }
        )
        left = [t for t, inside in zip(left, near, strict=True) if not inside]
    return centres


def key_profile(tracks: Sequence[TrackFacts]) -> dict[str, Any]:
    """Counts for all 24 keys, the leading one, the share in minor and how much mixes with the leader.

    played_most: the key with most weight, when plays or stars put another one before the leader.
    """
    known = [(t, t.key) for t in tracks if t.key is not None]
    counted = Counter((k.tonic, k.mode) for _, k in known)
    weighed: Counter[tuple[int, Mode]] = Counter()
    for track, key in known:
        weighed[key.tonic, key.mode] += track.weight  # type: ignore[assignment]
    whole = sum(weighed.values())
    rows = [
        _named(k)
        | {
            "tonic": k.tonic,
            "mode": k.mode,
            "count": counted.get((k.tonic, k.mode), 0),
            "weight": round(weighed.get((k.tonic, k.mode), 0) / whole, 4) if whole else 0.0,
        }
        for k in ALL_KEYS
    ]
    footing = behind([t.weight for t, _ in known], len(tracks), sum(t.analysed for t, _ in known))
    if not known:
        nothing = {"minor_share": None, "leading": None, "compatible_with_leading": 0, "played_most": None}
        return footing | nothing | {"counts": rows}
    tonic, mode = min(counted, key=lambda k: (-counted[k], k[1] == "major", k[0]))
    leader = Key(tonic, mode)
    heaviest = max(weighed, key=lambda k: (round(weighed[k], 9), k == (tonic, mode)))
    mixing = sum(counted.get((k.tonic, k.mode), 0) for k in compatible(leader)[1:])
    return {
        **footing,
        "minor_share": round(sum(k.mode == "minor" for _, k in known) / len(known), 4),
        "leading": _named(leader) | {"count": counted[(tonic, mode)]},
        "compatible_with_leading": mixing,
        "played_most": None if heaviest == (tonic, mode) else _named(Key(heaviest[0], heaviest[1])),
        "counts": rows,
    }


def _named(key: Key) -> dict[str, Any]:
    return {"name": key.name, "short": key.short, "camelot": key.camelot, "open_key": key.open_key}


def energy_profile(tracks: Sequence[TrackFacts]) -> dict[str, Any]:
    """Average, variance, percentiles and ten bins of energy 0..1, of measured tracks only."""
    known = [t for t in tracks if t.energy is not None and t.analysed]
    values = np.array([t.energy for t in known], dtype=float)
    footing = behind([1.0] * len(known), len(tracks), len(known))
    if not len(values):
        empty: dict[str, Any] = dict.fromkeys(("average", "variance", "p10", "p50", "p90"))
        return empty | footing | {"histogram": _bins(values)}
    return {
        "average": round(float(values.mean()), 4),
        "variance": round(float(values.var()), 6),
        "p10": round(float(np.percentile(values, 10)), 4),
        "p50": round(float(np.percentile(values, 50)), 4),
        "p90": round(float(np.percentile(values, 90)), 4),
        **footing,
        "histogram": _bins(values),
    }


def _bins(values: np.ndarray) -> list[dict[str, Any]]:
    counts, _ = np.histogram(values, bins=10, range=(0, 1))
    return [{"from": i / 10, "to": (i + 1) / 10, "count": int(c)} for i, c in enumerate(counts)]
