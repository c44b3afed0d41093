"""The frozen background: what music sounds like in general, so that "like you" can mean something.

Cosine between raw feature vectors says that all music is alike; centred on a background and scaled
by its spread it tells artists apart (AUC .77 to .87 on real catalogs). The background also carries
the reference for energy and palette. It is versioned and shipped as data: every score names the
version it was made with, because another background moves them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BACKGROUND_PATH = Path(__file__).resolve().parent.parent / "data" / "background-v2.npz"
Floats = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]

# The embedding's blocks, by aspect of what is heard. Sizes are those of catalog.analysis.embedding.
HAND_MADE = "hand-made 242"
BLOCK_SIZES = (19, 19, 19, 7, 16, 18, 48, 60, 12, 20, 4)
ASPECTS: dict[str, tuple[int, ...]] = {
    "sonic_palette": (0, 1, 2, 3, 4, 5),
    "rhythm": (6, 7, 8),
    "harmony": (9,),
    "energy": (5, 8),
    "dynamics": (2, 10),
}
_NEIGHBOURS = 7
# Chord distance below which two vectors are taken for one recording: transcodes measure .02 to .1.
SAME_RECORDING = 0.12


def _columns(blocks: tuple[int, ...], block_sizes: tuple[int, ...]) -> npt.NDArray[np.int64]:
    edges = np.concatenate([[0], np.cumsum(block_sizes)])
    return np.concatenate([np.arange(edges[b], edges[b + 1]) for b in blocks])


class Space:
    """Unit vectors of some of the embedding's blocks, centred on the background.

    mu, sd: (d,) of the background; centre: (d,) its mean after scaling; units: (n, d); scale: (n,)
    local scale of each background track, itself excluded.
    """

    def __init__(
        self, vectors: Floats, blocks: tuple[int, ...], block_sizes: tuple[int, ...] = BLOCK_SIZES
    ) -> None:
        self.columns = _columns(blocks, block_sizes)
        sizes = np.concatenate([np.full(block_sizes[b], block_sizes[b]) for b in blocks])
        self._weight = 1 / np.sqrt(sizes)
        chosen = vectors[:, self.columns].astype(np.float64)
        self.mu, self.sd = chosen.mean(axis=0), chosen.std(axis=0) + 1e-6
        self.centre: Array = np.zeros(len(self.columns))
        self.centre = self._scaled(vectors).mean(axis=0)
        self.units = self.unit(vectors)
        gaps = distances(self.units, self.units)
        np.fill_diagonal(gaps, np.inf)
        self.scale = _nearest_mean(gaps, _NEIGHBOURS)

    def _scaled(self, vectors: npt.ArrayLike) -> Array:
        chosen = np.atleast_2d(np.asarray(vectors, np.float64))[:, self.columns]
        return np.clip((chosen - self.mu) / self.sd, -4, 4) * self._weight - self.centre

    def unit(self, vectors: npt.ArrayLike) -> Array:
        """(n, d) unit vectors of (n, size) embeddings."""
        centred = self._scaled(vectors)
        size = np.linalg.norm(centred, axis=1, keepdims=True)
        return np.asarray(centred / np.maximum(size, 1e-9))

    def local_scale(self, units: Array) -> Array:
        """(n,) mean distance to the nearest background tracks: how crowded it is around each."""
        gaps = distances(units, self.units)
        # A background recording asked about itself, in whatever format, is not its own neighbour.
        return _nearest_mean(np.where(gaps < SAME_RECORDING, np.inf, gaps), _NEIGHBOURS)


def distances(a: Array, b: Array) -> Array:
    """(n, m) chord distance between unit vectors."""
    return np.asarray(np.sqrt(np.maximum(0.0, 2 - 2 * (a @ b.T))))


def _nearest_mean(gaps: Array, count: int) -> Array:
    count = min(count, gaps.shape[1] - 1) or 1
    nearest = np.sort(gaps, axis=1)[:, :count]
    return np.asarray(np.where(np.isfinite(nearest), nearest, 1.4).mean(axis=1) + 1e-9)


@dataclass(frozen=True, eq=False)
class Background:
    """n tracks of many styles: what everything is compared with.

    vectors (n, size), energy (n,) raw measure, palette (n, 7), bpm (n,) with 0 for none; label, source
    and licence of each row. measures: by name (n,) the raw figures behind the energy, NaN where there is
    none, so that another formula of it needs no audio. embedding names what the vectors are and
    block_sizes how they fall into blocks that weigh alike: a learned embedding is another file with its
    own name and, as a rule, one block; it has no aspects, so a match against it has no breakdown.
    """

    version: str
    vectors: Floats
    energy: Floats
    palette: Floats
    bpm: Floats
    labels: tuple[str, ...]
    sources: tuple[str, ...]
    licences: tuple[str, ...]
    measures: Mapping[str, Floats] = field(default_factory=dict)
    embedding: str = HAND_MADE
    block_sizes: tuple[int, ...] = BLOCK_SIZES

    @classmethod
    def load(cls, path: Path = BACKGROUND_PATH) -> Background:
        """The background of this file, read once per process."""
        return _read(path)

    def save(self, path: Path) -> None:
        """Write the rows so that `load` reads them back; no pickles."""
        rows: dict[str, Any] = {f"measure_{name}": v.astype(np.float32) for name, v in self.measures.items()}
        np.savez_compressed(
            path,
            version=np.array(self.version),
            vectors=self.vectors.astype(np.float32),
            energy=self.energy.astype(np.float32),
            palette=self.palette.astype(np.float32),
            bpm=self.bpm.astype(np.float32),
            labels=np.array(self.labels),
            sources=np.array(self.sources),
            licences=np.array(self.licences),
            embedding=np.array(self.embedding),
            block_sizes=np.array(self.block_sizes, np.int64),
            **rows,
        )

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def aspects(self) -> tuple[str, ...]:
        """What a match against this background is broken down into."""
        return tuple(ASPECTS) if self.block_sizes == BLOCK_SIZES else ()

    def space(self, aspect: str | None = None) -> Space:
        """The space of one aspect, or of all blocks."""
        return _space(self, aspect)

    def energy_percentile(self, raw: float) -> float:
        """Where a raw energy lies among the background's, in (0, 1), never reaching either end.

        A smooth rank: the mean of one sigmoid per background track, so that two tracks beyond the
        loudest reference still differ.
        """
        spread = max(float(self.energy.std()), 1e-3)
        rank = np.mean(
            1 / (1 + np.exp(-np.clip((raw - self.energy.astype(np.float64)) / (0.2 * spread), -40, 40)))
        )
        tail = 0.5 + np.arctan((raw - float(np.median(self.energy))) / spread) / np.pi
        return float(0.9 * rank + 0.1 * tail)

    def palette_near(self, bpm: float | None, least: int = 12) -> Floats:
        """(m, 7) palettes of the background tracks nearest in tempo (octaves folded), or of all."""
        if bpm is None or not (self.bpm > 0).any():
            return self.palette
        away = np.abs(np.log2(np.maximum(self.bpm, 1e-3) / bpm))
        folded = np.where(self.bpm > 0, np.minimum(away, np.abs(away - 1) + 0.02), np.inf)
        near = folded < 0.12
        if near.sum() < least:
            near = folded <= np.sort(folded)[min(least, len(folded)) - 1]
        chosen: Floats = self.palette[near]
        return chosen


@lru_cache(maxsize=4)
def _read(path: Path) -> Background:
    with np.load(path, allow_pickle=False) as rows:
        return Background(
            str(rows["version"]),
            rows["vectors"],
            rows["energy"],
            rows["palette"],
            rows["bpm"],
            tuple(str(x) for x in rows["labels"]),
            tuple(str(x) for x in rows["sources"]),
            tuple(str(x) for x in rows["licences"]),
            {name.removeprefix("measure_"): rows[name] for name in rows.files if name.startswith("measure_")},
            str(rows["embedding"]),
            tuple(int(size) for size in rows["block_sizes"]),
        )


@lru_cache(maxsize=32)
def _space(background: Background, aspect: str | None) -> Space:
    blocks = tuple(range(len(background.block_sizes))) if aspect is None else ASPECTS[aspect]
    return Space(background.vectors, blocks, background.block_sizes)
