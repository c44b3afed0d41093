"""EnCodec tokens of recordings, kept on disk between the slices of a training; gone with the recordings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from catalog.models import Artist, Track
from generation.engines.mosaic.store import DiskCache


def cache() -> DiskCache:
    return DiskCache(_folder(), settings.STARFORGE_TOKEN_CACHE_BYTES)


def forget(track_ids: Iterable[str]) -> None:
    kept = cache()
    for track_id in track_ids:
        kept.forget(track_id)


def sound_goes(sender: type[Track], track_ids: Iterable[str], **_: Any) -> None:
    """When recordings were withdrawn."""
    forget(track_ids)


def artist_goes(sender: type[Artist], instance: Artist, **_: Any) -> None:
    """Before an artist is deleted, by whatever way: what is kept of their tracks goes when it is committed."""
    ids = list(Track.objects.of(instance).values_list("pk", flat=True))
    transaction.on_commit(partial(forget, ids))


def _folder() -> Path:
    return Path(settings.STARFORGE_DATA) / "tokens"
