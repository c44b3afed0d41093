"""What lies on disk of an adapter, and that it goes with it: at once, and again where a kill came in between."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from catalog.clocks import Clock
from catalog.models import Artist
from generation import token_cache
from generation.models import Adapter

SWEEP_SECONDS = 600.0


def learned_by(adapter: Adapter) -> list[str]:
    """Ids of the recordings that were chosen for it."""
    return [pk for source in adapter.sources.all() for pk in source.track_ids]


def remove(folder: Path, track_ids: Sequence[str]) -> None:
    """What is left of an adapter whose row is gone. Tokens stay that another training still learns from."""
    shutil.rmtree(folder, ignore_errors=True)
    token_cache.forget_unneeded(track_ids)


def artist_goes(sender: type[Artist], instance: Artist, **_: Any) -> None:
    """Before an artist is deleted, by whatever way: what their adapters left goes when it is committed.

    Tokens too, those of other artists' recordings among them: they were made for these adapters.
    """
    for adapter in Adapter.objects.filter(artist=instance).prefetch_related("sources"):
        transaction.on_commit(partial(remove, adapter.folder, learned_by(adapter)))


_swept = Clock()


def sweep(*, every: float = SWEEP_SECONDS) -> int:
    """Remove folders of adapters that are gone, and tokens nobody learns from. Returns how many there were."""
    if not _swept.due(every):
        return 0
    # Folders first, rows after: a folder appears only when its row is there.
    folders = {one.name: one for one in (Path(settings.MEDIA_ROOT) / "adapters").glob("*") if one.is_dir()}
    there = set(Adapter.objects.filter(pk__in=folders).values_list("pk", flat=True))
    gone = [folder for pk, folder in folders.items() if pk not in there]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone) + token_cache.sweep()
