"""Collections come in: store the file, read it as a job, say what became of each row.

Nothing is read inside the upload. The job looks through the whole file first, so a file that cannot be read to its
end changes nothing; then it writes batch by batch, each with its share of the report in one transaction, so that a
second attempt after a kill goes on where the first one stopped and counts nothing twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import cast

from django.conf import settings
from django.db import transaction

from catalog import adoption, jobs, snapshots
from catalog.audio import atomic
from catalog.clocks import Clock
from catalog.ids import import_id
from catalog.imports import Entry, ImportRefused, Kind, ListedPlaylist, kind_of, read, survey
from catalog.imports.limits import MAX_BYTES
from catalog.intake import CHUNK, Readable, clean_name
from catalog.models import Artist, Import
from catalog.playlists import drop_others, keep_playlist
from catalog.reports import Report
from catalog.upserts import Collection

log = logging.getLogger(__name__)

BATCH = 500
EXTENSIONS = {Import.Source.REKORDBOX: "xml", Import.Source.CSV: "csv", Import.Source.M3U: "m3u"}
KEPT_FOR = 30 * 24 * 3600.0  # seconds a file stays that was not read to its end


def submit(artist: Artist, *, stream: Readable, filename: str, only: str = "", queue: bool = True) -> Import:
    """Store a collection and queue its reading. Nothing is parsed here.

    The same file sent twice at once is one import. only: a kind, when no other is wanted. queue=False: the caller
    reads it itself. Raises ImportRefused (empty, too large, no list of tracks, no room); nothing is left behind then.
    """
    try:
        return _submit(artist, stream, clean_name(filename), only, queue)
    except OSError as error:
        if not atomic.no_room(error):
            raise
        raise ImportRefused(
            "no_space", "There is no room left on the server for this file. Nothing was taken in."
        ) from error


def _submit(artist: Artist, stream: Readable, filename: str, only: str, queue: bool) -> Import:
    folder = Path(settings.MEDIA_ROOT) / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".incoming-", dir=folder)
    incoming = Path(name)
    try:
        hasher, size = hashlib.sha256(), 0
        with os.fdopen(descriptor, "wb") as out:
            while data := stream.read(CHUNK):
                size += len(data)
                if size > MAX_BYTES:
                    raise ImportRefused(
                        "too_large",
                        f"The file is larger than {MAX_BYTES // 2**20} MB, the limit for a collection.",
                    )
                hasher.update(data)
                out.write(data)
        source, digest = kind_of(incoming, filename), hasher.hexdigest()
        if only and source != only:
            raise ImportRefused("other_kind", "This file is a list of tracks, but not Rekordbox XML.")
        pk = import_id()
        row = Import(
            id=pk,
            artist=artist,
            source=source,
            filename=filename,
            path=f"imports/{pk}.{EXTENSIONS[Import.Source(source)]}",
            size_bytes=size,
            file_sha256=digest,
        )
        with transaction.atomic():
            adoption.locked(artist)
            under_way = Import.objects.filter(
                artist=artist, file_sha256=digest, status__in=[Import.QUEUED, Import.RUNNING]
            )
            if (same := under_way.first()) is not None:
                return same
            row.save(force_insert=True)
            atomic.move(incoming, row.file)
            if queue:
                jobs.wake(row)
        return row
    finally:
        incoming.unlink(missing_ok=True)


def read_collection(pk: str) -> str:
    """The import task. Returns one word for the queue's records."""
    lease = jobs.claim(Import, pk)
    if lease is None:
        return "not ours"
    with lease.kept():
        try:
            row = Import.objects.select_related("artist").get(pk=pk)
            try:
                _read(row, Report.resumed(row.report), lease)
            except jobs.Cancelled:
                lease.finish(Import.CANCELLED, stage="")
                return "cancelled"
        except (jobs.Lost, Import.DoesNotExist, Artist.DoesNotExist):
            return "lost"
        except ImportRefused as error:
            said = Import.objects.only("report").get(pk=pk).report | {"code": error.code}
            if lease.finish(
                Import.FAILED, stage="", error=error.reason, failure="refused", path="", report=said
            ):
                row.file.unlink(missing_ok=True)
            return f"refused: {error.code}"
        except jobs.DATABASE_AWAY:
            return lease.give_back()
        except Exception:
            log.exception("import failed", extra={"import": pk})
            lease.finish(
                Import.FAILED,
                stage="",
                failure="unexpected",
                error="Reading stopped for a reason that was logged. What was read so far is kept; try again.",
            )
            raise
    return "ready"


