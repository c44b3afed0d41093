"""Tracks come in, are corrected, and go out again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Protocol

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from catalog import adoption, corrections, jobs, room
from catalog.audio import atomic
from catalog.audio.errors import AudioError
from catalog.audio.sniff import sniff
from catalog.clocks import Clock
from catalog.ids import track_id
from catalog.models import Analysis, Artist, DuplicatePair, Fingerprint, Track
from catalog.signals import sound_gone

CHUNK = 256 * 1024


class Refused(Exception):
    """This file cannot come in. `code` for scripts, `reason` for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Duplicate(Exception):
    """The very same file is in the library already."""

    def __init__(self, track: Track) -> None:
        super().__init__(f"This file is already in your library as “{track.title}”.")
        self.track = track


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True)
class Accepted:
    track: Track


def clean_name(filename: str) -> str:
    """The last part of whatever path a browser or script sent, as NFC text without control characters."""
    name = PurePosixPath(PureWindowsPath(filename).as_posix()).name
    name = unicodedata.normalize("NFC", name)
    return "".join(c for c in name if c.isprintable())[:255] or "untitled"


def title_from(filename: str) -> str:
    stem = Path(clean_name(filename)).stem.replace("_", " ").strip()
    return stem[:200] or "Untitled"


def accept(
    artist: Artist,
    *,
    stream: Readable,
    filename: str,
    title: str = "",
    origin: str = Track.Origin.UPLOAD,
    genre: str = "",
    row: str = "",
) -> Accepted:
    """Take one file into the library and queue its analysis. Nothing is decoded here.

    row: the id of the metadata-only track that the artist says this is the recording of.

    Raises Refused (empty, too large, not audio we read, no room, over the plan) or Duplicate; then nothing is left.
    """
    try:
        return _accept(artist, stream, filename, title, origin, genre, row)
    except OSError as error:
        if not atomic.no_room(error):
            raise
        raise Refused(
            "no_space",
            "There is no room left on the server for this file. Nothing was taken in; try again later.",
        ) from error


def _accept(
    artist: Artist, stream: Readable, filename: str, title: str, origin: str, genre: str, said: str
) -> Accepted:
    folder = Path(settings.MEDIA_ROOT) / "tracks"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".incoming-", dir=folder)
    incoming = Path(name)
    try:
        hasher, size = hashlib.sha256(), 0
        with os.fdopen(descriptor, "wb") as out:
            while data := stream.read(CHUNK):
                size += len(data)
                if size > settings.STARFORGE_UPLOAD_BYTES:
                    limit = settings.STARFORGE_UPLOAD_BYTES // 2**20
                    raise Refused(
                        "too_large", f"The file is larger than {limit} MB, the limit for one track."
                    )
                hasher.update(data)
                out.write(data)
        if not size:
            raise Refused("empty", "The file is empty. Nothing was uploaded.")
        digest = hasher.hexdigest()
        if existing := Track.objects.of(artist).filter(file_sha256=digest).first():
            raise Duplicate(existing)
        try:
            kind = sniff(incoming)
        except AudioError as error:
            raise Refused(error.code, error.reason) from None
        pk = track_id()
        path = f"tracks/{pk}.{kind.extension.lstrip('.')}"
        track = Track(
            id=pk,
            artist=artist,
            title=(title.strip() or title_from(filename))[:200],
            origin=origin,
            filename=clean_name(filename),
            path=path,
            format=kind.name,
            size_bytes=size,
            file_sha256=digest,
            genre_override=genre,
            settled_title=bool(title.strip()),
        )
        final = Path(settings.MEDIA_ROOT) / path
        atomic.move(incoming, final)
        try:
            with transaction.atomic():
                room.refuse(artist, size)
                row = adoption.row_to_fill(artist, said) if said else None
                if row is None and origin == Track.Origin.UPLOAD:
                    row = adoption.adopt(artist, filename, size)
                if row is None:
                    track.save(force_insert=True)
                else:
                    track = _fill(row, track)
                jobs.wake(track)
        except room.Full as error:
            final.unlink(missing_ok=True)
            raise Refused("plan_limit", str(error)) from None
        except IntegrityError:
            final.unlink(missing_ok=True)
            twin = Track.objects.of(artist).filter(file_sha256=digest).first()
            if twin is None:
                raise
            raise Duplicate(twin) from None  # two tabs sent the same file at once
        except BaseException:
            final.unlink(missing_ok=True)
            raise
        return Accepted(track)
    finally:
        incoming.unlink(missing_ok=True)


