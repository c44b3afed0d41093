"""Closing the loop: a take becomes a track of the catalog, and the DNA says so."""

from __future__ import annotations

import contextlib
from typing import Any

from django.db import transaction
from django.db.models import Q

from catalog import intake
from catalog.audio.errors import AudioError
from catalog.audio.hashing import mpeg_stream_sha256
from catalog.models import Track
from generation.models import GeneratedTrack
from provenance.models import CertifiedRendition


def add(take: GeneratedTrack) -> tuple[Track, bool]:
    """Put a take into its artist's library and queue its analysis. (the track, False) when it is there already.

    Raises FileNotFoundError or intake.Refused when the take's audio is gone or no longer the one that was made.
    """
    current = GeneratedTrack.objects.select_related("library_track", "generation__artist").get(pk=take.pk)
    if current.library_track is not None:
        return current.library_track, False
    artist = current.generation.artist
    created = True
    try:
        track = intake.accept_file(
            artist,
            current.file("flac"),
            title=current.title,
            origin=Track.Origin.GENERATED,
            genre=str(current.generation_params.get("genre") or ""),
        ).track
    except intake.Duplicate as duplicate:
        track, created = duplicate.track, False
        mark_generated(track)  # a file of this take, uploaded by hand before
    with transaction.atomic():
        GeneratedTrack.objects.filter(pk=take.pk, library_track=None).update(library_track=track)
    take.library_track = track
    return track, created


def mark_generated(track: Track) -> None:
    """Say of a track that Starforge made it: it no longer counts as the artist's own."""
    Track.objects.filter(pk=track.pk).update(origin=Track.Origin.GENERATED)
    track.origin = Track.Origin.GENERATED


def recognise(sender: type[Track], track: Track, **_: Any) -> None:
    """After analysis: an upload that is a take made for this artist is marked as generated.

    Known by its decoded audio (WAV and FLAC of a take), for MP3 by its stream of frames. An MP3 made from a
    take elsewhere has other samples, and is not recognised.
    """
    if track.origin != Track.Origin.GENERATED and _was_made_here(track):
        mark_generated(track)


def _was_made_here(track: Track) -> bool:
    if GeneratedTrack.objects.filter(
        generation__artist=track.artist_id, render_sha256=track.audio_sha256
    ).exists():
        return True
    same = Q(kind="pcm", audio_sha256=track.audio_sha256)
    if track.format == "mp3":
        with contextlib.suppress(AudioError, OSError):
            same |= Q(kind="mpeg-stream", audio_sha256=mpeg_stream_sha256(track.file))
    # Certificates stay when a generation is deleted. Declared ones are the artist's word on their own recordings.
    certified = CertifiedRendition.objects.filter(
        certificate__owner=track.artist_id, certificate__declared=False
    )
    return certified.filter(same).exists()
