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


def find_duplicates(artist_id: int) -> str:
    from catalog import duplicates
    from catalog.models import Artist

    artist = Artist.objects.filter(pk=artist_id).first()
    return "no artist" if artist is None else f"{duplicates.find(artist)} new pairs"


def read_collection(import_id: str) -> str:
    from catalog import duplicates
    from catalog.importing import read_collection as read
    from catalog.models import Import

    outcome = read(import_id)
    if (done := Import.objects.select_related("artist").filter(pk=import_id).first()) is not None:
        duplicates.ask(done.artist)
    return outcome
