"""Keys of its own for every test that signs, and small recordings to stamp."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.audio.encode import write_flac, write_mp3, write_wav
from provenance import stamping
from provenance.models import Certificate
from tests import people, sounds

PROVENANCE: dict[str, Any] = {
    "type": "ai_generated",
    "timestamp": "2026-02-07T12:34:56Z",
    "generator": {"model": "mosaic", "label": "Mosaic", "version": "1.0", "fine_tuned": False},
    "source": {
        "catalog_id": "demo",
        "track_count": 127,
        "catalog_hash": "sha256:" + "5d0a" * 16,
        "aesthetic_dna_snapshot": {"taste_coherence": 0.73, "dominant_genres": ["Dubstep", "UK Bass"]},
    },
    "generation_params": {
        "prompt": "Dark dubstep with ethnic percussion",
        "bpm": 140,
        "energy": 0.82,
        "seed": 7318,
        "reference_tracks": ["track_123", "track_456"],
    },
}
WRITERS: dict[str, Callable[..., None]] = {"wav": write_wav, "flac": write_flac, "mp3": write_mp3}


@pytest.fixture(autouse=True)
def own_data(settings: Any, tmp_path: Path) -> Path:
    """No test may sign with, or leave behind, anyone's keys."""
    settings.STARFORGE_DATA = tmp_path / "data"
    return settings.STARFORGE_DATA


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seconds of the same music in every format that can be stamped."""
    folder = tmp_path_factory.mktemp("recordings")
    music = np.clip(sounds.chord(seconds=2.0) + sounds.noise(2.0, level=0.05), -1, 1).astype(np.float32)
    for name, write in WRITERS.items():
        write(folder / f"take.{name}", music, sounds.RATE)
    return {name: folder / f"take.{name}" for name in WRITERS}


@pytest.fixture
def files(recordings: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Fresh, unmarked copies of the recordings."""
    out = {}
    for name, path in recordings.items():
        out[name] = tmp_path / f"take.{name}"
        out[name].write_bytes(path.read_bytes())
    return out


@pytest.fixture
def artist(db: None) -> Any:
    return people.owner().artist


@pytest.fixture
def certify(artist: Any) -> Callable[..., Certificate]:
    """Stamp files the way the pipeline does."""

    def make(files: dict[str, Path], **changes: Any) -> Certificate:
        wishes: dict[str, Any] = {
            "artist": artist,
            "provenance": PROVENANCE,
            "renditions": [stamping.Rendition(name, path) for name, path in files.items()],
            "title": "Untitled 03",
            "peaks": [64] * 200,
            "duration": 2.0,
        }
        return stamping.stamp(**{**wishes, **changes})

    return make
