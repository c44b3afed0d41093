"""How much a sound belongs to a catalog, as a figure that means the same for every catalog.

Distances between background-centred unit vectors, divided by how crowded it is around both ends
(local scaling, Zelnik-Manor & Perona 2004; it also tames hubs), then calibrated: a track as typical
of the catalog as its own tracks are reads .85, a typical track of the background .20.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.similarity.background import (
    SAME_RECORDING,
    Array,
    Background,
    Floats,
    Space,
    distances,
)

OWN_LEVEL, BACKGROUND_LEVEL = 0.85, 0.20
LEAST_TRACKS = 10
LEAST_AUC = 0.80
LEAST_SECONDS = 60.0
COPY_RATIO = 0.6
_LEAST_GAP = 0.12
# A stranger is nearer than most of the background, which spans all styles. On eight held-out real catalogs
# (bench.evaluate_similarity) this puts other artists at .39 and own tracks at .82 to .83; the background's
# median would put strangers at .44, its nearer quarter both lower (.26 and .81). Whitening by within-class
# covariance and a mean over the whole catalog were tried: within .01 of this in AUC.
_STRANGER_PERCENTILE = 40.0
# One track has no distance to its own kind; this is what catalogs of the same style show in the median.
_SOLE_OWN = 0.72
# The middle of so many own distances is the middle of all of them, within a hundredth.
_SAMPLE = 400
_ROWS = 256
_BLOCKS = 64
_CANDIDATES = 32


@dataclass(frozen=True)
class Match:
    """How much a sound belongs to a catalog.

    score and breakdown are 0..1; closest are (id, score) of single tracks, nearest first. n tracks
    were used. auc: how well the catalog tells its own tracks from what is near it in the background. nearest_ratio:
    distance to the nearest track over the smallest distance between two of the catalog's own; under
    .6 it is worth looking for a copy. reasons say in sentences why confidence is low.
    """

    score: float
    breakdown: dict[str, float]
    closest: tuple[tuple[Any, float], ...]
    n: int
    confidence: float
    low_confidence: bool
    auc: float
    nearest_ratio: float
    background_version: str
    reasons: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """JSON-able values, rounded."""
        return {
            "score": round(self.score, 4),
            "breakdown": {name: round(value, 4) for name, value in self.breakdown.items()},
            "closest": [{"id": str(i), "score": round(s, 4)} for i, s in self.closest],
            "n": self.n,
            "confidence": round(self.confidence, 4),
            "low_confidence": self.low_confidence,
            "auc": round(self.auc, 4),
            "nearest_ratio": round(self.nearest_ratio, 4),
            "background_version": self.background_version,
            "reasons": list(self.reasons),
        }


class _Aspect:
    """The catalog in one space, with the calibration of its distances.

    own, nearest: distances of the catalog's tracks to the rest of it, of all or of a sample of them.
    """

    def __init__(self, vectors: npt.NDArray[np.float32], space: Space, *, sample: int | None = None) -> None:
        self.space = space
        self.units = space.unit(vectors)
        self.scale = space.local_scale(self.units)
        count = len(vectors)
        asked = np.arange(count)
        if sample is not None and count > sample:
            asked = np.linspace(0, count - 1, sample).round().astype(np.int64)
        self.own, self.nearest = self._leave_one_out(asked)
        count = neighbours(len(vectors))
        chords = distances(space.units, self.units)
        away = chords / np.sqrt(np.outer(space.scale, self.scale))
        # A background recording that is one of the catalog's own tracks is no stranger to it.
        stranger = chords.min(axis=1) > SAME_RECORDING
        others = _smallest_mean(away[stranger] if stranger.any() else away, count)
        self.low = float(np.median(self.own)) if len(vectors) > 1 else _SOLE_OWN
        self.high = max(float(np.percentile(others, _STRANGER_PERCENTILE)), self.low + _LEAST_GAP)
        own = self.own if len(vectors) > 1 else np.array([self.low])
        # Against the nearer half only: held-out artists are that near. Against all of the background a mixed
        # soundtrack reads .84 that tells itself from real others in .65 of cases; against the half, .69.
        near = others[others <= np.median(others)]
        self.auc = float((own[:, None] < near).mean() + 0.5 * (own[:, None] == near).mean())

    def _leave_one_out(self, asked: npt.NDArray[np.int64]) -> tuple[Array, Array]:
        count = len(self.units)
        own, nearest = np.zeros(len(asked)), np.zeros(len(asked))
        if count < 2:
            return own, nearest
        keep = neighbours(count - 1)
        rough = self.units.astype(np.float32), (1 / self.scale).astype(np.float32)
        for start in range(0, len(asked), _ROWS):
            part = slice(start, start + _ROWS)
            rows = asked[part]
            gaps = self._few_gaps(rows, keep, *rough) if count > _ROWS else None
            if gaps is None:
                gaps = distances(self.units[rows], self.units)
                gaps /= np.sqrt(np.outer(self.scale[rows], self.scale))
                gaps[np.arange(len(rows)), rows] = np.inf
            own[part], nearest[part] = _smallest_mean(gaps, keep), gaps.min(axis=1)
        return own, nearest

    def _few_gaps(
        self, rows: npt.NDArray[np.int64], keep: int, units: Floats, weight: Floats
    ) -> Array | None:
        """(rows, m) scaled distances that hold each row's `keep` smallest; None where too many are as near.

        Candidates are found in float32, by the square of the distance over the other's scale, which orders a
        row as the scaled distance does; only theirs are then measured exactly. A row is cut into 64 blocks;
        the `keep`-th least of their minima has `keep` figures at or below it, so the smallest are among those.
        """
        count = len(units)
        width = -(-count // _BLOCKS)
        rough = np.full((len(rows), _BLOCKS * width), np.inf, dtype=np.float32)
        rough[:, :count] = (1 - units[rows] @ units.T) * weight
        rough[np.arange(len(rows)), rows] = np.inf
        least = rough.reshape(len(rows), _BLOCKS, width).min(axis=2)
        bound = np.partition(least, keep - 1, axis=1)[:, keep - 1 : keep] + 4e-6 * weight.max()
        row, column = np.nonzero(rough <= bound)
        each = np.bincount(row, minlength=len(rows))
        if len(row) > _CANDIDATES * len(rows):
            return None
        cosine = np.einsum("ij,ij->i", self.units[rows[row]], self.units[column])
        exact = np.sqrt(np.maximum(0.0, 2 - 2 * cosine)) / np.sqrt(self.scale[rows[row]] * self.scale[column])
        gaps = np.full((len(rows), int(each.max())), np.inf)
        gaps[row, np.arange(len(row)) - (np.cumsum(each) - each)[row]] = exact
        return gaps

    def pairs(self, vector: npt.ArrayLike) -> Array:
        """(n,) locally scaled distance of one vector to each catalog track."""
        unit = self.space.unit(vector)
        scale = self.space.local_scale(unit)
        return np.asarray((distances(unit, self.units) / np.sqrt(np.outer(scale, self.scale)))[0])

    def calibrated(self, distance: float) -> float:
        """The distance as a figure 0..1."""
        top, bottom = _logit(OWN_LEVEL), _logit(BACKGROUND_LEVEL)
        z = top + (bottom - top) * (distance - self.low) / (self.high - self.low)
        return float(1 / (1 + np.exp(-np.clip(z, -30, 30))))


class CatalogModel:
    """A catalog of n >= 1 tracks that can be asked how much a sound belongs to it.

    ids: any values; vectors: (n, size of the background's embedding). A track of the catalog that the
    background holds too is no stranger to it.
    """

    def __init__(self, ids: Sequence[Any], vectors: npt.ArrayLike, background: Background) -> None:
        rows = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
        if not len(ids) or rows.shape != (len(ids), background.vectors.shape[1]):
            size = background.vectors.shape[1]
            raise ValueError(f"A catalog model needs one vector of {size} figures for each of its tracks.")
        self.ids = tuple(ids)
        self.background = background
        self._rows = rows
        self._whole = _Aspect(rows, background.space())

    @cached_property
    def _aspects(self) -> dict[str, _Aspect]:
        """Made when something is matched: the DNA asks only how distinct the catalog is."""
        return {
            name: _Aspect(self._rows, self.background.space(name), sample=_SAMPLE)
            for name in self.background.aspects
        }

    @property
    def auc(self) -> float:
        """Share of pairs of an own track and one of the background's nearer half in which the own is nearer.

        Distinctiveness; on held-out collections within .1 of the AUC against real other artists.
        """
        return self._whole.auc

    def own_matches(self) -> Array:
        """(n,) match of each of the catalog's tracks with itself left out; .85 for a sole track."""
        if len(self.ids) < 2:
            return np.full(len(self.ids), OWN_LEVEL)
        return np.array([self._whole.calibrated(float(d)) for d in self._whole.own])

    def match(
        self,
        vector: npt.ArrayLike,
        *,
        exclude: Collection[Any] = (),
        duration: float | None = None,
        closest: int = 5,
    ) -> Match:
        """How much the sound of this vector belongs to the catalog.

        exclude: ids to leave out of the comparison (the donors of a take, or the track itself).
        duration: seconds of the sound, when known; under a minute the figure is marked uncertain.
        """
        out = set(exclude)
        kept = np.array([i for i, track in enumerate(self.ids) if track not in out], dtype=int)
        if not len(kept):
            raise ValueError("Nothing is left to compare with: every track was excluded.")
        count = neighbours(len(kept))
        gaps = self._whole.pairs(vector)[kept]
        order = np.argsort(gaps)
        nearest = tuple((self.ids[kept[i]], self._whole.calibrated(float(gaps[i]))) for i in order[:closest])
        breakdown = {
            name: aspect.calibrated(float(_smallest_mean(aspect.pairs(vector)[None, kept], count)[0]))
            for name, aspect in self._aspects.items()
        }
        reasons = self._doubts(len(self.ids), duration)
        sure = min(1.0, len(kept) / 20) ** 0.5 * float(np.clip((self.auc - 0.5) / 0.45, 0, 1))
        if duration is not None and duration < LEAST_SECONDS:
            sure *= max(0.0, duration) / LEAST_SECONDS
        least = float(np.min(self._whole.nearest)) if len(self.ids) > 1 else _SOLE_OWN
        return Match(
            score=self._whole.calibrated(float(_smallest_mean(gaps[None], count)[0])),
            breakdown=breakdown,
            closest=nearest,
            n=len(kept),
            confidence=sure,
            low_confidence=bool(reasons),
            auc=self.auc,
            nearest_ratio=float(gaps.min() / max(least, 1e-6)),
            background_version=self.background.version,
            reasons=reasons,
        )

    def _doubts(self, used: int, duration: float | None) -> tuple[str, ...]:
        reasons = []
        if used < LEAST_TRACKS:
            reasons.append(
                f"Compared with {used} {'track' if used == 1 else 'tracks'}; ten or more make the figure firm."
            )
        if self.auc < LEAST_AUC:
            reasons.append(
                f"The catalog is mixed: its own tracks are nearer to it than similar music in {self.auc:.0%} of cases "
                "only, so a match means less."
            )
        if duration is not None and duration < LEAST_SECONDS:
            reasons.append(f"The recording lasts {duration:.0f} seconds; under a minute the figure moves.")
        return tuple(reasons)


def neighbours(count: int) -> int:
    """How many nearest tracks a catalog of this size is judged by."""
    return int(np.clip(round(count / 4), 1, 5))


def _smallest_mean(gaps: Array, count: int) -> Array:
    count = min(count, gaps.shape[1])
    return np.asarray(np.partition(gaps, count - 1, axis=1)[:, :count].mean(axis=1))


def _logit(p: float) -> float:
    return float(np.log(p / (1 - p)))
