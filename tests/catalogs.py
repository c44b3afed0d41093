"""A real catalog for tests: twelve short procedural tracks, rendered and analysed once, then copied into rows.

Rendering and analysis take about 20 seconds on one core, so their results are kept in pytest's cache folder
under a name that carries the code that made them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings

from catalog.models import Analysis, Artist, Fingerprint, Track
from catalog.similarity import BACKGROUND_PATH

ROOT = Path(__file__).resolve().parents[1]
TRACKS, SECONDS, ARTIST_SEED, STYLE = 12, 32.0, 41, "dubstep"


def _version() -> str:
    digest = hashlib.sha256()
    for folder in ("catalog/demo", "catalog/analysis", "catalog/audio"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    digest.update(BACKGROUND_PATH.read_bytes())
    return digest.hexdigest()[:16]


def _make(folder: Path) -> None:
    import soundfile

    from catalog.analysis import analyse
    from catalog.audio.decode import decode
    from catalog.audio.fingerprint import fingerprint
    from catalog.audio.hashing import file_sha256
    from catalog.audio.peaks import peaks
    from catalog.demo.background import render_style

    folder.mkdir(parents=True)
    for number in range(TRACKS):
        made = render_style(STYLE, ARTIST_SEED, number, SECONDS)
        path = folder / f"{number:02d}.flac"
        soundfile.write(path, made.samples.T, 44_100, subtype="PCM_16", format="FLAC")
        decoded = decode(path)
        result = analyse(decoded.samples, decoded.sample_rate)
        np.save(folder / f"{number:02d}.vector.npy", result.vector.astype("<f4"))
        np.save(folder / f"{number:02d}.marks.npy", fingerprint(decoded.samples, decoded.sample_rate))
        facts: dict[str, Any] = {
            "document": result.to_json(),
            "peaks": peaks(decoded.samples),
            "file_sha256": file_sha256(path),
            "audio_sha256": decoded.pcm_sha256,
            "duration": decoded.duration,
            "bpm": result.bpm,
            "key_name": result.key.name if result.key else "",
            "camelot": result.key.camelot if result.key else "",
            "lufs": result.lufs,
            "energy": result.energy,
            "truth": {"bpm": made.bpm, "key": made.key.name},
        }
        (folder / f"{number:02d}.json").write_text(json.dumps(facts))


def sources(cache: pytest.Cache) -> Path:
    """The folder with the files and what was measured on them; made when missing."""
    home = cache.mkdir("starforge-catalog")
    folder = home / _version()
    with (home.parent / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of the same suite may be at it
        if not folder.is_dir():
            for old in home.iterdir():
                shutil.rmtree(old, ignore_errors=True)
            part = home / f".part-{os.getpid()}"
            _make(part)
            part.rename(folder)
    return folder


def stock(artist: Artist, folder: Path, *, count: int = TRACKS) -> list[Track]:
    """Put the first `count` tracks into an artist's catalog, analysed and ready."""
    home = Path(settings.MEDIA_ROOT) / "tracks"
    home.mkdir(parents=True, exist_ok=True)
    stocked = []
    for number in range(count):
        facts = json.loads((folder / f"{number:02d}.json").read_text())
        track = Track(
            artist=artist,
            title=f"Study {number + 1}",
            status=Track.READY,
            progress=1.0,
            filename=f"study {number + 1}.flac",
            format="flac",
            file_sha256=facts["file_sha256"],
            audio_sha256=facts["audio_sha256"],
            duration=facts["duration"],
            sample_rate=44_100,
            channels=2,
            tags={"genre": "Dubstep"},
        )
        track.path = f"tracks/{track.pk}.flac"
        source = folder / f"{number:02d}.flac"
        shutil.copyfile(source, home / f"{track.pk}.flac")
        track.size_bytes = source.stat().st_size
        track.save()
        track.analysis = Analysis.objects.create(
            track=track,
            version=facts["document"]["version"],
            document=facts["document"],
            vector=np.load(folder / f"{number:02d}.vector.npy").astype("<f4").tobytes(),
            peaks=facts["peaks"],
            **{name: facts[name] for name in ("bpm", "key_name", "camelot", "lufs", "energy")},
        )
        track.save(update_fields=["analysis"])
        Fingerprint.objects.create(
            track=track, data=np.load(folder / f"{number:02d}.marks.npy").astype("<u4").tobytes()
        )
        stocked.append(track)
    return stocked
