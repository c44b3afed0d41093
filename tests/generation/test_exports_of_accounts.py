"""Everything of an artist as one zip, and the end of an account."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from pytest_django import Settings

from catalog import jobs
from catalog.models import Artist, Track
from generation import archive_parts, archives
from generation.models import Export, GeneratedTrack
from provenance.models import Certificate
from tests.catalog.test_api_problems import problem
from tests.generation.stamped import stamped
from tests.people import PASSWORD, Person, collaborator, owner, stranger
from tests.rows import give_stems, ready_track, take_of

pytestmark = pytest.mark.django_db


def packed(person: Person) -> Export:
    row, created = archives.start(person.artist)
    assert created and archives.run(row.pk) == "packed"
    row.refresh_from_db()
    return row


@pytest.fixture
def keys(settings: Settings, tmp_path: Path) -> Path:
    settings.STARFORGE_DATA = tmp_path / "data"
    return tmp_path


@pytest.mark.django_db(transaction=True)
def test_the_zip_holds_audio_json_and_certificates_of_its_owner_alone(keys: Path) -> None:
    me, other = owner(), collaborator()
    track, take = ready_track(me.artist, "Night Bus"), take_of(me.artist, notes="mine")
    give_stems(take)
    theirs = ready_track(other.artist, "Theirs")
    certificate = stamped(me.artist, keys)
    row = packed(me)
    with zipfile.ZipFile(row.file) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert not [name for name in names if theirs.pk in name]
        (audio,) = [name for name in names if name.startswith(f"tracks/{track.pk} ")]
        assert archive.read(audio) == track.file.read_bytes()
        told = json.loads(archive.read(f"tracks/{track.pk}.json"))
        assert told["title"] == "Night Bus" and told["analysis"]["bpm"]
        (about,) = [name for name in names if name.endswith("take.json")]
        assert json.loads(archive.read(about))["notes"] == "mine"
        for ending in (".wav", ".flac", ".mp3", "stems/drums.flac"):
            assert [name for name in names if name.startswith("takes/") and name.endswith(ending)]
        assert f"generations/{take.generation_id}.json" in names
        assert [name for name in names if name.startswith("dna/")]
        assert json.loads(archive.read(f"certificates/{certificate.pk}.json"))["envelope"]
        assert archive.read(f"certificates/{certificate.pk}.zip")[:2] == b"PK"
        assert PASSWORD.encode() not in archive.read("account.json")


@pytest.mark.django_db(transaction=True)
def test_only_the_owner_fetches_it_with_ranges_and_until_it_expires() -> None:
    me, other = owner(), collaborator()
    ready_track(me.artist)
    row = packed(me)
    page, api = f"/account/export/{row.pk}/file/", f"/api/export/{row.pk}/file/"
    whole = b"".join(me.page.get(page).streaming_content)
    assert hashlib.sha256(whole).digest() == hashlib.sha256(row.file.read_bytes()).digest()
    part = me.api.get(api, headers={"range": "bytes=0-3"})
    assert part.status_code == 206 and b"".join(part.streaming_content) == whole[:4]
    assert other.page.get(page).status_code == other.api.get(api).status_code == 404
    assert stranger().get(page).status_code == 302 and stranger().get(api).status_code == 401
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    archives.sweep()
    assert not row.file.exists() and me.page.get(page).status_code == 404


def test_two_presses_are_one_export_and_a_new_one_replaces_the_old() -> None:
    me = owner()
    first = me.api.post("/api/export/")
    assert first.status_code == 202 and me.api.post("/api/export/").json()["id"] == first.json()["id"]
    assert archives.run(first.json()["id"]) == "packed"
    again = me.api.post("/api/export/").json()["id"]
    assert [row["id"] for row in me.api.get("/api/export/").json()] == [again] != [first.json()["id"]]


def test_a_full_disk_is_said_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    me = owner()
    row, _ = archives.start(me.artist)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive_parts, "write", full)
    assert archives.run(row.pk) == "full"
    row.refresh_from_db()
    assert row.status == Export.FAILED and "no room" in row.error
    assert not list(archives.home().glob(f"{row.pk}*"))
    usage = shutil.disk_usage(archives.home())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    assert problem(me.api.post("/api/export/"), 507)["type"].endswith("no-space")
    assert "no room on the server" in me.page.post("/account/export/", follow=True).content.decode()


def test_a_cancelled_export_stops_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    me = owner()
    ready_track(me.artist)
    row, _ = archives.start(me.artist)
    real = archive_parts.write

    def asked_to_stop(artist: Artist, out: Any) -> None:
        jobs.cancel(row)
        real(artist, out)

    monkeypatch.setattr(archive_parts, "write", asked_to_stop)
    assert archives.run(row.pk) == "cancelled"
    assert not list(archives.home().glob(f"{row.pk}*"))


def test_what_is_gone_is_named_instead_of_stopping_everything() -> None:
    me = owner()
    track = ready_track(me.artist)
    track.file.unlink()
    assert packed(me).left_out == [f"tracks/{track.pk} Loop.wav"]


def test_the_page_goes_from_pressing_to_the_zip() -> None:
    me = owner()
    page = me.page
    assert "Pack Everything" in page.get("/account/export/").content.decode()
    assert "Waiting for a worker" in page.post("/account/export/", follow=True).content.decode()
    archives.run(Export.objects.get().pk)
    assert "Download Zip" in page.get("/account/export/").content.decode()
    page.post(f"/account/export/{Export.objects.get().pk}/delete/")
    assert not Export.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_account_is_deleted_with_name_and_password_and_its_certificates_stay(keys: Path) -> None:
    me, other = owner(), collaborator()
    track, take, certificate = ready_track(me.artist), take_of(me.artist), stamped(me.artist, keys)
    ready_track(other.artist)
    zipped = packed(me).file
    kept: list[Path] = [track.file, take.folder, zipped]
    browser = me.page
    for typed in ({"username": "owner", "password": "wrong"}, {"username": "Owner", "password": PASSWORD}):
        refused = browser.post("/account/delete/", typed)
        assert refused.status_code == 422 and "Nothing was deleted" in refused.content.decode()
    assert all(path.exists() for path in kept)
    assert certificate.private_parts.count() == 2
    answer = browser.post("/account/delete/", {"username": "owner", "password": PASSWORD})
    assert answer.status_code == 302
    assert not any(path.exists() for path in kept)
    assert not get_user_model().objects.filter(username="owner").exists()
    assert Track.objects.count() == 1 and not GeneratedTrack.objects.exists()
    stays = Certificate.objects.get(pk=certificate.pk)
    assert stays.owner is None and stays.title == "" and stays.statement == certificate.statement
    assert not stays.private_parts.filter(opened_at=None).exists()
    assert stranger().get(stays.get_absolute_url()).status_code == 200
