"""The DNA at a moment: named by the rows it was drawn from, and no page waits for a large one."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django_q.models import OrmQ

from catalog import intake, snapshots, tasks
from catalog.models import Artist, DNASnapshot
from tests.people import Person, owner
from tests.rows import catalog_of, ready_track

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> Person:
    cache.clear()
    return owner()


@pytest.fixture
def large(person: Person, monkeypatch: pytest.MonkeyPatch) -> Artist:
    """Four tracks that count as a large catalog, drawn once, and one more that came since."""
    monkeypatch.setattr(snapshots, "DRAWN_AT_ONCE", 3)
    catalog_of(person.artist, 4)
    return person.artist


def test_a_snapshot_is_named_by_the_rows_it_was_drawn_from(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog_of(person.artist, 2)
    members = snapshots.members

    def members_after_another_came(artist: Artist) -> Any:
        ready_track(artist, "Late", seed=9)
        return members(artist)

    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "members", members_after_another_came)
        drawn = snapshots.current(person.artist)
    assert drawn is not None and drawn.track_count == 3
    assert snapshots.current(person.artist) == drawn


def test_what_the_document_needs_is_read_without_the_analyses_themselves(
    person: Person, django_assert_num_queries: Any
) -> None:
    track = catalog_of(person.artist, 3)[0]
    with django_assert_num_queries(1):
        members = snapshots.members(person.artist)
        snapshots.draw(members)
    read: Any = next(one for one in members if one.pk == track.pk)
    assert track.analysis is not None
    assert read.palette == track.analysis.document["palette"]
    assert read.felt == track.analysis.document["felt"]


def test_a_small_catalog_is_drawn_at_once(person: Person) -> None:
    assert snapshots.latest(person.artist) is None
    catalog_of(person.artist, 2)
    latest = snapshots.latest(person.artist)
    assert latest is not None and not latest.redrawing and latest.snapshot.track_count == 2
    assert not OrmQ.objects.exists()


def test_a_large_one_that_has_changed_shows_the_last_and_is_drawn_by_a_worker(large: Artist) -> None:
    first = snapshots.latest(large)
    assert first is not None and not first.redrawing, "with none to show it is drawn at once"
    ready_track(large, "New", seed=9)
    for _ in range(3):
        latest = snapshots.latest(large)
        assert latest is not None and latest.redrawing and latest.snapshot == first.snapshot
    assert OrmQ.objects.count() == 1 and DNASnapshot.objects.count() == 1
    assert OrmQ.objects.get().func() == "catalog.tasks.draw_dna"
    drawn = tasks.draw_dna(large.pk)
    latest = snapshots.latest(large)
    assert latest is not None and not latest.redrawing
    assert latest.snapshot.pk == drawn and latest.snapshot.track_count == 5


def test_page_and_api_say_that_the_dna_is_being_redrawn(person: Person, large: Artist) -> None:
    body = person.api.get("/api/dna/").json()
    assert body["redrawing"] is False and body["track_count"] == 4
    assert "being drawn anew" not in person.page.get("/dna/").content.decode()
    ready_track(large, "New", seed=9)
    body = person.api.get("/api/dna/").json()
    assert body["redrawing"] is True and body["track_count"] == 4
    assert "being drawn anew" in person.page.get("/dna/").content.decode()
    assert person.page.get("/generate/").status_code == 200
    assert DNASnapshot.objects.count() == 1


def test_drawing_for_nobody_and_for_nothing_ends_quietly(person: Person) -> None:
    assert tasks.draw_dna(person.artist.pk) == "empty"
    assert tasks.draw_dna(0) == "no artist"


def test_a_catalog_is_calibrated_once_until_it_changes(person: Person) -> None:
    tracks = catalog_of(person.artist, 3)
    model = snapshots.catalog_model(person.artist)
    assert model is not None and snapshots.catalog_model(person.artist) is model
    intake.withdraw(tracks[0])
    changed = snapshots.catalog_model(person.artist)
    assert changed is not None and len(changed.ids) == 2
    ready_track(person.artist, "Made here", seed=9, origin="generated")
    assert len(getattr(snapshots.catalog_model(person.artist), "ids", ())) == 3
    assert snapshots.catalog_model(person.artist, own_only=True) is changed
