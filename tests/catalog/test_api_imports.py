"""Imports over HTTP and on their pages."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog import importing
from catalog.models import Artist, Import, Track
from catalog.reports import LISTS
from tests.collections import collection, folder, playlist, track
from tests.people import Person, collaborator, owner, stranger
from tests.rows import loop_bytes, ready_track

pytestmark = pytest.mark.django_db

ADDRESS = "/api/imports/"


def file(text: str | bytes, name: str = "rekordbox.xml") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())


def send(client: Client, text: str | bytes, address: str = ADDRESS, name: str = "rekordbox.xml") -> Any:
    return client.post(address, {"file": file(text, name)})


def asked(me: Person) -> tuple[Import, dict[str, Any], list[Track]]:
    """A read import with one row that two recordings could be."""
    both = [
        ready_track(me.artist, title, seed=seed, filename="tune 1.mp3", duration=181.0)
        for seed, title in ((1, "Dub"), (2, "Vocal"))
    ]
    row = Import.objects.get(pk=send(me.api, collection(track(1))).json()["id"])
    importing.read_collection(row.pk)
    row.refresh_from_db()
    return row, row.report["lists"]["ambiguous"][0], both


# --- the API ---


def test_the_lists_are_read_only_when_they_are_asked_for() -> None:
    me = owner()
    row, _, _ = asked(me)

    def read(address: str) -> tuple[Any, int]:
        with CaptureQueriesContext(connection) as queries:
            answer = (me.api if address.startswith("/api/") else me.page).get(address)
        assert answer.status_code == 200
        # The column itself, and not a path into it: JSON_EXTRACT(…"report", '$…') or "report" -> '…'.
        whole = [q for q in queries if re.search(r"""SELECT .*"report"(?!, '\$| ->)""", q["sql"])]
        return answer, len(whole)

    answer, whole = read(ADDRESS)
    assert (answer.json()["results"][0]["counts"]["read"], whole) == (1, 0)
    page, whole = read(reverse("catalog:import"))
    assert "1 read" in page.content.decode() and whole == 0
    answer, whole = read(f"{ADDRESS}{row.pk}/")
    assert (len(answer.json()["lists"]["ambiguous"]), whole) == (1, 1)
    Import.objects.update(status=Import.RUNNING)
    answer, whole = read(f"{ADDRESS}{row.pk}/")
    assert (answer.json()["counts"]["ambiguous"], whole) == (1, 0)
    assert answer.json()["lists"] == {name: [] for name in LISTS}


def test_a_collection_is_taken_in_and_followed_to_its_report() -> None:
    me = owner()
    answer = send(me.api, collection(track(1), playlists=playlist("Night", 1)), f"{ADDRESS}rekordbox/")
    assert answer.status_code == 202
    row = answer.json()
    assert answer["Location"] == f"{ADDRESS}{row['id']}/"
    assert (row["status"], row["source"], row["counts"]["read"]) == ("queued", "rekordbox", 0)
    assert not Track.objects.exists()
    importing.read_collection(row["id"])
    done = me.api.get(answer["Location"]).json()
    assert (done["status"], done["progress"], done["reason"]) == ("ready", 1.0, None)
    assert done["counts"]["metadata_only"] == done["counts"]["playlists"] == 1
    assert done["lists"]["metadata_only"][0]["title"] == "Tune 1"
    listed = me.api.get(ADDRESS).json()
    assert [one["id"] for one in listed["results"]] == [row["id"]]
    assert "lists" not in listed["results"][0]


@pytest.mark.parametrize(
    ("text", "address", "status", "slug"),
    [
        (b"", ADDRESS, 400, "empty"),
        (b"SQLite format 3\0", ADDRESS, 415, "database"),
        (loop_bytes(), ADDRESS, 415, "unsupported"),
        (b"Title\nOne\n", f"{ADDRESS}rekordbox/", 415, "other-kind"),
    ],
)
def test_what_is_no_collection_is_refused_with_a_reason(
    text: bytes, address: str, status: int, slug: str
) -> None:
    answer = send(owner().api, text, address)
    assert answer.status_code == status
    assert answer.json()["type"].endswith(f":{slug}")
    assert not Import.objects.exists()


def test_a_request_without_a_file_is_refused() -> None:
    me = owner()
    assert me.api.post(ADDRESS, {}).status_code == 400
    assert me.api.post(ADDRESS, b"<x/>", content_type="application/xml").status_code == 415
    assert stranger().get(ADDRESS).status_code == 401


def test_a_broken_file_says_why_in_its_row() -> None:
    me = owner()
    row = send(me.api, collection(track(1))[:-10]).json()
    importing.read_collection(row["id"])
    done = me.api.get(f"{ADDRESS}{row['id']}/").json()
    assert done["status"] == "failed"
    assert "was cut off" in done["reason"]
    answer = me.api.post(f"{ADDRESS}{row['id']}/retry/")
    assert (answer.status_code, answer.json()["type"].split(":")[-1]) == (409, "not-failed")


def test_a_row_is_decided() -> None:
    me = owner()
    row, question, (dub, vocal) = asked(me)
    address = f"{ADDRESS}{row.pk}/resolve/"

    def decide(**body: Any) -> Any:
        return me.api.post(address, json.dumps(body), content_type="application/json")

    assert decide(entry=question["entry"], track="trk_else").status_code == 400
    assert decide(entry=question["entry"]).status_code == 400
    answer = decide(entry=question["entry"], track=vocal.pk)
    assert answer.status_code == 200
    assert answer.json()["counts"]["matched"] == 1
    assert answer.json()["lists"]["ambiguous"][0]["settled"] == vocal.pk
    vocal.refresh_from_db()
    assert vocal.imported_id == "1"
    assert decide(entry=question["entry"], track=dub.pk).json()["errors"]["entry"]


def test_an_import_is_cancelled_and_gone_on_with() -> None:
    me = owner()
    row = send(me.api, collection(track(1))).json()
    assert me.api.post(f"{ADDRESS}{row['id']}/cancel/").json()["status"] == "cancelled"
    assert me.api.post(f"{ADDRESS}{row['id']}/cancel/").status_code == 409
    assert me.api.post(f"{ADDRESS}{row['id']}/retry/").json()["status"] == "queued"
    assert importing.read_collection(row["id"]) == "ready"


def test_an_import_of_somebody_else_does_not_exist() -> None:
    row = Import.objects.get(pk=send(owner().api, collection(track(1))).json()["id"])
    other = collaborator()
    body = json.dumps({"entry": "x", "track": None})
    for answer in (
        other.api.get(f"{ADDRESS}{row.pk}/"),
        other.api.post(f"{ADDRESS}{row.pk}/cancel/"),
        other.api.post(f"{ADDRESS}{row.pk}/retry/"),
        other.api.post(f"{ADDRESS}{row.pk}/resolve/", body, content_type="application/json"),
        other.page.get(reverse("catalog:import-report", args=[row.pk])),
        other.page.post(reverse("catalog:import-report", args=[row.pk]), {"cancel": "1"}),
    ):
        assert answer.status_code == 404
    assert other.api.get(ADDRESS).json()["count"] == 0


# --- what knows no audio does not break what does ---


def test_a_track_without_audio_has_its_place_everywhere() -> None:
    me = owner()
    for number in range(1, 4):
        ready_track(me.artist, f"Loop {number}", seed=number)
    row = send(me.api, collection(track(1), track(2, AverageBpm=None, Tonality=None))).json()
    importing.read_collection(row["id"])
    one = Track.objects.get(imported_id="1")
    for page in (
        "/catalog/",
        "/catalog/?state=metadata",
        "/catalog/?origin=rekordbox",
        "/dna/",
        "/generate/",
        one.get_absolute_url(),
        reverse("catalog:delete", args=[one.pk]),
        "/catalog/import/",
        f"/catalog/imports/{row['id']}/",
    ):
        assert me.page.get(page).status_code == 200, page
    assert me.page.get(reverse("catalog:audio", args=[one.pk])).status_code == 404
    assert me.api.get(f"/api/tracks/{one.pk}/audio/").status_code == 404
    assert me.api.post(f"/api/tracks/{one.pk}/retry/").status_code == 409
    found = me.api.get(f"/api/tracks/{one.pk}/").json()
    assert (found["status"], found["bpm"], found["audio"], found["measured"]) == (
        "metadata",
        140.0,
        None,
        None,
    )
    assert me.api.get("/api/tracks/?status=metadata").json()["count"] == 2
    assert me.api.get("/api/tracks/?status=queued&status=analysing").json()["count"] == 0
    assert me.api.get("/api/dna/").status_code == 200
    assert me.api.delete(f"/api/tracks/{one.pk}/").status_code == 204


# --- the pages ---


def report_page(me: Person, row: Import) -> str:
    return me.page.get(reverse("catalog:import-report", args=[row.pk])).content.decode()


def test_the_page_says_how_to_export_and_takes_the_file_without_a_script() -> None:
    me = owner()
    address = reverse("catalog:import")
    assert "Export Collection in xml format" in me.page.get(address).content.decode()
    answer = me.page.post(address, {"file": file(collection(track(1)))})
    row = Import.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, reverse("catalog:import-report", args=[row.pk]))
    page = report_page(me, row)
    assert "Waiting for a free worker" in page and 'http-equiv="refresh"' in page
    importing.read_collection(row.pk)
    page = report_page(me, row)
    assert "Known by name, not yet by sound" in page and "Tune 1" in page
    assert row.filename in me.page.get(address).content.decode()


