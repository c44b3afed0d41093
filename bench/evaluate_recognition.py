"""How sure a stripped copy leads back to its certificate: watermark and fingerprint on takes and on recordings.

    make evaluate
    make evaluate ARGS="--takes 8 --json figures.json"

Mosaic's takes and the recordings they are made from are marked, altered and read again; every recording is also held
against all the others as a stranger. Coding needs `ffmpeg`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from bench.mosaic.catalogs import DEMO, RATE, REAL, USUAL, prepared, there
from bench.mosaic.takes import made, requests
from catalog.audio.copies import Shelf, shared_with
from catalog.audio.encode import quantise
from catalog.audio.fingerprint import fingerprint
from generation.engines.base import EngineError, Rendering
from generation.loudness import integrated_loudness
from generation.marking import marked
from generation.truepeak import true_peak_dbtp
from provenance import likeness
from provenance.watermark import Pattern, read

PATTERN = Pattern(b"the pattern of the evaluation")
LEAST_SECONDS, MOST_SECONDS = 60, 180
GIVEN = 10_000  # numbers that a busy installation has given: each could be mistaken for the right one
CODERS = {
    "MP3 128": (["-b:a", "128k"], "mp3"),
    "AAC 128": (["-c:a", "aac", "-b:a", "128k"], "m4a"),
    "Opus 96": (["-c:a", "libopus", "-b:a", "96k"], "opus"),
    "MP3 64": (["-b:a", "64k"], "mp3"),
}


@dataclass
class Case:
    """One recording and what became of it. copies: name → serial read right, score, fingerprint found."""

    name: str
    seconds: float
    level: dict[str, float] = field(default_factory=dict)
    seconds_to_mark: float = 0.0
    seconds_to_read: float = 0.0
    loudness_change: float = 0.0
    true_peak: float = 0.0
    null_db: float | None = None
    unmarked_read: bool = False
    copies: dict[str, dict[str, Any]] = field(default_factory=dict)
    strangers: dict[str, Any] = field(default_factory=dict)


def coded(samples: np.ndarray, options: Sequence[str], suffix: str, rate: int = RATE) -> np.ndarray:
    """Through a coder of ffmpeg and back: (channels, n) at 44.1 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        before, between, after = (Path(folder) / name for name in ("a.wav", f"b.{suffix}", "c.wav"))
        soundfile.write(before, samples.T, rate, subtype="PCM_24")
        for given, said, wanted in ((before, options, between), (between, ["-c:a", "pcm_s16le"], after)):
            subprocess.run(
                ["ffmpeg", "-y", "-v", "error", "-i", str(given), *said, str(wanted)], check=True, timeout=300
            )
        decoded, found = soundfile.read(after, dtype="float32", always_2d=True)
    return decoded.T if found == RATE else soxr.resample(decoded, found, RATE).T


def cropped(samples: np.ndarray) -> np.ndarray:
    length = samples.shape[1]
    return samples[:, int(0.23 * length) : int(0.83 * length)]


def at_48_kilohertz(samples: np.ndarray) -> np.ndarray:
    return soxr.resample(soxr.resample(samples.T, RATE, 48_000), 48_000, RATE).T


def alterations() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    found: dict[str, Callable[[np.ndarray], np.ndarray]] = {"untouched": lambda one: one}
    for name, (options, suffix) in CODERS.items():
        found[name] = partial(coded, options=options, suffix=suffix)
    found["crop to 60 %"] = cropped
    found["-12 dB"] = lambda one: quantise(one * 10 ** (-12 / 20), 16).astype(np.float32) / 2**31
    found["44.1 → 48 kHz"] = at_48_kilohertz
    found["all of it, Opus 96"] = lambda one: coded(cropped(one) * 0.25, *CODERS["Opus 96"])
    return found


