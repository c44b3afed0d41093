"""Takes of Mosaic against the figures asked of it: on the demo artists and on real music that nothing was tuned to.

    python -m bench.evaluate_mosaic [--download] [--music DIR] [--catalogs NAME …] [--pictures DIR] [--keep FILE]
        [--ablate [NAME …]]

Fifteen takes of 60 s for each catalog (`bench.mosaic.takes.requests`), best of several as the product makes them, one
of them again in another process. CPU seconds are measured alone, on a warm catalog, beside librosa cutting and
stretching as many seconds. No web server, no database. --ablate makes a few takes with and without choices of the
engine instead (default: all of `bench.mosaic.ablations`).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from bench import recordings
from bench.mosaic.ablations import ABLATIONS, ablated
from bench.mosaic.catalogs import DEMO, REAL, USUAL, Catalog, prepared, there
from bench.mosaic.speed import spent
from bench.mosaic.table import ablation_table, one_line, table
from bench.mosaic.takes import Report, reported, requests

AGAIN = 2  # the request that another process makes a second time
ABLATED = (4, 6, 7, 9, 11, 13)  # requests that ablations are compared on
TIMED = ("low-meridian", "Obsidian Shell")


@dataclass(frozen=True)
class Kept:
    """Folders and files that a run leaves behind; None for nothing."""

    pictures: Path | None = None
    reports: Path | None = None

    def add(self, report: Report, without: str) -> None:
        """One line of JSON for each take, as soon as it is measured."""
        if self.reports is not None:
            line = json.dumps({"without": without, **asdict(report), "what": sorted(report.what)})
            with self.reports.open("a") as file:
                file.write(f"{line}\n")


def some(kept: Kept, catalog: Catalog, numbers: Sequence[int], without: str = "full") -> list[Report]:
    """Make and measure these requests of a catalog, telling of each as it is done."""
    asked = requests(catalog)
    found = []
    for number in numbers:
        with ablated(without) as ablation:
            request = replace(asked[number], judged=ablation.judged, cached=ablation.cached)
            report = reported(catalog, request, kept.pictures)
        print(f"{without:<10} " * (without != "full") + one_line(report), flush=True)
        kept.add(report, without)
        found.append(report)
    return found


def takes(catalogs: Sequence[Catalog], processes: int, kept: Kept) -> list[Report]:
    # halves of a catalog go to different processes, and one request to both
    jobs = []
    for catalog in catalogs:
        count = len(requests(catalog))
        jobs.append((catalog, [*range(0, count, 2)]))
        jobs.append((catalog, [*range(1, count, 2), AGAIN]))
    # a process for each job: what is repeated is then repeated by another one
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        return [one for found in pool.map(partial(some, kept), *zip(*jobs, strict=True)) for one in found]


def ablations(
    catalogs: Sequence[Catalog], names: Sequence[str], processes: int, kept: Kept
) -> dict[str, list[Report]]:
    jobs = [(catalog, ABLATED, name) for name in names for catalog in catalogs]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        made = list(pool.map(partial(some, kept), *zip(*jobs, strict=True)))
    return {
        name: [one for found, job in zip(made, jobs, strict=True) if job[2] == name for one in found]
        for name in names
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--music", type=Path, default=Path("var/music"), help="packages and what is made of them"
    )
    parser.add_argument("--download", action="store_true", help="fetch the packages first (Debian)")
    parser.add_argument("--catalogs", nargs="+", default=USUAL, metavar="NAME", choices=(*DEMO, *REAL))
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write a picture of each take")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="write every figure of each take as JSON lines"
    )
    parser.add_argument("--ablate", nargs="*", metavar="NAME", choices=ABLATIONS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--skip-speed", action="store_true")
    parser.add_argument("--skip-takes", action="store_true")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if asked.download:
        wanted = tuple(kept for kept in recordings.EVALUATION if kept.composer in asked.catalogs)
        recordings.download(asked.music, wanted)
    kept = Kept(asked.pictures, asked.keep)
    names = [name for name in asked.catalogs if there(name, asked.music)]
    if len(names) < len(asked.catalogs):
        print(f"not in {asked.music}: {', '.join(set(asked.catalogs) - set(names))}; --download fetches them")
    catalogs = prepared(names, asked.music, asked.music / "mosaic")
    if asked.ablate is not None:
        without = list(dict.fromkeys(["full", *(asked.ablate or ABLATIONS)]))
        print(ablation_table(ablations(catalogs, without, asked.processes, kept)))
        return 0
    reached = True
    if not asked.skip_speed:
        for catalog in [one for one in catalogs if one.name in TIMED] or catalogs[:1]:
            for line in spent(catalog):
                print(line, flush=True)
                reached = reached and line.fine
    if not asked.skip_takes:
        text, fine = table(takes(catalogs, asked.processes, kept))
        print(text)
        reached = reached and fine
    return int(not reached)


if __name__ == "__main__":
    raise SystemExit(main())
