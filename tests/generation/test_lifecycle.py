"""Limits, places in the queue, refusals, and the end of an artist."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.db.models import RestrictedError
from django.test import Client
from django.utils import timezone

from catalog import intake, snapshots
from catalog.listening import listen
from catalog.models import Artist, DNASnapshot, Track
from generation import library, lifecycle, pipeline
from generation.engines.base import EngineError
from generation.models import GeneratedTrack, Generation
from generation.prompting import Wishes
from generation.writing import stamp_key
from provenance import stamping
from provenance.models import Certificate
from tests.catalog.test_api_problems import problem
from tests.people import Person, owner
from tests.rows import catalog_of, generation_of, ready_track, take_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person() -> Person:
    return owner()


def waiting(artist: Artist, count: int) -> list[Generation]:
    now = timezone.now()
    return [
        generation_of(
            artist,
            title=f"Waiting {n}",
            queued_at=now + timedelta(seconds=n),
            estimate_seconds=10.0 * (n + 1),
        )
        for n in range(count)
    ]


def say(person: Person, path: str, once: str = "", **fields: Any) -> Any:
    headers = {"idempotency-key": once} if once else {}
    return person.api.post(path, fields, content_type="application/json", headers=headers)


def certified(artist: Artist, *, declared: bool = False) -> GeneratedTrack:
    """A take with a certificate over its WAV and its MP3."""
    take = take_of(artist)
    take.certificate = stamping.stamp(
        artist=artist,
        provenance={
            "type": "ai_generated",
            "timestamp": "2026-01-02T03:04:05Z",
            "generator": {"model": "mosaic", "version": "1"},
        },
        renditions=[stamping.Rendition(kind, take.file(kind)) for kind in ("wav", "mp3")],
        title=take.title,
        declared=declared,
    )
    take.save()
    return take


# --- how many at once ---------------------------------------------------------------------------------


def test_no_more_than_twenty_are_under_way(person: Person) -> None:
    catalog_of(person.artist)
    queued = waiting(person.artist, lifecycle.MOST_UNDER_WAY)
    body = problem(say(person, "/api/generate/music", prompt="techno"), 409)
    assert body["type"].endswith(":too-many-under-way") and (body["count"], body["most"]) == (20, 20)
    page = person.page.post("/generate/", {"prompt": "techno", "takes": "1", "engine": "mosaic"})
    assert page.status_code == 422 and "20 is the most at once" in page.content.decode()
    lifecycle.cancel(queued[0])
    assert say(person, "/api/generate/music", prompt="techno").status_code == 202
    queued[0].refresh_from_db()
    assert problem(say(person, f"/api/generations/{queued[0].pk}/retry/"), 409)["count"] == 20
    assert (
        "20 is the most"
        in person.page.post(f"/generations/{queued[0].pk}/retry/", follow=True).content.decode()
    )


def test_the_studio_lists_ten_and_counts_the_rest(person: Person) -> None:
    catalog_of(person.artist, 1)
    waiting(person.artist, 13)
    page = person.page.get("/generate/now/").content.decode()
    assert page.count("data-generation=") == 10 and "And 3 more in the queue" in page


def test_places_in_the_queue_are_found_for_all_at_once(
    person: Person, django_assert_num_queries: Any
) -> None:
    queued = waiting(person.artist, 6)
    with django_assert_num_queries(4):
        places = lifecycle.queue_positions(queued)
    workers = settings.STARFORGE_WORKERS
    for number, one in enumerate(queued):
        before = sum(10.0 * (n + 1) for n in range(number))
        there = (number, round(before / workers, 1), False)  # no worker has shown itself
        assert places[one.pk] == there == lifecycle.queue_position(one)


# --- the same key, the same request -------------------------------------------------------------------


def test_a_key_used_for_another_variation_is_a_conflict(person: Person) -> None:
    catalog_of(person.artist)
    parent, other = generation_of(person.artist), generation_of(person.artist)
    path = f"/api/generations/{parent.pk}/vary/"
    first = say(person, path, "monday", change="calmer").json()
    again = say(person, path, "monday", change="calmer")
    assert again.json()["id"] == first["id"] and again.headers["Idempotency-Replayed"] == "true"
    for answer in (
        say(person, path, "monday", change="more energetic"),
        say(person, path, "monday", change="calmer", bpm=150),
        say(person, f"/api/generations/{other.pk}/vary/", "monday", change="calmer"),
    ):
        body = problem(answer, 409)
        assert body["type"].endswith(":idempotency-key-reused") and body["id"] == first["id"]


def test_a_fault_of_the_database_is_not_taken_for_a_repetition(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog_of(person.artist)

    def broken(**_: Any) -> None:
        raise IntegrityError("something else")

    monkeypatch.setattr(Generation.objects, "create", broken)
    for key in (None, "new"):
        with pytest.raises(IntegrityError):
            lifecycle.submit(person.artist, wishes=Wishes(prompt="techno"), request_key=key)


# --- things that go away meanwhile --------------------------------------------------------------------


def test_a_staging_folder_that_vanishes_does_not_stop_recovery() -> None:
    staging = Path(settings.MEDIA_ROOT) / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    gone = staging / "gone"
    gone.symlink_to(staging / "nowhere")
    try:
        assert lifecycle.recover() == 0
    finally:
        gone.unlink()


def test_a_track_deleted_while_it_is_worked_with_ends_in_a_sentence(person: Person) -> None:
    track = ready_track(person.artist, "Ossa")
    assert pipeline.load(track).shape[0] == 2
    intake.withdraw(Track.objects.get(pk=track.pk))
    with pytest.raises(EngineError, match="“Ossa” was deleted"):
        pipeline.load(track)


def test_another_encoder_makes_another_stamp(person: Person) -> None:
    take = take_of(person.artist)
    files = [take.file(kind) for kind in ("wav", "flac", "mp3", "preview")]
    before = stamp_key(take, files)
    assert len(before) <= 64 and stamp_key(take, files) == before
    other = ready_track(person.artist, "Other")
    assert stamp_key(take, [*files[:3], other.file]) != before


# --- takes and the library ----------------------------------------------------------------------------


def test_a_take_without_its_audio_is_said_and_not_a_fault(person: Person) -> None:
    take = take_of(person.artist)
    take.file("flac").unlink()
    url = f"/generations/{take.generation_id}/takes/1/library/"
    page = person.page.post(url, follow=True)
    assert page.status_code == 200 and "is no longer here" in page.content.decode()
    take.file("flac").write_bytes(b"no audio at all")
    assert "was not added to your library" in person.page.post(url, follow=True).content.decode()


def test_a_take_uploaded_by_hand_before_counts_as_generated_once_it_is_added(person: Person) -> None:
    take = take_of(person.artist)
    mine = intake.accept_file(person.artist, take.file("flac")).track
    assert library.add(take) == (mine, False)
    mine.refresh_from_db()
    assert mine.origin == Track.Origin.GENERATED


def test_an_uploaded_take_does_not_count_towards_the_minimum(person: Person) -> None:
    take = take_of(person.artist)
    before = snapshots.own_count(person.artist)
    track = intake.accept_file(person.artist, take.file("wav")).track
    GeneratedTrack.objects.filter(pk=take.pk).update(render_sha256=_heard(track))
    assert listen(track.pk) == "ready"
    track.refresh_from_db()
    assert track.origin == Track.Origin.GENERATED
    assert snapshots.own_count(person.artist) == before


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_a_certified_take_is_known_again_when_its_generation_is_deleted(
    person: Person, tmp_path: Path, kind: str
) -> None:
    take = certified(person.artist)
    kept = tmp_path / f"kept.{kind}"
    kept.write_bytes(take.file(kind).read_bytes())
    lifecycle.delete(take.generation)
    track = intake.accept_file(person.artist, kept).track
    assert listen(track.pk) == "ready"
    track.refresh_from_db()
    assert track.origin == Track.Origin.GENERATED


def test_what_an_artist_made_stays_theirs(person: Person) -> None:
    take = certified(person.artist, declared=True)
    track = intake.accept_file(person.artist, take.file("wav")).track
    assert listen(track.pk) == "ready"
    track.refresh_from_db()
    assert track.origin == Track.Origin.UPLOAD


def _heard(track: Track) -> str:
    from catalog.audio.hashing import pcm_sha256

    return pcm_sha256(track.file)


# --- the end of an artist -----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["user", "artist", "admin", "admin, user"])
def test_an_artist_goes_with_rows_and_files_and_leaves_certificates(person: Person, how: str) -> None:
    artist = person.artist
    take = certified(artist)
    file, folder = Track.objects.get().file, take.folder
    assert file.is_file() and folder.is_dir()
    if how == "user":
        artist.user.delete()
    elif how == "artist":
        artist.delete()
    else:
        staff = Client()
        staff.force_login(get_user_model().objects.create_superuser("curator", password="x"))
        url = (
            f"/admin/auth/user/{artist.user.pk}/delete/"
            if "user" in how
            else f"/admin/catalog/artist/{artist.pk}/delete/"
        )
        assert staff.get(url).status_code == 200
        assert staff.post(url, {"post": "yes"}).status_code == 302
    assert not Artist.objects.filter(name=artist.name).exists()
    assert not Generation.objects.exists() and not Track.objects.exists()
    assert not file.exists() and not folder.exists()
    assert Certificate.objects.get().owner is None


def test_a_snapshot_that_was_generated_from_stays(person: Person) -> None:
    snapshot = generation_of(person.artist).snapshot
    with pytest.raises(RestrictedError):
        snapshot.delete()
    assert DNASnapshot.objects.exists()
