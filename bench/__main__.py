"""`make bench`: the figures, measured on this machine through the product's own doors.

`python -m bench NAME …` runs only some of them; `python -m bench --keep FOLDER` works in a folder that stays.
`python -m bench evaluate …` is `python -m bench.evaluate …`: how right the analysis is.
`python -m bench mosaic …` is `python -m bench.evaluate_mosaic …`: Mosaic's takes against the figures asked of them.
`python -m bench similarity …` is `python -m bench.evaluate_similarity …`: catalogs told apart, copies found.
`python -m bench recognition …` is `python -m bench.evaluate_recognition …`: altered copies led back, by mark and sound.
`python -m bench provenance …` is `python -m bench.evaluate_provenance …`: what a stamp costs, what gets past it.
`python -m bench restore …` is `python -m bench.evaluate_restore …`: a backup of 100,000 takes, and its restore.
`python -m bench log …` is `python -m bench.evaluate_log …`: the public log with a million entries, on PostgreSQL.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import (
    evaluate,
    evaluate_log,
    evaluate_mosaic,
    evaluate_provenance,
    evaluate_recognition,
    evaluate_restore,
    evaluate_similarity,
)
from bench.figures import Figure, analysis, job, pages, sockets, takes
from bench.imports import imports
from bench.library import library
from bench.product import Product, started

ALL: dict[str, Callable[[Product], list[Figure]]] = {
    "analysis": analysis,
    "takes": takes,
    "job": job,
    "pages": pages,
    "sockets": sockets,
    "imports": imports,
    "library": library,
}


def main() -> int:
    if sys.argv[1:2] == ["evaluate"]:
        return evaluate.main(sys.argv[2:])
    if sys.argv[1:2] == ["mosaic"]:
        return evaluate_mosaic.main(sys.argv[2:])
    if sys.argv[1:2] == ["similarity"]:
        return evaluate_similarity.main(sys.argv[2:])
    if sys.argv[1:2] == ["recognition"]:
        return evaluate_recognition.main(sys.argv[2:])
    if sys.argv[1:2] == ["provenance"]:
        return evaluate_provenance.main(sys.argv[2:])
    if sys.argv[1:2] == ["restore"]:
        return evaluate_restore.main(sys.argv[2:])
    if sys.argv[1:2] == ["log"]:
        return evaluate_log.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL)} (default: all)")
    parser.add_argument("--keep", metavar="FOLDER", help="data folder to use, and to leave behind")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(ALL):
        parser.error(f"there is no figure {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="starforge-bench-") as folder:
        data = Path(asked.keep or folder)
        data.mkdir(parents=True, exist_ok=True)
        print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}", flush=True)
        lines: list[Figure] = []
        with started(data) as product:
            for name in asked.names or ALL:
                print(f"… {name}", flush=True)
                lines += ALL[name](product)
    print(f"\n{'figure':<58} {'measured':>12} {'wanted':>12}")
    for line in lines:
        print(f"{line.name:<58} {line.measured:>12} {line.wanted:>12}  {'ok' if line.fine else 'MISSED'}")
    return int(not all(line.fine for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
