"""How long the full audio of a take is kept, and how it goes: what the plan says, and what holds a take beyond it.

Full audio is everything in a take's folder but the preview. Row, plan, certificate and preview stay for ever, and
`generation.restoring` makes the rest again where the engine can. A take goes in two steps, here -> going -> gone:
the first is decided with the row locked, the second removes the files, and whoever finds a take going ends it. So a
purge that is killed anywhere is taken up by the next one, and nothing can be half gone and called here.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.jobs import Job
from catalog.models import Artist
from generation import allowance
from generation.models import Exhibit, Export, GeneratedTrack, Generation, Restoration, Share
from provenance.models import ExternalStamp

log = logging.getLogger(__name__)

HERE, GOING, GONE = GeneratedTrack.FullAudio
UNDER_WAY = (Job.QUEUED, Job.RUNNING)
# What is held always has so long left once nothing holds it any more; renewed when a day of it is over.
NOTICE, RENEW = timedelta(days=3), timedelta(days=2)
SOON = timedelta(days=3)
AT_ONCE = 50
PREVIEW = "preview.mp3"


@dataclass
class Purged:
    """takes: how many lost their full audio. freed: bytes. failed: how many could not be removed, for now."""

    takes: int = 0
    freed: int = 0
    failed: int = 0


def _holds() -> dict[str, tuple[Q | Exists, str]]:
    """What keeps a take's full audio beyond its day: the condition, and what the artist is told."""
    own = {"take": OuterRef("pk")}
    work = Generation.objects.filter(parent=OuterRef("generation"), status__in=UNDER_WAY)
    unfinished = Q(generation__status__in=UNDER_WAY)
    packed = Export.objects.filter(artist=OuterRef("generation__artist"), status__in=UNDER_WAY)
    sent = ExternalStamp.objects.filter(certificate=OuterRef("certificate"), status__in=UNDER_WAY)
    again = Restoration.objects.filter(**own, status__in=UNDER_WAY)
    shown = Exhibit.objects.filter(**own, taken_down_at=None)
    busy = Q(Exists(work)) | unfinished | Q(Exists(packed)) | Q(Exists(sent)) | Q(Exists(again))
    return {
        "pinned": (Q(pinned=True), "you pinned it"),
        "favourite": (Q(favourite=True), "it is a favourite"),
        "library": (Q(library_track__isnull=False), "it is in your library"),
        "gallery": (Exists(shown), "it is in the gallery"),
        "shared": (Exists(Share.objects.open().filter(**own)), "a link to it is open"),
        "work": (busy, "something is being made of it"),
    }


def _held() -> Q:
    either = Q()
    for condition, _ in _holds().values():
        either |= Q(condition)
    return either


def words_of(reasons: Collection[str]) -> str:
    """Reasons as part of a sentence: "you pinned it and a link to it is open"."""
    said = [words for name, (_, words) in _holds().items() if name in reasons]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}" if said else ""


def held_by(takes: Iterable[str]) -> dict[str, list[str]]:
    """What holds each of these takes by id: names of `words_of`, none for one that goes on its day. One query."""
    holds = _holds()
    said: dict[str, Any] = {
        f"holds_{name}": ExpressionWrapper(Q(condition), output_field=BooleanField())
        for name, (condition, _) in holds.items()
    }
    rows = GeneratedTrack.objects.filter(pk__in=list(takes)).annotate(**said).values("pk", *said)
    return {row["pk"]: [name for name in holds if row[f"holds_{name}"]] for row in rows}


def ends_of(takes: Collection[GeneratedTrack]) -> dict[str, datetime]:
    """Of these takes those whose full audio goes before long, with the day."""
    last = timezone.now() + SOON
    near = {one.pk: one.full_until for one in takes if one.full_audio == HERE and one.full_until}
    held = held_by(near)
    return {pk: day for pk, day in near.items() if day <= last and not held.get(pk)}


def until(artist: Artist, now: datetime | None = None) -> datetime | None:
    """How long the full audio of something made now is kept. None: for ever."""
    days = allowance.of(artist).keep_days
    return None if days is None else (now or timezone.now()) + timedelta(days=days)


def pin(take: GeneratedTrack, *, on: bool) -> None:
    """Keep the full audio, or let it go on its day: then it has a whole period before it once more."""
    change: dict[str, Any] = {"pinned": on}
    if not on and take.pinned:
        change["full_until"] = until(take.generation.artist)
    for name, value in change.items():
        setattr(take, name, value)
    take.save(update_fields=list(change))


def pin_many(artist: Artist, ids: Collection[str], *, on: bool) -> int:
    """Pin these takes, or no longer. Returns how many of them are there."""
    rows = GeneratedTrack.objects.filter(generation__artist=artist, pk__in=ids)
    with transaction.atomic():
        if not on:
            rows.filter(pinned=True).update(full_until=until(artist))
        return rows.update(pinned=on)


