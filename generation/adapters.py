"""Adapters from the wish to their end. Pages, API and commands call these verbs; `fine_tuning` does the work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from catalog import jobs, snapshots
from catalog.dna import catalog_hash
from catalog.models import Artist, Track
from generation import adapter_files, allowance, consents
from generation.engines.neural import places
from generation.engines.neural.catalogue import MELODY, MODELS, TEXT, Model, of_kind
from generation.models import Adapter, AdapterSource
from generation.submitting import EngineUnavailable, PlanForbids, Refused, TooFewTracks, refuse_full
from generation.training.adapter import FILE, Worn
from generation.training.recipe import Recipe
from provenance import wording
from provenance.models import CertifiedRendition

LONGEST_NAME = 80
MOST_UNDER_WAY = 3


class NoRights(Refused):
    def __init__(self) -> None:
        super().__init__(
            "An adapter learns from your recordings, so it needs your statement that the rights to them are yours. "
            "Make it on the account page, then train."
        )


class BadRecipe(Refused):
    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(" ".join(f"{name}: {sentence}" for name, sentence in errors.items()))


class TooManyTrainings(Refused):
    def __init__(self, count: int) -> None:
        self.count, self.most = count, MOST_UNDER_WAY
        super().__init__(
            f"{count} of your adapters are being trained, and {MOST_UNDER_WAY} is the most at once. "
            "Wait until one has ended, or cancel one."
        )


def bases() -> list[Model]:
    """The models an adapter can be trained for."""
    return of_kind(TEXT, MELODY)


def available_bases() -> list[Model]:
    return [model for model in bases() if not places.missing_of(model.name)]


def of(artist: Artist) -> QuerySet[Adapter]:
    """With what says whether each may be used, in two queries for however many."""
    return Adapter.objects.filter(artist=artist).prefetch_related("sources__consent")


def start(
    artist: Artist,
    *,
    name: str,
    base: str = "musicgen-small",
    recipe: Recipe | None = None,
    generated: bool = False,
    aggregate: bool = False,
    genre: str = "",
    request_key: str | None = None,
) -> tuple[Adapter, bool]:
    """Queue a training. (the row, False) when this request_key was used before.

    generated: also learn from takes in the artist's library. aggregate: also from the catalogs of all who consented.
    genre: of an aggregate, learn only from recordings of it.
    Raises Refused: NoRights, PlanForbids, BadRecipe, TooFewTracks, TooManyTrainings, EngineUnavailable.
    """
    request_key = request_key[:64] if request_key else None
    if request_key and (before := of(artist).filter(request_key=request_key).first()) is not None:
        return before, False
    recipe = recipe or Recipe()
    if errors := recipe.errors():
        raise BadRecipe(errors)
    if genre and not aggregate:
        raise BadRecipe({"genre": "A genre is chosen of several catalogs together: ask for those too."})
    _refuse(artist, base, aggregate, more=1)
    chosen = _sources(artist, generated=generated, aggregate=aggregate, genre=genre)
    row = Adapter(
        artist=artist,
        name=" ".join(name.split())[:LONGEST_NAME] or _next_name(artist),
        base=base,
        recipe=recipe.to_json(),
        aggregate=aggregate,
        genre=genre,
        request_key=request_key,
        catalog_hash=_together(chosen),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            for source in chosen:
                source.adapter = row
                source.save()
            jobs.wake(row)
    except IntegrityError:  # the same key, at the same moment, in another process
        if request_key and (before := of(artist).filter(request_key=request_key).first()) is not None:
            return before, False
        raise
    return row, True


def _refuse(artist: Artist, base: str, aggregate: bool, *, more: int) -> None:
    """Raises Refused when this artist may not train this. more: adapters they will have beyond those they have."""
    if not artist.rights_declared_at and not artist.is_demo:
        raise NoRights
    allowed = allowance.of(artist)
    if allowed.adapters is not None and of(artist).count() + more > allowed.adapters:
        plan = artist.get_plan_display()
        if not allowed.adapters:
            raise PlanForbids(f"The plan {plan} does not include adapters. Elite does.")
        raise PlanForbids(
            f"The plan {plan} includes {allowed.adapters} adapters. Delete one, or choose Elite."
        )
    if aggregate and not allowed.aggregate:
        raise PlanForbids(
            f"The plan {artist.get_plan_display()} does not include adapters over several catalogs. Elite does."
        )
    if aggregate and consents.standing(artist) is None:
        raise Refused(
            "An adapter over several catalogs learns from artists who agreed to it. Agree to it for yours first."
        )
    known = {model.name for model in bases()}
    if base not in known:
        raise BadRecipe({"base": f"Choose one of: {', '.join(sorted(known))}."})
    if places.missing_of(base):
        found = places.availability_of([base])
        raise EngineUnavailable("musicgen", f"{found.missing} {found.how}".strip())
    refuse_full(artist)
    _refuse_too_many(artist)


def _refuse_too_many(artist: Artist) -> None:
    under_way = of(artist).filter(status__in=[Adapter.QUEUED, Adapter.RUNNING]).count()
    if under_way >= MOST_UNDER_WAY:
        raise TooManyTrainings(under_way)


def _sources(artist: Artist, *, generated: bool, aggregate: bool, genre: str) -> list[AdapterSource]:
    own = _source(artist, generated=generated, genre=genre)
    if not aggregate:
        needed = settings.STARFORGE_MIN_TRACKS
        if len(own.track_ids) < needed:
            raise TooFewTracks(len(own.track_ids), needed)
        return [own]
    found = [own]
    for consent in consents.willing(artist):
        source = _source(consent.artist, generated=False, genre=genre)
        source.own, source.consent, source.consent_sha256 = False, consent, consents.sha256(consent)
        found.append(source)
    found = [one for one in found if one.track_ids]
    if len(found) < 2:
        raise Refused(
            "No other artist here has agreed to learn together yet"
            + (f" and has recordings tagged {genre}." if genre else ".")
        )
    return found


def _source(artist: Artist, *, generated: bool, genre: str) -> AdapterSource:
    rows = Track.objects.of(artist).ready().listed().order_by("id")
    tracks = [
        track
        for track in (rows if generated else rows.own())
        if track.audio_sha256 and (not genre or genre.lower() in {one.lower() for one in track.genres})
    ]
    if generated:  # what another artist's recordings went into was agreed to be heard, not to be learned from
        shared = _of_two(artist, [track.audio_sha256 for track in tracks])
        tracks = [track for track in tracks if track.audio_sha256 not in shared]
    latest = snapshots.latest(artist)
    return AdapterSource(
        artist=artist,
        consent_sha256=consents.rights_sha256(artist),
        catalog_hash=catalog_hash(track.audio_sha256 for track in tracks),
        track_ids=[track.pk for track in tracks],
        words=list(latest.snapshot.document.get("palette_words", []))[:3] if latest else [],
    )


def _of_two(artist: Artist, hashes: Sequence[str]) -> set[str]:
    """Those of these recordings that were made with another artist, by their certificates: a take may be gone."""
    stamped = CertifiedRendition.objects.filter(
        audio_sha256__in=hashes, certificate__owner=artist, certificate__declared=False
    ).select_related("certificate")
    return {one.audio_sha256 for one in stamped if wording.partner(one.certificate.provenance)}


def _together(sources: Sequence[AdapterSource]) -> str:
    """One hash of all recordings. Of a single catalog it is that catalog's own."""
    if len(sources) == 1:
        return sources[0].catalog_hash
    ids = [pk for source in sources for pk in source.track_ids]
    return catalog_hash(Track.objects.filter(pk__in=ids).values_list("audio_sha256", flat=True))


