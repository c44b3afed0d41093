"""Figures of a catalog in which some tracks count more than others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

ENOUGH = 20


def effective(weights: npt.ArrayLike) -> float:
    """How many equally weighted tracks say as much (Kish): n for equal weights, less for uneven ones."""
    given = np.asarray(weights, dtype=float)
    squares = float((given**2).sum())
    return float(given.sum()) ** 2 / squares if squares > 0 else 0.0


def quantile(values: npt.ArrayLike, weights: npt.ArrayLike, share: float) -> float:
    """The weighted quantile, share 0..1; for equal weights that of `np.percentile`. At least one value.

    Akinshin, "Weighted quantile estimators" (2023), type 7: one far-off value moves it as little as it
    moves the unweighted one.
    """
    values, given = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    order = np.argsort(values, kind="stable")
    values, given = values[order], given[order]
    size = effective(given)
    edges = np.concatenate([[0.0], np.cumsum(given) / given.sum()])
    # The quantile is the mean of the values under a window of width 1/size that slides with the share.
    start = (share * (size - 1)) / size
    covered = np.clip((edges - start) * size, 0.0, 1.0)
    return float((values * np.diff(covered)).sum())


def confidence(weights: Sequence[float], of: int) -> float:
    """How far a profile may be trusted, 0..1: full from twenty tracks on, less where few of the `of` tracks speak.

    The square root of the effective number over twenty, times that of the share of the catalog that has a value:
    twenty recordings of a collection of four thousand say little about it.
    """
    if not weights or not of:
        return 0.0
    return round(min(1.0, effective(weights) / ENOUGH) ** 0.5 * (len(weights) / of) ** 0.5, 4)


def behind(weights: Sequence[float], of: int, measured: int) -> dict[str, Any]:
    """What every profile says of its own footing.

    n tracks with a value, `measured` of them by listening and the rest as tagged; `of` tracks in all; weighted:
    whether plays or stars make some count more; confidence 0..1.
    """
    return {
        "n": len(weights),
        "of": of,
        "measured": measured,
        "weighted": bool(weights) and max(weights) - min(weights) > 1e-9,
        "confidence": confidence(weights, of),
    }
