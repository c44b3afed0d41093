"""The database as a file and back: SQLite by its backup API, PostgreSQL by pg_dump, both while the site runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from catalog.audio import atomic
from starforge_site.backup import BackupError
from starforge_site.backup.references import Query

FILES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
# What libpq knows of a connection's OPTIONS, by the environment variable that says it.
LIBPQ = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "options": "PGOPTIONS",
}


def is_empty() -> bool:
    """Whether nothing was ever stored in the configured database. Makes no file."""
    if connection.vendor == "sqlite":
        file = Path(connection.settings_dict["NAME"])
        if not file.exists() or not file.stat().st_size:
            return True
    return not connection.introspection.table_names()


@contextmanager
def copied(to: Path) -> Iterator[Query]:
    """Write the database into the file `to`; yields a way to ask the copy, as it was in that moment."""
    with _sqlite(to) if connection.vendor == "sqlite" else _postgresql(to) as query:
        yield query


@contextmanager
def _sqlite(to: Path) -> Iterator[Query]:
    source = Path(connection.settings_dict["NAME"])
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=60)) as live,
        closing(sqlite3.connect(to)) as copy,
    ):
        live.backup(copy)  # in one step: a reader of the write-ahead log holds nobody up
        copy.execute("PRAGMA journal_mode=DELETE")
        (verdict,) = copy.execute("PRAGMA quick_check").fetchone()
    if verdict != "ok":
        raise BackupError(f"The copy of the database is damaged, so nothing was kept: {verdict}")
    with closing(sqlite3.connect(f"{to.resolve().as_uri()}?mode=ro", uri=True)) as copy:
        yield lambda sql, values: copy.execute(sql.replace("%s", "?"), values)


@contextmanager
def _postgresql(to: Path) -> Iterator[Query]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        _run(
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--snapshot={snapshot}",
            f"--file={to}",
        )

        def query(sql: str, values: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

        yield query


def load(file: Path) -> None:
    """Put a copy in the place of the empty configured database: whole or not at all. Raises BackupError."""
    if connection.vendor == "sqlite":
        target = Path(connection.settings_dict["NAME"])
        connection.close()
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.restoring")
        shutil.copyfile(file, draft)
        draft.chmod(0o600)
        for rest in ("-wal", "-shm"):  # of an empty database, and not of this one
            target.with_name(target.name + rest).unlink(missing_ok=True)
        atomic.move(draft, target)
        return
    _run("pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(file))
    connection.close()


def asked(sql: str, values: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    """`Query` of the configured database."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _run(program: str, *arguments: str) -> None:
    said = connection.settings_dict
    if shutil.which(program) is None:
        raise BackupError(f"{program} is not installed. It comes with PostgreSQL's client programs.")
    environment = {
        "PGHOST": said["HOST"],
        "PGPORT": said["PORT"],
        "PGUSER": said["USER"],
        "PGPASSWORD": said["PASSWORD"],
        **{name: str(said["OPTIONS"].get(option, "")) for option, name in LIBPQ.items()},
    }
    done = subprocess.run(
        [program, f"--dbname={said['NAME']}", "--no-password", *arguments],
        env=os.environ | {name: value for name, value in environment.items() if value},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BackupError(f"{program} failed: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}")
