"""How right the analysis is, on music whose tempo, key and bars are known exactly, beside librosa's defaults.

    python -m bench.evaluate [PART …] [--cache DIR] [--download] [--per-style N] [--seconds S] [--skip-librosa]

Parts: speed, electronic, loops, drift, midi, match. Electronic tracks and loops are made here, and MIDI
renderings from Debian packages that --download fetches into the cache. Half of each set, by the hash of the
name, may be looked at when a constant is chosen; what is printed as "held out" is the other half. The truth is
the maker's own; real music is harder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.labelled import electronic, loops, midi
from bench.labelled.answers import Answer, librosas, ours
from bench.labelled.case import RATE, Case
from bench.labelled.speed import speed
from bench.labelled.tables import bars_line, drift_line, key_line, sections_line, tempo_line
from catalog.analysis import analyse
from catalog.demo import ARTISTS, render
from catalog.similarity import Background, CatalogModel

Analyser = Callable[[Case], Answer]


def alone(case: Case) -> Answer:
    return ours(case.read(), RATE)


def hinted(case: Case) -> Answer:
    return ours(case.read(), RATE, case.span)


def theirs(case: Case) -> Answer:
    return librosas(case.read(), RATE)


def compare(title: str, cases: list[Case], analysers: dict[str, Analyser], *, keys: bool, bars: bool) -> None:
    """Every analyser over the same files in the same run."""
    print(f"\n{title}: {len(cases)} files")
    for name, analyser in analysers.items():
        pairs = [(case, analyser(case)) for case in cases]
        held = [pair for pair in pairs if pair[0].held_out]
        for label, some in ((name, pairs), (f"{name}, held out", held)):
            if some:
                print(tempo_line(label, some), flush=True)
        if keys and "range" not in name:
            print(key_line(name, pairs))
            print(key_line(f"{name}, held out", held), flush=True)
        if bars and any(len(answer.downbeats) for _, answer in pairs):
            print(bars_line(name, pairs), flush=True)
            if any(case.sections for case in cases):
                print(sections_line(name, pairs), flush=True)
        print(f"{'':<34} CPU {np.mean([answer.cpu for _, answer in pairs]):.2f} s each")


def electronic_part(asked: argparse.Namespace) -> None:
    cases = electronic.tracks(asked.cache, asked.per_style, asked.seconds)
    analysers = {"Starforge": alone, "Starforge, range known": hinted} | asked.beside
    compare(f"electronic tracks of {asked.seconds:g} s", cases, analysers, keys=True, bars=True)


def loops_part(asked: argparse.Namespace) -> None:
    analysers = {"Starforge": alone, "Starforge, range known": hinted} | asked.beside
    compare("drum loops", loops.loops(asked.cache), analysers, keys=False, bars=True)
    compare("clicks", loops.clicks(asked.cache), analysers, keys=False, bars=False)


def drift_part(asked: argparse.Namespace) -> None:
    print("\ntempo that moves")
    for case in loops.drifting(asked.cache):
        print(drift_line(case, alone(case)), flush=True)


def midi_part(asked: argparse.Namespace) -> None:
    folder = asked.cache / "packages"
    if asked.download:
        midi.download(folder)
    if not folder.is_dir():
        print("\nMIDI renderings: none here; --download fetches the files from Debian packages")
        return
    cases = midi.pieces(folder, asked.cache)
    compare("MIDI renderings", cases, {"Starforge": alone} | asked.beside, keys=True, bars=False)


def match_part(asked: argparse.Namespace) -> None:
    """Own tracks, left out one by one, against other demo artists' tracks."""
    background = Background.load()
    vectors = {}
    for artist in ARTISTS:
        made = [render(track) for track in artist.tracks]
        vectors[artist.name] = np.stack([analyse(m.samples, m.sample_rate).vector for m in made])
    print()
    for name, own in vectors.items():
        model = CatalogModel(list(range(len(own))), own, background)
        mine = model.own_matches()
        others = np.array([model.match(v).score for n, vs in vectors.items() if n != name for v in vs])
        auc = (mine[:, None] > others).mean()
        print(f"{name:<22} own median {np.median(mine):.2f}, others {np.median(others):.2f}, AUC {auc:.3f}")


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "speed": lambda asked: speed(),
    "electronic": electronic_part,
    "loops": loops_part,
    "drift": drift_part,
    "midi": midi_part,
    "match": match_part,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--per-style", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cache", type=Path, help="keeps renderings between runs")
    parser.add_argument("--download", action="store_true", help="fetch MIDI files from Debian packages")
    parser.add_argument("--skip-librosa", action="store_true")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    asked.beside = {} if asked.skip_librosa else {"librosa defaults": theirs}
    with tempfile.TemporaryDirectory() as folder:
        asked.cache = asked.cache or Path(folder)
        asked.cache.mkdir(parents=True, exist_ok=True)
        warm = loops.clicks(Path(folder))[0]
        for analyser in (alone, *asked.beside.values()):
            analyser(warm)  # what is imported or compiled once is not what a track costs
        for part in asked.parts or PARTS:
            PARTS[part](asked)
    return 0


if __name__ == "__main__":
    sys.exit(main())
