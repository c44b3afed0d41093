"""How far takes lie from the catalog they are made in the style of, and whether chance would show as much.

Distances are between unit vectors centred on the background, in units of the catalog's dispersion: the mean
distance of a track from the centre of the others. What chance shows: the distance between the centres of two
parts of the catalog, drawn at random, its 95 % quantile over 200 draws. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.similarity import LEAST_TRACKS, Background

Array = npt.NDArray[np.float64]
WINDOW = 8  # takes whose centre is followed
DRAWS = 200
COLLAPSE = 0.5  # of the catalog's own diversity
EXPLAINED = 5
# What a vector's figures are called, by column (catalog.analysis.embedding.BLOCKS); several: their mean.
FEATURES: dict[str, tuple[int, ...]] = {
    "sub-bass, 30 to 60 Hz": (80,),
    "bass, 60 to 120 Hz": (81,),
    "energy at 120 to 250 Hz": (82,),
    "energy at 250 to 500 Hz": (83,),
    "energy at 500 Hz to 1 kHz": (84,),
    "energy at 1 to 2 kHz": (85,),
    "energy at 2 to 4 kHz": (86,),
    "energy at 4 to 8 kHz": (87,),
    "energy above 8 kHz": (88,),
    "brightness": (57,),
    "noise": (62,),
    "tone against noise": tuple(range(64, 72)),
    "onsets in the lows": (206,),
    "onsets in the low mids": (207,),
    "onsets in the high mids": (208,),
    "onsets in the highs": (209,),
    "movement slower than one a second": tuple(range(98, 106)),
    "movement about once a second": tuple(range(106, 114)),
    "movement about twice a second": tuple(range(114, 122)),
    "movement three to four times a second": tuple(range(122, 130)),
    "movement five times a second": tuple(range(130, 138)),
    "movement faster than six a second": tuple(range(138, 146)),
    "harmonic change": (236,),
    "changes of level": (238,),
}


@dataclass(frozen=True)
class Difference:
    """A figure that is higher (+) or lower in the last takes than in the catalog, in the catalog's deviations."""

    feature: str
    by: float

    @property
    def words(self) -> str:
        return f"{'more' if self.by > 0 else 'less'} {self.feature}"


@dataclass(frozen=True)
class Drift:
    """tracks, takes: how many were measured. distances: of each take, in order. windows: of the last WINDOW takes
    at each take from the WINDOW-th on. null95: what chance shows. diversity: of the last WINDOW takes over the
    catalog's. differences: of the last WINDOW takes. All None or empty where there is too little to tell.
    """

    tracks: int
    takes: int
    distances: tuple[float, ...] = ()
    windows: tuple[float, ...] = ()
    null95: float | None = None
    diversity: float | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def verdict(self) -> str:
        """few-tracks, few-takes, narrowed, moved or within."""
        if self.null95 is None:
            return "few-tracks"
        if not self.windows or self.diversity is None:
            return "few-takes"
        if self.diversity < COLLAPSE:
            return "narrowed"
        return "moved" if self.windows[-1] > self.null95 else "within"

    @property
    def sentence(self) -> str:
        """What is seen, or why nothing is said."""
        if self.null95 is None:
            if self.tracks < LEAST_TRACKS:
                return (
                    f"Drift is measured against {LEAST_TRACKS} analyzed tracks of yours or more; "
                    f"{self.tracks} {'is' if self.tracks == 1 else 'are'} ready."
                )
            return "Your tracks all sound the same to the measure, so there is no spread to tell drift by."
        if not self.windows:
            count = "none is" if not self.takes else f"{self.takes} {'is' if self.takes == 1 else 'are'}"
            return f"Drift is told from {WINDOW} takes on; {count} measured yet."
        last = self.windows[-1]
        far = f"they lie {last:.2f} of your catalog's spread from its centre"
        chance = f"chance alone reaches {self.null95:.2f}"
        if self.verdict == "narrowed":
            share = f"they have {round((self.diversity or 0) * 100)}% of the variety of your own tracks"
            also = f" And {far}, where {chance}." if last > self.null95 else ""
            return f"Your last {WINDOW} takes resemble one another: {share}.{also}"
        if self.verdict == "within":
            return f"Your last {WINDOW} takes have not drifted: {far}, and {chance}."
        more = ""
        if len(self.windows) > WINDOW:
            more = (
                ", farther than ever before"
                if last > max(self.windows[:-WINDOW])
                else ", and have been farther"
            )
        return f"Your last {WINDOW} takes have drifted: {far}{more}; {chance}."

    def to_json(self) -> dict[str, Any]:
        return {
            "tracks": self.tracks,
            "takes": self.takes,
            "window": WINDOW,
            "finding": self.verdict,
            "sentence": self.sentence,
            "null95": _rounded(self.null95),
            "drift": _rounded(self.windows[-1] if self.windows else None),
            "diversity": _rounded(self.diversity),
            "differences": [{"feature": one.feature, "by": round(one.by, 2)} for one in self.differences],
        }


