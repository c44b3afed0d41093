"""A certificate on a row of `tests.rows`, for tests that are not about stamping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catalog.models import Artist
from provenance import stamping
from provenance.models import Certificate
from tests.rows import loop_bytes


def stamped(artist: Artist, folder: Path, *, title: str = "Untitled 01", **said: Any) -> Certificate:
    """Stamp a loop of its own as the pipeline does. Needs transaction=True, and keys of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "take.wav"
    path.write_bytes(loop_bytes(seed=99))
    provenance: dict[str, Any] = {
        "type": "ai_generated",
        "timestamp": "2026-02-07T12:34:56Z",
        "generator": {"model": "mosaic", "label": "Mosaic", "version": "2.2", "fine_tuned": False},
        "source": {
            "catalog_id": "catalog_1",
            "track_count": 12,
            "catalog_hash": "sha256:" + "5d0a" * 16,
            "aesthetic_dna_snapshot": {"taste_coherence": 0.7, "dominant_genres": ["Dubstep"]},
        },
        "generation_params": {"bpm": 140, "energy": 0.8, "seed": 7, "reference_tracks": []},
    }
    return stamping.stamp(
        artist=artist,
        provenance=provenance | said,
        renditions=[stamping.Rendition("wav", path)],
        title="",
        private={"title": title, "prompt": "a secret prompt"},
    )
