"""Takes given out by a link. Who has the link hears the take; nothing else of the artist is shown by it."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from rest_framework.throttling import AnonRateThrottle

from catalog import security
from catalog.models import Artist
from generation.models import GeneratedTrack, Share, ShareQuerySet

DAYS = (1, 7, 30, 90)
MOST = 20


class TooMany(Exception):
    def __init__(self) -> None:
        super().__init__(f"This take has {MOST} links, the most there can be. Revoke one first.")


class SharedThrottle(AnonRateThrottle):
    """Guessing links is slow: counted by address, whoever is signed in."""

    scope = "shared"


def of(artist: Artist) -> ShareQuerySet:
    return Share.objects.filter(take__generation__artist=artist)


def share(take: GeneratedTrack, days: int) -> Share:
    """A new link that works for so many days. Raises TooMany."""
    if take.shares.open().count() >= MOST:
        raise TooMany
    with transaction.atomic():
        row = take.shares.create(expires_at=timezone.now() + timedelta(days=days))
        security.record(security.Kind.SHARED, take.user, detail=take.title)
    return row


def revoke(row: Share) -> bool:
    with transaction.atomic():
        done = bool(Share.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now()))
        if done:
            security.record(security.Kind.UNSHARED, row.take.user, detail=row.take.title)
    return done


def found(key: str) -> Share | None:
    """The open link of this key. None: there never was one, it expired, or it was revoked; nobody learns which."""
    rows = Share.objects.open().select_related("take__generation__artist", "take__certificate")
    return rows.filter(key=key).first()
