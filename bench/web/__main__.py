"""`make bench-web`: 200 open sockets and 50 requests each second over a large database, while a generation runs.

`make bench-web ARGS="--database postgres://user@host/postgres"` makes a database of its own on that server: 10,000
tracks, 100,000 takes, a log of 1,000,000 entries. `--small` is a tenth of that and less, on SQLite. `--keep FOLDER`
fills once and leaves folder and database behind for the next run.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import platform
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np

from bench.figures import Figure, demo_at_rest
from bench.web import alone, filling, load

NAME = "starforge_bench_web"
SOCKETS, RATE = 200, 50
PAGE_MS, API_MS, SOCKET_MS, ALONE_MS, READY_S, SIMILARITY_MS = 300, 200, 500, 300, 5, 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-web", description=__doc__)
    parser.add_argument("--database", help="of a PostgreSQL server where a database may be made")
    parser.add_argument("--small", action="store_true", help="a small database, on SQLite without --database")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the load lasts")
    parser.add_argument("--rate", type=float, default=RATE, help="requests each second")
    parser.add_argument("--sockets", type=int, default=SOCKETS)
    parser.add_argument("--keep", metavar="FOLDER", help="data folder to use, and to leave behind")
    parser.add_argument("--only", choices=["alone", "load"], help="half of it")
    parser.add_argument("--explain", action="store_true", help="the slowest queries of each slow page")
    asked = parser.parse_args()
    with ExitStack() as stack:
        data = Path(asked.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="starforge-bench-")))
        data.mkdir(parents=True, exist_ok=True)
        os.environ["STARFORGE_DATA"] = str(data)
        if asked.database:
            os.environ["DATABASE_URL"] = stack.enter_context(_database(asked.database, keep=bool(asked.keep)))
        print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}", flush=True)
        _filled(data, filling.SMALL if asked.small else filling.FULL)
        lines: list[Figure] = []
        if asked.only != "load":
            lines += _alone(asked.explain)
        if asked.only != "alone":
            lines += _loaded(data, asked.seconds, asked.rate, asked.sockets)
        from django.db import connections

        connections.close_all()
    print(f"\n{'figure':<64} {'measured':>14} {'wanted':>12}")
    for line in lines:
        print(f"{line.name:<64} {line.measured:>14} {line.wanted:>12}  {'ok' if line.fine else 'MISSED'}")
    return int(not all(line.fine for line in lines))


@contextmanager
def _database(server: str, *, keep: bool) -> Iterator[str]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
        if not there:
            connection.execute(f"CREATE DATABASE {NAME}")
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{NAME}"))
        finally:
            if not keep:
                connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


def _filled(data: Path, size: filling.Size) -> None:
    """The demo artist by the product itself, with one take that was made and stamped; the rest by copying."""
    from bench.product import started
    from catalog.demo import ARTISTS

    done = data / "filled"
    if not done.exists():
        with started(data, "--no-demo") as product:
            product.manage("demo", "--only", ARTISTS[0].slug)
            demo_at_rest(product, within=3600)
            made = product.generate(
                prompt="Dark dubstep, 140 BPM", duration_seconds=60, seed="bench", takes=1
            )
            product.finished(made["id"], within=1800)
    _set_up()
    if not done.exists():
        filling.fill(size)
        done.touch()


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "starforge_site.settings")
    for name in ("STARFORGE_RATE_ANON", "STARFORGE_RATE_USER", "STARFORGE_RATE_SHARED"):
        os.environ[name] = "1000000/min"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _pages(artist: Any) -> list[tuple[str, str]]:
    """(route, path) of every page and list of the API that an artist reads, of rows in the middle of theirs."""
    from catalog.models import Track
    from generation.models import GeneratedTrack
    from provenance.models import LogHead

    tracks, takes = Track.objects.of(artist), GeneratedTrack.objects.filter(generation__artist=artist)
    track = tracks.order_by("pk")[tracks.count() // 2]
    middle = takes.count() // 2
    take, other = takes.select_related("generation").order_by("pk")[middle : middle + 2]
    entry = LogHead.objects.get().size // 2
    pages = max(1, takes.count() // 40)
    return [
        ("/catalog/", "/catalog/"),
        ("/catalog/?page=", "/catalog/?page=3"),
        ("/catalog/?q=", "/catalog/?q=recording"),
        ("/catalog/tracks/<id>/", track.get_absolute_url()),
        ("/catalog/duplicates/", "/catalog/duplicates/"),
        ("/dna/", "/dna/"),
        ("/generate/", "/generate/"),
        ("/generations/<id>/", take.generation.get_absolute_url()),
        ("/history/", "/history/"),
        ("/history/?page=", f"/history/?page={pages}"),
        ("/history/?q=", "/history/?q=dubstep&sort=-match"),
        ("/history/requests/", "/history/requests/"),
        ("/history/evolution/", "/history/evolution/"),
        ("/history/families/", "/history/families/"),
        ("/history/compare/", f"/history/compare/?take={take.pk}&take={other.pk}"),
        ("/adapters/", "/adapters/"),
        ("/account/", "/account/"),
        ("/gallery/", "/gallery/"),
        ("/certificates/<id>/", take.certificate.get_absolute_url()),
        ("/log/", "/log/"),
        ("/log/<number>/", f"/log/{entry}/"),
        ("/verify/", "/verify/"),
        ("/api/tracks/", "/api/tracks/"),
        ("/api/tracks/<id>/", f"/api/tracks/{track.pk}/"),
        ("/api/tracks/progress/", "/api/tracks/progress/"),
        ("/api/dna/", "/api/dna/"),
        ("/api/engines/", "/api/engines/"),
        ("/api/generations/", "/api/generations/"),
        ("/api/generations/<id>/", f"/api/generations/{take.generation_id}/"),
        ("/api/generated-tracks/", "/api/generated-tracks/"),
        ("/api/generated-tracks/<id>/", f"/api/generated-tracks/{take.pk}/"),
        ("/api/evolution/", "/api/evolution/"),
        ("/api/usage/", "/api/usage/"),
        ("/api/certificates/<id>/", f"/api/certificates/{take.certificate_id}/"),
        ("/api/log/checkpoint", "/api/log/checkpoint"),
        ("/api/log/entries", f"/api/log/entries?start={entry}"),
    ]


def _artist(name: str) -> Any:
    from catalog.models import Artist

    return Artist.objects.select_related("user").get(user__username=f"bench-{name}")


# --- by itself ----------------------------------------------------------------------------------------


def _alone(explain: bool) -> list[Figure]:
    """Every page of the artist with the most, beside the same page of one with little: as many queries."""
    from django.test import Client

    lines = []
    clients = []
    for name in ("big", "artist01"):
        client = Client(headers={"host": "localhost"})
        client.force_login(_artist(name).user)
        clients.append((client, dict(_pages(_artist(name)))))
    (big, paths), (little, others) = clients
    print(
        f"\n{'one at a time, in this process':<34} {'most ms':>9} {'queries':>8} {'less ms':>9} {'queries':>8}"
    )
    for route, path in paths.items():
        much, less = alone.cost(big, route, path), alone.cost(little, route, others[route])
        print(
            f"{route:<34} {much.milliseconds:9.0f} {much.queries:8} {less.milliseconds:9.0f} {less.queries:8}",
            flush=True,
        )
        if explain and much.milliseconds > ALONE_MS / 2:
            for taken, sql in alone.slowest_queries(big, path):
                print(f"    {taken:6.0f} ms  {sql}", flush=True)
        fine = much.milliseconds <= ALONE_MS and much.queries == less.queries
        if not fine or much.milliseconds > ALONE_MS:
            lines.append(
                Figure(
                    f"{route} of the artist with the most (queries {much.queries}, with less {less.queries})",
                    f"{much.milliseconds:.0f} ms", f"{ALONE_MS} ms", fine,
                )
            )  # fmt: skip
    median, worst = alone.similarity()
    lines.append(
        Figure(
            "match against 100,000 vectors, median (worst "
            f"{worst:.0f} ms)", f"{median:.0f} ms", f"{SIMILARITY_MS} ms", median <= SIMILARITY_MS,
        )
    )  # fmt: skip
    return lines


# --- under load ---------------------------------------------------------------------------------------


def _person(artist: Any) -> load.Person:
    """A session as logging in would have made it."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(artist.user_id)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = artist.user.get_session_auth_hash()
    session.save()
    return load.Person(artist.pk, f"{settings.SESSION_COOKIE_NAME}={session.session_key}")