def recordings_of(
    names: Sequence[str], music: Path, takes: int, recordings: int, seconds: float = MOST_SECONDS
) -> Iterator[tuple[str, Rendering]]:
    """Takes and recordings of each catalog in turn, by name."""
    for catalog in prepared(names, music, music / "mosaic"):
        asked = requests(catalog)
        for request in sorted(asked, key=lambda one: "plain" not in one.what)[:takes]:
            quick = replace(request, judged=False)
            try:
                yield f"{catalog.name}, {request.label}", made(catalog, quick)
            except EngineError as error:
                print(f"{catalog.name}, {request.label}: {error.reason}", flush=True)
        for one in catalog.recordings[:recordings]:
            samples = one.load()[:, : int(seconds * RATE)]
            if samples.shape[1] >= LEAST_SECONDS * RATE:
                # under the ceiling as a master is: what a limiter does to louder ones is not the mark's
                samples *= np.float32(min(1.0, 10 ** ((-1.2 - true_peak_dbtp(samples)) / 20)))
                yield f"{catalog.name}: {one.title}", Rendering(samples, RATE, {}, {})


def measured(name: str, rendering: Rendering, serial: int) -> tuple[Case, dict[str, np.ndarray]]:
    """Mark, alter and read; with the fingerprint of each copy, and of the recording itself under ""."""
    case = Case(name, rendering.audio.shape[1] / RATE)
    prints = {"": fingerprint(rendering.audio, RATE)}
    case.unmarked_read = read(rendering.audio, RATE, PATTERN, given=GIVEN) is not None
    began = time.process_time()
    done = marked(Rendering(rendering.audio, RATE, {}, {}), serial, PATTERN)
    case.seconds_to_mark = time.process_time() - began
    case.level, case.true_peak = done.stated["level"], done.stated["true_peak_dbtp"]
    before, after = (integrated_loudness(one, RATE) for one in (rendering.audio, done.rendering.audio))
    case.loudness_change = abs((after or 0.0) - (before or 0.0))
    if rendering.stems:
        stems = marked(rendering, serial, PATTERN).rendering.stems
        total = sum(quantise(one, 24).astype(np.float64) for one in stems.values()) / 2**31
        rest = np.abs(total - quantise(done.rendering.audio, 24) / 2**31).max()
        case.null_db = 20 * float(np.log10(max(rest, 1e-12)))
    for altered, change in alterations().items():
        copy = np.ascontiguousarray(change(done.rendering.audio), np.float32)
        began = time.process_time()
        found = read(copy, RATE, PATTERN, given=GIVEN)
        case.seconds_to_read = max(case.seconds_to_read, time.process_time() - began)
        case.copies[altered] = {
            "right": found is not None and found.serial == serial,
            "wrong": found is not None and found.serial != serial,
            "score": round(found.score, 1) if found else 0.0,
            "errors": found.errors if found else None,
        }
        prints[altered] = fingerprint(copy, RATE)
    return case, prints


def compared(cases: list[Case], prints: list[dict[str, np.ndarray]]) -> None:
    """Each copy against all recordings, and each recording against all others."""
    everything = Shelf.of((str(at), one[""]) for at, one in enumerate(prints))
    for at, (case, found) in enumerate(zip(cases, prints, strict=True)):
        for name, copy in case.copies.items():
            best = likeness.likeliest([found[name]], [lambda: everything])
            copy["found"] = best is not None and best.best.id == str(at)
            copy["another"] = best is not None and best.best.id != str(at)
            own = next((one for one in shared_with([found[name]], everything) if one.id == str(at)), None)
            copy["covered"] = round(own.covered, 3) if own else 0.0
            copy["bits"] = round(own.errors, 3) if own else None
        others = Shelf.of((str(other), one[""]) for other, one in enumerate(prints) if other != at)
        near = max(
            shared_with([found[""]], others), key=lambda one: max(one.covered, one.of_other), default=None
        )
        if near is not None:
            case.strangers = {
                "of": cases[int(near.id)].name,
                "matched": likeness.is_copy(near),
                "covered": round(max(near.covered, near.of_other), 3),
                "seconds": round(near.seconds, 1),
                "bits": round(near.errors, 3),
            }


