"""What is kept on disk of the recordings that takes are made from: where, how much, and when it goes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from catalog.clocks import Clock
from catalog.models import Artist, Track
from generation.engines.mosaic.store import DiskCache

SWEEP_SECONDS = 600.0


def cache() -> DiskCache | None:
    """The cache of this machine; None where it is switched off."""
    limit = settings.STARFORGE_CORPUS_CACHE_BYTES
    return DiskCache(_folder(), limit) if limit else None


def forget(track_ids: Iterable[str]) -> None:
    """Remove what is kept of these tracks on this machine."""
    kept = DiskCache(_folder(), 0)
    for track_id in track_ids:
        kept.forget(track_id)


def sound_goes(sender: type[Track], track_ids: Iterable[str], **_: Any) -> None:
    """When recordings were withdrawn."""
    forget(track_ids)


def artist_goes(sender: type[Artist], instance: Artist, **_: Any) -> None:
    """Before an artist is deleted, by whatever way: what is kept of their tracks goes when it is committed."""
    ids = list(Track.objects.of(instance).values_list("pk", flat=True))
    transaction.on_commit(partial(forget, ids))


_swept = Clock()


def sweep(*, every: float = SWEEP_SECONDS) -> int:
    """Remove what is kept of recordings that are gone, on whatever machine they were withdrawn. Returns how many."""
    if not _swept.due(every):
        return 0
    kept = DiskCache(_folder(), 0).tracks()
    if settings.STARFORGE_CORPUS_CACHE_BYTES:
        there = Track.objects.filter(pk__in=kept).exclude(path="").values_list("pk", flat=True)
        kept = sorted(set(kept) - set(there))
    forget(kept)
    return len(kept)


def _folder() -> Path:
    return Path(settings.STARFORGE_DATA) / "corpus"
