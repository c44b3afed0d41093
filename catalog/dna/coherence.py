"""How much the tracks of a catalog have in common, and how far they stand from other music.

coherence = sqrt(max(0, mean cosine over all pairs)) of background-centred unit vectors: 1 for
identical tracks, about 0 for tracks drawn at random, independent of how many there are. It is not
defined for fewer than two measured tracks, and says so with None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from catalog.dna.facts import TrackFacts
from catalog.dna.weighing import confidence
from catalog.similarity import ASPECTS, Background, CatalogModel

_DRAWS, _DRAWN = 30, 8


def coherence_profile(tracks: Sequence[TrackFacts], background: Background, of: int) -> dict[str, Any]:
    """taste_coherence, its detail by aspect with the spread over random draws, distinctiveness.

    of: tracks in the whole catalog, measured or not; confidence falls with the share that was heard.
    """
    measured = [t for t in tracks if t.analysed]
    count = len(measured)
    if count < 2:
        detail = {"aspects": dict.fromkeys(ASPECTS), "n": count, "of": of, "sd": None, "confidence": 0.0}
        return {"taste_coherence": None, "taste_coherence_detail": detail, "distinctiveness": None}
    vectors = np.stack([t.vector for t in measured if t.vector is not None])
    units = background.space().unit(vectors)
    aspects = {name: round(coherence(background.space(name).unit(vectors)), 4) for name in ASPECTS}
    spread = _spread(units)
    model = CatalogModel([t.id for t in measured], vectors, background)
    detail = {
        "aspects": aspects,
        "n": count,
        "of": of,
        "sd": round(spread, 4),
        "confidence": round(confidence([1.0] * count, of) * max(0.0, 1 - 2 * spread), 4),
    }
    return {
        "taste_coherence": round(coherence(units), 4),
        "taste_coherence_detail": detail,
        "distinctiveness": round(model.auc, 4),
    }


def coherence(units: np.ndarray) -> float:
    """Of (n, d) unit vectors, n >= 2. The sum over pairs follows from the length of the vectors' sum."""
    count = len(units)
    summed = units.sum(axis=0)
    mean = (float(summed @ summed) - float((units * units).sum())) / (count * (count - 1))
    return float(np.sqrt(np.clip(mean, 0.0, 1.0)))


def _spread(units: np.ndarray) -> float:
    """Standard deviation of coherence over draws of eight tracks; for fewer than ten, over leaving one out."""
    if len(units) < 3:
        return 0.5
    if len(units) < _DRAWN + 2:
        draws = [np.delete(units, i, axis=0) for i in range(len(units))]
    else:
        chance = np.random.default_rng(8)
        draws = [units[chance.choice(len(units), _DRAWN, replace=False)] for _ in range(_DRAWS)]
    return float(np.std([coherence(d) for d in draws]))