def _read(row: Import, report: Report, lease: jobs.Lease) -> None:
    if not row.path or not row.file.is_file():
        raise ImportRefused("gone", "The file is no longer here. Send it again.")
    lease.report(0.02, "Looking through the file")
    found = survey(row.file, cast(Kind, row.source))
    lease.report(0.1, f"Reading {found.tracks:,} tracks")
    collection = Collection(row, found, report)
    report.start_playlists()
    batch: list[Entry] = []
    lists: set[tuple[str, str]] = set()
    name = Path(row.filename).stem
    for one in read(row.file, found, name=name):
        if isinstance(one, Entry):
            if len(batch) == BATCH:  # only now: what is odd about a row comes after it
                _write(row, collection, batch, lease)
                batch = []
            report.at += 1
            batch.append(one)
        elif isinstance(one, ListedPlaylist):
            _write(row, collection, batch, lease)
            batch = []
            one = report.named_apart(one)
            report.playlist(one, *keep_playlist(row, one, collection.pk_of, collection.by_location))
            lists.add((one.folder, one.name))
        else:
            report.note(one)
    _write(row, collection, batch, lease)
    if row.source == Import.Source.REKORDBOX and lists:
        report.removed(drop_others(row, lists))
    if lease.finish(Import.READY, stage="", path="", report=report.to_json()):
        row.file.unlink(missing_ok=True)
        snapshots.ask_for_drawing(row.artist)
    else:
        raise jobs.Lost


def _write(row: Import, collection: Collection, batch: list[Entry], lease: jobs.Lease) -> None:
    """One batch and its share of the report: both are there, or neither."""
    if not batch:
        return
    with transaction.atomic():
        adoption.locked(row.artist)
        collection.write(batch)
        mine = Import.objects.filter(pk=row.pk, status=Import.RUNNING, worker=lease.worker)
        if not mine.update(report=collection.report.to_json()):
            raise jobs.Lost
    done, whole = collection.report.position, collection.survey.tracks
    lease.report(0.1 + 0.85 * min(1.0, done / max(1, whole)), f"{done:,} of {whole:,} tracks read")


def cancel(row: Import) -> bool:
    """Stop reading. What was read stays. False when it was over already."""
    return jobs.cancel(row)


def retry(row: Import) -> bool:
    """Go on with an import that failed or was cancelled, from where it stopped. False when there is nothing to."""
    return bool(row.path) and jobs.requeue(row)


def recover() -> int:
    sweep()
    return jobs.recover(Import)


_swept = Clock()


def sweep(*, every: float = 600.0, older_than: float = 3600.0) -> int:
    """Remove half-written uploads, files no row names, and what nobody went on with for a month. Returns how many."""
    if not _swept.due(every):
        return 0
    now, removed = time.time(), 0
    for file in (Path(settings.MEDIA_ROOT) / "imports").glob("*"):
        with contextlib.suppress(OSError):
            age = now - file.stat().st_mtime
            named = Import.objects.filter(path=f"imports/{file.name}")
            if age > KEPT_FOR or (age > older_than and not named.exists()):
                named.exclude(status__in=[Import.QUEUED, Import.RUNNING]).update(path="")
                if not named.exists():
                    file.unlink()
                    removed += 1
    return removed
