"""The files of a take: written, and named for its certificate."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from generation.engines.base import Rendering
from generation.exports.stems import write_stems
from generation.models import GeneratedTrack
from provenance import stamping


def write_files(rendering: Rendering, folder: Path, stem: str) -> list[dict[str, Any]]:
    """All files of a take, unmarked, as `renditions_in` names them. Returns what is known of its stems."""
    from catalog.audio.encode import write_flac, write_mp3, write_wav

    audio, rate = rendering.audio, rendering.sample_rate
    write_wav(folder / f"{stem}.wav", audio, rate, bits=24)
    write_flac(folder / f"{stem}.flac", audio, rate, bits=24)
    write_mp3(folder / f"{stem}.mp3", audio, rate, kbps=320)
    write_mp3(folder / "preview.mp3", audio, rate, kbps=128)
    return write_stems(rendering.stems, folder / "stems", rate)


def renditions_in(folder: Path, stem: str) -> list[stamping.Rendition]:
    """The files of a take that are certified."""
    files = {kind: folder / f"{stem}.{kind}" for kind in ("wav", "flac", "mp3")}
    files["preview"] = folder / "preview.mp3"
    return [stamping.Rendition(name, path) for name, path in files.items()]


def stamp_key(take: GeneratedTrack, files: Sequence[Path]) -> str:
    """Names the stamp of exactly these recordings of this take, in at most 64 characters."""
    from catalog.audio.hashing import audio_digest

    said = ":".join(audio_digest(file)[1] for file in files)
    return f"{take.pk}:{hashlib.sha256(said.encode()).hexdigest()[:32]}"
