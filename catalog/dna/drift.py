"""How a catalog changed over time, by the day each track came in; said only when chance would not show it.

Two questions. Did tempo, energy or mode change at some moment? The moment that divides the catalog most clearly is
held against 499 random orders of the same tracks, searched in the same way; ranks decide, so that one outlier
does not. Did the sound of a period leave the rest? The distance of its centroid from the others', over the
catalog's own dispersion, against the 95th percentile of random draws of as many tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.dna.facts import TrackFacts
from catalog.similarity import Background

Array = npt.NDArray[np.float64]
ORDERS, DRAWS = 499, 199
LEAST_SIDE = 8
LEAST_IN_WINDOW = 5
MOST_WINDOWS = 40
_SIGNIFICANT = 0.02  # three figures are asked: about one false claim in seventeen catalogs that never changed
# What is worth a sentence even when chance would not show it: BPM, share of the range, share of tracks.
_LEAST_CHANGE = {"tempo": 3.0, "energy": 0.08, "minor": 0.15}


@dataclass(frozen=True)
class Change:
    """A figure before and after the first day of a window. p: share of random orders that divide as clearly."""

    what: str
    since: date
    before: float
    after: float
    n_before: int
    n_after: int
    p: float

    def to_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "since": self.since.isoformat(),
            "before": round(self.before, 4),
            "after": round(self.after, 4),
            "n_before": self.n_before,
            "n_after": self.n_after,
            "p": round(self.p, 4),
        }


def drift_profile(tracks: Sequence[TrackFacts], background: Background) -> dict[str, Any]:
    """windows by `period` (month, quarter or year), changes that chance does not explain, and what was asked.

    Each window: its tracks, middle tempo with the middle 80 %, middle energy, share in minor, and with enough
    measured tracks `sound`: distance from the rest of the catalog, with `null95`. n: tracks with a date.
    """
    dated = sorted((t for t in tracks if t.added_on is not None), key=lambda t: (t.added_on, t.id))
    if not dated:
        return {"n": 0, "of": len(tracks), "period": "month", "windows": [], "changes": [], "asked": []}
    days = [t.added_on for t in dated if t.added_on is not None]
    period = _period(days[0], days[-1])
    starts = [_start(day, period) for day in days]
    windows = sorted(set(starts))
    place = np.searchsorted(np.array(windows, dtype="datetime64[D]"), np.array(starts, dtype="datetime64[D]"))
    series = {
        "tempo": np.array([t.bpm or np.nan for t in dated], dtype=float),
        "energy": np.array(
            [t.energy if t.energy is not None and t.analysed else np.nan for t in dated], dtype=float
        ),
        "minor": np.array([np.nan if t.key is None else float(t.key.mode == "minor") for t in dated]),
    }
    changes, asked = [], []
    for what, values in series.items():
        found, could = _change(what, values, place, windows)
        asked += [what] if could else []
        changes += [found] if found is not None else []
    sounds = _sounds(dated, place, len(windows), background)
    rows = [_row(i, start, place, series, sounds) for i, start in enumerate(windows)]
    return {
        "n": len(dated),
        "of": len(tracks),
        "period": period,
        "windows": rows[-MOST_WINDOWS:],
        "changes": [c.to_json() for c in sorted(changes, key=lambda c: (c.p, c.what))],
        "asked": asked,
    }


def _period(first: date, last: date) -> str:
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    return "month" if months <= 12 else "quarter" if months <= 3 * MOST_WINDOWS else "year"


def _start(day: date, period: str) -> date:
    if period == "year":
        return date(day.year, 1, 1)
    return date(day.year, day.month if period == "month" else 3 * ((day.month - 1) // 3) + 1, 1)


def _row(
    index: int, start: date, place: npt.NDArray[np.int64], series: dict[str, Array], sounds: dict[int, Any]
) -> dict[str, Any]:
    inside = place == index
    known = {what: values[inside & np.isfinite(values)] for what, values in series.items()}
    tempo, energy, minor = known["tempo"], known["energy"], known["minor"]
    return {
        "start": start.isoformat(),
        "n": int(inside.sum()),
        "bpm": _round(np.median(tempo), 2) if len(tempo) else None,
        "bpm_p10": _round(np.percentile(tempo, 10), 2) if len(tempo) else None,
        "bpm_p90": _round(np.percentile(tempo, 90), 2) if len(tempo) else None,
        "energy": _round(np.median(energy)) if len(energy) else None,
        "minor_share": _round(minor.mean()) if len(minor) else None,
        "sound": sounds.get(index),
    }


def _round(value: Any, digits: int = 4) -> float:
    return round(float(value), digits)


def _change(
    what: str, values: Array, place: npt.NDArray[np.int64], windows: Sequence[date]
) -> tuple[Change | None, bool]:
    """The clearest change of a figure, and whether there was enough on both sides of any moment to look for one."""
    known = np.isfinite(values)
    values, place = values[known], place[known]
    # How many tracks lie before each window; a moment counts when both sides are large enough.
    before = np.searchsorted(place, np.arange(1, len(windows)))
    allowed = (before >= LEAST_SIDE) & (len(values) - before >= LEAST_SIDE)
    if not allowed.any():
        return None, False
    cuts = np.unique(before[allowed])
    _, place_of, times = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(times) - (times - 1) / 2)[place_of]  # equal figures share their rank
    if ranks.std() < 1e-9:
        return None, True
    chance = np.random.default_rng(5)
    orders = np.stack([ranks, *(chance.permutation(ranks) for _ in range(ORDERS))])
    clear = _clearness(orders, cuts)
    p = float((clear.max(axis=1) >= clear[0].max() - 1e-12).mean())
    cut = int(cuts[int(clear[0].argmax())])
    old, new = values[:cut], values[cut:]
    middle = np.mean if what == "minor" else np.median
    change = Change(
        what, windows[int(place[cut])], float(middle(old)), float(middle(new)), len(old), len(new), p
    )
    telling = p <= _SIGNIFICANT and abs(change.after - change.before) >= _LEAST_CHANGE[what]
    return (change if telling else None), True


def _clearness(orders: Array, cuts: npt.NDArray[np.int64]) -> Array:
    """(orders, cuts) difference of the mean rank on both sides of each cut, in standard errors."""
    count = orders.shape[1]
    summed = np.cumsum(orders, axis=1)[:, cuts - 1]
    left = summed / cuts
    right = (orders.sum(axis=1, keepdims=True) - summed) / (count - cuts)
    return np.asarray(np.abs(left - right) / np.sqrt(1 / cuts + 1 / (count - cuts)))


def _sounds(
    tracks: Sequence[TrackFacts], place: npt.NDArray[np.int64], windows: int, background: Background
) -> dict[int, dict[str, Any]]:
    """How far the sound of each window with enough measured tracks lies from the rest."""
    measured = np.array([t.analysed for t in tracks])
    if measured.sum() < 2 * LEAST_IN_WINDOW:
        return {}
    units = background.space().unit(
        np.stack([t.vector for t in tracks if t.analysed and t.vector is not None])
    )
    place, count = place[measured], int(measured.sum())
    total = units.sum(axis=0)
    spread = float(np.linalg.norm(units - (total - units) / (count - 1), axis=1).mean())
    if spread < 1e-9:
        return {}
    chance = np.random.default_rng(11)
    keys = chance.random((DRAWS, count))
    drawn = np.argsort(keys, axis=1)
    found = {}
    for index in range(windows):
        size = int((place == index).sum())
        if size < LEAST_IN_WINDOW or count - size < LEAST_IN_WINDOW:
            continue
        picked = np.zeros((DRAWS, count), dtype=np.float32)
        np.put_along_axis(picked, drawn[:, :size], 1.0, axis=1)
        sums = picked @ units.astype(np.float32)
        null = _apart(sums, total, size, count) / spread
        own = _apart(units[place == index].sum(axis=0)[None], total, size, count)[0] / spread
        null95 = float(np.quantile(null, 0.95))
        found[index] = {
            "n": size,
            "distance": _round(own),
            "null95": _round(null95),
            "moved": bool(own > null95),
        }
    return found


def _apart(sums: npt.NDArray[Any], total: Array, size: int, count: int) -> Array:
    """Distance between the centroid of some vectors, given by their sum, and that of all others."""
    return np.asarray(np.linalg.norm(sums / size - (total - sums) / (count - size), axis=1))
