"""What a stamp costs and what gets past it: Content Credentials, signature, sound and log, on three formats.

    python -m bench provenance [--runs 12] [--flips 1000] [--clean 1000] [--only times|flips|clean]

Times are of one process that has Django loaded, on three minutes of 24-bit stereo (the MP3 at 320 kbit/s), each run
on a fresh file. A flipped bit counts as refused when the verdict is anything but "intact". Flips are aimed at the
sound, at the statement in the tags, at the manifest with its wrapping and padding, and anywhere in the file.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.figures import Figure

RATE, FORMATS = 44_100, ("wav", "flac", "mp3")
AIMS = ("sound", "statement", "manifest", "anywhere")
PROVENANCE: dict[str, Any] = {
    "type": "ai_generated",
    "generator": {"model": "mosaic", "label": "Mosaic", "version": "1.0", "fine_tuned": False},
    "source": {
        "catalog_id": "catalog_0123456789abcdef",
        "track_count": 127,
        "catalog_hash": "sha256:" + "5d0a" * 16,
        "recordings_used": 24,
        "aesthetic_dna_snapshot": {"sha256": "sha256:" + "9c1e" * 16, "dominant_genres": ["Dubstep", "UK Bass"],
                                   "taste_coherence": 0.73, "sonic_palette": {f"band_{i}": 0.123 for i in range(12)}},
    },
    "generation_params": {"bpm": 140, "energy": 0.82, "seed": "7318", "duration_seconds": 180,
                          "reference_tracks": [f"trk_{i:016d}" for i in range(4)]},
    "result": {"render_sha256": "ab" * 32, "similarity_score": 0.81, "measured": {f"m{i}": 0.5 for i in range(12)}},
    "recipe": {"plan_sha256": "sha256:" + "ab" * 32, "source_map_sha256": "sha256:" + "cd" * 32},
    "credits": {"composition": "machine, from the artist's recordings", "mastering": "machine"},
    "rights": {"training": "not granted"},
    "parents": [],
}  # fmt: skip


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench provenance", description=__doc__)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--flips", type=int, default=1000, help="for each aim, over all formats")
    parser.add_argument("--clean", type=int, default=1000, help="untouched files that must be called intact")
    parser.add_argument("--only", choices=("times", "flips", "clean"))
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="starforge-bench-") as folder:
        _django(Path(folder))
        lines: list[Figure] = []
        if asked.only in (None, "times"):
            lines += times(Path(folder), asked.runs)
        if asked.only in (None, "flips"):
            lines += flips(Path(folder), asked.flips)
        if asked.only in (None, "clean"):
            lines += clean(Path(folder), asked.clean)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    for line in lines:
        print(f"{line.name:<58} {line.measured:>14} {line.wanted:>10}  {'ok' if line.fine else 'MISSED'}")
    return int(not all(line.fine for line in lines))


def _django(folder: Path) -> None:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="starforge_site.settings", STARFORGE_DATA=str(folder / "data"), DATABASE_URL=""
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def times(folder: Path, runs: int) -> list[Figure]:
    """Stamp and verify three minutes, and what the file grew by."""
    from django.urls import get_resolver

    from provenance import keys
    from provenance.standalone import check
    from provenance.verification import State, verify_file

    get_resolver().url_patterns  # noqa: B018  as in a process that serves: its first address costs .4 s of imports
    wanted = {"wav": 0.6, "flac": 0.6, "mp3": 0.15}
    lines, opened = [], _sockets()
    for name, plain in _written(folder, 180.0, 0).items():
        stamped, server, alone, grown = [], [], [], 0
        path = folder / f"timed.{name}"
        for _ in range(runs):
            shutil.copyfile(plain, path)
            began = time.perf_counter()
            _stamp(path, name)
            stamped.append(time.perf_counter() - began)
            grown = max(grown, path.stat().st_size - plain.stat().st_size)
            began = time.perf_counter()
            assert verify_file(path).state is State.INTACT
            server.append(time.perf_counter() - began)
            trust = keys.trust()
            began = time.perf_counter()
            assert check.check_file(path, trust).state == "intact"
            alone.append(time.perf_counter() - began)
        lines += [
            _seconds(f"stamp 3 min {name}, median", float(np.median(stamped)), wanted[name]),
            _seconds(f"verify 3 min {name}, server, p95", float(np.percentile(server, 95)), 0.25),
            _seconds(f"verify 3 min {name}, stand-alone, p95", float(np.percentile(alone, 95)), 0.25),
            Figure(f"added to {name}", f"{grown:,} B", "20,000 B", grown <= 20_000),
        ]
    return [*lines, Figure("sockets opened meanwhile", str(len(opened)), "0", not opened)]


def flips(folder: Path, count: int) -> list[Figure]:
    """One flipped bit at a time."""
    from provenance import keys
    from provenance.standalone import check

    files = _written(folder, 4.0, 1)
    chosen, lines = random.Random(1), []
    for path, name in ((path, name) for name, path in files.items()):
        _stamp(path, name)
    trust = keys.trust()
    for aim in AIMS:
        passed, tried = [], 0
        for name, path in files.items():
            pristine = path.read_bytes()
            first, last = _span(path, aim)
            for _ in range(-(-count // len(files))):
                bit = chosen.randrange(first * 8, last * 8)
                data = bytearray(pristine)
                data[bit // 8] ^= 1 << bit % 8
                path.write_bytes(data)
                tried += 1
                if check.check_file(path, trust).state == "intact":
                    passed.append((name, bit))
            path.write_bytes(pristine)
            assert check.check_file(path, trust).state == "intact"
        said = f"{tried - len(passed):,} of {tried:,}"
        lines.append(Figure(f"flipped bits refused, aimed at {aim}", said, "all", not passed))
        if passed:
            print(f"passed, {aim}: {passed[:20]}")
    return lines


def clean(folder: Path, count: int) -> list[Figure]:
    """Untouched files of many lengths, sounds and formats."""
    from provenance.verification import State, verify_file

    alarms = []
    for index in range(-(-count // len(FORMATS))):
        for name, path in _written(folder, 1.5 + (index % 37) * 0.1, 1000 + index).items():
            _stamp(path, name)
            found = verify_file(path)
            if found.state is not State.INTACT or found.checks[0].ok is not True:
                alarms.append((name, index, found.sentence))
    if alarms:
        print(alarms[:10])
    total = -(-count // len(FORMATS)) * len(FORMATS)
    return [Figure("false alarms on untouched files", f"{len(alarms)} of {total:,}", "0", not alarms)]


def _stamp(path: Path, name: str) -> Any:
    from provenance import stamping

    return stamping.stamp(
        artist=None,
        artist_name="An Artist",
        provenance=PROVENANCE,
        renditions=[stamping.Rendition(name, path)],
        title="Three minutes",
        private={"prompt": "Dark dubstep with ethnic percussion"},
    )


def _written(folder: Path, seconds: float, seed: int) -> dict[str, Path]:
    from catalog.audio.encode import write_flac, write_mp3, write_wav

    chosen = np.random.default_rng(seed)
    at = np.arange(int(seconds * RATE)) / RATE
    sound = sum(
        0.1 * np.sin(2 * np.pi * chosen.uniform(50, 4000) * at + chosen.uniform(0, 6)) for _ in range(5)
    )
    both = np.stack([sound, sound]) + chosen.normal(0, 0.03, (2, at.size))
    both = np.clip(both, -1, 1).astype(np.float32)
    files = {name: folder / f"plain-{seconds:.1f}.{name}" for name in FORMATS}
    write_wav(files["wav"], both, RATE, bits=24)
    write_flac(files["flac"], both, RATE, bits=24)
    write_mp3(files["mp3"], both, RATE, kbps=320)
    return files


def _span(path: Path, aim: str) -> tuple[int, int]:
    """The bytes that a flip may hit."""
    from catalog.audio.sniff import locate
    from provenance.manifest import places

    data = path.read_bytes()
    with path.open("rb") as file:
        place = places.find(file.fileno(), locate(file.fileno()))
    assert place is not None
    if aim == "manifest":
        return max(0, place.begin - 40), place.end
    if aim == "statement":
        at = data.find(b"STARFORGE_ENVELOPE")
        return at, at + 3_000
    if aim == "sound":
        return (60, len(data) - 40_000) if data[:4] == b"RIFF" else (len(data) // 2, len(data) - 200)
    return 0, len(data)


def _seconds(name: str, measured: float, wanted: float) -> Figure:
    return Figure(name, f"{measured:.3f} s", f"{wanted:.2f} s", measured <= wanted)


def _sockets() -> list[str]:
    """Every socket this process opens from now on. The library's child cannot open any: a system call filter."""
    opened: list[str] = []

    def hear(event: str, _: tuple[Any, ...]) -> None:
        if event.startswith("socket."):
            opened.append(event)

    sys.addaudithook(hear)
    return opened
