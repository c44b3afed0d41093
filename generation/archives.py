"""Everything of an artist as one zip: written to disk piece by piece, by a worker."""

from __future__ import annotations

import contextlib
import errno
import shutil
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog import jobs, security
from catalog.audio import atomic
from catalog.models import Artist
from generation import archive_parts, usage
from generation.models import Export

KEPT = timedelta(days=7)
PIECE = 2**20
SPARE = 256 * 2**20  # that others need while it is packed
STALE = 3600.0
TELL_EVERY = 0.5
FULL = (errno.ENOSPC, errno.EDQUOT)
NO_ROOM = (
    "There is no room on the server to pack everything. Delete what you no longer need, or ask whoever runs "
    "this site, then try again."
)


class NoRoom(Exception):
    def __init__(self) -> None:
        super().__init__(NO_ROOM)


def home() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def estimate(artist: Artist) -> int:
    """Bytes an export would have, about: audio is not compressed again."""
    return usage.stored(artist) + 20_000 * (1 + artist.certificates.count())


def start(artist: Artist) -> tuple[Export, bool]:
    """Queue an export; earlier ones go. (the row, False) when one is under way. Raises NoRoom."""
    with transaction.atomic():
        Artist.objects.select_for_update().get(pk=artist.pk)  # two presses are one export
        rows = Export.objects.filter(artist=artist)
        if (found := rows.filter(status__in=[Export.QUEUED, Export.RUNNING]).first()) is not None:
            return found, False
        size = estimate(artist)
        earlier = list(rows)
        freed = sum(one.size_bytes for one in earlier)
        if shutil.disk_usage(home()).free + freed < size + SPARE:
            raise NoRoom
        for one in earlier:
            delete(one)
        row = Export.objects.create(artist=artist, estimate_bytes=size)
        security.record(security.Kind.EXPORT_MADE, artist.user, detail=row.pk)
        jobs.wake(row)
    return row, True


def fetched(row: Export) -> None:
    """Note that it is being downloaded: once, however many pieces are asked for."""
    user = row.artist.user
    if not security.of(user).filter(kind=security.Kind.EXPORT_FETCHED, detail=row.pk).exists():
        security.record(security.Kind.EXPORT_FETCHED, user, detail=row.pk)


def delete(row: Export) -> None:
    jobs.cancel(row)
    files = [row.file]
    row.delete()
    transaction.on_commit(partial(_unlink, files))


def artist_goes(sender: type[Artist], instance: Artist, **_: Any) -> None:
    """Before an artist is deleted, by whatever way: their exports go when it is committed."""
    transaction.on_commit(partial(_unlink, [one.file for one in Export.objects.filter(artist=instance)]))


def _unlink(files: list[Path]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


def sweep() -> None:
    """Remove what has expired, and what killed workers left behind."""
    for row in Export.objects.filter(expires_at__lt=timezone.now()):
        delete(row)
    folder = Path(settings.MEDIA_ROOT) / "exports"
    for file in folder.glob("*.part") if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if time.time() - file.stat().st_mtime > STALE:
                file.unlink()


def run(pk: str) -> str:
    """The export task. Returns one word for the queue's records."""
    from generation.pipeline import ended

    lease = jobs.claim(Export, pk)
    if lease is None:
        return "not ours"
    return ended(lease, partial(_pack, lease))


def _pack(lease: jobs.Lease) -> str:
    row = Export.objects.select_related("artist__user").get(pk=lease.pk)
    draft = home() / f"{row.pk}.{row.attempts}.part"
    _unlink(list(home().glob(f"{row.pk}.*.part")))  # of attempts whose worker was killed
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            packing = Packing(
                archive, lambda done: lease.report(min(0.99, done / max(1, row.estimate_bytes)), "Packing")
            )
            archive_parts.write(row.artist, packing)
        lease.report(0.99, "Packing")
        atomic.move(draft, row.file)
    except OSError as error:
        if error.errno not in FULL:
            raise
        lease.finish(Export.FAILED, error=NO_ROOM, failure="no_space")
        return "full"
    finally:
        draft.unlink(missing_ok=True)
    done = lease.finish(
        Export.READY,
        size_bytes=row.file.stat().st_size,
        left_out=packing.left_out,
        expires_at=timezone.now() + KEPT,
    )
    if not done:
        row.file.unlink(missing_ok=True)
    return "packed" if done else "lost"


class Packing:
    """The zip while it is written. report: called with the bytes read so far; it may raise to stop."""

    def __init__(self, archive: zipfile.ZipFile, report: Callable[[int], None]) -> None:
        self.archive, self.report = archive, report
        self.read, self.told = 0, 0.0
        self.left_out: list[str] = []

    def text(self, name: str, data: bytes) -> None:
        self.archive.writestr(name, data)
        self.got(len(data))

    def file(self, name: str, path: Path) -> None:
        """One file as it is. What is gone meanwhile is named in the end instead of stopping everything."""
        try:
            source = path.open("rb")
        except OSError:
            self.left_out.append(name)
            return
        info = zipfile.ZipInfo(name, time.gmtime(max(path.stat().st_mtime, 315_532_800))[:6])
        info.external_attr = 0o644 << 16
        with source, self.archive.open(info, "w", force_zip64=True) as out:
            while piece := source.read(PIECE):
                out.write(piece)
                self.got(len(piece))

    def got(self, size: int) -> None:
        self.read += size
        if time.monotonic() - self.told >= TELL_EVERY:
            self.told = time.monotonic()
            self.report(self.read)
