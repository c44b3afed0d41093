"""Rows for tests that are not about how the rows came to be: analysed tracks, finished generations.

What an analysed track holds was really measured, once, on a loop of `tests.sounds`; its neighbours differ from
it by small seeded changes of the vector.
"""

from __future__ import annotations

import functools
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from catalog import snapshots
from catalog.analysis import TrackAnalysis, analyse
from catalog.models import Analysis, Artist, Track
from generation.brief import Brief
from generation.exports.stems import write_stems
from generation.models import GeneratedTrack, Generation
from tests import sounds


@functools.cache
def measured() -> TrackAnalysis:
    """The analysis of eight seconds at 120 BPM."""
    return analyse(sounds.kick_loop(120.0, 8.0), sounds.RATE)


@functools.cache
def loop_bytes(seed: int = 0, kind: str = "wav") -> bytes:
    """A playable file of eight seconds."""
    with tempfile.TemporaryDirectory() as folder:
        path = sounds.write(Path(folder) / f"loop.{kind}", sounds.kick_loop(120.0, 8.0, seed=seed))
        return path.read_bytes()


def ready_track(artist: Artist, title: str = "Loop", *, seed: int = 0, **fields: Any) -> Track:
    """A track as a worker leaves it: file, analysis, hashes."""
    value = measured()
    name = hashlib.sha256(f"{artist.pk}:{title}:{seed}".encode()).hexdigest()
    path = Path(settings.MEDIA_ROOT) / "tracks" / f"{name[:16]}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(loop_bytes())
    options = {
        "status": Track.READY,
        "progress": 1.0,
        "filename": f"{title}.wav",
        "format": "wav",
        "path": f"tracks/{path.name}",
        "size_bytes": path.stat().st_size,
        "file_sha256": name,
        "audio_sha256": hashlib.sha256(name.encode()).hexdigest(),
        "duration": value.duration,
        "sample_rate": sounds.RATE,
        "channels": 2,
        "tags": {"genre": "UK Bass"},
    }
    track = Track.objects.create(artist=artist, title=title, **{**options, **fields})
    shake = np.random.default_rng(seed).standard_normal(value.vector.shape) * 0.05
    track.analysis = Analysis.objects.create(
        track=track,
        version=value.version,
        bpm=value.bpm,
        bpm_confidence=value.bpm_confidence,
        key_name=value.key.name if value.key else "",
        camelot=value.key.camelot if value.key else "",
        key_confidence=value.key.confidence if value.key else 0.0,
        lufs=value.lufs,
        energy=value.energy,
        document=value.to_json(),
        vector=(value.vector + shake).astype("<f4").tobytes(),
        peaks=[0, 64, 127],
    )
    track.save(update_fields=["analysis"])
    return track


def catalog_of(artist: Artist, count: int = 10) -> list[Track]:
    return [ready_track(artist, f"Loop {number}", seed=number) for number in range(1, count + 1)]


def generation_of(artist: Artist, **fields: Any) -> Generation:
    """A request that waits, conditioned on the artist's DNA as it is (made from one track if there is none)."""
    if not Track.objects.of(artist).ready().exists():
        ready_track(artist)
    options: dict[str, Any] = {
        "title": "Untitled 01",
        "prompt": "Dark dubstep, 140 BPM",
        "params": {"prompt": "Dark dubstep, 140 BPM", "takes": 1},
        "brief": Brief(
            prompt="Dark dubstep, 140 BPM",
            bpm=140.0,
            key=None,
            energy=0.6,
            genre="Dubstep",
            duration_seconds=60.0,
            seed=7,
        ).to_json(),
        "engine": "mosaic",
        "snapshot": snapshots.current(artist),
        "estimate_seconds": 20.0,
    }
    return Generation.objects.create(artist=artist, **{**options, **fields})


def take_of(artist: Artist, *, number: int = 1, **fields: Any) -> GeneratedTrack:
    """A finished take with its files, on a generation of its own unless one is given. Not stamped."""
    generation = fields.pop("generation", None) or generation_of(
        artist, status=Generation.READY, progress=1.0
    )
    folder = Path(settings.MEDIA_ROOT) / "takes" / f"{generation.pk}-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Untitled_01.wav", "Untitled_01.flac", "Untitled_01.mp3", "preview.mp3"):
        (folder / name).write_bytes(loop_bytes(seed=99, kind=name.rpartition(".")[2]))
    options: dict[str, Any] = {
        "title": f"Untitled 01, take {number}",
        "filename": "Untitled_01.wav",
        "prompt": generation.prompt,
        "generation_params": generation.brief,
        "catalog_snapshot": {"id": generation.snapshot_id},
        "engine": "mosaic",
        "model_version": "1.0",
        "licence": "Your own recordings",
        "seed": "7",
        "similarity_score": 0.87,
        "similarity": {"rhythm": 0.9},
        "closest_tracks": [{"id": "trk_1", "title": "Loop 1", "similarity": 0.9}],
        "measured": {"bpm": 140.0, "key": "F minor", "camelot": "4A", "lufs": -9.0},
        "requested": {"bpm": 140.0},
        "built_from": [{"bar": 0, "layer": "drums", "track_id": "trk_1", "source_bar": 4}],
        "duration": 8.0,
        "render_sha256": "ab" * 32,
        "audio_path": f"takes/{folder.name}",
    }
    return GeneratedTrack.objects.create(
        generation=generation, user=artist.user, number=number, **{**options, **fields}
    )


def give_stems(take: GeneratedTrack) -> dict[str, np.ndarray]:
    """Real stems for a take of `take_of`: its sound in two bands that add up to it. Returns them."""
    whole = np.asarray(sounds.kick_loop(120.0, 8.0, seed=99), dtype=np.float32)
    low = np.cumsum(whole - whole.mean(axis=1, keepdims=True), axis=1) * np.float32(0.02)
    stems = {"drums": whole - low, "bass": low}
    take.stems = write_stems(stems, take.folder / "stems", sounds.RATE)
    take.save(update_fields=["stems"])
    return stems
