"""Makes catalog/data/background-v2.npz: the frozen music that similarity, energy and palette compare with.

    python -m bench.make_background --download [--cache var/background] [--real DIR] [--out FILE]
    python -m bench.make_background --energy-only 3

Procedural tracks by invented artists over every style of the synthesiser (never the demo artists' own
tracks), and freely licensed recordings from Debian packages (`bench.recordings`, where the rule stands
that keeps the evaluation's artists out): DIR holds their unpacked contents, --download fetches and
unpacks them there. Only measured figures, labels, sources and licences are written; audio stays in the
cache. Same inputs, same file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from bench import recordings
from catalog.analysis import BANDS, TrackAnalysis, analyse
from catalog.analysis.energy import raw_energy
from catalog.demo import STYLES, render_style
from catalog.similarity.background import BACKGROUND_PATH, Background

VERSION = "2"
SECONDS = 62.0
ARTISTS_PER_STYLE = 8
LEAD_INS = (0.0, 0.21, 0.5, 0.0, 0.33, 0.05, 0.0, 0.12)
ARTIST_SEED, TRACK_SEED = 7000, 7100


@dataclass(frozen=True)
class Row:
    """One recording of the background."""

    path: Path
    label: str
    source: str
    licence: str


def procedural(cache: Path) -> Iterator[Row]:
    """The synthesised part: eight artists of each style, one track each, rendered once into the cache."""
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
    """The recorded part."""
    for kept, path in recordings.each(folder, recordings.BACKGROUND):
        name = f"{path.parent.name}/{path.name}" if path.name == "song.ogg" else path.name
        source = f"{kept.package}: {name} ({kept.composer})"
        yield Row(path, f"recorded:{kept.package}", source, kept.licence)


def measured(row: Row) -> TrackAnalysis:
    """The analysis of one recording, of its first four minutes at most."""
    return analyse(*recordings.read(row.path))


def background_of(rows: Sequence[Row], analyses: Sequence[TrackAnalysis]) -> Background:
    """Rows and what was measured on them, as a background."""
    names = sorted({name for a in analyses for name in a.measures})
    return Background(
        version=VERSION,
        vectors=np.stack([a.vector for a in analyses]),
        energy=np.array([raw_energy(a.measures) or 0.0 for a in analyses], np.float32),
        palette=np.array([[a.palette[name] for name, _, _ in BANDS] for a in analyses], np.float32),
        bpm=np.array([a.bpm or 0.0 for a in analyses], np.float32),
        labels=tuple(r.label for r in rows),
        sources=tuple(r.source for r in rows),
        licences=tuple(r.licence for r in rows),
        measures={
            name: np.array([a.measures.get(name, np.nan) for a in analyses], np.float32) for name in names
        },
    )


def with_energy_anew(background: Background, version: str) -> Background:
    """The same rows under the present formula of energy, from their stored measures: no audio is needed."""
    rows = [
        {name: float(values[i]) for name, values in background.measures.items()}
        for i in range(len(background))
    ]
    energy = np.array([raw_energy(measures) or 0.0 for measures in rows], np.float32)
    return replace(background, version=version, energy=energy)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=Path("var/background"))
    parser.add_argument("--real", type=Path)
    parser.add_argument("--download", action="store_true")
    parser.add_argument("--energy-only", metavar="VERSION", help="no audio: new energies in the same rows")
    parser.add_argument("--out", type=Path, default=BACKGROUND_PATH)
    asked = parser.parse_args()
    if asked.energy_only:
        with_energy_anew(Background.load(), asked.energy_only).save(asked.out)
        return
    asked.cache.mkdir(parents=True, exist_ok=True)
    folder = asked.real or asked.cache / "packages"
    if asked.download:
        recordings.download(folder, recordings.BACKGROUND)
    if not BACKGROUND_PATH.exists():
        # The percentile inside an analysis needs some background; what it says is not used here.
        empty = np.zeros((8, 242), np.float32)
        Background(
            "0", empty, empty[:, 0], np.full((8, 7), 1 / 7, np.float32), empty[:, 0], *(("",) * 8,) * 3
        ).save(BACKGROUND_PATH)
    rows = [*procedural(asked.cache), *real(folder)]
    analyses = []
    for number, row in enumerate(rows, 1):
        analyses.append(measured(row))
        print(f"{number}/{len(rows)} {row.source}", flush=True)
    background_of(rows, analyses).save(asked.out)
    print(f"wrote {asked.out}: {len(rows)} recordings")


if __name__ == "__main__":
    main()
