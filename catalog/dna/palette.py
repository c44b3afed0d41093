"""The catalog's sonic palette, and words for it that mean something because they compare.

A fixed threshold calls every catalog "warm" and "complex". Here a band is only named when most
reference recordings of a similar tempo have less (or more) of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from catalog.analysis.model import BANDS
from catalog.dna.facts import TrackFacts
from catalog.similarity import Background

NAMES = tuple(name for name, _, _ in BANDS)
MUCH, LITTLE = 0.75, 0.25
_MUCH_WORDS = {
    "sub_bass": "sub-heavy",
    "bass": "bass-led",
    "low_mid": "thick",
    "mid": "mid-forward",
    "high_mid": "biting",
    "presence": "crisp",
    "brilliance": "bright",
}
_LITTLE_WORDS = {
    "sub_bass": "light below 60 Hz",
    "bass": "lean",
    "low_mid": "clean low mids",
    "mid": "hollow mids",
    "high_mid": "soft-edged",
    "presence": "recessed",
    "brilliance": "dark",
}


def palette_profile(tracks: Sequence[TrackFacts], background: Background) -> dict[str, Any]:
    """The palette, the median reference near the catalog's tempo, where each band ranks in it, and the words."""
    rows = [
        [t.palette.get(name, 0.0) for name in NAMES]
        for t in tracks
        if t.palette and sum(t.palette.values()) > 0
    ]
    tempos = [t.bpm for t in tracks if t.bpm]
    near = background.palette_near(float(np.median(tempos)) if tempos else None).astype(float)
    reference = np.median(near, axis=0)
    reference = reference / max(float(reference.sum()), 1e-9)
    if not rows:
        return {
            "sonic_palette": dict.fromkeys(NAMES),
            "sonic_palette_reference": _named(reference),
            "sonic_palette_rank": dict.fromkeys(NAMES),
            "palette_words": [],
            "reference_count": len(near),
            "n": 0,
        }
    own = np.asarray(rows, dtype=float)
    own = own / own.sum(axis=1, keepdims=True)
    mean = own.mean(axis=0)
    rank = (near < np.median(own, axis=0)).mean(axis=0)
    return {
        "sonic_palette": _named(mean),
        "sonic_palette_reference": _named(reference),
        "sonic_palette_rank": _named(rank),
        "palette_words": palette_words(rank),
        "reference_count": len(near),
        "n": len(rows),
    }


def palette_words(rank: np.ndarray) -> list[str]:
    """At most three words, the most unusual band first; none when nothing stands out."""
    away = np.abs(rank - 0.5)
    words = []
    for band in np.argsort(-away, kind="stable"):
        name = NAMES[int(band)]
        if rank[band] >= MUCH:
            words.append(_MUCH_WORDS[name])
        elif rank[band] <= LITTLE:
            words.append(_LITTLE_WORDS[name])
    return words[:3]


def _named(values: np.ndarray) -> dict[str, float]:
    return {name: round(float(v), 5) for name, v in zip(NAMES, values, strict=True)}
