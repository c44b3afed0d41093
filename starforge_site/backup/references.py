"""Which files a database names. Asked of the copy, not of the models: a copy is no connection of Django's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.models import Import, Track
from generation.models import Adapter, GeneratedTrack

Query = Callable[[str, Sequence[Any]], Iterable[tuple[Any, ...]]]


@dataclass(frozen=True)
class Reference:
    """What a row names: a file with its SHA-256 where the row knows it, or a folder. path: below MEDIA_ROOT."""

    path: str
    folder: bool = False
    sha256: str = ""


def named(query: Query) -> Iterator[Reference]:
    """Every file and folder that the rows name. Exports are left out: they are made again by a press."""
    # S608: a table's name comes from its model; values are passed beside the text.
    for model in (Track, Import):
        table = model._meta.db_table
        for path, sha256 in query(f"SELECT path, file_sha256 FROM {table} WHERE path <> ''", ()):  # noqa: S608
            yield Reference(path, sha256=sha256)
    table = GeneratedTrack._meta.db_table
    for (path,) in query(f"SELECT audio_path FROM {table} WHERE audio_path <> ''", ()):  # noqa: S608
        yield Reference(path, folder=True)
    table = Adapter._meta.db_table
    for (pk,) in query(f"SELECT id FROM {table} WHERE status = %s OR step > 0", (Adapter.READY,)):  # noqa: S608
        yield Reference(f"adapters/{pk}", folder=True)
