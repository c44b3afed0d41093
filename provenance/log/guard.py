"""Database triggers that make the log append-only, for SQLite and PostgreSQL.

The application never rewrites the log; these stop everything else that talks to the same database: an admin
form, a script, a wrong migration. Whoever owns the server can remove a trigger, and is then caught by any
checkpoint that somebody kept (see `provenance.log.tree.verify_consistency`).
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

FROZEN_TABLES = (
    "provenance_logentry",
    "provenance_lognode",
    "provenance_checkpoint",
    "provenance_logevent",
    "provenance_revocation",
)
SIGNED_COLUMNS = {
    "provenance_certificate": ("id", "statement", "envelope", "signature", "key_id", "entry_id", "declared"),
    "provenance_certifiedrendition": ("certificate_id", "name", "kind", "audio_sha256"),
}
HEAD_TABLE = "provenance_loghead"
REFUSAL = "append-only log: this row cannot be changed or removed"
SIGNED = "this part of a certificate is signed and cannot be changed"
SHRINK = "append-only log: the head may only grow"


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the guard in place once its tables exist.

    Also run after every migration: SQLite alters a table by copying it, and the copy has no triggers.
    """
    wanted = {*FROZEN_TABLES, HEAD_TABLE, *SIGNED_COLUMNS}
    if wanted <= set(connection.introspection.table_names()):
        _run(connection, installation(connection.vendor))


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the guard away."""
    _run(connection, removal(connection.vendor))


def _run(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def installation(vendor: str) -> list[str]:
    """The statements that put the guard in place; harmless where it already stands."""
    return _postgresql() if vendor == "postgresql" else _sqlite()


def removal(vendor: str) -> list[str]:
    """The statements that take it away again (migrating back, and emptying a test database)."""
    out = []
    for table, names in _names().items():
        for name in names:
            if vendor == "postgresql":
                out.append(f"DROP TRIGGER IF EXISTS {name} ON {table}")
            else:
                out.append(f"DROP TRIGGER IF EXISTS {name}")
    return out


def _names() -> dict[str, list[str]]:
    names = {
        table: [f"{table}_frozen_{what}" for what in ("update", "delete", "truncate")]
        for table in FROZEN_TABLES
    }
    names[HEAD_TABLE] = [f"{HEAD_TABLE}_{what}" for what in ("grows", "stays", "truncate")]
    names |= {table: [f"{table}_signed"] for table in SIGNED_COLUMNS}
    return names


def _sqlite() -> list[str]:
    out = []
    for table in FROZEN_TABLES:
        for what in ("update", "delete"):
            out.append(
                f"CREATE TRIGGER IF NOT EXISTS {table}_frozen_{what} BEFORE {what.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
    out.append(
        f"CREATE TRIGGER IF NOT EXISTS {HEAD_TABLE}_grows BEFORE UPDATE ON {HEAD_TABLE} "
        f"WHEN NEW.size < OLD.size "
        f"BEGIN SELECT RAISE(ABORT, '{SHRINK}'); END"
    )
    out.append(
        f"CREATE TRIGGER IF NOT EXISTS {HEAD_TABLE}_stays BEFORE DELETE ON {HEAD_TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{SHRINK}'); END"
    )
    for table, columns in SIGNED_COLUMNS.items():
        changed = " OR ".join(f"NEW.{c} IS NOT OLD.{c}" for c in columns)
        out.append(
            f"CREATE TRIGGER IF NOT EXISTS {table}_signed BEFORE UPDATE ON {table} WHEN {changed} "
            f"BEGIN SELECT RAISE(ABORT, '{SIGNED}'); END"
        )
    return out


def _postgresql() -> list[str]:
    out = []
    for function, message in (
        ("refuse_frozen", REFUSAL),
        ("refuse_shrink", SHRINK),
        ("refuse_signed", SIGNED),
    ):
        out.append(
            f"CREATE OR REPLACE FUNCTION provenance_{function}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
        )
    for table in FROZEN_TABLES:
        for what in ("update", "delete"):
            out.append(
                f"CREATE OR REPLACE TRIGGER {table}_frozen_{what} BEFORE {what.upper()} ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION provenance_refuse_frozen()"
            )
        out.append(
            f"CREATE OR REPLACE TRIGGER {table}_frozen_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION provenance_refuse_frozen()"
        )
    out.append(
        f"CREATE OR REPLACE TRIGGER {HEAD_TABLE}_grows BEFORE UPDATE ON {HEAD_TABLE} FOR EACH ROW "
        "WHEN (NEW.size < OLD.size) EXECUTE FUNCTION provenance_refuse_shrink()"
    )
    out.append(
        f"CREATE OR REPLACE TRIGGER {HEAD_TABLE}_stays BEFORE DELETE ON {HEAD_TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION provenance_refuse_shrink()"
    )
    out.append(
        f"CREATE OR REPLACE TRIGGER {HEAD_TABLE}_truncate BEFORE TRUNCATE ON {HEAD_TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION provenance_refuse_shrink()"
    )
    for table, columns in SIGNED_COLUMNS.items():
        changed = " OR ".join(f"NEW.{c} IS DISTINCT FROM OLD.{c}" for c in columns)
        out.append(
            f"CREATE OR REPLACE TRIGGER {table}_signed BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({changed}) EXECUTE FUNCTION provenance_refuse_signed()"
        )
    return out