@pytest.mark.parametrize(("data", "words"), [(b"", "The file is empty."), (None, "No file was chosen.")])
def test_the_page_says_why_a_file_is_refused(data: bytes | None, words: str) -> None:
    answer = owner().page.post(reverse("catalog:import"), {} if data is None else {"file": file(data)})
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_the_report_names_every_fate() -> None:
    me = owner()
    artist: Artist = me.artist
    ready_track(artist, "Here", filename="tune 1.mp3", duration=181.0)
    text = collection(
        track(1),
        track(2, Tonality="Q#"),
        track(3, Name="", Location=None),
        playlists=folder("Sets", playlist("Night", 1, 2, 99)),
    )
    row = Import.objects.get(pk=send(me.api, text).json()["id"])
    importing.read_collection(row.pk)
    page = report_page(me, row)
    for words in (
        "by length",
        "Key “Q#” is not a key",
        "It has neither a name nor a file.",
        "Sets /",
        "2 tracks, 1 not in the file",
    ):
        assert words in page


def test_the_artist_decides_on_the_page() -> None:
    me = owner()
    row, question, (_, vocal) = asked(me)
    assert "Vocal" in report_page(me, row)
    address = reverse("catalog:import-report", args=[row.pk])
    me.page.post(address, {"entry": question["entry"], "track": "trk_else"})
    me.page.post(address, {"entry": question["entry"], "track": vocal.pk})
    vocal.refresh_from_db()
    assert vocal.imported_id == "1"
    assert "Several of your recordings" not in report_page(me, row)


