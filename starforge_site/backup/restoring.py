"""A backup is put back into an empty installation, and what came back is proved: every hash, and the log."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from provenance import keys
from provenance.log import notes
from provenance.log.audit import Report, audit
from starforge_site.backup import FORMAT, LISTING, MANIFEST, MEDIA, SECRET_FOLDERS, BackupError
from starforge_site.backup.databases import asked, is_empty, load
from starforge_site.backup.files import Listed, below, copy, sha256_of
from starforge_site.backup.making import MARKERS, listing
from starforge_site.backup.references import named


@dataclass
class Restored:
    """faults: sentences; nothing is wrong without one. beyond: entries of the newest kept checkpoint that are lost."""

    files: int = 0
    bytes: int = 0
    absent: list[str] = field(default_factory=list)
    log: Report | None = None
    beyond: int = 0
    moved: list[Path] = field(default_factory=list)
    keys: bool = True
    faults: list[str] = field(default_factory=list)


def manifest_of(backup: Path) -> dict[str, Any]:
    """What a backup says of itself; its database and its listing are hashed. Raises BackupError."""
    try:
        found = json.loads((backup / MANIFEST).read_text())
        number = found["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{backup} is not a whole backup: {error}") from error
    if number != FORMAT:
        raise BackupError(f"{backup} has the format {number}, and this Starforge reads {FORMAT}.")
    for name, wanted in (
        (found["database"]["file"], found["database"]["sha256"]),
        (LISTING, found["files"]["sha256"]),
    ):
        if not (backup / name).is_file() or sha256_of(backup / name) != wanted:
            raise BackupError(f"{name} in {backup} is damaged or missing. Take another backup.")
    return dict(found)


def check(backup: Path) -> list[str]:
    """What is wrong with a backup, every file hashed, as sentences. Changes nothing. Raises BackupError."""
    manifest_of(backup)
    faults = []
    for one in listing(backup).values():
        file = backup / MEDIA / one.path
        if not file.is_file():
            faults.append(f"{one.path} is missing.")
        elif sha256_of(file) != one.sha256:
            faults.append(f"{one.path} is damaged.")
    return faults


def restore(backup: Path, *, kept: Sequence[str] = ()) -> Restored:
    """Put a backup into this installation, whose database must be empty. Raises BackupError before it changes one.

    kept: signed checkpoints that were published or kept elsewhere, as text. The database comes last, so a restore
    that is stopped is begun again. What is found wrong afterwards is in `faults`.
    """
    manifest = manifest_of(backup)
    if manifest["database"]["vendor"] != connection.vendor:
        raise BackupError(
            f"This is a backup of {manifest['database']['vendor']}, and DATABASE_URL names {connection.vendor}. "
            "Restore it into a database of its own kind."
        )
    if not is_empty():
        raise BackupError(
            "There is something in this database already, and a restore would mix the two. Name an empty one: "
            "STARFORGE_DATA=/new/folder, and DATABASE_URL of a new database for PostgreSQL."
        )
    done, files = Restored(absent=list(manifest["absent"]), keys=bool(manifest["keys"])), listing(backup)
    _refuse_newer(manifest)
    _media(backup, files, done)
    _secrets(backup, done)
    load(backup / manifest["database"]["file"])
    os.sync()
    call_command("migrate", verbosity=0, interactive=False)
    _references(files, done)
    _log(manifest, kept, done)
    return done


def _refuse_newer(manifest: dict[str, Any]) -> None:
    known = {
        f"{app}.{name}" for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    }
    if newer := sorted(set(manifest["migrations"]) - known):
        raise BackupError(
            f"This backup comes from a newer Starforge ({newer[0]} is not known here). Install that version first."
        )


def _media(backup: Path, files: dict[str, Listed], done: Restored) -> None:
    root = Path(settings.MEDIA_ROOT)
    for one in files.values():
        # Only ever below the media folder, whatever a listing says.
        if PurePosixPath(one.path).is_absolute() or ".." in PurePosixPath(one.path).parts:
            raise BackupError(f"The backup names {one.path}, which is no place of a recording.")
        source, target = backup / MEDIA / one.path, root / one.path
        if target.is_file() and sha256_of(target) == one.sha256:  # a restore that was stopped
            found = one.sha256
        elif not source.is_file():
            done.faults.append(f"{one.path} is missing from the backup.")
            continue
        else:
            found = copy(source, target)
        if found != one.sha256:
            done.faults.append(f"{one.path} is damaged in the backup.")
        done.files += 1
        done.bytes += one.bytes


def _secrets(backup: Path, done: Restored) -> None:
    """Keys and secrets come back; what lies in their place is moved aside, never lost."""
    data = Path(settings.STARFORGE_DATA)
    for folder in SECRET_FOLDERS:
        for file in below(backup / folder):
            target = data / file.relative_to(backup)
            if target.is_file() and target.read_bytes() != file.read_bytes():
                aside = target.with_name(f"{target.name}.before-restore")
                target.replace(aside)
                done.moved.append(aside)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            copy(file, target)
    for marker in MARKERS:
        if (backup / marker).is_file():
            shutil.copyfile(backup / marker, data / marker)


def _references(files: dict[str, Listed], done: Restored) -> None:
    """Everything that the database names now is here, with the hash that its row knows."""
    gone = set(done.absent)
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    for one in named(asked):
        if one.path in gone:
            continue
        if one.folder:
            if one.path not in folders:
                done.faults.append(f"{one.path} is named in the database and not here.")
        elif one.path not in files:
            done.faults.append(f"{one.path} is named in the database and not here.")
        elif one.sha256 and files[one.path].sha256 != one.sha256:
            done.faults.append(f"{one.path} is not the file that the database names.")


def _log(manifest: dict[str, Any], kept: Sequence[str], done: Restored) -> None:
    """Replay the log; it must continue every checkpoint that is not newer than it."""
    size, known = int(manifest["log"]["size"]), keys.trust().log_keys_ever
    older = [manifest["log"]["checkpoint"]] if manifest["log"]["checkpoint"] else []
    for text in kept:
        try:
            said = notes.parse_checkpoint(notes.open_note(text, known)).size
        except notes.NoteError as error:
            done.faults.append(f"A checkpoint that was kept cannot be compared: {error}")
            continue
        if said <= size:
            older.append(text)
        else:
            done.beyond = max(done.beyond, said - size)
    done.log = audit(kept=older)
    done.faults += done.log.faults
    if done.log.entries != size:
        done.faults.append(f"The log has {done.log.entries:,} entries, and the backup speaks of {size:,}.")
    if done.beyond:
        done.faults.append(
            f"The log went on after this backup: {done.beyond:,} entries that were published since are not in it. "
            "Before anything is stamped here, read “Restore” in docs/operations.md."
        )
