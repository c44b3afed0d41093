"""Makes catalog/data/background-v1.npz: the frozen music that similarity, energy and palette compare with.

    python -m bench.make_background --cache var/background [--real DIR | --download] [--out FILE]

Procedural tracks by invented artists over every style of the synthesiser (never the demo artists' own
tracks), and freely licensed recordings from Debian packages for balance: DIR holds their unpacked
contents, --download fetches and unpacks them there with apt-get and dpkg. Only measured figures,
labels, sources and licences are written; audio stays in the cache. Same inputs, same file.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from catalog.analysis import BANDS, TrackAnalysis, analyse
from catalog.analysis.energy import raw_energy
from catalog.demo import STYLES, render_style
from catalog.similarity.background import BACKGROUND_PATH, Background

VERSION = "1"
SECONDS = 62.0
ARTISTS_PER_STYLE = 6
LEAD_INS = (0.0, 0.21, 0.5, 0.0, 0.33, 0.05)
ARTIST_SEED, TRACK_SEED = 7000, 7100
MOST_SECONDS = 240


@dataclass(frozen=True)
class Package:
    """A Debian package with music: its licence, and how many recordings of it to take."""

    name: str
    licence: str
    take: int
    least_bytes: int = 1_000_000


PACKAGES = (
    Package("asc-music", "GPL-2+", 3),
    Package("singularity-music", "CC-BY-SA-3.0", 6, 2_000_000),
    Package("warmux-data", "GPL-2+", 7),
    Package("warzone2100-music", "GPL-2+", 8),
    Package("xmoto-data", "GPL-2+", 5),
)


@dataclass(frozen=True)
class Row:
    """One recording of the background."""

    path: Path
    label: str
    source: str
    licence: str


def procedural(cache: Path) -> Iterator[Row]:
    """The synthesised part: six artists of each style, one track each, rendered once into the cache."""
    for style in STYLES:
        for number in range(ARTISTS_PER_STYLE):
            path = cache / f"{style}-{number}.flac"
            if not path.exists():
                rendered = render_style(
                    style, ARTIST_SEED + number, TRACK_SEED + number, SECONDS, lead_in=LEAD_INS[number]
                )
                soundfile.write(path, rendered.samples.T, rendered.sample_rate, subtype="PCM_16")
            yield Row(path, style, f"procedural:{style}:{number}", "CC0-1.0")


def real(folder: Path) -> Iterator[Row]:
    """The recorded part: evenly spaced picks, by name, from each unpacked package."""
    for package in PACKAGES:
        found = sorted(
            path
            for path in (folder / package.name).rglob("*")
            if path.suffix in (".ogg", ".mp3", ".opus", ".flac")
            and path.stat().st_size >= package.least_bytes
        )
        picks = sorted({round(i) for i in np.linspace(0, len(found) - 1, min(package.take, len(found)))})
        for pick in picks:
            path = found[pick]
            yield Row(path, f"recorded:{package.name}", f"{package.name}:{path.name}", package.licence)


def download(folder: Path) -> None:
    """Fetch and unpack the packages with apt-get and dpkg."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", *(p.name for p in PACKAGES)], cwd=folder, check=True)
    for package in PACKAGES:
        (archive,) = folder.glob(f"{package.name}_*.deb")
        subprocess.run(["dpkg", "-x", archive, folder / package.name], check=True)


def measured(row: Row) -> TrackAnalysis:
    """The analysis of one recording, of its first four minutes at most."""
    with soundfile.SoundFile(row.path) as file:
        samples = file.read(MOST_SECONDS * file.samplerate, dtype="float32", always_2d=True)
        return analyse(np.ascontiguousarray(samples.T), file.samplerate)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--download", action="store_true")
    parser.add_argument("--out", type=Path, default=BACKGROUND_PATH)
    asked = parser.parse_args()
    asked.cache.mkdir(parents=True, exist_ok=True)
    folder = asked.real or asked.cache / "packages"
    if asked.download:
        download(folder)
    if not asked.out.exists():
        # The percentile inside an analysis needs some background; what it says is not used here.
        empty = np.zeros((8, 242), np.float32)
        Background(
            "0", empty, empty[:, 0], np.full((8, 7), 1 / 7, np.float32), empty[:, 0], *(("",) * 8,) * 3
        ).save(asked.out)
    rows = [*procedural(asked.cache), *real(folder)]
    analyses = []
    for number, row in enumerate(rows, 1):
        analyses.append(measured(row))
        print(f"{number}/{len(rows)} {row.source}", flush=True)
    Background(
        version=VERSION,
        vectors=np.stack([a.vector for a in analyses]),
        energy=np.array([raw_energy(a.measures) for a in analyses], np.float32),
        palette=np.array([[a.palette[name] for name, _, _ in BANDS] for a in analyses], np.float32),
        bpm=np.array([a.bpm or 0.0 for a in analyses], np.float32),
        labels=tuple(r.label for r in rows),
        sources=tuple(r.source for r in rows),
        licences=tuple(r.licence for r in rows),
    ).save(asked.out)
    print(f"wrote {asked.out}: {len(rows)} recordings")


if __name__ == "__main__":
    main()