def expiring(artist: Artist, *, within: timedelta = SOON) -> QuerySet[GeneratedTrack]:
    """The artist's takes whose full audio goes within this time."""
    if artist.plan not in allowance.expiring():
        return GeneratedTrack.objects.none()
    rows = GeneratedTrack.objects.filter(generation__artist=artist, full_audio=HERE, pinned=False)
    return rows.filter(full_until__lte=timezone.now() + within).exclude(_held())


def date(now: datetime | None = None) -> None:
    """Give every take its day: of plans that changed, of installations that begin to count, of what is held."""
    now = now or timezone.now()
    plans = allowance.expiring()
    here = GeneratedTrack.objects.filter(full_audio=HERE)
    for name, days in plans.items():
        # The time begins when it is said: nobody's music goes on the day a rule is made.
        of_plan = here.filter(full_until=None, generation__artist__plan=name)
        of_plan.update(full_until=now + timedelta(days=days))
    dated = here.filter(full_until__isnull=False)
    dated.exclude(generation__artist__plan__in=plans).update(full_until=None)
    if plans:
        dated.filter(_held(), full_until__lt=now + RENEW).update(full_until=now + NOTICE)


def due(now: datetime | None = None) -> QuerySet[GeneratedTrack]:
    """Takes whose day is over and which nothing holds."""
    rows = GeneratedTrack.objects.filter(full_audio=HERE, full_until__lte=now or timezone.now())
    return rows.filter(generation__artist__plan__in=allowance.expiring()).exclude(_held())


def purge(now: datetime | None = None, *, seconds: float = 60.0) -> Purged:
    """Remove full audio whose day is over, oldest first, for so many seconds at most. Safe to run at any time."""
    end, done = time.monotonic() + seconds, Purged()
    for pk in GeneratedTrack.objects.filter(full_audio=GOING).values_list("pk", flat=True):
        _settled(pk, done)
    date(now)
    while time.monotonic() < end:
        # One that cannot be removed is `going` afterwards, so no round sees it again.
        found = list(due(now).order_by("full_until", "pk").values_list("pk", flat=True)[:AT_ONCE])
        if not found:
            break
        for pk in found:
            if _begun(pk, now):
                _settled(pk, done)
    if done.takes or done.failed:
        log.info("full audio expired", extra=vars(done))
    return done


def _begun(pk: str, now: datetime | None) -> bool:
    """Decide that a take goes. The row is locked first: whoever pins, shares or edits it meanwhile comes before us."""
    with transaction.atomic():
        GeneratedTrack.objects.select_for_update().filter(pk=pk).first()
        return bool(
            GeneratedTrack.objects.filter(pk__in=due(now).filter(pk=pk).values("pk")).update(full_audio=GOING)
        )


def _settled(pk: str, done: Purged) -> None:
    try:
        freed = settle(pk)
    except OSError:
        log.warning("full audio could not be removed", extra={"take": pk}, exc_info=True)
        done.failed += 1
        return
    if freed is not None:
        done.takes += 1
        done.freed += freed


def settle(pk: str) -> int | None:
    """End what was begun with this take. Bytes that were freed; None when it is not going. Raises OSError."""
    with transaction.atomic():
        take = GeneratedTrack.objects.select_for_update().filter(pk=pk, full_audio=GOING).first()
        if take is None:
            return None
        if take.audio_path and take.folder.is_dir():
            for one in take.folder.iterdir():
                _remove(one)
        before, take.size_bytes = take.size_bytes, _size(take.file("preview"))
        take.full_audio = GONE
        take.save(update_fields=["size_bytes", "full_audio"])
    return max(0, before - take.size_bytes)


def _remove(found: Path) -> None:
    if found.name == PREVIEW:
        return
    if found.is_dir():
        shutil.rmtree(found)
    else:
        found.unlink(missing_ok=True)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def back(take: GeneratedTrack) -> None:
    """The full audio was put back: `take` is saved by whoever did it, in the same transaction."""
    take.full_audio, take.full_until = HERE, until(take.generation.artist)


def said_of(take: GeneratedTrack, reasons: Collection[str], cannot: Callable[[], str]) -> dict[str, Any]:
    """What a page says of how long the full audio is kept; {} where the plan keeps it for ever.

    cannot: answers why it could not be made again, "" when it could.
    """
    if take.full_audio != HERE or allowance.of(take.generation.artist).keep_days is None:
        return {}
    return {
        "until": take.full_until or until(take.generation.artist),
        "held": words_of(reasons),
        "pinned": take.pinned,
        "cannot": "" if reasons else cannot(),
    }
