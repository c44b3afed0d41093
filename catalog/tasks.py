"""What the queue calls. The dotted names stay: queued rows carry them."""

from __future__ import annotations


def analyse_track(track_id: str) -> str:
    from catalog.listening import listen

    return listen(track_id)


def draw_dna(artist_id: int) -> str:
    """Draw the DNA of the catalog as it is now, unless that is drawn already."""
    from catalog import snapshots
    from catalog.models import Artist

    artist = Artist.objects.filter(pk=artist_id).first()
    if artist is None:
        return "no artist"
    drawn = snapshots.current(artist)
    return "empty" if drawn is None else drawn.pk


def read_collection(import_id: str) -> str:
    from catalog.importing import read_collection as read

    return read(import_id)
