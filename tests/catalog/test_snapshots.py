"""The DNA at a moment: named by the rows it was drawn from, and no page waits for a large one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.core.cache import cache
from django_q.models import OrmQ

from catalog import intake, snapshots, tasks
from catalog.models import Analysis, Artist, DNASnapshot, Track
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


# --- rows without audio, and what names a snapshot -----------------------------------------------------------


def listed(artist: Artist, count: int, **fields: Any) -> list[Track]:
    """Rows of a collection, as an import leaves them."""
    options = {"status": Track.METADATA, "origin": Track.Origin.REKORDBOX, "imported_bpm": 126.0}
    options |= {"imported_key": "A minor", "imported": {"genre": "Amapiano", "grid": [[0.0, 126.0]] * 40}}
    options |= {"added_on": date(2024, 5, 1), "plays": 2} | fields
    first = Track.objects.of(artist).count()
    rows = [
        Track(artist=artist, title=f"Record {n}", imported_id=str(n), **options)
        for n in range(first, first + count)
    ]
    return Track.objects.bulk_create(rows)


def test_a_collection_without_audio_has_a_dna(person: Person) -> None:
    listed(person.artist, 30)
    latest = snapshots.latest(person.artist)
    assert latest is not None
    dna = latest.snapshot.document
    assert (dna["track_count"], dna["analysed_count"]) == (30, 0)
    assert dna["bpm_profile"]["median"] == 126.0 and dna["key_profile"]["leading"]["name"] == "A minor"
    assert dna["dominant_genres"] == ["Amapiano"] and dna["drift"]["n"] == 30
    assert latest.snapshot.track_count == 0 and latest.snapshot.track_ids == []
    assert snapshots.own_count(person.artist) == 0 and snapshots.catalog_model(person.artist) is None


def test_listed_rows_count_beside_audio_and_the_composer_still_has_only_the_audio(person: Person) -> None:
    heard = catalog_of(person.artist, 3)
    listed(person.artist, 20)
    snapshot = snapshots.current(person.artist)
    assert snapshot is not None
    assert snapshot.document["bpm_profile"]["n"] == 23 and snapshot.document["energy_profile"]["n"] == 3
    assert snapshot.document["from_audio"]["bpm_profile"]["n"] == 3
    assert sorted(snapshot.track_ids) == sorted(track.pk for track in heard)


def test_a_collection_is_drawn_with_one_query_however_large(
    person: Person, django_assert_num_queries: Any
) -> None:
    catalog_of(person.artist, 2)
    listed(person.artist, 40)
    with django_assert_num_queries(1):
        snapshots.draw(snapshots.members(person.artist))


def test_what_the_artist_typed_and_played_is_what_counts(person: Person) -> None:
    listed(person.artist, 3, plays=0)
    typed = Track.objects.of(person.artist).first()
    assert typed is not None
    Track.objects.filter(pk=typed.pk).update(
        bpm_override=70.0, key_override="C major", genre_override="Dub", plays=900
    )
    snapshot = snapshots.current(person.artist)
    assert snapshot is not None
    assert (
        snapshot.document["bpm_profile"]["min"] == 70.0 and snapshot.document["bpm_profile"]["median"] < 126.0
    )
    assert snapshot.document["key_profile"]["played_most"]["name"] == "C major"
    assert snapshot.document["dominant_genres"][0] == "Dub"


def test_a_row_of_a_collection_without_a_date_is_not_dated_by_its_import(person: Person) -> None:
    listed(person.artist, 2, added_on=None)
    ready_track(person.artist, "Own")
    snapshot = snapshots.current(person.artist)
    assert snapshot is not None and snapshot.document["drift"]["n"] == 1


CHANGES: dict[str, Any] = {
    "tempo typed": lambda track: _set(track, bpm_override=99.0),
    "key typed": lambda track: _set(track, key_override="D minor"),
    "genre typed": lambda track: _set(track, genre_override="Gqom"),
    "plays": lambda track: _set(track, plays=12),
    "stars": lambda track: _set(track, rating=5),
    "played on": lambda track: _set(track, last_played_on=date(2025, 1, 1)),
    "date": lambda track: _set(track, added_on=date(2021, 1, 1)),
    "genre in the tags": lambda track: _set(track, tags={"genre": "Kuduro"}),
    "collection: tempo": lambda track: _set(track, analysis=None, status=Track.METADATA, imported_bpm=131.0),
    "collection: key": lambda track: _set(
        track, analysis=None, status=Track.METADATA, imported_key="E minor"
    ),
    "collection: genre": lambda track: _set(track, tags={}, imported={"genre": "Batida"}),
    "rescored energy": lambda track: Analysis.objects.filter(pk=track.analysis_id).update(energy=0.99),
    "version of the analysis": lambda track: Analysis.objects.filter(pk=track.analysis_id).update(version=99),
    "removed": lambda track: track.delete(),
}


def _set(track: Track, **fields: Any) -> None:
    Track.objects.filter(pk=track.pk).update(**fields)


@pytest.mark.parametrize("change", CHANGES)
def test_failure_14_whatever_changes_the_document_names_another_snapshot(person: Person, change: str) -> None:
    """Its cache ignored a new analysis, and served for a week what was no longer so."""
    track = catalog_of(person.artist, 2)[0]
    before = snapshots.current(person.artist)
    assert before is not None and snapshots.current(person.artist) == before
    CHANGES[change](track)
    after = snapshots.current(person.artist)
    assert after is not None and after != before
    assert after.document == snapshots.draw(snapshots.members(person.artist))


@pytest.mark.parametrize("version", ["background", "document"])
def test_failure_14_another_background_or_another_document_is_another_snapshot(
    person: Person, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog_of(person.artist, 2)
    before = snapshots.current(person.artist)
    if version == "background":
        other = replace(snapshots.background(), version="another")
        monkeypatch.setattr(snapshots, "background", lambda: other)
    else:
        monkeypatch.setattr("catalog.dna.DNA_VERSION", 99)
    assert snapshots.current(person.artist) != before


def test_failure_14_a_kept_document_has_the_shape_of_a_fresh_one(person: Person) -> None:
    """What came from its cache lacked distributions, preferred range, diversity and evolution."""
    catalog_of(person.artist, 3)
    listed(person.artist, 6)
    fresh = snapshots.current(person.artist)
    assert fresh is not None
    kept = DNASnapshot.objects.get(pk=fresh.pk)
    assert kept.document == fresh.document == snapshots.draw(snapshots.members(person.artist))
    assert person.api.get("/api/dna/").json().keys() >= kept.document.keys()


def test_a_large_catalog_with_a_document_of_an_older_shape_is_drawn_at_once(large: Artist) -> None:
    first = snapshots.latest(large)
    assert first is not None
    first.snapshot.document["version"] = 1
    first.snapshot.save(update_fields=["document"])
    ready_track(large, "New", seed=9)
    latest = snapshots.latest(large)
    assert latest is not None and not latest.redrawing and latest.snapshot.track_count == 5
