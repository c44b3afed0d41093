"""How well a catalog is told from other artists, and how surely a copy is found: on music nothing was tuned to.

    python -m bench.evaluate_similarity [--download] [--real DIR] [--cache DIR] [--skip-match] [--skip-copies]

Match: eight real collections that the background does not hold (`bench.recordings`, with the rule). Catalogs of
ten and twenty are drawn, the rest is held out, all other collections are the strangers. Invariance: held-out
tracks coded, quieter, and after silence. Copies: every transformation of every sixth real recording and of every
third demo track, looked up among all of them; false flags: each held against the catalog without itself.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr

from bench import recordings
from catalog.analysis import analyse
from catalog.audio.copies import SPEEDS, Shared, Shelf, shared_with
from catalog.audio.encode import write_mp3
from catalog.audio.fingerprint import fingerprint, fingerprints_at
from catalog.demo import ARTISTS, render
from catalog.similarity import Background, CatalogModel

RATE = 44_100
DRAWS = 10
COPY_SECONDS, COPY_SHARE = 10.0, 0.3  # as catalog.matching has them
Sound = np.ndarray


class Library:
    """Recordings by collection, with vector and fingerprint of each, measured once into the cache."""

    def __init__(self, real: Path, cache: Path) -> None:
        self.cache = cache
        self.files: dict[str, list[Path]] = defaultdict(list)
        for kept, path in recordings.each(real, recordings.EVALUATION):
            self.files[kept.composer].append(path)

    def measured(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """(vector, fingerprint) of a file."""
        name = self.cache / (hashlib.sha256(str(path).encode()).hexdigest()[:20] + ".npz")
        if not name.exists():
            samples, rate = recordings.read(path)
            np.savez(name, vector=analyse(samples, rate).vector, marks=fingerprint(samples, rate))
        with np.load(name) as kept:
            return kept["vector"], kept["marks"]

    def vectors(self) -> dict[str, np.ndarray]:
        return {
            who: np.stack([self.measured(path)[0] for path in paths]) for who, paths in self.files.items()
        }


def auc(own: np.ndarray, others: np.ndarray) -> float:
    return float((own[:, None] > others).mean() + 0.5 * (own[:, None] == others).mean())


def matches(vectors: dict[str, np.ndarray], size: int) -> None:
    """Catalogs of `size` (or all but one): own held-out tracks against those of the other collections."""
    background = Background.load()
    table = []
    print(f"\nCatalogs of {size}, {DRAWS} draws each, background {background.version} of {len(background)}")
    for who, rows in vectors.items():
        strangers = np.concatenate([other for name, other in vectors.items() if name != who])
        draws = []
        for draw in range(DRAWS):
            order = np.random.default_rng(draw).permutation(len(rows))
            count = min(size, len(rows) - 1)
            model = CatalogModel(list(range(count)), rows[order[:count]], background)
            own = np.array([model.match(v).score for v in rows[order[count:]]])
            others = np.array([model.match(v).score for v in strangers])
            hit, false = (own > 0.75).mean(), (others > 0.75).mean()
            draws.append((auc(own, others), np.median(own), np.median(others), hit, false, model.auc))
        table.append(np.mean(draws, axis=0))
        print(f"  {who:<22}{len(rows):4}  {_words(table[-1])}")
    print(f"  {'mean':<26}  {_words(np.mean(table, axis=0))}")


def _words(row: np.ndarray) -> str:
    return (
        f"AUC {row[0]:.3f}  own median {row[1]:.2f}  others {row[2]:.2f}  "
        f"over .75: own {row[3]:.2f} others {row[4]:.2f}  own AUC told {row[5]:.2f}"
    )


def invariance(library: Library, vectors: dict[str, np.ndarray]) -> None:
    """Change of the match of held-out tracks by what a file goes through."""
    background = Background.load()
    changes: dict[str, list[float]] = defaultdict(list)
    for who, paths in library.files.items():
        model = CatalogModel(list(range(len(paths) - 2)), vectors[who][2:], background)
        for path in paths[:2]:
            sound = at_rate(*recordings.read(path))
            plain = model.match(analyse(sound, RATE).vector).score
            for name, change in {
                "gain -12 dB": lambda x: x * np.float32(0.25),
                "MP3 128": lambda x: coded(x, 128),
                "MP3 96": lambda x: coded(x, 96),
                "5 s of silence before": lambda x: np.concatenate(
                    [np.zeros((2, 5 * RATE), np.float32), x], axis=1
                ),
            }.items():
                score = model.match(analyse(change(sound), RATE).vector).score
                changes[name].append(abs(score - plain))
    print("\nChange of the match of held-out tracks")
    for name, found in changes.items():
        print(f"  {name:<24} mean {np.mean(found):.3f}  worst {np.max(found):.3f}  ({len(found)} tracks)")


def at_rate(samples: Sound, rate: int) -> Sound:
    """(2, n) at 44.1 kHz."""
    two = samples[:2] if len(samples) > 1 else np.repeat(samples, 2, axis=0)
    if rate == RATE:
        return two
    return np.ascontiguousarray(soxr.resample(two.T, rate, RATE).T)


def coded(sound: Sound, kbps: Literal[96, 128]) -> Sound:
    with tempfile.NamedTemporaryFile(suffix=".mp3") as file:
        write_mp3(Path(file.name), sound, RATE, kbps)
        return np.ascontiguousarray(soundfile.read(file.name, dtype="float32", always_2d=True)[0].T)


def at_speed(sound: Sound, speed: float) -> Sound:
    return np.ascontiguousarray(soxr.resample(sound.T, RATE * speed, RATE).T)


def cut(sound: Sound, seconds: float, seed: int) -> Sound:
    length = int(seconds * RATE)
    start = int(np.random.default_rng(seed).integers(0, max(1, sound.shape[1] - length)))
    return sound[:, start : start + length]


CHANGES: dict[str, Callable[[Sound, int], Sound]] = {
    "exact": lambda x, _: x,
    "MP3 128": lambda x, _: coded(x, 128),
    "gain -12 dB": lambda x, _: x * np.float32(0.25),
    "trim 25 %": lambda x, _: x[:, x.shape[1] // 4 :],
    "speed -3 %": lambda x, _: at_speed(x, 0.97),
    "speed +3 %": lambda x, _: at_speed(x, 1.03),
    "speed -1.4 %": lambda x, _: at_speed(x, 0.986),
    "20 s excerpt": lambda x, seed: cut(x, 20, seed),
    "20 s excerpt, MP3 128": lambda x, seed: coded(cut(x, 20, seed), 128),
}


def looked_up(sound: Sound, shelf: Shelf) -> list[Shared]:
    """What a match would flag as copies: at its own speed, else at others."""
    for marks, speeds in (
        (lambda: [fingerprint(sound, RATE)], (1.0,)),
        (lambda: fingerprints_at(sound, RATE, SPEEDS), SPEEDS),
    ):
        found = [
            one
            for one in shared_with(marks(), shelf, speeds=speeds)
            if one.seconds >= COPY_SECONDS and one.covered >= COPY_SHARE
        ]
        if found:
            return found
    return []


def copies(what: str, recorded: list[tuple[str, Callable[[], Sound], np.ndarray]], step: int) -> None:
    """recorded: (id, its sound, its fingerprint)."""
    shelf = Shelf.of((pk, marks) for pk, _, marks in recorded)
    print(f"\nCopies among {len(shelf.ids)} {what}, {len(recorded[::step])} asked about")
    flagged: dict[str, list[bool]] = defaultdict(list)
    strange: dict[str, int] = defaultdict(int)
    spent: dict[str, float] = defaultdict(float)
    absent = []
    for number, (pk, load, _) in enumerate(recorded[::step]):
        sound = load()
        for name, change in CHANGES.items():
            changed = change(sound, number)
            start = time.process_time()
            found = looked_up(changed, shelf)
            spent[name] += time.process_time() - start
            flagged[name].append(bool(found) and found[0].id == pk)
            strange[name] += sum(one.id != pk for one in found)
        rest = Shelf.of((other, marks) for other, _, marks in recorded if other != pk)
        absent.append(bool(looked_up(sound, rest)))
    for name, hits in flagged.items():
        print(
            f"  {name:<24} flagged {np.mean(hits):7.1%}   other tracks flagged {strange[name]}   "
            f"CPU {spent[name] / len(hits):.2f} s"
        )
    print(f"  {'not in the catalog':<24} flagged {np.mean(absent):7.1%} (false)")


def real_sounds(library: Library) -> Iterator[tuple[str, Callable[[], Sound], np.ndarray]]:
    for who, paths in library.files.items():
        for path in paths:
            yield (
                f"{who}: {path.name}",
                lambda path=path: at_rate(*recordings.read(path)),  # type: ignore[misc]
                library.measured(path)[1],
            )


def demo_sounds() -> Iterator[tuple[str, Callable[[], Sound], np.ndarray]]:
    for artist in ARTISTS:
        for track in artist.tracks:
            made = render(track).samples
            yield f"{artist.name}: {track.title}", lambda made=made: made, fingerprint(made, RATE)  # type: ignore[misc]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", type=Path, default=Path("var/background/packages"))
    parser.add_argument("--cache", type=Path, default=Path("var/background/evaluation"))
    parser.add_argument("--download", action="store_true")
    parser.add_argument("--skip-match", action="store_true")
    parser.add_argument("--skip-copies", action="store_true")
    parser.add_argument("--skip-demo", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.download:
        recordings.download(asked.real, recordings.EVALUATION)
    asked.cache.mkdir(parents=True, exist_ok=True)
    library = Library(asked.real, asked.cache)
    if not asked.skip_match:
        vectors = library.vectors()
        for size in (10, 20):
            matches(vectors, size)
        invariance(library, vectors)
    if not asked.skip_copies:
        copies("real recordings", list(real_sounds(library)), 6)
        if not asked.skip_demo:
            copies("demo tracks", list(demo_sounds()), 3)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
