"""What is kept of recordings goes with them, whatever way they go."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from catalog import bulk, intake
from catalog.models import Artist, Track
from generation import corpus
from tests.people import owner
from tests.rows import ready_track

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def artist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Artist:
    monkeypatch.setattr(settings, "STARFORGE_DATA", tmp_path)
    return owner().artist


def remembered(artist: Artist, title: str, **fields: object) -> Track:
    track = ready_track(artist, title, **fields)
    kept = corpus.cache()
    assert kept is not None
    kept.put(track.pk, track.audio_sha256, "kicks", b"what was heard")
    assert kept.get(track.pk, track.audio_sha256, "kicks") is not None
    return track


def left() -> list[str]:
    kept = corpus.cache()
    return kept.tracks() if kept else []


def test_a_withdrawn_track_takes_what_is_kept_of_it_along(artist: Artist) -> None:
    gone, stays = remembered(artist, "Gone"), remembered(artist, "Stays")
    intake.withdraw(gone)
    assert left() == [stays.pk]


def test_so_does_one_that_stays_known_by_name(artist: Artist) -> None:
    track = remembered(artist, "Named", imported_id="7")
    intake.withdraw(track)
    assert Track.objects.filter(pk=track.pk).exists() and left() == []


def test_so_do_many_at_once(artist: Artist) -> None:
    tracks = [remembered(artist, f"Track {number}") for number in range(3)]
    assert bulk.withdraw(artist, [track.pk for track in tracks[:2]]) == 2
    assert left() == [tracks[2].pk]


def test_so_does_an_artist_with_everything(artist: Artist) -> None:
    remembered(artist, "One")
    remembered(artist, "Two")
    artist.user.delete()
    assert left() == []


def test_what_was_withdrawn_elsewhere_is_swept(artist: Artist) -> None:
    gone, stays = remembered(artist, "Gone"), remembered(artist, "Stays")
    Track.objects.filter(pk=gone.pk).update(path="", analysis=None)
    assert corpus.sweep(every=0.0) == 1
    assert left() == [stays.pk]
    assert corpus.sweep() == 0  # not again so soon


def test_switched_off_it_keeps_nothing_and_what_there_was_goes(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered(artist, "One")
    monkeypatch.setattr(settings, "STARFORGE_CORPUS_CACHE_BYTES", 0)
    assert corpus.cache() is None
    assert corpus.sweep(every=0.0) == 1
    assert not list((Path(settings.STARFORGE_DATA) / "corpus").iterdir())
