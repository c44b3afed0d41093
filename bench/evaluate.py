"""How right the analysis is, on music whose tempo, key and bars are known exactly, beside librosa's defaults.

    python -m bench.evaluate [--per-style N] [--seconds S] [--cache DIR] [--skip-librosa]

Tracks of every style by artists that neither the demo nor the background holds, and the demo catalogs
for the match. The truth is the synthesiser's own; real music is harder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from catalog.analysis import TempoContext, analyse
from catalog.analysis.keys import Key, mirex_weight
from catalog.demo import ARTISTS, STYLES, render, render_style
from catalog.similarity import Background, CatalogModel

ARTIST_SEED, TRACK_SEED = 51_000, 52_000
RATIOS = (1, 2, 1 / 2, 3, 1 / 3)
KRUMHANSL = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)


@dataclass(frozen=True)
class Answer:
    """What one analyser said about one track. downbeats in seconds, empty when it names none."""

    bpm: float
    key: Key | None
    downbeats: np.ndarray
    cpu: float


@dataclass(frozen=True)
class Case:
    """One track with its truth."""

    name: str
    path: Path
    bpm: float
    key: Key
    downbeats: np.ndarray


def cases(cache: Path, per_style: int, seconds: float) -> list[Case]:
    """Labelled tracks, rendered once into the cache. Tempos get odd fractions: no rounding helps."""
    found = []
    for style, table in STYLES.items():
        for number in range(per_style):
            path = cache / f"{style}-{number}-{seconds:g}.flac"
            note = path.with_suffix(".json")
            if not note.exists():
                chance = np.random.default_rng(TRACK_SEED + number)
                bpm = round(float(chance.uniform(*table.bpm)), 2)
                lead_in = round(float(chance.uniform(0, 1)), 3)
                made = render_style(
                    style, ARTIST_SEED + number, TRACK_SEED + number, seconds, bpm, lead_in=lead_in
                )
                soundfile.write(path, made.samples.T, made.sample_rate, subtype="PCM_16")
                truth = {"bpm": made.bpm, "tonic": made.key.tonic, "mode": made.key.mode}
                note.write_text(json.dumps(truth | {"downbeats": [float(d) for d in made.downbeats]}))
            read = json.loads(note.read_text())
            key = Key(read["tonic"], read["mode"])
            found.append(Case(f"{style} {number}", path, read["bpm"], key, np.array(read["downbeats"])))
    return found


def ours(samples: np.ndarray, rate: int, context: TempoContext | None = None) -> Answer:
    start = time.process_time()
    found = analyse(samples, rate, context=context)
    return Answer(found.bpm or 0.0, found.key, found.bars.start, time.process_time() - start)


def librosas(samples: np.ndarray, rate: int) -> Answer:
    """librosa as its documentation uses it: beat_track, and chroma_cqt against the Krumhansl profiles."""
    import librosa

    start = time.process_time()
    mono = librosa.resample(samples.mean(axis=0), orig_sr=rate, target_sr=22_050)
    tempo, _ = librosa.beat.beat_track(y=mono, sr=22_050)
    chroma = librosa.feature.chroma_cqt(y=mono, sr=22_050).mean(axis=1)
    scores = [np.corrcoef(np.roll(p, t), chroma)[0, 1] for p in KRUMHANSL for t in range(12)]
    best = int(np.argmax(scores))
    key = Key(best % 12, "major" if best < 12 else "minor")
    return Answer(float(np.atleast_1d(tempo)[0]), key, np.zeros(0), time.process_time() - start)


def table(label: str, found: list[Case], answers: list[Answer]) -> None:
    ratio = np.array([a.bpm / c.bpm for a, c in zip(answers, found, strict=True)])
    right = np.abs(ratio - 1) < 0.04
    family = np.min([np.abs(ratio / r - 1) for r in RATIOS], axis=0) < 0.04
    key = np.mean([mirex_weight(a.key, c.key) if a.key else 0.0 for a, c in zip(answers, found, strict=True)])
    error = 100 * float(np.median(np.abs(ratio[right] - 1))) if right.any() else float("nan")
    worst = 100 * float(np.max(np.abs(ratio[right] - 1))) if right.any() else float("nan")
    line = f"{label:<22} BPM A1 {right.mean():.2f} A2 {family.mean():.2f} error {error:.3f} % (worst {worst:.2f} %)"
    line += f"   key MIREX {key:.2f}"
    if any(len(a.downbeats) for a in answers):
        pairs = [(a, c) for a, c, ok in zip(answers, found, right, strict=True) if ok and len(a.downbeats)]
        away = np.array([np.abs(a.downbeats[:, None] - c.downbeats).min(axis=0).max() for a, c in pairs])
        line += f"   bars <= 40 ms {(away < 0.04).mean():.2f}, <= 15 ms {(away < 0.015).mean():.2f}"
    print(f"{line}   CPU {np.mean([a.cpu for a in answers]):.2f} s")


def matches() -> None:
    """Own tracks, left out one by one, against other demo artists' tracks."""
    background = Background.load()
    vectors = {}
    for artist in ARTISTS:
        rows = []
        for track in artist.tracks:
            made = render(track)
            rows.append(analyse(made.samples, made.sample_rate).vector)
        vectors[artist.name] = np.stack(rows)
    for name, own in vectors.items():
        model = CatalogModel(list(range(len(own))), own, background)
        mine = model.own_matches()
        others = np.array([model.match(v).score for n, vs in vectors.items() if n != name for v in vs])
        auc = (mine[:, None] > others).mean()
        print(f"{name:<22} own median {np.median(mine):.2f}, others {np.median(others):.2f}, AUC {auc:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--per-style", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--skip-librosa", action="store_true")
    parser.add_argument("--skip-match", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = asked.cache or Path(folder)
        cache.mkdir(parents=True, exist_ok=True)
        found = cases(cache, asked.per_style, asked.seconds)
        read = [soundfile.read(case.path, dtype="float32", always_2d=True) for case in found]
        sounds = [(np.ascontiguousarray(samples.T), rate) for samples, rate in read]
        ours(*sounds[0])
        print(f"{len(found)} tracks of {asked.seconds:g} s")
        table("Starforge", found, [ours(*sound) for sound in sounds])
        ranges = [STYLES[case.name.split(" ")[0]].bpm for case in found]
        hinted = [
            ours(*sound, context=TempoContext(artist_range=span))
            for sound, span in zip(sounds, ranges, strict=True)
        ]
        table("Starforge, range known", found, hinted)
        if not asked.skip_librosa:
            librosas(*sounds[0])
            table("librosa defaults", found, [librosas(*sound) for sound in sounds])
    if not asked.skip_match:
        matches()


if __name__ == "__main__":
    main()
