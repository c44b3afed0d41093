"""`make test-faults`: every kind of work × every stage of it × every fault, on SQLite and on PostgreSQL.

python -m tests.faults                          both databases
python -m tests.faults --database sqlite --kinds generation export --faults "worker killed"
python -m tests.faults --every-seam             every seam of each stage instead of one, drawn by --draw
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DISK_MB = 700


@contextlib.contextmanager
def small_disk() -> Iterator[Path | None]:
    """A disk of its own that can be filled without harm: tmpfs, which only root may mount; else None."""
    place = Path(tempfile.mkdtemp(prefix="starforge-faults-"))
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)], capture_output=True
    )
    try:
        yield place if done.returncode == 0 else None
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", str(place)], check=False)
        with contextlib.suppress(OSError):
            place.rmdir()


@contextlib.contextmanager
def scratch_postgres() -> Iterator[str]:
    import psycopg

    from tests import services

    url, why = services.postgres()
    if not url:
        raise SystemExit(f"No PostgreSQL: {why}")
    server, name = url.rpartition("/")[0], f"starforge_faults_{secrets.token_hex(4)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f"drop database {name} with (force)")


def one_database(options: argparse.Namespace) -> int:
    """In a process of its own, whose settings name the database."""
    import django

    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["*"]
    from tests.faults import world

    who, played, began = world.prepared(options.kinds), [], time.monotonic()
    draw = random.Random(f"{options.draw} {options.database}")
    with world.service():
        for kind in options.kinds:
            found = world.seams_of(who, kind)
            stages: dict[str, list[Any]] = defaultdict(list)
            for seam in found:
                stages[seam.stage].append(seam)
            for there in stages.values():
                for fault in options.faults:
                    if not applies(fault, kind, bool(options.disk)):
                        continue
                    for seam in there if options.every_seam else [draw.choice(there)]:
                        result = world.play(who, kind, seam, fault)
                        played.append(result)
                        verdict = "; ".join(result.problems) or (
                            "holds" if result.struck else "holds, never came there"
                        )
                        print(
                            f"{options.database:8} {kind:12} {fault:15} {seam!s:60} {result.seconds:5.1f} s  {verdict}",
                            flush=True,
                        )
                        if result.problems and options.verbose:
                            print(
                                "   ",
                                "\n    ".join([one for one in result.said if one != "idle"][-12:]),
                                flush=True,
                            )
    table(options.database, played, time.monotonic() - began)
    return sum(bool(one.problems) for one in played)


def applies(fault: str, kind: str, disk: bool) -> bool:
    if fault == "service down":
        return kind == "declaration"
    if fault == "disk full":
        return disk and kind not in ("DNA", "declaration")
    return True


def table(database: str, played: list[Any], seconds: float) -> None:
    faults = sorted({one.fault for one in played})
    print(f"\n{database}: {len(played)} scenarios, {sum(bool(one.problems) for one in played)} with problems, "
          f"{sum(not one.struck for one in played)} never struck, {seconds:.0f} s\n")  # fmt: skip
    print("| kind | stage | " + " | ".join(faults) + " |")
    print("|---|---|" + "---|" * len(faults))
    rows: dict[tuple[str, str], dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for one in played:
        rows[one.kind, one.seam.stage][one.fault].append(one)
    for (kind, stage), cells in rows.items():
        said = []
        for fault in faults:
            tried = cells.get(fault, [])
            bad = sum(bool(one.problems) for one in tried)
            said.append("" if not tried else f"{bad} of {len(tried)} FAILED" if bad else f"{len(tried)} held")
        print(f"| {kind} | {stage} | " + " | ".join(said) + " |")
    print(flush=True)


def main() -> int:
    from tests.faults.names import FAULTS, NAMES

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--kinds", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=FAULTS)
    parser.add_argument("--every-seam", action="store_true")
    parser.add_argument("--draw", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--disk", default=os.environ.get("STARFORGE_FAULTS_DISK", ""), help=argparse.SUPPRESS)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        return min(1, one_database(options))
    failed = 0
    for database in [options.database] if options.database else ["sqlite", "postgresql"]:
        with contextlib.ExitStack() as stack:
            disk = stack.enter_context(small_disk())
            if disk is None:
                print("No small disk could be mounted (only root may), so no disk is filled.")
            data = disk or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            environment = {
                key: value for key, value in os.environ.items()
                if not key.startswith(("STARFORGE_", "Q_CLUSTER")) and key != "DATABASE_URL"
            }  # fmt: skip
            environment |= {
                "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
                "STARFORGE_DATA": str(data),
                "STARFORGE_LOG_LEVEL": "ERROR",
                "STARFORGE_RATE_USER": "100000/min",
                "OPENBLAS_NUM_THREADS": "1",
                "PYTHONUNBUFFERED": "1",
                **(
                    {"DATABASE_URL": stack.enter_context(scratch_postgres())}
                    if database == "postgresql"
                    else {}
                ),
            }
            arguments = [
                "--here",
                "--database",
                database,
                "--draw",
                str(options.draw),
                "--disk",
                str(disk or ""),
            ]
            arguments += ["--every-seam"] * options.every_seam + ["--verbose"] * options.verbose
            arguments += ["--kinds", *options.kinds, "--faults", *options.faults]
            failed |= subprocess.call([sys.executable, "-m", "tests.faults", *arguments], env=environment)
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
