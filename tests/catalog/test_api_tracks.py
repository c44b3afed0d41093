"""Tracks over HTTP: what comes in, what is shown, what may be corrected, what may be heard."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from catalog.models import Track
from tests.catalog.test_api_problems import problem
from tests.people import Person, collaborator, owner
from tests.rows import catalog_of, loop_bytes, measured, ready_track

pytestmark = pytest.mark.django_db


def upload(person: Person, data: bytes | None = None, name: str = "Night bus.wav", **fields: Any) -> Any:
    file = SimpleUploadedFile(name, loop_bytes() if data is None else data)
    return person.api.post("/api/tracks/", {"file": file, **fields})


def test_an_upload_is_kept_hashed_and_queued() -> None:
    person = owner()
    response = upload(person)
    assert response.status_code == 201
    body = response.json()
    assert body["title"] == "Night bus" and body["status"] == "queued"
    assert body["sha256"] == hashlib.sha256(loop_bytes()).hexdigest()
    assert response.headers["Location"] == f"/api/tracks/{body['id']}/"
    track = Track.objects.get(pk=body["id"])
    assert track.artist == person.artist and track.file.read_bytes() == loop_bytes()
    assert OrmQ.objects.count() == 1


def test_the_bytes_alone_do_as_well() -> None:
    person = owner()
    response = person.api.put(
        "/api/tracks/?filename=folder/Night%20bus.wav&title=Home",
        loop_bytes(),
        content_type="application/octet-stream",
    )
    assert response.status_code == 201
    assert response.json()["title"] == "Home" and response.json()["filename"] == "Night bus.wav"
    again = person.api.post("/api/tracks/?filename=x.wav", loop_bytes(1), content_type="audio/wav")
    assert again.status_code == 201


def test_the_same_file_again_is_answered_with_the_track_that_is_there() -> None:
    person = owner()
    first = upload(person).json()
    body = problem(upload(person, name="Copy.wav"), 409)
    assert body["id"] == first["id"] and body["type"].endswith(":duplicate-track")
    assert body["existing"] == f"/api/tracks/{first['id']}/"
    assert Track.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "name", "status"),
    [
        (b"", "empty.wav", 400),
        (b"%PDF-1.7 nothing to hear", "song.wav", 415),
        (b"MThd\x00\x00\x00\x06", "x.mid", 415),
    ],
)
def test_what_is_no_audio_is_refused_with_a_sentence(data: bytes, name: str, status: int) -> None:
    assert problem(upload(owner(), data, name), status)["detail"].endswith(".")
    assert not Track.objects.exists()


@override_settings(STARFORGE_UPLOAD_BYTES=1024 * 1024)
def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    person = owner()
    body = problem(upload(person, b"RIFF" + bytes(2 * 1024 * 1024)), 413)
    assert body["limit_bytes"] == 1024 * 1024
    problem(person.api.put("/api/tracks/?filename=a.wav", bytes(1_200_000), content_type="audio/wav"), 413)
    assert not Track.objects.exists()


def test_one_request_carries_one_file() -> None:
    person = owner()
    files = [SimpleUploadedFile(f"{n}.wav", loop_bytes(n)) for n in range(2)]
    problem(person.api.post("/api/tracks/", {"file": files}), 400)
    problem(person.api.post("/api/tracks/", {"title": "no file"}), 400)
    problem(person.api.put("/api/tracks/", loop_bytes(), content_type="audio/wav"), 400)


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_a_post_that_is_no_form_is_told_what_to_send(kind: str) -> None:
    body = problem(owner().api.post("/api/tracks/", b"{}", content_type=kind), 415)
    assert "multipart" in body["detail"]


def test_a_ready_track_shows_what_was_measured() -> None:
    person = owner()
    track = ready_track(person.artist, "Night bus")
    body = person.api.get(f"/api/tracks/{track.pk}/").json()
    value = measured()
    assert body["status"] == "ready" and body["reason"] is None
    assert value.bpm is not None and value.key is not None
    assert body["bpm"] == pytest.approx(value.bpm, abs=0.001)
    assert body["bpm_alternatives"] == pytest.approx(value.bpm_alternatives, abs=0.001)
    assert (body["key"], body["camelot"]) == (value.key.name, value.key.camelot)
    assert body["confidence"]["bpm"] == pytest.approx(value.bpm_confidence, abs=0.001)
    assert body["overrides"] == {"bpm": None, "key": None, "genre": None}
    assert set(body["measured"]["palette"]) == set(value.palette)
    assert body["genres"] == ["UK Bass"] and body["peaks"] == [0, 64, 127]


def test_the_list_and_the_single_track_agree() -> None:
    person = owner()
    track = ready_track(person.artist, "Night bus")
    row = person.api.get("/api/tracks/").json()["results"][0]
    single = person.api.get(f"/api/tracks/{track.pk}/").json()
    assert {name: single[name] for name in row} == row


def test_a_failed_track_says_why_and_can_be_tried_again() -> None:
    person = owner()
    track = ready_track(person.artist, status=Track.FAILED, error="The file ends too early.")
    assert person.api.get(f"/api/tracks/{track.pk}/").json()["reason"] == "The file ends too early."
    response = person.api.post(f"/api/tracks/{track.pk}/retry/")
    assert response.status_code == 202 and response.json()["status"] == "queued"
    problem(person.api.post(f"/api/tracks/{track.pk}/retry/"), 409)


def change(person: Person, track: Track, **fields: Any) -> Any:
    return person.api.patch(f"/api/tracks/{track.pk}/", fields, content_type="application/json")


def test_corrections_stand_over_what_was_measured_and_can_be_taken_back() -> None:
    person = owner()
    track = ready_track(person.artist)
    body = change(person, track, title="New", bpm=70, key="4A", genre="Grime / Dub").json()
    assert (body["title"], body["bpm"], body["key"], body["camelot"]) == ("New", 70.0, "F minor", "4A")
    assert body["genres"] == ["Grime", "Dub"] and body["confidence"]["key"] == 1.0
    assert body["measured"]["bpm"] == pytest.approx(measured().bpm, abs=0.001)
    body = change(person, track, bpm=None, key=None, genre="").json()
    assert body["bpm"] == pytest.approx(measured().bpm, abs=0.001) and body["genres"] == ["UK Bass"]
    assert body["overrides"] == {"bpm": None, "key": None, "genre": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", 12),
        ("title", None),
        ("title", "\ud800"),
        ("bpm", "140"),
        ("bpm", True),
        ("bpm", 5),
        ("bpm", [140]),
        ("key", "H flat diminished"),
        ("key", 4),
        ("genre", "x" * 121),
        ("genre", {"a": 1}),
    ],
)
def test_a_correction_that_makes_no_sense_changes_nothing(field: str, value: Any) -> None:
    person = owner()
    track = ready_track(person.artist)
    before = Track.objects.filter(pk=track.pk).values().get()
    assert field in problem(change(person, track, **{field: value}), 400)["errors"]
    assert Track.objects.filter(pk=track.pk).values().get() == before


def test_a_list_as_a_body_is_refused() -> None:
    person = owner()
    track = ready_track(person.artist)
    url = f"/api/tracks/{track.pk}/"
    problem(person.api.patch(url, "[]", content_type="application/json"), 400)


def test_a_deleted_track_is_gone_with_its_file() -> None:
    person = owner()
    track = ready_track(person.artist)
    assert person.api.delete(f"/api/tracks/{track.pk}/").status_code == 204
    assert not Track.objects.exists() and not track.file.exists()
    problem(person.api.get(f"/api/tracks/{track.pk}/"), 404)


def test_the_list_is_searched_filtered_ordered_and_paged() -> None:
    person = owner()
    catalog_of(person.artist, 3)
    ready_track(person.artist, "Slow", bpm_override=80.0, genre_override="Ambient")
    ready_track(person.artist, "Broken", status=Track.FAILED)

    def titles(query: str) -> list[str]:
        response = person.api.get(f"/api/tracks/?{query}")
        assert response.status_code == 200, response.content
        return [row["title"] for row in response.json()["results"]]

    assert titles("search=ambient") == ["Slow"]
    assert len(titles("status=failed&status=ready")) == 5 == len(titles("status="))
    assert titles("search=loop+2") == ["Loop 2"]
    assert titles("status=failed") == ["Broken"]
    assert titles("ordering=title")[0] == "Broken"
    assert titles("ordering=bpm")[0] == "Slow"
    assert titles("ordering=-bpm")[-1] == "Slow"
    assert titles("search=") and len(titles("origin=upload&page_size=2&page=2")) == 2
    page = person.api.get("/api/tracks/?page_size=2").json()
    assert page["count"] == 5 and page["next"].endswith("page=2&page_size=2")
    assert set(problem(person.api.get("/api/tracks/?status=lost&ordering=mood"), 400)["errors"]) == {
        "status",
        "ordering",
    }
    problem(person.api.get("/api/tracks/?page=99"), 404)


def test_the_list_asks_the_database_no_more_for_more_rows() -> None:
    person = owner()
    api = person.api

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert api.get("/api/tracks/").status_code == 200
        large = [', "catalog_analysis"."document"', '"vector"', '"peaks"']
        assert not any(column in query["sql"] for query in seen for column in large)
        return len(seen)

    catalog_of(person.artist, 3)
    queries()  # the first request also notes that the token is in use
    few = queries()
    for number in range(9):
        ready_track(person.artist, f"More {number}", seed=100 + number)
    assert queries() == few


def test_the_audio_can_be_heard_in_ranges_and_downloaded() -> None:
    person = owner()
    track = ready_track(person.artist, "Night bus")
    url = f"/api/tracks/{track.pk}/audio/"
    whole = person.api.get(url, headers={"accept": "audio/*"})
    assert whole.status_code == 200 and whole.headers["Content-Type"] == "audio/wav"
    assert b"".join(whole.streaming_content) == loop_bytes()
    part = person.api.get(url, headers={"range": "bytes=4-7"})
    assert part.status_code == 206 and b"".join(part.streaming_content) == loop_bytes()[4:8]
    saved = person.api.get(url + "?download=1")
    assert saved.headers["Content-Disposition"] == 'attachment; filename="Night bus.wav"'
    assert b"".join(saved.streaming_content) == loop_bytes()
    assert person.api.get(url, headers={"range": "bytes=99999999-"}).status_code == 416
    track.file.unlink()
    problem(person.api.get(url), 404)


# --- what a collection says, compatible keys, locks ---


def known(person: Person, title: str, **fields: Any) -> Track:
    """A track that only a collection knows."""
    options: dict[str, Any] = {
        "status": Track.METADATA,
        "origin": Track.Origin.REKORDBOX,
        "imported_id": title,
        "imported": {"id": title, "genre": "Dubstep"},
    }
    return Track.objects.create(artist=person.artist, title=title, **{**options, **fields})


def found(person: Person, query: str) -> list[str]:
    response = person.api.get(f"/api/tracks/?{query}")
    assert response.status_code == 200, response.content
    return [row["title"] for row in response.json()["results"]]


def test_a_track_known_by_name_only_says_what_its_collection_says() -> None:
    person = owner()
    day = date(2021, 5, 3)
    track = known(
        person, "Heard", imported_bpm=139.98, imported_key="F minor", plays=12, rating=4, added_on=day
    )
    body = person.api.get(f"/api/tracks/{track.pk}/").json()
    assert (body["status"], body["audio"], body["measured"]) == ("metadata", None, None)
    assert body["imported"] == {"id": "Heard", "bpm": 139.98, "key": "F minor"}
    assert body["collection"] == {"id": "Heard", "genre": "Dubstep"}
    assert (body["bpm"], body["bpm_evidence"], body["key"]) == (139.98, "collection", "F minor")
    assert (body["camelot"], body["open_key"], body["genres"]) == ("4A", "9m", ["Dubstep"])
    assert (body["plays"], body["rating"], body["added_on"]) == (12, 4, "2021-05-03")
    assert person.api.get("/api/tracks/").json()["results"][0]["imported"] == body["imported"]
    upload = ready_track(person.artist)
    assert person.api.get(f"/api/tracks/{upload.pk}/").json()["imported"] is None


def test_lists_are_filtered_by_what_mixes_by_tempo_by_state_and_by_file() -> None:
    person = owner()
    known(person, "Same", imported_key="F minor", imported_bpm=138.0)
    known(person, "Relative", imported_key="Ab major", imported_bpm=140.0, key_override="")
    ready_track(person.artist, "Typed", key_override="C minor", bpm_override=142.0)
    known(person, "Corrected away", imported_key="F minor", key_override="B major")
    for spelling in ("4A", "9m", "F%20minor", "fm"):
        assert set(found(person, f"compatible_with={spelling}")) == {"Same", "Relative", "Typed"}
    assert found(person, "bpm_min=139&bpm_max=141") == ["Relative"]
    assert set(found(person, "bpm_min=140&compatible_with=4A")) == {"Relative", "Typed"}
    assert set(found(person, "status=metadata")) == {"Same", "Relative", "Corrected away"}
    digest = Track.objects.get(title="Typed").file_sha256
    assert found(person, f"sha256={digest.upper()}") == ["Typed"] and not found(person, "sha256=00")
    assert set(problem(person.api.get("/api/tracks/?compatible_with=Q&bpm_min=x"), 400)["errors"]) == {
        "compatible_with",
        "bpm_min",
    }


def test_lists_are_ordered_by_plays_stars_and_dates_the_unknown_last() -> None:
    person = owner()
    known(person, "Old", plays=3, rating=5, added_on=date(2012, 1, 1))
    known(person, "New", plays=30, rating=1, added_on=date(2024, 1, 1))
    ready_track(person.artist, "Upload")
    assert found(person, "ordering=-plays") == ["New", "Old", "Upload"]
    assert found(person, "ordering=rating") == ["New", "Old", "Upload"]
    assert found(person, "ordering=added_on") == ["Old", "New", "Upload"]


def test_a_lock_keeps_the_bpm_until_it_is_opened() -> None:
    person = owner()
    track = ready_track(person.artist)
    body = change(person, track, bpm_locked=True).json()
    assert body["bpm_locked"] and body["bpm_evidence"] == "artist"
    assert body["overrides"]["bpm"] == pytest.approx(measured().bpm, abs=0.001)
    assert "locked" in problem(change(person, track, bpm=70), 400)["errors"]["bpm"][0]
    assert change(person, track, bpm_locked=False, bpm=70).json()["bpm"] == 70
    assert "bpm_locked" in problem(change(person, track, bpm_locked="yes"), 400)["errors"]


def test_what_was_derived_from_the_measured_tempo_goes_when_that_is_corrected() -> None:
    person = owner()
    track = ready_track(person.artist)
    assert track.analysis and track.analysis.bpm
    track.analysis.document |= {"felt": "half-time", "half_time_bpm": track.analysis.bpm / 2}
    track.analysis.save()
    address = f"/api/tracks/{track.pk}/"
    assert person.api.get(address).json()["half_time_bpm"] == pytest.approx(track.analysis.bpm / 2, abs=0.001)
    body = change(person, track, bpm=round(track.analysis.bpm / 2, 1)).json()
    assert (body["felt"], body["half_time_bpm"]) == ("straight", None)


# --- many at once ---


def bulk(person: Person, **body: Any) -> Any:
    return person.api.post("/api/tracks/bulk/", body, content_type="application/json")


def test_many_tracks_are_corrected_by_their_ids_or_by_a_filter() -> None:
    person = owner()
    tracks = catalog_of(person.artist, 3)
    change(person, tracks[0], bpm_locked=True)
    both = bulk(person, ids=[track.pk for track in tracks], set={"genre": "Dub", "bpm_factor": 2}).json()
    assert both == {"matched": 3, "changed": {"genre": 3, "bpm": 2, "key": 0}, "locked": 1, "retried": 0}
    ready_track(person.artist, "Slow", bpm_override=70.0)
    assert bulk(person, filter={"bpm_max": 100}, set={"genre": "Ambient"}).json()["matched"] == 1
    everything = bulk(person, filter={}, set={"genre": None, "reset_bpm": True, "reset_key": True}).json()
    assert everything["changed"] == {"genre": 4, "bpm": 3, "key": 0}
    again = bulk(person, filter={"status": ["failed"]}, retry=True).json()
    assert again["matched"] == again["retried"] == 0


def test_failed_tracks_are_tried_again_in_one_request() -> None:
    person = owner()
    rows = [ready_track(person.artist, f"Row {n}", status=Track.FAILED) for n in range(3)]
    assert bulk(person, filter={"status": ["failed"]}, retry=True).json()["retried"] == 3
    assert {Track.objects.get(pk=row.pk).status for row in rows} == {Track.QUEUED}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "ids"),
        ({"ids": [], "filter": {}, "set": {"genre": "x"}}, "ids"),
        ({"ids": ["a"]}, "set"),
        ({"ids": ["a"], "set": {}}, "set"),
        ({"ids": "a", "set": {"genre": "x"}}, "ids"),
        ({"ids": ["a"], "set": {"bpm_factor": 3}}, "set.bpm_factor"),
        ({"ids": ["a"], "set": {"bpm_factor": "2"}}, "set.bpm_factor"),
        ({"ids": ["a"], "set": {"bpm_factor": 2, "reset_bpm": True}}, "set.reset_bpm"),
        ({"filter": {"compatible_with": "Q"}, "retry": True}, "filter.compatible_with"),
        ({"filter": {"status": ["lost"]}, "retry": True}, "filter.status.0"),
        ({"ids": ["a"], "retry": 1}, "retry"),
    ],
)
def test_a_change_of_many_that_makes_no_sense_changes_nothing(body: dict[str, Any], field: str) -> None:
    person = owner()
    ready_track(person.artist)
    before = Track.objects.values().get()
    assert field in problem(bulk(person, **body), 400)["errors"]
    assert Track.objects.values().get() == before


def test_failure_15_a_change_of_many_reaches_no_one_elses() -> None:
    mine, theirs = owner(), collaborator()
    track = ready_track(mine.artist)
    assert bulk(theirs, ids=[track.pk], set={"genre": "Pop"}).json()["matched"] == 0
    assert bulk(theirs, filter={}, set={"genre": "Pop"}).json()["matched"] == 0
    track.refresh_from_db()
    assert track.genre_override == ""


def test_how_far_the_analysis_is_stands_in_one_small_answer() -> None:
    person = owner()
    catalog_of(person.artist, 2)
    known(person, "Heard")
    ready_track(person.artist, "Queued", status=Track.QUEUED)
    body = person.api.get("/api/tracks/progress/").json()
    assert (body["analysed"], body["waiting"], body["total"], body["seconds_left"]) == (2, 1, 3, None)
    assert body["done"] == "2 of 3 analyzed."