def _next_name(artist: Artist) -> str:
    return f"Adapter {of(artist).count() + 1:02d}"


def cancel(adapter: Adapter) -> bool:
    return jobs.cancel(adapter)


def go_on(adapter: Adapter) -> bool:
    """Continue a failed or cancelled training where its checkpoint is. False when it is waiting, running or done.

    Raises Refused: consents were taken back, or what `start` would refuse now.
    """
    if adapter.status in {Adapter.FAILED, Adapter.CANCELLED}:
        _refuse_lapsed(adapter)
        _refuse(adapter.artist, adapter.base, adapter.aggregate, more=0)
    return jobs.requeue(adapter)


def _refuse_lapsed(adapter: Adapter) -> None:
    if adapter.sources.standing().count() < (2 if adapter.aggregate else 1):
        raise Refused(
            "The artists whose catalogs this was to learn from took their consent back. Train a new one."
        )


def delete(adapter: Adapter) -> None:
    """The adapter, its checkpoint and what was kept of its recordings are gone. Takes and certificates stay."""
    jobs.cancel(adapter)
    folder, ids = adapter.folder, adapter_files.learned_by(adapter)
    with transaction.atomic():
        adapter.delete()
        transaction.on_commit(partial(adapter_files.remove, folder, ids))


def unusable(adapter: Adapter) -> str:
    """Why no new take can be made with it; "" when one can."""
    if adapter.status != Adapter.READY:
        return f"“{adapter.name}” is not trained yet."
    if consents.lapsed(adapter.sources.all()):
        return (
            f"An artist whose recordings “{adapter.name}” learned from took their consent back, so it makes no new "
            "takes. Train it again: it then learns from those who still agree."
        )
    if not (adapter.folder / FILE).is_file():
        return f"The file of “{adapter.name}” is gone. Train it again."
    return ""


def usable(artist: Artist) -> list[Adapter]:
    return [one for one in of(artist).filter(status=Adapter.READY) if not unusable(one)]


def worn(artist: Artist, pk: str, strength: float) -> Worn | None:
    """What an engine is given. None when there is no such adapter of theirs; raises Refused when it cannot be used."""
    found = of(artist).filter(pk=pk).first()
    if found is None:
        return None
    if why := unusable(found):
        raise Refused(why)
    return Worn(
        id=found.pk,
        name=found.name,
        file=found.folder / FILE,
        sha256=found.sha256,
        base=found.base,
        base_sha256=found.base_sha256,
        strength=strength,
        training_catalog_hash=found.catalog_hash,
        certificate_id=found.certificate_id or "",
    )


def label_of(base: str) -> str:
    return MODELS[base].label if base in MODELS else base
