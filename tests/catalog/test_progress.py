"""How long the rest of a folder takes: said from what was seen, or not at all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from catalog import progress
from catalog.models import Artist, Track
from tests.people import collaborator, owner

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def waiting(artist: Artist, count: int) -> None:
    Track.objects.bulk_create(Track(artist=artist, title=f"Waiting {n}") for n in range(count))


def analysed(artist: Artist, count: int, *, until: datetime, each: float, workers: int = 1) -> None:
    """`count` tracks that workers side by side took `each` seconds for, the last one ended at `until`."""
    for number in range(count):
        finished = until - timedelta(seconds=each * (number // workers))
        Track.objects.create(
            artist=artist,
            title=f"Done {number}",
            status=Track.READY,
            started_at=finished - timedelta(seconds=each),
            finished_at=finished,
        )


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_rest_is_estimated_from_the_pace_of_all_workers_together(workers: int) -> None:
    artist = owner().artist
    analysed(artist, 24, until=NOW, each=2.0, workers=workers)
    waiting(artist, 100)
    found = progress.of(artist, now=NOW)
    assert (found.analysed, found.waiting, found.total) == (24, 100, 124)
    assert found.seconds_left == pytest.approx(100 * 2.0 / workers, rel=0.1)


def test_nothing_is_said_from_a_handful_or_from_another_day() -> None:
    artist = owner().artist
    waiting(artist, 100)
    assert progress.of(artist, now=NOW).seconds_left is None
    analysed(artist, 50, until=NOW - timedelta(days=1), each=2.0)
    assert progress.of(artist, now=NOW).seconds_left is None
    analysed(artist, 4, until=NOW, each=2.0)
    assert progress.of(artist, now=NOW).seconds_left is None
    analysed(artist, 8, until=NOW, each=2.0, workers=2)
    assert progress.of(artist, now=NOW).seconds_left is not None


def test_an_older_stretch_does_not_slow_the_present_one() -> None:
    artist = owner().artist
    analysed(artist, 10, until=NOW - timedelta(hours=3), each=2.0)
    analysed(artist, 8, until=NOW, each=2.0)
    waiting(artist, 50)
    assert progress.of(artist, now=NOW).seconds_left == pytest.approx(100, rel=0.1)


def test_a_silence_makes_the_estimate_longer_and_then_ends_it() -> None:
    artist = owner().artist
    analysed(artist, 20, until=NOW, each=1.0)
    waiting(artist, 60)
    soon, later = (progress.of(artist, now=NOW + timedelta(seconds=s)).seconds_left for s in (1, 60))
    assert soon is not None and later is not None and later > 3 * soon
    assert progress.of(artist, now=NOW + timedelta(hours=1)).seconds_left is None


def test_a_track_in_work_counts_for_what_is_done_of_it() -> None:
    artist = owner().artist
    analysed(artist, 10, until=NOW, each=10.0)
    Track.objects.create(artist=artist, title="Now", status=Track.RUNNING, progress=0.5, started_at=NOW)
    found = progress.of(artist, now=NOW)
    assert (found.running, found.waiting) == (1, 1)
    assert found.seconds_left == pytest.approx(0.5 * 100 / 10.5, rel=0.01)


def test_the_work_of_others_is_not_counted() -> None:
    mine, theirs = owner().artist, collaborator().artist
    analysed(theirs, 10, until=NOW, each=1.0)
    waiting(theirs, 10)
    found = progress.of(mine, now=NOW)
    assert (found.analysed, found.waiting, found.seconds_left) == (0, 0, None)
