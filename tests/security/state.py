"""What the database holds, whole, so that a test can say: nothing was changed."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db.models import Model

from catalog.models import AccessToken

# A session is kept when somebody asks; when a token was last used is noted.
PASSING: dict[type[Model], tuple[str, ...]] = {AccessToken: ("last_used_at",)}
LEFT_OUT: set[type[Model]] = {Session}

State = dict[str, dict[Any, tuple[Any, ...]]]


def state() -> State:
    """{table: {primary key: its values}} of every model."""
    found: State = {}
    for model in apps.get_models():
        if model in LEFT_OUT:
            continue
        names = [f.attname for f in model._meta.concrete_fields if f.name not in PASSING.get(model, ())]
        rows = model._base_manager.values_list("pk", *names)
        found[model._meta.db_table] = {
            pk: tuple(bytes(one) if isinstance(one, memoryview) else one for one in values)
            for pk, *values in rows
        }
    return found


def changed(before: State, after: State, *, new_rows: bool = False) -> list[str]:
    """Which rows differ. new_rows: rows that were not there before are no difference."""
    found = []
    for table, rows in before.items():
        now = after[table]
        found += [f"{table} {pk} is gone" for pk in rows.keys() - now.keys()]
        found += [f"{table} {pk} has changed" for pk in rows.keys() & now.keys() if rows[pk] != now[pk]]
        if not new_rows:
            found += [f"{table} {pk} is new" for pk in now.keys() - rows.keys()]
    return found
