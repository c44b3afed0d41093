"""`make test`: everything on SQLite, then what talks to the database again on PostgreSQL.

Says plainly what could not run and why. Arguments go to pytest: `python -m tests -k verify`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests import services

NOTHING_COLLECTED = 5
# Each holds a catalog, an analysis and now and then a browser: more than four would want more memory than cores.
PROCESSES = min(4, len(os.sched_getaffinity(0)))
# A file stays in one process: its fixtures are made once. `-n 0` among the arguments works in this one.
SHARED = ("-n", str(PROCESSES), "--dist", "loadfile") if PROCESSES > 1 else ()


def run(name: str, *arguments: str, database_url: str = "") -> tuple[str, int, float]:
    print(f"\n== {name}", flush=True)
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    if database_url:
        environment["DATABASE_URL"] = database_url
    started = time.monotonic()
    code = subprocess.call([sys.executable, "-m", "pytest", *SHARED, *arguments], env=environment)
    return name, code, time.monotonic() - started


def main(arguments: list[str]) -> int:
    skipped: list[str] = []
    stages = [run("SQLite: the whole suite", *arguments)]

    url, why = services.postgres()
    if url:
        stages.append(
            run(
                "PostgreSQL: what talks to the database",
                "-m",
                "database and not browser and not sound",
                *arguments,
                # A name of its own: another run beside this one, or a killed one, is not in the way.
                database_url=f"{url}_{os.getpid()}",
            )
        )
    else:
        skipped.append(f"PostgreSQL tests: {why}")
    if (why := services.chromium()[1]) and not services.required():
        skipped.append(f"browser tests: {why}")

    print("\n== Summary")
    failed = False
    for name, code, seconds in stages:
        # Of a few tests asked for by name, none may need a database; of the whole suite, many do.
        fine = code == 0 or (code == NOTHING_COLLECTED and bool(arguments) and name.startswith("PostgreSQL"))
        failed |= not fine
        print(f"{'passed' if fine else 'FAILED'}  {name} ({seconds:.0f} s)")
    for line in skipped:
        print(f"{'FAILED' if services.required() else 'skipped'}  {line}")
    if skipped and not services.required():
        print("(STARFORGE_REQUIRE_SERVICES=1 makes a skip a failure.)")
    return int(failed or (bool(skipped) and services.required()))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