def drift(catalog: npt.ArrayLike, takes: npt.ArrayLike, background: Background) -> Drift:
    """catalog: (n, 242) vectors of the artist's own tracks; takes: (m, 242), in the order they were made."""
    own = np.asarray(catalog, np.float64).reshape(-1, background.vectors.shape[1])
    made = np.asarray(takes, np.float64).reshape(-1, background.vectors.shape[1])
    count, many = len(own), len(made)
    if count < LEAST_TRACKS:
        return Drift(count, many)
    space = background.space()
    units, heard = space.unit(own), space.unit(made)
    total = units.sum(axis=0)
    spread = float(np.linalg.norm(units - (total - units) / (count - 1), axis=1).mean())
    if spread < 1e-6:
        return Drift(count, many)
    centre = total / count
    null95 = _chance(units, total) / spread
    distances = np.linalg.norm(heard - centre, axis=1) / spread if many else np.zeros(0)
    if many < WINDOW:
        return Drift(count, many, _told(distances), null95=null95)
    summed = np.cumsum(np.vstack([np.zeros((1, heard.shape[1])), heard]), axis=0)
    centres = (summed[WINDOW:] - summed[:-WINDOW]) / WINDOW
    windows = np.linalg.norm(centres - centre, axis=1) / spread
    return Drift(
        count,
        many,
        _told(distances),
        _told(windows),
        null95,
        _apart(heard[-WINDOW:]) / _apart(units),
        _differences(own, made[-WINDOW:], background),
    )


def _chance(units: Array, total: Array) -> float:
    """95 % quantile of the distance between the centres of a random part of the catalog and of the rest."""
    count = len(units)
    size = min(WINDOW, count // 2)
    chance = np.random.default_rng(11)
    drawn = np.argsort(chance.random((DRAWS, count)), axis=1)[:, :size]
    sums = np.stack([units[rows].sum(axis=0) for rows in drawn])
    return float(np.quantile(np.linalg.norm(sums / size - (total - sums) / (count - size), axis=1), 0.95))


def _apart(units: Array) -> float:
    """Mean distance of two different ones of these unit vectors; of at most 400 of them."""
    if len(units) > 400:
        units = units[np.linspace(0, len(units) - 1, 400).round().astype(int)]
    gaps = np.sqrt(np.maximum(0.0, 2 - 2 * (units @ units.T)))
    return float(gaps[np.triu_indices(len(units), 1)].mean())


def _differences(own: Array, last: Array, background: Background) -> tuple[Difference, ...]:
    """The named figures that differ most, the most different first."""
    least = 0.1 * background.vectors.std(axis=0)
    spread = np.maximum(own.std(axis=0), least) + 1e-9
    away = (last.mean(axis=0) - own.mean(axis=0)) / spread
    found = [Difference(name, float(away[list(columns)].mean())) for name, columns in FEATURES.items()]
    return tuple(sorted(found, key=lambda one: -abs(one.by))[:EXPLAINED])


def _told(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