def _fill(row: Track, upload: Track) -> Track:
    """A track that was known by name gets its file: same id, and what was said about it stays."""
    fields: dict[str, Any] = {
        name: getattr(upload, name)
        for name in ("origin", "filename", "path", "format", "size_bytes", "file_sha256", "created_at")
    }
    if upload.settled_title:
        fields |= {"title": upload.title, "settled_title": True}
    if upload.genre_override:
        fields["genre_override"] = upload.genre_override
    now = timezone.now()
    fields |= {"status": Track.QUEUED, "queued_at": now, "finished_at": None, "duration": None}
    Track.objects.filter(pk=row.pk).update(**fields, version=F("version") + 1)
    return Track.objects.select_related("artist").get(pk=row.pk)


def accept_file(artist: Artist, path: Path, **wishes: Any) -> Accepted:
    """Take in a file that lies on this machine (demo artists, takes, commands)."""
    with path.open("rb") as stream:
        return accept(artist, stream=stream, filename=path.name, **wishes)


def correct(track: Track, **changes: Any) -> Track:
    """Set title, bpm (or bpm_factor), key, genre or bpm_locked by hand, as `corrections.columns` reads them.

    Raises ValidationError with one message for each field; saves all or nothing.
    """
    fields = corrections.columns(track, changes)
    if fields:
        Track.objects.filter(pk=track.pk).update(**fields)
        for name, value in fields.items():
            setattr(track, name, value)
    return track


def retry(track: Track) -> bool:
    """Analyse a failed track again. False when it is waiting, running or ready."""
    return jobs.requeue(track)


def withdraw(track: Track, *, row: bool = False) -> None:
    """Delete a track, its analyses and its file. Certificates that name its hash stay as they are.

    A track that a collection names too is known by name again, unless its row is to go as well.
    """
    pk, file = track.pk, track.file if track.path else None
    with transaction.atomic():
        adoption.locked(track.artist)
        named = Track.objects.filter(pk=track.pk).exclude(imported_id="").exclude(path="").first()
        Track.objects.filter(pk=track.pk).update(analysis=None)
        Analysis.objects.filter(track_id=track.pk).delete()
        Fingerprint.objects.filter(track_id=track.pk).delete()
        if named is None or row:
            track.delete()
        else:
            Track.objects.filter(pk=track.pk).update(**adoption.by_name_again(named))
            pairs = DuplicatePair.objects.filter(Q(first=track.pk) | Q(second=track.pk))
            pairs.exclude(kind=DuplicatePair.Kind.NAME).delete()
    if file is not None:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
        sound_gone.send(Track, track_ids=[pk])


def recover() -> int:
    sweep()
    return jobs.recover(Track)


_swept = Clock()


def sweep(*, every: float = 600.0, older_than: float = 3600.0) -> int:
    """Remove what killed uploads left: half-written, or whole and killed before its row. Returns how many."""
    if not _swept.due(every):
        return 0
    removed = 0
    home = Path(settings.MEDIA_ROOT) / "tracks"
    whole = {f"tracks/{one.name}": one for one in home.glob("trk_*")}
    for path in Track.objects.exclude(path="").values_list("path", flat=True).iterator():
        whole.pop(path, None)
    leftovers = [
        *home.glob(".incoming-*"),
        *whole.values(),
        *(one for one in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*") if one.is_file()),
    ]
    for file in leftovers:
        with contextlib.suppress(OSError):
            if time.time() - file.stat().st_mtime > older_than:
                file.unlink()
                removed += 1
    return removed
