"""Consent to learn from a catalog together with others: given per artist, on record, and withdrawable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import security
from catalog.accounts import catalog_id_of
from catalog.models import Artist, Track
from generation import token_cache
from generation.models import AdapterSource, TrainingConsent
from provenance.canonical import canonical
from provenance.statement import utc_text

STATEMENT = (
    "Adapters may be trained from my recordings together with those of other artists of this Starforge, and used by "
    "them. My recordings themselves are shown to nobody. I can withdraw this at any time; adapters that learned from "
    "my recordings make no new takes from then on."
)


def standing(artist: Artist) -> TrainingConsent | None:
    return TrainingConsent.objects.filter(artist=artist, withdrawn_at=None).first()


def give(artist: Artist) -> TrainingConsent:
    """Record the consent; the one that stands, where there is one already."""
    try:
        with transaction.atomic():
            made = TrainingConsent.objects.create(artist=artist, statement=STATEMENT)
            security.record(security.Kind.CONSENT_CHANGED, artist.user, detail="training with others: given")
            return made
    except IntegrityError:
        return TrainingConsent.objects.get(artist=artist, withdrawn_at=None)


def withdraw(artist: Artist) -> bool:
    """Take it back. What is kept of the recordings for the trainings of others goes too. False when none stood."""
    with transaction.atomic():
        changed = TrainingConsent.objects.filter(artist=artist, withdrawn_at=None).update(
            withdrawn_at=timezone.now()
        )
        if changed:
            security.record(
                security.Kind.CONSENT_CHANGED, artist.user, detail="training with others: withdrawn"
            )
            ids = list(Track.objects.of(artist).values_list("pk", flat=True))
            transaction.on_commit(partial(token_cache.forget_unneeded, ids))
    return bool(changed)


def sha256(consent: TrainingConsent) -> str:
    """The hash that cards and certificates name a consent by: whoever knows its parts can check it."""
    known = {
        "catalog_id": catalog_id_of(consent.artist),
        "statement": consent.statement,
        "given_at": utc_text(consent.given_at),
    }
    return hashlib.sha256(canonical(known)).hexdigest()


def rights_sha256(artist: Artist) -> str:
    """The same for an artist's own rights statement."""
    known: dict[str, Any] = {
        "catalog_id": catalog_id_of(artist),
        "statement": artist.rights_statement,
        "given_at": utc_text(artist.rights_declared_at) if artist.rights_declared_at else "",
    }
    return hashlib.sha256(canonical(known)).hexdigest()


def willing(artist: Artist) -> Sequence[TrainingConsent]:
    """Standing consents of other artists who declared their rights and have enough analysed tracks of their own."""
    found = TrainingConsent.objects.filter(withdrawn_at=None, artist__rights_declared_at__isnull=False)
    rows = found.exclude(artist=artist).select_related("artist").order_by("pk")
    return [one for one in rows if _count(one.artist) >= settings.STARFORGE_MIN_TRACKS]


def _count(artist: Artist) -> int:
    return Track.objects.of(artist).ready().own().count()


def lapsed(sources: Iterable[AdapterSource]) -> list[AdapterSource]:
    """Those whose owners took their consent back, or are gone."""
    return [
        one
        for one in sources
        if not one.own
        and (one.consent is None or one.consent.withdrawn_at is not None or one.artist_id is None)
    ]
