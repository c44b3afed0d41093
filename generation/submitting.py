"""A request is taken on, or refused with a sentence: wishes → brief → a row with its wake-up."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from catalog import accounts, jobs, snapshots
from catalog.dna import for_composing
from catalog.models import Artist, DNASnapshot, Track
from generation import blending, usage
from generation.brief import Brief, Reference, played_in
from generation.engines import engines
from generation.engines.base import Engine, Preparing
from generation.models import GeneratedTrack, Generation, Restoration
from generation.prompting import BadWishes, Known, Wishes, compose

MOST_UNDER_WAY = 20
AVOIDED_TAKES = 6


class Refused(Exception):
    """A generation that is not taken on. The message is for the artist."""


class PlanForbids(Refused):
    """The plan does not include it, or not so much of it. until: when it will, if time alone helps."""

    def __init__(self, sentence: str, *, until: datetime | None = None) -> None:
        self.until = until
        super().__init__(sentence)


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


class CannotBlend(Refused):
    """The agreement with the other artist of a take has ended, or too little of theirs is left to work from."""


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
    for reference in wishes.references:
        refuse_bars(rows[reference.track_id], reference)
    found = [rows[pk] for pk in ids]
    return [
        Known(t.pk, t.bpm, t.key, t.analysis.energy if t.analysis else None, t.genre or None) for t in found
    ]


def refuse_bars(track: Track, reference: Reference) -> None:
    """Raises BadWishes where a reference names bars that its track does not have."""
    if reference.start_bar is None and reference.end_bar is None:
        return
    bars = len(track.analysis.document.get("energy_curve") or ()) if track.analysis else 0
    if not bars:
        sentence = f"No bars were found in “{track.title}”, so none can be named. Take all of it."
    elif (reference.start_bar or 0) >= bars:
        sentence = f"“{track.title}” has {bars} bars. Choose some of them."
    else:
        return
    raise BadWishes({"reference_tracks": sentence})


def draft(
    artist: Artist, wishes: Wishes, *, engine: str = "mosaic", exact: bool = False
) -> tuple[Brief, DNASnapshot | None]:
    """What these wishes would be read into now. Raises BadWishes.

    exact: with the DNA of the catalog as it is in this moment, even where drawing it takes a while.
    """
    brief, snapshot, _ = drafted(artist, wishes, engine, exact=exact)
    return brief, snapshot


def drafted(
    artist: Artist, wishes: Wishes, engine: str, *, exact: bool = False
) -> tuple[Brief, DNASnapshot | None, blending.Partner | None]:
    """`draft`, and the other artist where the wishes name one."""
    if exact:
        snapshot = snapshots.current(artist)
    else:
        latest = snapshots.latest(artist)
        snapshot = latest.snapshot if latest else None
    document = snapshot.document if snapshot else {}
    partner = None
    if wishes.partner is not None:
        refuse_engine(engine)
        partner = blending.partner(artist, wishes.partner, exact=exact)
        document = blending.target(document, partner)
    brief = compose(wishes, document, known_references(artist, wishes))
    return prepared(brief, engine, document), snapshot, partner


def refuse_engine(engine: str) -> None:
    """Raises BadWishes for an engine that makes no take of two artists."""
    found = engines().get(engine)
    if found is not None and "blend" not in found.capabilities():
        able = [one.label for one in engines().values() if "blend" in one.capabilities()]
        raise BadWishes(
            {
                "blend": f"{found.label} does not play recordings, so it cannot blend yours with another artist’s. "
                f"Choose {' or '.join(able)}, or generate alone."
            }
        )


def prepared(brief: Brief, engine: str, dna: dict[str, Any]) -> Brief:
    """The brief with what its engine decides beforehand: model, text, settings. Raises BadWishes."""
    found: object = engines().get(engine)
    if isinstance(found, Preparing):
        return found.prepared(brief, for_composing(dna))
    return brief


def estimate(brief: Brief, engine_slug: str, corpus_size: int) -> float:
    """Seconds for the whole request: what runs on this installation have taken, else the engine's own guess."""
    past = (
        Generation.objects.filter(engine=engine_slug, status=Generation.READY, attempts=1)
        .exclude(started_at=None)
        .order_by("-finished_at")
    )
    if brief.model:  # a model ten times as large takes ten times as long
        past = past.filter(brief__model=brief.model)
    rates = []
    for one in past[:8]:
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

    Raises Refused (TooFewTracks, EngineUnavailable, TooManyUnderWay, PlanForbids) or BadWishes, and makes nothing then.
    """
    if (before := asked_before(artist, request_key)) is not None:
        return before, False
    if wishes.partner is not None:
        refuse_engine(engine)
    found = available(engine)
    refuse_too_many(artist)
    refuse_over_plan(artist, request_key)
    if wishes.references:
        refuse_references(artist)
    count = snapshots.own_count(artist)
    if count < settings.STARFORGE_MIN_TRACKS:
        raise TooFewTracks(count, settings.STARFORGE_MIN_TRACKS)
    meant = with_adapter(artist, wishes, found) if wishes.adapter else wishes
    brief, snapshot, partner = drafted(artist, meant, engine, exact=True)
    if snapshot is None:  # the tracks were deleted in this moment
        raise TooFewTracks(0, settings.STARFORGE_MIN_TRACKS)
    if "lineage" in found.capabilities():
        # With a seed the same take is meant, whatever was made in between.
        avoid = (
            bars_to_avoid(artist, engine, parent)
            if wishes.seed is None
            else avoided(artist, engine, wishes.seed)
        )
        brief = replace(brief, avoid=avoid)
    return queue(
        artist,
        brief=brief,
        params=wishes.to_json(),
        engine=engine,
        snapshot=snapshot,
        title=_next_title(artist),
        parent=parent,
        request_key=request_key,
        partner=partner,
    )


def with_adapter(artist: Artist, wishes: Wishes, engine: Engine) -> Wishes:
    """The wishes with the model their adapter belongs to. Raises BadWishes or Refused when it cannot be used."""
    from generation import adapters  # it stands above this module

    if "adapter" not in engine.capabilities():
        raise BadWishes({"adapter": f"{engine.label} takes no adapter. Choose MusicGen, or no adapter."})
    if not 0 <= wishes.strength <= 1:
        raise BadWishes({"strength": "The strength of an adapter is a number from 0 to 1."})
    worn = adapters.worn(artist, wishes.adapter or "", wishes.strength)
    if worn is None:
        raise BadWishes({"adapter": "No adapter of yours has this id. Choose from your adapters."})
    if wishes.model and worn.base not in (wishes.model, f"musicgen-{wishes.model}"):
        raise BadWishes(
            {"model": f"“{worn.name}” was trained for {worn.base}. Choose that model, or no adapter."}
        )
    return replace(wishes, model=worn.base)


def asked_before(artist: Artist, request_key: str | None) -> Generation | None:
    if not request_key:
        return None
    return Generation.objects.filter(artist=artist, request_key=request_key[:64]).first()


def available(engine: str) -> Engine:
    """The engine of this name, ready to work. Raises EngineUnavailable."""
    if engine not in engines():
        raise EngineUnavailable(
            engine, f"There is no engine “{engine}” here. Choose: {', '.join(engines())}."
        )
    found = engines()[engine]
    availability = found.availability()
    if not availability.ready:
        raise EngineUnavailable(engine, f"{availability.missing} {availability.how}".strip())
    return found


def queue(
    artist: Artist,
    *,
    brief: Brief,
    params: dict[str, Any],
    engine: str,
    snapshot: DNASnapshot,
    title: str,
    parent: Generation | None,
    request_key: str | None,
    partner: blending.Partner | None = None,
) -> tuple[Generation, bool]:
    """A row for a decided brief and its wake-up, both or neither. (the row, False): the key was used before.

    partner: the other artist of the brief, where they were looked up already. Raises CannotBlend without them.
    """
    if brief.blend is not None and partner is None:
        try:
            partner = blending.partner(artist, brief.blend, exact=True)
        except BadWishes as error:
            raise CannotBlend(error.errors["blend"]) from None
    request_key = request_key[:64] if request_key else None
    asked = params.get("watermark")
    brief = replace(brief, watermark=accounts.wants_watermark(artist) if asked is None else bool(asked))
    try:
        with transaction.atomic():
            refuse_over_plan(artist, request_key)  # again, now that nobody else can come between
            generation = Generation.objects.create(
                artist=artist,
                title=title,
                prompt=brief.prompt,
                params=params,
                brief=brief.to_json(),
                engine=engine,
                snapshot=snapshot,
                blend=partner.blend if partner else None,
                partner_snapshot=partner.snapshot if partner else None,
                parent=parent,
                request_key=request_key,
                estimate_seconds=estimate(brief, engine, snapshots.own_count(artist)),
            )
            jobs.wake(generation)
    except IntegrityError:  # the same key, at the same moment, in another process
        before = asked_before(artist, request_key)
        if before is None:
            raise
        return before, False
    return generation, True


def bars_to_avoid(artist: Artist, engine: str, parent: Generation | None) -> tuple[tuple[str, int], ...]:
    """(track id, bar of it) that takes of this engine were built from: the parent's first, then the newest ones'."""
    rows = GeneratedTrack.objects.filter(generation__artist=artist, engine=engine)
    maps: list[list[dict[str, Any]]] = []
    if parent is not None:
        maps += rows.filter(generation=parent).order_by("number").values_list("built_from", flat=True)
    newest = rows.exclude(generation=parent) if parent is not None else rows
    maps += newest.order_by("-created_at", "id").values_list("built_from", flat=True)[:AVOIDED_TAKES]
    return played_in(maps)


def avoided(artist: Artist, engine: str, seed: int) -> tuple[tuple[str, int], ...]:
    """What the first take with this seed stayed away from, or the first request where none is made: it is part of
    what the seed led to. Empty for a seed that was never drawn or asked for."""
    oldest = ("created_at", "id")
    takes = GeneratedTrack.objects.filter(generation__artist=artist, engine=engine, seed=str(seed))
    requests = Generation.objects.filter(artist=artist, engine=engine, brief__seed=str(seed))
    before = (
        takes.order_by(*oldest).values_list("generation_params", flat=True).first()
        or requests.order_by(*oldest).values_list("brief", flat=True).first()
        or {}
    )
    return tuple((str(track), int(bar)) for track, bar in before.get("avoid") or ())


def refuse_too_many(artist: Artist) -> None:
    again = Restoration.objects.filter(
        take__generation__artist=artist, status__in=[Restoration.QUEUED, Restoration.RUNNING]
    )
    count = under_way_of(artist).count() + again.count()
    if count >= MOST_UNDER_WAY:
        raise TooManyUnderWay(count)


def refuse_over_plan(artist: Artist, request_key: str | None = None) -> None:
    """Raises PlanForbids when this month's generations or the storage are used up.

    What was asked under this key counts already.
    """
    try:
        with transaction.atomic():
            usage.refuse_more(artist)
            usage.refuse_storage(artist)
    except usage.Forbidden as error:
        if asked_before(artist, request_key) is not None:
            return
        raise PlanForbids(str(error), until=getattr(error, "until", None)) from None


def refuse_full(artist: Artist) -> None:
    """Raises PlanForbids when the storage is used up."""
    try:
        with transaction.atomic():
            usage.refuse_storage(artist)
    except usage.Full as error:
        raise PlanForbids(str(error)) from None


def refuse_references(artist: Artist) -> None:
    try:
        usage.refuse_references(artist)
    except usage.Forbidden as error:
        raise PlanForbids(str(error)) from None


def under_way_of(artist: Artist) -> QuerySet[Generation]:
    return Generation.objects.filter(artist=artist, status__in=[Generation.QUEUED, Generation.RUNNING])


def _next_title(artist: Artist) -> str:
    last = Generation.objects.filter(artist=artist).values_list("title", flat=True)
    numbers = [int(found[1]) for title in last if (found := re.fullmatch(r"Untitled (\d+)", title))]
    return f"Untitled {max(numbers, default=0) + 1:02d}"
