"""A generation from the wish to its end. Pages, API, admin and commands call these verbs."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from catalog import jobs
from catalog.models import Artist
from generation import adapter_files, archives, corpus, usage
from generation.models import Adapter, Export, GeneratedTrack, Generation, Restoration
from generation.restoring import CannotRestore, HereAlready, remade, remake, restorable, restore
from generation.submitting import (
    MOST_UNDER_WAY,
    CannotBlend,
    EngineUnavailable,
    PlanForbids,
    Refused,
    TooFewTracks,
    TooManyUnderWay,
    draft,
    drafted,
    estimate,
    prepared,
    refuse_over_plan,
    refuse_too_many,
    submit,
    under_way_of,
)
from generation.varying import CannotEdit, changed, editable, varied, vary
from generation.waiting import queue_position, queue_positions, served

__all__ = [
    "MOST_UNDER_WAY",
    "CannotBlend",
    "CannotEdit",
    "CannotRestore",
    "EngineUnavailable",
    "HereAlready",
    "PlanForbids",
    "Refused",
    "TooFewTracks",
    "TooManyUnderWay",
    "cancel",
    "changed",
    "delete",
    "draft",
    "drafted",
    "editable",
    "estimate",
    "last_seed",
    "latest_takes",
    "prepared",
    "queue_position",
    "queue_positions",
    "recover",
    "remade",
    "remake",
    "restorable",
    "restore",
    "retry",
    "served",
    "submit",
    "under_way",
    "varied",
    "vary",
]

STALE_STAGING = 3600.0


def cancel(generation: Generation) -> bool:
    return jobs.cancel(generation)


def retry(generation: Generation, *, limited: bool = True) -> bool:
    """The same brief and seed again, for a failed or cancelled generation. Finished takes are kept.

    False when it neither failed nor was cancelled. limited: raises TooManyUnderWay and PlanForbids as
    `submit` does.
    """
    again = limited and generation.status in {Generation.FAILED, Generation.CANCELLED}
    if again:
        refuse_too_many(generation.artist)
    with transaction.atomic():
        if again:
            refuse_over_plan(generation.artist)
        return jobs.requeue(generation)


def delete(generation: Generation) -> None:
    """Delete a generation with its takes and files. Certificates and library tracks stay."""
    jobs.cancel(generation)
    usage.keep_count(generation)
    folders = [take.folder for take in generation.takes.all()]
    generation.delete()
    _remove(folders)


def artist_goes(sender: type[Artist], instance: Artist, **_: Any) -> None:
    """Before an artist is deleted, by whatever way: the audio of their takes goes when it is committed.

    Their rows go with the artist; certificates stay, without an owner.
    """
    takes = GeneratedTrack.objects.filter(generation__artist=instance).exclude(audio_path="")
    folders = [take.folder for take in takes.only("audio_path")]
    transaction.on_commit(partial(_remove, folders))


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def recover() -> int:
    touched = sum(jobs.recover(model) for model in (Generation, Restoration, Adapter, Export))
    archives.sweep()
    corpus.sweep()
    adapter_files.sweep()
    staging = Path(settings.MEDIA_ROOT) / "staging"
    if staging.is_dir():
        for folder in staging.iterdir():
            with contextlib.suppress(OSError):  # its worker publishes it in this moment
                if time.time() - folder.stat().st_mtime > STALE_STAGING:
                    shutil.rmtree(folder, ignore_errors=True)
    return touched


def under_way(artist: Artist) -> Sequence[Generation]:
    return list(under_way_of(artist).order_by("queued_at"))


def latest_takes(artist: Artist, limit: int = 3) -> Sequence[GeneratedTrack]:
    return list(
        GeneratedTrack.objects.filter(generation__artist=artist)
        .select_related("generation", "certificate")
        .order_by("-created_at")[:limit]
    )


def last_seed(artist: Artist) -> str:
    """The seed of the newest request, as text; "" before the first."""
    brief = (
        Generation.objects.filter(artist=artist)
        .order_by("-created_at")
        .values_list("brief", flat=True)
        .first()
    )
    return str((brief or {}).get("seed") or "")
