"""Let Django empty the test database between tests, although the log refuses to be emptied.

Only the flush command is told how: the triggers go, the tables are emptied, the triggers stand again, all in
the transaction of the flush. Nothing in the product does this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.core.management.commands import flush
from django.core.management.sql import sql_flush
from django.db.backends.base.base import BaseDatabaseWrapper

from provenance.log import guard


@contextmanager
def guard_lifted_while_flushing() -> Iterator[None]:
    """Patch the flush command for as long as the context lasts."""

    def lifted(style: Any, connection: BaseDatabaseWrapper, **options: Any) -> list[str]:
        statements = sql_flush(style, connection, **options)
        if not statements:
            return []
        vendor = connection.vendor
        return [*guard.removal(vendor), *statements, *guard.installation(vendor)]

    with mock.patch.object(flush, "sql_flush", lifted):
        yield
