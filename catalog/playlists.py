"""Playlists of collections: written as the file has them, and left alone when nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from django.db import transaction

from catalog import adoption
from catalog.imports import ListedPlaylist
from catalog.models import Import, Playlist, PlaylistEntry, Track

Fate = Literal["created", "updated", "unchanged"]


def keep_playlist(
    row: Import, listed: ListedPlaylist, pk_of: Mapping[str, str], by_location: Mapping[str, str]
) -> tuple[Fate, int]:
    """Store one playlist of the import `row`; what became of it, and how many of its members are known.

    pk_of: track by entry id; by_location: entry id by location. Members nobody knows are left out.
    """
    ids = [by_location.get(one, "") for one in listed.members] if listed.by_location else listed.members
    named = [pk_of[one] for one in ids if one in pk_of]
    with transaction.atomic():
        adoption.locked(row.artist)
        still = (
            Track.objects.of(row.artist).only("pk").in_bulk(set(named))
        )  # some may be gone since they were read
        members = [pk for pk in named if pk in still]
        playlist, made = Playlist.objects.get_or_create(
            artist=row.artist, source=row.source, folder=listed.folder[:600], name=listed.name[:300]
        )
        if not made:
            if list(playlist.entries.values_list("track_id", flat=True)) == members:
                return "unchanged", len(members)
            playlist.entries.all().delete()
        PlaylistEntry.objects.bulk_create(
            PlaylistEntry(playlist=playlist, track_id=pk, position=place) for place, pk in enumerate(members)
        )
    return ("created" if made else "updated"), len(members)
