"""Make a backup while the site runs: first the database in one moment, then the files it named then."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from provenance.models import Checkpoint, LogHead
from starforge_site.backup import FORMAT, LISTING, MANIFEST, MEDIA, SECRET_FOLDERS, BackupError
from starforge_site.backup.databases import FILES, copied
from starforge_site.backup.files import Listed, below, copy, sha256_of
from starforge_site.backup.references import Query, Reference, named

MARKERS = ("demo-made",)


@dataclass
class Made:
    """absent: what the database names and is not here, by path. damaged: what is no longer as it was uploaded.

    linked: files taken over from an earlier backup.
    """

    folder: Path
    database: int = 0
    files: int = 0
    bytes: int = 0
    linked: int = 0
    absent: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    entries: int = 0
    keys: bool = True


def make(to: Path, *, keys: bool = True, since: Path | None = None) -> Made:
    """A backup in the new folder `to`, whole or not at all. Raises BackupError.

    keys: with private keys and secrets. since: an earlier backup, whose files are linked where they are the same.
    """
    if to.exists():
        raise BackupError(f"{to} is there already. Name a new folder.")
    draft = to.with_name(f".{to.name}.incomplete")
    if (draft / LISTING).exists():  # of a backup that was stopped
        shutil.rmtree(draft)
    earlier = listing(since) if since is not None else {}
    done = Made(to, keys=keys)
    try:
        draft.mkdir(parents=True, mode=0o700)
        (draft / LISTING).touch()
        _fill(draft, done, since, earlier)
        os.sync()
        draft.rename(to)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BackupError(f"There is no room for a backup in {to.parent}.") from error
        raise BackupError(f"The backup could not be written: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return done


def _fill(draft: Path, done: Made, since: Path | None, earlier: Mapping[str, Listed]) -> None:
    name = FILES[connection.vendor]
    with copied(draft / name) as query:
        log = _log(query)
        migrations = _migrations(query)
        references = list(named(query))
    done.entries, done.database = log["size"], (draft / name).stat().st_size
    with (draft / LISTING).open("w") as lines:
        for one in _files(draft / MEDIA, references, done, since, earlier):
            done.files += 1
            done.bytes += one.bytes
            lines.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")
    if done.keys:
        for folder in SECRET_FOLDERS:
            for file in below(Path(settings.STARFORGE_DATA) / folder):
                copy(file, draft / file.relative_to(settings.STARFORGE_DATA))
    for marker in MARKERS:
        with contextlib.suppress(FileNotFoundError):
            copy(Path(settings.STARFORGE_DATA) / marker, draft / marker)
    manifest = {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "database": {"vendor": connection.vendor, "file": name, "sha256": sha256_of(draft / name)},
        "files": {"count": done.files, "bytes": done.bytes, "sha256": sha256_of(draft / LISTING)},
        "absent": done.absent,
        "keys": done.keys,
        "log": log,
        "migrations": migrations,
    }
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False))


def _files(
    home: Path, references: list[Reference], done: Made, since: Path | None, earlier: Mapping[str, Listed]
) -> Iterator[Listed]:
    root = Path(settings.MEDIA_ROOT)
    for one in references:
        source = root / one.path
        inside = (
            file for file in below(source) if not file.name.startswith(".")
        )  # not what is being written
        found = list(inside) if one.folder else [source] if source.is_file() else []
        if not found:
            done.absent.append(one.path)
        for file in found:
            path = str(file.relative_to(root))
            try:
                listed = _taken(file, home / path, path, since, earlier)
            except FileNotFoundError:  # deleted in this moment: its row goes too, or expired
                done.absent.append(path)
                continue
            if one.sha256 and listed.sha256 != one.sha256:
                done.damaged.append(path)
            done.linked += (home / path).stat().st_nlink > 1
            yield listed


def _taken(file: Path, target: Path, path: str, since: Path | None, earlier: Mapping[str, Listed]) -> Listed:
    stat, before = file.stat(), earlier.get(path)
    if (
        since is not None
        and before is not None
        and (before.bytes, before.changed) == (stat.st_size, stat.st_mtime_ns)
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # another disk, or it was thinned out: copied then
            os.link(since / MEDIA / path, target)
            return before
    sha256 = copy(file, target)
    return Listed(path, target.stat().st_size, sha256, stat.st_mtime_ns)


def _log(query: Query) -> dict[str, Any]:
    """What the log was: entries, and the newest signed checkpoint as text."""
    # S608, here and below: a table's name comes from its model.
    heads = list(query(f"SELECT size FROM {LogHead._meta.db_table}", ()))  # noqa: S608
    notes = f"SELECT note FROM {Checkpoint._meta.db_table} ORDER BY size DESC LIMIT 1"  # noqa: S608
    newest = list(query(notes, ()))
    return {"size": heads[0][0] if heads else 0, "checkpoint": newest[0][0] if newest else ""}


def _migrations(query: Query) -> list[str]:
    table = MigrationRecorder.Migration._meta.db_table
    return sorted(f"{app}.{name}" for app, name in query(f"SELECT app, name FROM {table}", ()))  # noqa: S608


def listing(backup: Path) -> dict[str, Listed]:
    """The files of a backup by path. Raises BackupError for a folder that is none."""
    try:
        with (backup / LISTING).open() as lines:
            found = [Listed(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{backup} is not a backup, or it is damaged: {error}") from error
    return {one.path: one for one in found}
