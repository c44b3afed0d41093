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
from generation.models import Adapter, AdapterSource


class Tokens(DiskCache):
    """What a training under way needs stays, beyond the limit too: else it would be made anew in every slice."""

    def put(self, track_id: str, digest: str, name: str, data: bytes) -> None:
        super().put(track_id, digest, name, data)
        # Making them takes a while, in which recording, consent or adapter may have gone, and with them what was
        # kept then. Looked at afterwards, so that whoever goes later finds what is written here.
        if not wanted(track_id):
            self.forget(track_id)


def cache() -> DiskCache:
    return Tokens(_folder(), settings.STARFORGE_TOKEN_CACHE_BYTES, needed)


def needed() -> set[str]:
    """Ids of the recordings that trainings under way learn from."""
    under_way = AdapterSource.objects.standing().filter(adapter__status__in=[Adapter.QUEUED, Adapter.RUNNING])
    return {pk for ids in under_way.values_list("track_ids", flat=True) for pk in ids}


def wanted(track_id: str) -> bool:
    """Whether a training under way may learn from this recording."""
    return Track.objects.ready().filter(pk=track_id).exists() and track_id in needed()


def forget(track_ids: Iterable[str]) -> None:
    kept = cache()
    for track_id in track_ids:
        kept.forget(track_id)


def forget_unneeded(track_ids: Iterable[str]) -> None:
    """Those stay that a training under way still learns from."""
    forget(set(track_ids) - needed())


def sound_goes(sender: type[Track], track_ids: Iterable[str], **_: Any) -> None:
    """When recordings were withdrawn."""
    forget(track_ids)


def artist_goes(sender: type[Artist], instance: Artist, **_: Any) -> None:
    """Before an artist is deleted, by whatever way: what is kept of their tracks goes when it is committed."""
    ids = list(Track.objects.of(instance).values_list("pk", flat=True))
    transaction.on_commit(partial(forget, ids))


def sweep() -> int:
    """Forget recordings that are gone, and those no adapter learns from, on whatever machine that was decided."""
    kept = cache().tracks()
    if not kept:
        return 0
    there = set(Track.objects.filter(pk__in=kept).exclude(path="").values_list("pk", flat=True))
    learned = {pk for ids in AdapterSource.objects.values_list("track_ids", flat=True) for pk in ids}
    gone = sorted(set(kept) - (there & learned))
    forget(gone)
    return len(gone)


def _folder() -> Path:
    return Path(settings.STARFORGE_DATA) / "tokens"
