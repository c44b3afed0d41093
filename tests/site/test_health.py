"""/healthz says that the process lives, /readyz whether it is of use."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from starforge_site import health, heartbeat


@pytest.fixture(autouse=True)
def own_data(settings, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    settings.STARFORGE_DATA = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path


def age(data: Path, seconds: float) -> None:
    (file,) = heartbeat.folder(data).glob("*.json")
    beat = json.loads(file.read_text())
    file.write_text(json.dumps({**beat, "at": time.time() - seconds}))


def test_it_lives_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "alive"}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_it_is_ready_with_database_storage_and_a_worker(client: Client, own_data: Path) -> None:
    heartbeat.write(own_data, "cpu")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert {name: check["ok"] for name, check in answer.json()["checks"].items()} == {
        "database": True,
        "storage": True,
        "workers": True,
    }
    assert answer.json()["checks"]["database"]["detail"] == connection.vendor


@pytest.mark.django_db
def test_it_is_not_ready_without_a_worker_and_says_how_to_start_one(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    assert "manage.py work" in answer.json()["checks"]["workers"]["detail"]


@pytest.mark.django_db
@pytest.mark.parametrize("queue, seconds", [("cpu", 60.0), ("gpu", 0.0)], ids=["silent", "other queue"])
def test_a_worker_counts_only_while_it_beats_for_the_main_queue(
    client: Client, own_data: Path, queue: str, seconds: float
) -> None:
    heartbeat.write(own_data, queue)
    age(own_data, seconds)
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_it_is_not_ready_when_the_data_folder_cannot_be_written(
    client: Client,
    settings,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    settings.STARFORGE_DATA = blocked
    checks = client.get("/readyz").json()["checks"]
    assert checks["storage"] == {"ok": False, "detail": "The data folder cannot be written."}


@pytest.mark.django_db
def test_it_is_not_ready_when_the_disk_is_almost_full(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 2**62)
    assert client.get("/readyz").json()["checks"]["storage"]["detail"] == "The disk is almost full."


def test_it_is_not_ready_without_a_database_but_answers(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DatabaseError("connection refused")

    monkeypatch.setattr(connection, "cursor", refuse)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == {"ok": False, "detail": "The database does not answer."}


def test_heartbeats_are_read_liveliest_first_and_forgotten_in_the_end(own_data: Path) -> None:
    heartbeat.write(own_data, "cpu")
    age(own_data, 30)
    heartbeat.write(own_data, "gpu")
    (heartbeat.folder(own_data) / "torn.json").write_text('{"queue": ')
    assert [(beat.queue, beat.alive) for beat in heartbeat.read(own_data)] == [("gpu", True), ("cpu", False)]
    assert {beat.pid for beat in heartbeat.read(own_data)} == {os.getpid()}
    (heartbeat.folder(own_data) / f"gpu-{heartbeat.read(own_data)[0].host}-{os.getpid()}.json").unlink()
    (heartbeat.folder(own_data) / "torn.json").unlink()
    age(own_data, 7200)
    assert heartbeat.read(own_data) == []
    assert not list(heartbeat.folder(own_data).glob("*.json"))
