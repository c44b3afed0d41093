"""The public log at its size: appends by many writers, proofs and a whole replay on PostgreSQL.

`python -m bench log --database postgres://user@host/postgres` makes a database of its own on that server, fills the
log, measures, and drops the database.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from bench.figures import Figure
from bench.web.filling import grow_log

NAME = "starforge_bench_log"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench log", description=__doc__)
    parser.add_argument(
        "--database", required=True, help="of a PostgreSQL server where a database may be made"
    )
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--appends", type=int, default=50, help="of each writer")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="starforge-bench-") as data, _database(asked.database) as url:
        os.environ |= {"STARFORGE_DATA": data, "DATABASE_URL": url}
        _set_up()
        print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}", flush=True)
        print(f"load {os.getloadavg()[0]:.1f} when it began", flush=True)
        grow_log(asked.entries)
        lines = [proofs(asked.entries), replay(asked.entries)]
        lines += appends(asked.writers, asked.appends, asked.entries)
        from django.db import connections

        connections.close_all()
    for line in lines:
        print(f"{line.name:<58} {line.measured:>12} {line.wanted:>12}  {'ok' if line.fine else 'MISSED'}")
    return int(not all(line.fine for line in lines))


def proofs(entries: int, times: int = 500) -> Figure:
    from provenance.log import store

    chosen = random.Random(6).sample(range(entries), min(times, entries))
    store.inclusion(chosen[0], entries)  # the connection is open and the pages are warm
    took = []
    for index in chosen:
        began = time.perf_counter()
        store.inclusion(index, entries)
        took.append(1000 * (time.perf_counter() - began))
    worst = statistics.quantiles(took, n=20)[-1]
    print(f"inclusion proof: median {statistics.median(took):.2f} ms, p95 {worst:.2f} ms", flush=True)
    return Figure(f"inclusion proof at {entries:,} entries, p95", f"{worst:.2f} ms", "5 ms", worst <= 5)


def replay(entries: int) -> Figure:
    from provenance.log.audit import audit

    began = time.perf_counter()
    report = audit()
    took = time.perf_counter() - began
    assert report.sound and report.entries == entries, report.sentence
    return Figure(f"full replay of {entries:,} entries", f"{took:.1f} s", "10 s", took <= 10)


def appends(writers: int, each: int, before: int) -> list[Figure]:
    """Each writer is a process with a connection of its own, and every append a transaction that is committed."""
    from django.db import connections

    from provenance.log import store
    from provenance.log.audit import audit

    connections.close_all()
    forked = multiprocessing.get_context("fork")
    gate = forked.Barrier(writers + 1)
    running = [forked.Process(target=_write, args=(gate, number, each)) for number in range(writers)]
    for one in running:
        one.start()
    gate.wait()
    began = time.perf_counter()
    for one in running:
        one.join()
    took = time.perf_counter() - began
    assert all(one.exitcode == 0 for one in running), "a writer failed"
    store.checkpoint()
    report = audit()
    gap_free = report.sound and report.entries == before + writers * each
    rate = writers * each / took
    return [
        Figure(f"appends each second, {writers} writers", f"{rate:.0f}", "100", rate >= 100),
        Figure("gap-free and sound after them", "yes" if gap_free else "no", "yes", gap_free),
    ]


def _write(gate: object, number: int, each: int) -> None:
    from django.db import connection, transaction

    from provenance.log import store

    connection.ensure_connection()
    gate.wait()  # type: ignore[attr-defined]
    for at in range(each):
        with transaction.atomic():
            store.append(hashlib.sha256(f"{number}:{at}".encode()).digest())
    connection.close()


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "starforge_site.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


@contextmanager
def _database(server: str) -> Iterator[str]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {NAME}")
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{NAME}"))
        finally:
            connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
