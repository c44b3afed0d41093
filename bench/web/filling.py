"""A database filled in bulk: rows that the product itself made once, repeated with names and times of their own.

Copies are made by the database (INSERT … SELECT), so that a hundred thousand takes take minutes. What is copied
is real: a track the demo artist's analysis finished, a take the pipeline made and stamped.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

BATCH = 50_000
FIRST = 10_000_000  # so that every number in an id has as many digits


@dataclass(frozen=True)
class Size:
    """How much there is: of everything, and of the one artist who has the most."""

    tracks: int
    takes: int
    entries: int
    artists: int
    big_tracks: int
    big_takes: int


FULL = Size(tracks=10_000, takes=100_000, entries=1_000_000, artists=40, big_tracks=4_000, big_takes=2_000)
SMALL = Size(tracks=1_000, takes=4_000, entries=20_000, artists=10, big_tracks=400, big_takes=200)


def clone(model: Any, template: Any, first: int, last: int, **columns: str) -> None:
    """Rows first..last as copies of `template`. columns: SQL of what is different, with `n` for the number."""
    from django.db import connection

    fields = [
        field for field in model._meta.concrete_fields if not field.get_internal_type().endswith("AutoField")
    ]
    names = ", ".join(f'"{field.column}"' for field in fields)
    # S608 below: nothing but names of our own columns and SQL of this module goes in; the key is a parameter.
    values = ", ".join(columns.get(field.column, f'a."{field.column}"') for field in fields)
    values = values.replace("%", "%%")  # beside a parameter
    table, key = model._meta.db_table, model._meta.pk.column
    if connection.vendor == "postgresql":
        numbers = f"generate_series({first}, {last}) AS s(n)"
        statement = f'INSERT INTO "{table}" ({names}) SELECT {values} FROM "{table}" a, {numbers} WHERE a."{key}" = %s'  # noqa: S608
    else:
        numbers = f"WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {last})"  # noqa: S608
        copied = f'SELECT {values} FROM "{table}" a, s WHERE a."{key}" = %s'  # noqa: S608
        statement = f'{numbers} INSERT INTO "{table}" ({names}) {copied}'
    with connection.cursor() as cursor:
        cursor.execute(statement, [template.pk])


def ago(unit: str = "minutes") -> str:
    """SQL for `n` minutes before now."""
    from django.db import connection

    if connection.vendor == "postgresql":
        return f"now() - n * interval '1 {unit}'"
    return f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || n || ' {unit}')"


def named(prefix: str, number: str = "n") -> str:
    return f"'{prefix}_a' || ({FIRST} + {number})"


def grow_log(entries: int) -> None:
    """The log as `entries` appends in all would have left it, written in bulk; then its checkpoint, signed as ever."""
    from django.db import connection, transaction
    from django.utils import timezone

    from provenance.log import store, tree
    from provenance.models import LogEntry, LogHead, LogNode

    began, now = time.perf_counter(), timezone.now()
    head = LogHead.objects.filter(pk=1).first()
    start, frontier = (head.size, _split(bytes(head.frontier))) if head else (0, [])
    if start >= entries:
        return
    for low in range(start, entries, BATCH):
        rows: list[tuple[object, ...]] = []
        made: list[tuple[int, bytes]] = []
        for at in range(low, min(low + BATCH, entries)):
            leaf = tree.leaf_hash(at.to_bytes(8))
            rows.append((at, leaf, "certificate", now))
            _, frontier, nodes = tree.append(at, frontier, leaf)
            made += [(store.node_key((level, place)), value) for level, place, value in nodes]
        with transaction.atomic():
            _insert(LogEntry._meta.db_table, ("index", "leaf_hash", "kind", "created_at"), rows)
            _insert(LogNode._meta.db_table, ("id", "hash"), made)
    LogHead.objects.update_or_create(pk=1, defaults={"size": entries, "frontier": b"".join(frontier)})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    store.checkpoint()
    print(f"{entries - start:,} log entries written in {time.perf_counter() - began:.0f} s", flush=True)


def _split(frontier: bytes) -> list[bytes]:
    return [frontier[at : at + 32] for at in range(0, len(frontier), 32)]


def _insert(table: str, names: tuple[str, ...], rows: list[Any]) -> None:
    from django.db import connection

    columns = ", ".join(f'"{name}"' for name in names)  # our own models' columns, hence the noqa
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', rows)  # noqa: S608


def fill(size: Size) -> None:
    """Artists with catalogs and takes, copied from what the demo artist has: at least a track and a take."""
    from django.contrib.auth import get_user_model
    from django.db import connection

    from catalog.models import Artist, Track
    from generation.models import GeneratedTrack

    track = Track.objects.filter(artist__is_demo=True).ready().own().order_by("pk").first()
    take = GeneratedTrack.objects.filter(certificate__isnull=False).select_related("generation").first()
    assert track and take, "the demo artist has no track or no take to copy"
    grow_log(size.entries)
    began, tracks, takes = time.perf_counter(), 0, 0
    for number in range(size.artists + 1):
        name = "big" if number == 0 else f"artist{number:02}"
        user = get_user_model().objects.create(username=f"bench-{name}", password="!")
        artist = Artist.objects.create(user=user, name=f"Bench {name}", rights_declared_at=track.created_at)
        many = size.big_tracks if number == 0 else (size.tracks - size.big_tracks) // size.artists
        made = size.big_takes if number == 0 else (size.takes - size.big_takes) // size.artists
        _catalog(artist, track, tracks + 1, tracks + many)
        _takes(artist, take, takes + 1, takes + made)
        tracks, takes = tracks + many, takes + made
        print(f"  {name}: {many:,} tracks, {made:,} takes", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{tracks:,} tracks and {takes:,} takes written in {time.perf_counter() - began:.0f} s", flush=True)


def _catalog(artist: Any, track: Any, first: int, last: int) -> None:
    from django.db import connection

    from catalog.models import Analysis, Track

    clone(
        Track, track, first, last,
        id=named("trk"), artist_id=str(artist.pk), title="'Recording ' || n", analysis_id="NULL",
        file_sha256="'f' || n", audio_sha256="'s' || n", created_at=ago(), imported_id="''",
    )  # fmt: skip
    clone(
        Analysis, track.analysis, first, last,
        track_id=named("trk"), bpm="100 + n % 75", energy="0.3 + (n % 60) / 100.0",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_track SET analysis_id = "
            "(SELECT a.id FROM catalog_analysis a WHERE a.track_id = catalog_track.id) WHERE artist_id = %s",
            [artist.pk],
        )
        found = Analysis.objects.filter(track__artist=artist).order_by("pk").values_list("pk", flat=True)
        middle, random = np.array(track.analysis.embedding), np.random.default_rng(artist.pk)
        shaken = middle + 0.2 * random.standard_normal((len(found), middle.size))
        vectors = [row.tobytes() for row in shaken.astype("<f4")]
        cursor.executemany(
            "UPDATE catalog_analysis SET vector = %s WHERE id = %s", list(zip(vectors, found, strict=True))
        )


def _takes(artist: Any, take: Any, first: int, last: int) -> None:
    """Two takes to a request, and a certificate in the log for each."""
    from catalog import snapshots
    from generation.models import GeneratedTrack, Generation
    from provenance.models import Certificate, CertifiedRendition

    snapshot = snapshots.current(artist)
    assert snapshot is not None
    clone(
        Generation, take.generation, (first + 1) // 2, last // 2,
        id=named("gen"), artist_id=str(artist.pk), title="'Untitled ' || n", snapshot_id=f"'{snapshot.pk}'",
        request_key="NULL", parent_id="NULL", created_at=ago(), queued_at=ago(), status="'ready'",
    )  # fmt: skip
    clone(
        Certificate, take.certificate, first, last,
        id=named("cert"), owner_id=str(artist.pk), entry_id="n + 1000", idempotency_key="NULL", track_id="NULL",
        created_at=ago(),
    )  # fmt: skip
    for rendition in take.certificate.renditions.all():
        clone(
            CertifiedRendition, rendition, first, last, certificate_id=named("cert"), audio_sha256="'r' || n"
        )
    clone(
        GeneratedTrack, take, first, last,
        id=named("take"), generation_id=named("gen", "(n + 1) / 2"), user_id=str(artist.user_id),
        number="2 - n % 2", title="'Untitled ' || n", certificate_id=named("cert"), library_track_id="NULL",
        similarity_score="0.4 + (n % 60) / 100.0", created_at=ago(),
        plan=f"'{json.dumps({})}'" if artist.name != "Bench big" else 'a."plan"',
    )  # fmt: skip
