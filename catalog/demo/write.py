"""Write the demo tracks to disk: 16-bit FLAC with title, artist and genre, several at a time."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import soundfile

from catalog.audio import atomic

from .artists import render
from .model import SAMPLE_RATE, DemoArtist, DemoTrack

Progress = Callable[[int, int, DemoTrack, Path], None]
"""Called as on_progress(done, total, track, path) after each file, in the calling process."""


def write_artist(
    artist: DemoArtist, folder: Path, *, processes: int | None = None, on_progress: Progress | None = None
) -> list[Path]:
    """Render and write all tracks of one artist; returns their paths in track order."""
    return write_tracks(artist.tracks, folder, processes=processes, on_progress=on_progress)


def write_tracks(
    tracks: Sequence[DemoTrack],
    folder: Path,
    *,
    processes: int | None = None,
    on_progress: Progress | None = None,
) -> list[Path]:
    """Render and write tracks. processes defaults to the number of cores, at most four.

    Files are written beside their name first and moved into place when whole, so an interrupted run leaves no
    broken file. Existing files are replaced. Raises OSError when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / file_name(number, track) for number, track in enumerate(tracks, start=1)]
    workers = min(processes or min(4, os.cpu_count() or 1), len(tracks))
    if workers <= 1:
        for done, (track, path) in enumerate(zip(tracks, paths, strict=True), start=1):
            write_track(track, path)
            if on_progress:
                on_progress(done, len(tracks), track, path)
        return paths
    # spawn, not fork: the caller may hold threads, sockets or database connections
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_keep_freed_memory
    ) as pool:
        jobs = {
            pool.submit(write_track, track, path): (track, path)
            for track, path in zip(tracks, paths, strict=True)
        }
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                job.result()
                if on_progress:
                    on_progress(done, len(tracks), *jobs[job])
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return paths


def _keep_freed_memory() -> None:
    """Tell glibc to reuse the 30 MB arrays of one step for the next instead of returning them each time.

    Without this a fifth of the time goes into page faults. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-3, 32 * 2**20)  # M_MMAP_THRESHOLD: use the heap for everything below 32 MB
        mallopt(-1, 2**30)  # M_TRIM_THRESHOLD: and do not shrink it


def write_track(track: DemoTrack, path: Path) -> Path:
    """Render one track into a FLAC file at this path."""
    samples = render(track).samples
    part = path.with_name(f".{path.name}.part")
    try:
        with soundfile.SoundFile(
            part, "w", samplerate=SAMPLE_RATE, channels=2, format="FLAC", subtype="PCM_16"
        ) as out:
            out.title, out.artist, out.genre = track.title, track.artist, ", ".join(track.genres)
            block = SAMPLE_RATE * 10
            for start in range(0, samples.shape[1], block):
                out.write(samples[:, start : start + block].T)
        atomic.move(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def file_name(number: int, track: DemoTrack) -> str:
    """ "03 Salt Hymn.flac"; characters that file systems refuse are left out."""
    safe = "".join(char for char in track.title if char.isalnum() or char in " -'&()")
    return f"{number:02d} {' '.join(safe.split())}.flac"