def _wishes(people: list[tuple[Any, load.Person]]) -> Iterator[load.Wish]:
    """Pages and API calls of all these artists, in an order that is the same in every run."""
    drawn = random.Random(8)
    # All read before the first is asked for: no query may run while the event loop does.
    pages = {artist.pk: _pages(artist) for artist, _ in people}

    def draw() -> load.Wish:
        artist, person = drawn.choice(people)
        return load.Wish(*drawn.choice(pages[artist.pk]), person)

    return (draw() for _ in itertools.count())


def _loaded(data: Path, seconds: float, rate: float, sockets: int) -> list[Figure]:
    from bench.product import started
    from catalog.models import Artist

    people = [
        (artist, _person(artist)) for artist in Artist.objects.filter(user__username__startswith="bench-")
    ]
    demo = Artist.objects.filter(is_demo=True, user__username="demo").select_related("user").get()
    watcher = _person(demo)
    wishes = _wishes(people)
    ready: list[float] = []
    with started(data, "--no-demo", ready=ready) as product:
        product.log_in("demo", "demo")
        asked = product.generate(prompt="Dark dubstep, 140 BPM", duration_seconds=360, seed="load", takes=4)
        places = [(asked["ws"], watcher) for _ in range(sockets // 5)]
        places += [("/ws/activity/", people[n % len(people)][1]) for n in range(sockets - len(places))]
        written, stop = _watched(asked["id"])
        before = os.getloadavg()[0]
        answers, heard = asyncio.run(load.under_load(product.port, places, wishes, rate, seconds))
        stop.set()
        state = product.get(f"/api/generations/{asked['id']}/")["status"]
        product.api.post(f"{product.base}/api/generations/{asked['id']}/cancel/")
        memory = _memory(product.port)
    print(
        f"\nload average {before:.1f} when it began, {os.getloadavg()[0]:.1f} at its end; generation: {state}"
    )
    print(f"{'under load':<34} {'n':>6} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}")
    for route, took in sorted(answers.seconds.items()):
        print(f"{route:<34} {len(took):6} " + " ".join(f"{p:8.0f}" for p in _points(took)), flush=True)
    for words in answers.wrong[:10]:
        print(f"  wrong: {words}")
    api = [one for route, took in answers.seconds.items() if route.startswith("/api/") for one in took]
    pages = [one for route, took in answers.seconds.items() if not route.startswith("/api/") for one in took]
    late = [
        moment - written[version]
        for (_, version), moments in heard.versions.items()
        if version in written
        for moment in moments
    ]
    page, call, push = (_points(some)[1] if some else float("inf") for some in (pages, api, late))
    return [
        Figure("restart to ready", f"{ready[0]:.1f} s", f"{READY_S} s", ready[0] <= READY_S),
        Figure("sockets open", f"{heard.opened}", f"{sockets}", heard.opened == sockets),
        Figure(
            f"requests answered, {rate:.0f} each second",
            f"{len(pages) + len(api)}", f"{len(pages) + len(api) + len(answers.wrong)}", not answers.wrong,
        ),
        Figure(f"pages, p95 of {len(pages)}", f"{page:.0f} ms", f"{PAGE_MS} ms", page <= PAGE_MS),
        Figure(f"API, p95 of {len(api)}", f"{call:.0f} ms", f"{API_MS} ms", call <= API_MS),
        Figure(
            f"progress written to heard, p95 of {len(late)}",
            f"{push:.0f} ms", f"{SOCKET_MS} ms", push <= SOCKET_MS,
        ),
        Figure("memory of the web process", f"{memory:.0f} MB", "500 MB", memory <= 500),
    ]  # fmt: skip


def _points(seconds: list[float]) -> tuple[float, float, float]:
    """p50, p95 and p99 in milliseconds."""
    p50, p95, p99 = 1000 * np.percentile(seconds, [50, 95, 99])
    return float(p50), float(p95), float(p99)


def _watched(generation: str) -> tuple[dict[int, float], threading.Event]:
    """When each version of the row could first be read, by looking every 10 ms from a thread."""
    from generation.models import Generation

    written: dict[int, float] = {}
    stop = threading.Event()

    def watch() -> None:
        from django.db import connection

        while not stop.wait(0.01):
            row = Generation.objects.filter(pk=generation).values_list("version", flat=True).first()
            if row is not None:
                written.setdefault(row, time.time())
        connection.close()

    threading.Thread(target=watch, daemon=True).start()
    return written, stop


def _memory(port: int) -> float:
    """MB of the web process, by its own metrics."""
    import requests

    for line in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text.splitlines():
        if line.startswith("process_resident_memory_bytes "):
            return float(line.split()[1]) / 2**20
    return 0.0


if __name__ == "__main__":
    raise SystemExit(main())
