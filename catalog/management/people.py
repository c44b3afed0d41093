"""How commands name an artist: by login name."""

from __future__ import annotations

from django.core.management.base import CommandError

from catalog.models import Artist


def artist_named(name: str) -> Artist:
    artist = Artist.objects.select_related("user").filter(user__username=name).first()
    if artist is None:
        known = ", ".join(Artist.objects.order_by("pk").values_list("user__username", flat=True)[:10])
        raise CommandError(f"There is no artist with the login “{name}”. Known: {known or 'none yet'}.")
    return artist
