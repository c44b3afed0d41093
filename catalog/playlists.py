"""Playlists of collections: written as the file has them, and left alone when nothing changed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Set
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
        playlist, made = _place_of(row, listed, members)
        if not made:
            if list(playlist.entries.values_list("track_id", flat=True)) == members:
                return "unchanged", len(members)
            playlist.entries.all().delete()
        PlaylistEntry.objects.bulk_create(
            PlaylistEntry(playlist=playlist, track_id=pk, position=place) for place, pk in enumerate(members)
        )
    return ("created" if made else "updated"), len(members)


def _place_of(row: Import, listed: ListedPlaylist, members: list[str]) -> tuple[Playlist, bool]:
    """Where the list is stored, and whether that is new.

    An M3U file brings a name alone, often playlist.m3u: one that shares less than half with the list of this name is
    another list, and told apart by a number.
    """
    for number in itertools.count(1):
        name = listed.name[:300] if number == 1 else f"{listed.name[:290]} ({number})"
        playlist, made = Playlist.objects.get_or_create(
            artist=row.artist, source=row.source, folder=listed.folder[:600], name=name
        )
        if made or row.source != Import.Source.M3U:
            break
        there, here = set(playlist.entries.values_list("track_id", flat=True)), set(members)
        if 2 * len(there & here) >= min(len(there), len(here)):
            break
    return playlist, made


def drop_others(row: Import, places: Set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Remove this artist's playlists of the import's source but those at `places` (folder, name). Which they were."""
    kept = {(folder[:600], name[:300]) for folder, name in places}
    with transaction.atomic():
        adoption.locked(row.artist)
        lists = Playlist.objects.filter(artist=row.artist, source=row.source)
        gone = {
            pk: (folder, name)
            for pk, folder, name in lists.values_list("pk", "folder", "name")
            if (folder, name) not in kept
        }
        for pk in gone:
            lists.filter(pk=pk).delete()
    return list(gone.values())
