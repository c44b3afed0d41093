"""Catalogs to compose from: the three demo artists, and real collections that nothing was tuned to.

Each is kept in a folder as FLAC (at most four minutes a track), stored analyses and fingerprints, so that a second
run begins at once. Analyses pass through JSON as stored ones do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
import soxr

from bench import recordings
from bench.mosaic.onsets import on_grid, strong_onsets
from catalog.analysis import ANALYSIS_VERSION, TrackAnalysis, analyse
from catalog.audio.decode import decode
from catalog.audio.fingerprint import fingerprint
from catalog.demo import ARTISTS
from catalog.demo.write import write_track
from catalog.similarity import Background, CatalogModel
from generation.engines.base import CorpusTrack, Material
from generation.engines.mosaic.store import DiskCache

RATE = 44_100
WORKED_OUT_BYTES = 8 * 2**30
PERCUSSIVE = 0.95  # strong onsets on a track's own measured grid: below it, no take can be asked for more
REAL = tuple(dict.fromkeys(kept.composer for kept in recordings.EVALUATION))
DEMO = tuple(artist.slug for artist in ARTISTS)
USUAL = (*DEMO, "Obsidian Shell", "Kenta Cho", "Shawn Parrotte", "Wesnoth soundtrack")


@dataclass(frozen=True)
class Recording:
    """One track on disk. marks: its fingerprint. on_grid: share of its strong onsets on its own measured grid."""

    id: str
    title: str
    path: Path
    analysis: TrackAnalysis
    marks: np.ndarray
    on_grid: float

    def load(self) -> np.ndarray:
        """(2, n) float32 at 44.1 kHz, read as the product reads a track of the catalog."""
        return decode(self.path, sample_rate=RATE).samples


@dataclass(frozen=True)
class Catalog:
    """worked_out: folder for what the engine keeps of tracks from one take to the next."""

    name: str
    recordings: tuple[Recording, ...]
    worked_out: Path

    @cached_property
    def on_grid(self) -> float:
        """Median over its tracks."""
        return float(np.median([one.on_grid for one in self.recordings]))

    @property
    def percussive(self) -> bool:
        """Whether strong onsets are asked to lie on the grid of its takes: those of its own tracks do."""
        return self.on_grid >= PERCUSSIVE

    @cached_property
    def titles(self) -> dict[str, str]:
        return {one.id: one.title for one in self.recordings}

    @cached_property
    def model(self) -> CatalogModel:
        vectors = np.stack([one.analysis.vector for one in self.recordings])
        return CatalogModel([one.id for one in self.recordings], vectors, Background.load())

    @cached_property
    def corpus(self) -> tuple[CorpusTrack, ...]:
        return tuple(
            CorpusTrack(one.id, one.title, one.analysis, one.load, digest=one.id) for one in self.recordings
        )

    def material(self, *, judged: bool = True, cached: bool = True) -> Material:
        """What the product hands an engine: as `generation.pipeline.Making.material`."""

        def judge(vector: np.ndarray, without: Collection[str]) -> float:
            return float(self.model.match(vector, exclude=without).score)

        cache = DiskCache(self.worked_out, WORKED_OUT_BYTES) if cached else None
        return Material(self.corpus, judge if judged else None, cache=cache)

    @cached_property
    def genre(self) -> str | None:
        """As the tracks of a demo artist are tagged; the others carry no tags."""
        return next((artist.genre for artist in ARTISTS if artist.slug == self.name), None)

    @cached_property
    def energy(self) -> float:
        """What a request that asks for none is given: the median of its tracks."""
        return round(float(np.median([one.analysis.energy for one in self.recordings])), 3)

    @cached_property
    def bpm(self) -> float:
        """Median tempo of its tracks, in half BPM."""
        found = [one.analysis.bpm for one in self.recordings if one.analysis.bpm]
        return round(2.0 * float(np.median(found))) / 2.0 if found else 120.0


def prepared(names: Sequence[str], packages: Path, cache: Path) -> list[Catalog]:
    """The catalogs of these names, made ready on two processes where they are not yet."""
    jobs = [(name, *one) for name in names for one in _tracks(name, packages)]
    cache.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        made = list(pool.map(_ready, *zip(*jobs, strict=True), [cache] * len(jobs)))
    return [
        Catalog(
            name,
            tuple(_recording(*one) for one, job in zip(made, jobs, strict=True) if job[0] == name),
            cache / "worked-out",
        )
        for name in names
    ]


def there(name: str, packages: Path) -> bool:
    """Whether a catalog can be made without downloading anything."""
    needed = {kept.package for kept in recordings.EVALUATION if kept.composer == name}
    return name in DEMO or all((packages / package).is_dir() for package in needed)


def _tracks(name: str, packages: Path) -> list[tuple[str, str]]:
    """(title, source) of a catalog's tracks: a place among the demo tracks, or a file."""
    for artist in ARTISTS:
        if artist.slug == name:
            return [(track.title, str(number)) for number, track in enumerate(artist.tracks)]
    wanted = tuple(kept for kept in recordings.EVALUATION if kept.composer == name)
    return [(f"{path.parent.name}/{path.stem}", str(path)) for _, path in recordings.each(packages, wanted)]


def _ready(catalog: str, title: str, source: str, cache: Path) -> tuple[str, str, Path]:
    """Writes sound, analysis and fingerprint of a track where they are missing; (id, title, FLAC)."""
    name = hashlib.sha256(f"{catalog}:{source}".encode()).hexdigest()[:16]
    path, facts = cache / f"{name}.flac", cache / f"{name}-{ANALYSIS_VERSION}.npz"
    if not path.exists():
        part = path.with_suffix(".part.flac")
        _sound(catalog, source, part)
        part.replace(path)
    if not facts.exists():
        samples = decode(path, sample_rate=RATE).samples
        analysis = analyse(samples, RATE)
        document = json.dumps(analysis.to_json())
        np.savez(
            facts,
            vector=analysis.vector,
            marks=fingerprint(samples, RATE),
            document=document,
            on_grid=_on_grid(samples, analysis),
        )
    return name, title, path


def _on_grid(samples: np.ndarray, analysis: TrackAnalysis) -> float:
    if not analysis.bpm or analysis.first_downbeat is None:
        return 0.0
    times = strong_onsets(samples)
    return on_grid(times, analysis.bpm, start=analysis.first_downbeat) or 0.0


def _sound(catalog: str, source: str, path: Path) -> None:
    for artist in ARTISTS:
        if artist.slug == catalog:
            write_track(artist.tracks[int(source)], path)
            return
    samples, rate = recordings.read(Path(source))
    two = samples[:2] if len(samples) > 1 else np.repeat(samples, 2, axis=0)
    frames = two.T if rate == RATE else soxr.resample(two.T, rate, RATE)
    soundfile.write(path, frames, RATE, subtype="PCM_16")


def _recording(name: str, title: str, path: Path) -> Recording:
    with np.load(path.with_name(f"{name}-{ANALYSIS_VERSION}.npz")) as kept:
        document = json.loads(str(kept["document"]))
        analysis = TrackAnalysis.from_json(document, vector=kept["vector"])
        return Recording(name, title, path, analysis, kept["marks"], float(kept["on_grid"]))
