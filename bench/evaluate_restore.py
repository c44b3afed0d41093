"""A backup of many takes, and its restore with everything proved.

`python -m bench restore` on SQLite; `--database postgres://user@host/postgres` makes two databases of its own on that
server and drops them. Each take has a signed and logged certificate, and a preview of `--bytes` bytes for its only
file: audio beyond that adds the time the disk needs to read and write it.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

NAMES = ("starforge_bench_backup", "starforge_bench_restore")
BATCH, EACH = 5_000, 4  # takes in a transaction; of a generation


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench restore", description=__doc__)
    parser.add_argument("--database", default="", help="of a PostgreSQL server where databases may be made")
    parser.add_argument("--takes", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=20_000)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="starforge-bench-") as folder, ExitStack() as stack:
        urls = (
            [stack.enter_context(_database(asked.database, name)) for name in NAMES]
            if asked.database
            else ["", ""]
        )
        home, kind = Path(folder), "PostgreSQL" if asked.database else "SQLite"
        print(
            f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {kind}",
            flush=True,
        )
        print(f"load {os.getloadavg()[0]:.1f} when it began", flush=True)
        os.environ |= {"STARFORGE_DATA": str(home / "data"), "DATABASE_URL": urls[0]}
        _fill(asked.takes, asked.bytes)
        made = _timed("backup", ["backup", str(home / "backup")], home / "data", urls[0])
        back = _timed("restore, verified", ["restore", str(home / "backup")], home / "new", urls[1])
    return made or back


def _timed(name: str, arguments: list[str], data: Path, url: str) -> int:
    began = time.perf_counter()
    environment = os.environ | {"STARFORGE_DATA": str(data), "DATABASE_URL": url}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], env=environment, text=True, capture_output=True
    )
    print(f"{name}: {time.perf_counter() - began:.1f} s\n{done.stdout}{done.stderr}", flush=True)
    return done.returncode


def _fill(takes: int, size: int) -> None:
    """Rows as so many generations would have left them, written in bulk; the log and its checkpoint as ever."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "starforge_site.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections, transaction
    from django.utils import timezone

    from catalog.accounts import create_artist
    from catalog.ids import new_id
    from catalog.models import DNASnapshot
    from generation.models import GeneratedTrack, Generation
    from provenance import keys, statement
    from provenance.canonical import canonical
    from provenance.log import store, tree
    from provenance.models import Certificate, CertifiedRendition, LogEntry, LogHead, LogNode
    from provenance.signing import seal

    began = time.perf_counter()
    call_command("migrate", verbosity=0)
    keys.ensure()
    artist = create_artist(username="bench", password="a long word for a bench", name="Bench")
    snapshot = DNASnapshot.objects.create(
        id="sha256:bench",
        artist=artist,
        inputs_digest="0",
        catalog_hash="sha256:0",
        track_count=0,
        document={},
    )
    signer, key = keys.signer("stamp")
    now, frontier = timezone.now(), list[bytes]()
    provenance = {
        "type": "ai_generated",
        "timestamp": now.isoformat(),
        "generator": {"model": "mosaic", "version": "0", "fine_tuned": False},
        "source": {"catalog_id": "bench", "track_count": 0},
        "generation_params": {"prompt": "dub", "bpm": 140, "energy": 0.8, "reference_tracks": []},
    }
    for low in range(0, takes, BATCH):
        rows: dict[type, list[object]] = {
            kind: []
            for kind in (Generation, LogEntry, LogNode, Certificate, CertifiedRendition, GeneratedTrack)
        }
        for at in range(low, min(low + BATCH, takes)):
            if at % EACH == 0:
                asked = Generation(
                    artist=artist, title="Bench", engine="mosaic", snapshot=snapshot, status="ready"
                )
                rows[Generation].append(asked)
            sound = hashlib.sha256(at.to_bytes(8)).hexdigest()
            said = statement.build(
                certificate_id=new_id("cert"),
                title=f"Take {at}",
                artist="Bench",
                provenance=copy.deepcopy(provenance),
                subjects=[statement.Subject("wav", "pcm", sound)],
                declared=False,
                now=now,
            )
            envelope = seal(canonical(said), signer)
            leaf = tree.leaf_hash(envelope.leaf())
            _, frontier, nodes = tree.append(at, frontier, leaf)
            entry = LogEntry(index=at, leaf_hash=leaf)
            identity = said["predicate"]["certificate"]["id"]
            certificate = Certificate(
                id=identity,
                owner=artist,
                title=f"Take {at}",
                artist_name="Bench",
                statement=said,
                envelope=envelope.to_json(),
                signature=envelope.hex_signature,
                key=key,
                entry=entry,
            )
            take = GeneratedTrack(
                generation=asked,
                user=artist.user,
                number=at % EACH + 1,
                title=f"Take {at}",
                filename="take.wav",
                engine="mosaic",
                model_version="0",
                licence="",
                seed=str(at),
                certificate=certificate,
                similarity_score=0.8,
                duration=60.0,
                render_sha256=sound,
                full_audio=GeneratedTrack.FullAudio.GONE,
            )
            take.audio_path = f"takes/{take.pk}"
            take.folder.mkdir(parents=True)
            take.file("preview").write_bytes(sound.encode() * (size // 64))
            rows[LogEntry].append(entry)
            rows[LogNode] += [
                LogNode(id=store.node_key((level, place)), hash=value) for level, place, value in nodes
            ]
            rows[Certificate].append(certificate)
            rows[CertifiedRendition].append(
                CertifiedRendition(certificate=certificate, name="wav", kind="pcm", audio_sha256=sound)
            )
            rows[GeneratedTrack].append(take)
        with transaction.atomic():
            for kind, found in rows.items():
                kind.objects.bulk_create(found, batch_size=500)  # type: ignore[attr-defined]  # any model
    LogHead.objects.update_or_create(pk=1, defaults={"size": takes, "frontier": b"".join(frontier)})
    store.checkpoint()
    connections.close_all()
    print(
        f"{takes:,} takes, each with a certificate and a preview of {size:,} bytes, written in "
        f"{time.perf_counter() - began:.0f} s into {settings.STARFORGE_DATA}",
        flush=True,
    )


@contextmanager
def _database(server: str, name: str) -> Iterator[str]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name}")
        connection.execute(f"create database {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")