def test_none_of_them_is_said_on_the_page() -> None:
    me = owner()
    row, question, _ = asked(me)
    me.page.post(
        reverse("catalog:import-report", args=[row.pk]), {"entry": question["entry"], "track": "none"}
    )
    assert Track.objects.get(pk=question["entry"]).imported["apart"] is True


def test_a_refused_and_a_cancelled_import_say_so_on_their_pages() -> None:
    me = owner()
    broken = Import.objects.get(pk=send(me.api, "<NML/>").json()["id"])
    importing.read_collection(broken.pk)
    assert "Traktor" in report_page(me, broken)
    waiting = Import.objects.get(pk=send(me.api, collection(track(1))).json()["id"])
    address = reverse("catalog:import-report", args=[waiting.pk])
    me.page.post(address, {"cancel": "1"})
    assert "Cancelled" in report_page(me, waiting)
    me.page.post(address, {"again": "1"})
    waiting.refresh_from_db()
    assert waiting.status == Import.QUEUED


def test_a_report_asks_the_database_as_often_for_many_rows_as_for_few(
    django_assert_max_num_queries: Any,
) -> None:
    me = owner()
    row = Import.objects.get(pk=send(me.api, collection(*map(track, range(1, 300)))).json()["id"])
    importing.read_collection(row.pk)
    client = me.page
    with django_assert_max_num_queries(8):
        page = client.get(reverse("catalog:import-report", args=[row.pk])).content.decode()
    assert "Show the first 200 of 299" in page


def test_nothing_is_decided_before_an_import_is_over() -> None:
    me = owner()
    row, question, _ = asked(me)
    Import.objects.filter(pk=row.pk).update(status=Import.RUNNING)
    choice = {"entry": question["entry"], "track": None}
    answer = me.api.post(f"{ADDRESS}{row.pk}/resolve/", choice, content_type="application/json")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("still-reading")
