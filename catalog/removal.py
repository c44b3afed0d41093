"""Files go with the rows that named them, however the rows are deleted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from catalog.models import Artist, Import, Track


def artist_goes(sender: type[Artist], instance: Artist, **_: Any) -> None:
    """Before an artist is deleted, by whatever way: the files of their tracks and imports go when it is committed."""
    tracks = Track.objects.of(instance).exclude(path="").values_list("path", flat=True)
    imports = Import.objects.filter(artist=instance).exclude(path="").values_list("path", flat=True)
    files = [Path(settings.MEDIA_ROOT) / path for path in (*tracks, *imports)]
    transaction.on_commit(partial(_unlink, files))


def _unlink(files: Iterable[Path]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