def table(cases: list[Case]) -> None:
    print(f"\n{len(cases)} recordings of 60 s and more ({sum(c.null_db is not None for c in cases)} takes)")
    print(
        f"{'copy':<22}{'serial right':>14}{'least score':>13}{'wrong':>7}{'corrected':>11}{'fingerprint':>13}"
        f"{'another':>9}"
    )
    for name in cases[0].copies:
        rows = [case.copies[name] for case in cases]
        corrected = max(r["errors"] or 0 for r in rows)
        print(
            f"{name:<22}{sum(r['right'] for r in rows):>10} /{len(rows):<3}{min(r['score'] for r in rows):>11.1f}"
            f"{sum(r['wrong'] for r in rows):>7}{corrected:>11}{sum(r['found'] for r in rows):>9} /{len(rows):<3}"
            f"{sum(r['another'] for r in rows):>8}"
        )
    print(f"read where there is no mark: {sum(case.unmarked_read for case in cases)}")
    print(f"strangers taken for copies: {sum(bool(case.strangers.get('matched')) for case in cases)}")
    nulls = [case.null_db for case in cases if case.null_db is not None]
    for label, values in (
        ("CPU seconds to mark one minute", [c.seconds_to_mark * 60 / c.seconds for c in cases]),
        ("CPU seconds to read three minutes", [c.seconds_to_read * 180 / c.seconds for c in cases]),
        ("change of loudness, LU", [c.loudness_change for c in cases]),
        ("true peak of takes, dBTP", [c.true_peak for c in cases if c.null_db is not None]),
        ("stems against master, dBFS", nulls),
        ("level against masking, worst dB", [c.level["worst_db"] for c in cases]),
        ("level against masking, mean dB", [c.level["mean_db"] for c in cases]),
        ("size of the gains, dB", [c.level["strength_db"] for c in cases]),
        ("nearest stranger, share", [c.strangers.get("covered", 0.0) for c in cases]),
    ):
        if values:
            print(f"{label:<36} median {np.median(values):8.3f}   most {max(values):8.3f}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.evaluate_recognition", description=__doc__)
    parser.add_argument("--music", type=Path, default=Path("var/music"))
    parser.add_argument("--catalogs", nargs="+", default=USUAL, metavar="NAME", choices=(*DEMO, *REAL))
    parser.add_argument("--takes", type=int, default=8, help="takes of each catalog")
    parser.add_argument("--recordings", type=int, default=20, help="recordings of each catalog, at most")
    parser.add_argument(
        "--seconds", type=float, default=MOST_SECONDS, help=f"of each recording, {LEAST_SECONDS} at least"
    )
    parser.add_argument("--minutes", type=float, default=600.0, help="stop with what there is by then")
    parser.add_argument("--json", type=Path, help="write every figure of every recording")
    asked = parser.parse_args(arguments)
    if not shutil.which("ffmpeg"):
        parser.error("the copies are coded by ffmpeg, which is not here: apt-get install ffmpeg")
    names = [name for name in asked.catalogs if there(name, asked.music)]
    cases: list[Case] = []
    prints: list[dict[str, np.ndarray]] = []
    began = time.monotonic()
    for name, rendering in recordings_of(names, asked.music, asked.takes, asked.recordings, asked.seconds):
        if time.monotonic() - began > 60.0 * asked.minutes:
            break
        case, found = measured(name, rendering, len(cases) + 1)
        cases.append(case)
        prints.append(found)
        misses = [copy for copy, one in case.copies.items() if not one["right"]]
        least = min(one["score"] for one in case.copies.values())
        print(f"{len(cases):>4} {name[:60]:<60} least score {least:5.1f} {misses or ''}", flush=True)
    compared(cases, prints)
    if asked.json:
        asked.json.write_text(json.dumps([vars(case) for case in cases], indent=1))
    table(cases)
    return 0 if all(one["right"] for case in cases for one in case.copies.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
