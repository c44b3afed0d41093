"""A generation from the wish to its end. Pages, API, admin and commands call these verbs."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from catalog import jobs, snapshots
from catalog.models import Artist, DNASnapshot, Track
from generation import corpus
from generation.brief import Brief
from generation.engines import engines
from generation.models import GeneratedTrack, Generation
from generation.prompting import BadWishes, Known, Wishes, compose

STALE_STAGING = 3600.0
MOST_UNDER_WAY = 20


class Refused(Exception):
    """A generation that is not taken on. The message is for the artist."""


class TooFewTracks(Refused):
    def __init__(self, count: int, needed: int) -> None:
        self.count, self.needed = count, needed
        super().__init__(
            f"Starforge needs {needed} analysed tracks of yours to work from; {count} "
            f"{'is' if count == 1 else 'are'} ready. Upload {needed - count} more, or wait for their analysis."
        )


class EngineUnavailable(Refused):
    def __init__(self, slug: str, reason: str) -> None:
        self.slug = slug
        super().__init__(reason)


class TooManyUnderWay(Refused):
    def __init__(self, count: int) -> None:
        self.count, self.most = count, MOST_UNDER_WAY
        super().__init__(
            f"{count} generations of yours are under way, and {MOST_UNDER_WAY} is the most at once. "
            "Wait until one has ended, or cancel one."
        )


def known_references(artist: Artist, wishes: Wishes) -> list[Known]:
    """The reference tracks, owned and analysed. Raises BadWishes for any other id."""
    ids = [reference.track_id for reference in wishes.references]
    rows = {t.pk: t for t in Track.objects.of(artist).ready().listed().filter(pk__in=ids)}
    if missing := [pk for pk in ids if pk not in rows]:
        raise BadWishes(
            {
                "reference_tracks": f"No analysed track of yours has the id {missing[0]}. Choose from your catalog."
            }
        )
    found = [rows[pk] for pk in ids]
    return [
        Known(t.pk, t.bpm, t.key, t.analysis.energy if t.analysis else None, t.genre or None) for t in found
    ]


def draft(artist: Artist, wishes: Wishes, *, exact: bool = False) -> tuple[Brief, DNASnapshot | None]:
    """What these wishes would be read into now. Raises BadWishes.

    exact: with the DNA of the catalog as it is in this moment, even where drawing it takes a while.
    """
    if exact:
        snapshot = snapshots.current(artist)
    else:
        latest = snapshots.latest(artist)
        snapshot = latest.snapshot if latest else None
    document = snapshot.document if snapshot else {}
    return compose(wishes, document, known_references(artist, wishes)), snapshot


def estimate(brief: Brief, engine_slug: str, corpus_size: int) -> float:
    """Seconds for the whole request: what runs on this installation have taken, else the engine's own guess."""
    past = (
        Generation.objects.filter(engine=engine_slug, status=Generation.READY, attempts=1)
        .exclude(started_at=None)
        .order_by("-finished_at")[:8]
    )
    rates = []
    for one in past:
        seconds = (one.finished_at - one.started_at).total_seconds()  # type: ignore[operator]  # READY has both
        asked = Brief.from_json(one.brief)
        rates.append(seconds / (asked.takes * (30 + asked.duration_seconds)))
    if len(rates) >= 2:
        rate = sorted(rates)[len(rates) // 2]
        return round(rate * brief.takes * (30 + brief.duration_seconds), 1)
    return round(engines()[engine_slug].estimate(brief, corpus_size), 1)


def submit(
    artist: Artist,
    *,
    wishes: Wishes,
    engine: str = "mosaic",
    request_key: str | None = None,
    parent: Generation | None = None,
) -> tuple[Generation, bool]:
    """Queue a generation. (the row, False) when this request_key was used before: nothing new is made.

    Raises Refused (TooFewTracks, EngineUnavailable, TooManyUnderWay) or BadWishes, and makes nothing then.
    """
    request_key = request_key[:64] if request_key else None
    if request_key and (before := Generation.objects.filter(artist=artist, request_key=request_key).first()):
        return before, False
    if engine not in engines():
        raise EngineUnavailable(
            engine, f"There is no engine “{engine}” here. Choose: {', '.join(engines())}."
        )
    availability = engines()[engine].availability()
    if not availability.ready:
        raise EngineUnavailable(engine, f"{availability.missing} {availability.how}".strip())
    _refuse_too_many(artist)
    count = snapshots.own_count(artist)
    if count < settings.STARFORGE_MIN_TRACKS:
        raise TooFewTracks(count, settings.STARFORGE_MIN_TRACKS)
    brief, snapshot = draft(artist, wishes, exact=True)
    if snapshot is None:  # the tracks were deleted in this moment
        raise TooFewTracks(0, settings.STARFORGE_MIN_TRACKS)
    try:
        with transaction.atomic():
            generation = Generation.objects.create(
                artist=artist,
                title=_next_title(artist),
                prompt=brief.prompt,
                params=wishes.to_json(),
                brief=brief.to_json(),
                engine=engine,
                snapshot=snapshot,
                parent=parent,
                request_key=request_key,
                estimate_seconds=estimate(brief, engine, count),
            )
            jobs.wake(generation, urgent=True)  # somebody is waiting in front of a page
    except IntegrityError:
        if request_key is None:
            raise
        before = Generation.objects.filter(artist=artist, request_key=request_key).first()
        if before is None:
            raise
        return before, False
    return generation, True


def _refuse_too_many(artist: Artist) -> None:
    count = _under_way(artist).count()
    if count >= MOST_UNDER_WAY:
        raise TooManyUnderWay(count)


def _next_title(artist: Artist) -> str:
    last = Generation.objects.filter(artist=artist).values_list("title", flat=True)
    numbers = [int(found[1]) for title in last if (found := re.fullmatch(r"Untitled (\d+)", title))]
    return f"Untitled {max(numbers, default=0) + 1:02d}"


def cancel(generation: Generation) -> bool:
    return jobs.cancel(generation)


def retry(generation: Generation, *, limited: bool = True) -> bool:
    """The same brief and seed again, for a failed or cancelled generation. Finished takes are kept.

    False when it neither failed nor was cancelled. limited: raises TooManyUnderWay as `submit` does.
    """
    if limited and generation.status in {Generation.FAILED, Generation.CANCELLED}:
        _refuse_too_many(generation.artist)
    return jobs.requeue(generation, urgent=True)


CHANGES: dict[str, str] = {
    "more energetic": "Energy up by a fifth, same material.",
    "calmer": "Energy down by a fifth, same material.",
    "regenerate": "The same brief with a new seed.",
}


def changed(generation: Generation, change: str = "", **fields: Any) -> Wishes:
    """The wishes of a variation: those of the parent, decided as they were, with one thing changed.

    Raises BadWishes for a change nobody knows.
    """
    brief = Brief.from_json(generation.brief)
    wishes = replace(
        Wishes.from_json(generation.params),
        bpm=brief.bpm,
        key=brief.key.name if brief.key else None,
        energy=brief.energy,
        duration_seconds=brief.duration_seconds,
        seed=None,
    )
    wanted = change.strip().lower()
    if wanted in {"more energetic", "energetic", "harder"}:
        wishes = replace(wishes, energy=round(min(1.0, brief.energy + 0.2), 3), seed=brief.seed)
    elif wanted in {"calmer", "less energetic", "softer"}:
        wishes = replace(wishes, energy=round(max(0.0, brief.energy - 0.2), 3), seed=brief.seed)
    elif found := re.search(r"(\d{2,3}(?:\.\d+)?)\s*bpm", wanted):
        wishes = replace(wishes, bpm=float(found[1]), seed=brief.seed)
    elif wanted not in {"", "regenerate", "again"}:
        raise BadWishes(
            {"change": "Known changes: more energetic, calmer, regenerate, or a tempo such as “150 BPM”."}
        )
    return replace(wishes, **fields) if fields else wishes


def vary(
    generation: Generation, change: str = "", *, request_key: str | None = None, **fields: Any
) -> tuple[Generation, bool]:
    return submit(
        generation.artist,
        wishes=changed(generation, change, **fields),
        engine=generation.engine,
        request_key=request_key,
        parent=generation,
    )


def delete(generation: Generation) -> None:
    """Delete a generation with its takes and files. Certificates and library tracks stay."""
    jobs.cancel(generation)
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


def queue_position(generation: Generation) -> tuple[int, float]:
    """(generations ahead in the queue, seconds until this one can start). (0, 0) when it is next or running."""
    return queue_positions([generation])[generation.pk]


def queue_positions(generations: Collection[Generation]) -> dict[str, tuple[int, float]]:
    """`queue_position` of each of these, by id, in two queries for all."""
    places = {one.pk: (0, 0.0) for one in generations}
    asked = [one for one in generations if one.status == Generation.QUEUED]
    if not asked:
        return places
    last = max(one.queued_at for one in asked)
    waiting = list(
        Generation.objects.filter(status=Generation.QUEUED, queued_at__lt=last)
        .order_by("queued_at")
        .values_list("queued_at", "estimate_seconds")
    )
    times = [moment for moment, _ in waiting]
    sums = [0.0, *accumulate(seconds for _, seconds in waiting)]
    running = list(
        Generation.objects.filter(status=Generation.RUNNING).only(
            "started_at", "progress", "status", "estimate_seconds"
        )
    )
    workers = max(1, settings.STARFORGE_WORKERS)
    left = sorted(one.eta_seconds or one.estimate_seconds for one in running)
    wait = 0.0 if len(left) < workers else left[0]
    for one in asked:
        ahead = bisect_left(times, one.queued_at)
        places[one.pk] = ahead, round(wait + sums[ahead] / workers, 1)
    return places


def recover() -> int:
    touched = jobs.recover(Generation)
    corpus.sweep()
    staging = Path(settings.MEDIA_ROOT) / "staging"
    if staging.is_dir():
        for folder in staging.iterdir():
            with contextlib.suppress(OSError):  # its worker publishes it in this moment
                if time.time() - folder.stat().st_mtime > STALE_STAGING:
                    shutil.rmtree(folder, ignore_errors=True)
    return touched


def _under_way(artist: Artist) -> QuerySet[Generation]:
    return Generation.objects.filter(artist=artist, status__in=[Generation.QUEUED, Generation.RUNNING])


def under_way(artist: Artist) -> Sequence[Generation]:
    return list(_under_way(artist).order_by("queued_at"))


def latest_takes(artist: Artist, limit: int = 3) -> Sequence[GeneratedTrack]:
    return list(
        GeneratedTrack.objects.filter(generation__artist=artist)
        .select_related("generation", "certificate")
        .order_by("-created_at")[:limit]
    )
