"""/healthz says that the process lives, /readyz whether it is of use, and if not, what is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from catalog import observed
from catalog.models import Track
from catalog.observed import WorkerSeen
from starforge_site import health
from tests.people import owner


@pytest.fixture(autouse=True)
def own_data(settings, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    settings.STARFORGE_DATA = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STARFORGE_MODELS = tmp_path / "models"
    return tmp_path


def silent_for(seconds: float) -> None:
    WorkerSeen.objects.update(seen_at=timezone.now() - timedelta(seconds=seconds))


def said(client: Client, check: str, status: int = 503) -> str:
    """What /readyz says about one thing, which is not as it should be."""
    answer = client.get("/readyz")
    assert answer.status_code == status
    found = answer.json()["checks"][check]
    assert found["ok"] is False
    return str(found["detail"])


def test_it_lives_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "alive"}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_it_is_ready_with_database_storage_and_a_worker(client: Client) -> None:
    observed.beat("cpu")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    checks = answer.json()["checks"]
    assert {name for name, check in checks.items() if check["ok"]} == {
        "database",
        "migrations",
        "storage",
        "models",
        "workers",
        "queues",
    }
    assert checks["database"]["detail"] == connection.vendor


@pytest.mark.django_db
def test_it_is_not_ready_without_a_worker_and_says_how_to_start_one(client: Client) -> None:
    assert "manage.py work --queue cpu" in said(client, "workers")


@pytest.mark.django_db
@pytest.mark.parametrize("queue, seconds", [("cpu", 60.0), ("gpu", 0.0)], ids=["silent", "other queue"])
def test_a_worker_counts_only_while_it_beats_for_the_main_queue(
    client: Client, queue: str, seconds: float
) -> None:
    observed.beat(queue)
    silent_for(seconds)
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_work_that_nobody_takes_is_named_with_its_queue(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed.beat("cpu")
    monkeypatch.setattr(Track, "queue_for", classmethod(lambda cls, value: "gpu"))
    ago = timezone.now() - timedelta(minutes=5)
    Track.objects.create(artist=owner().artist, title="waits", queued_at=ago)
    # 200: the site is of use to everybody else, so nothing in front of it shall send them away.
    assert said(client, "queues", 200).startswith(
        "Work waits on the queue gpu for 5 min and no worker serves it."
    )
    assert client.get("/readyz").json()["status"] == "ready, but not all is well"
    observed.beat("cpu", also=["gpu"])
    assert client.get("/readyz").json()["status"] == "ready"


@pytest.mark.django_db
def test_it_is_not_ready_when_the_data_folder_cannot_be_written(
    client: Client,
    settings,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    settings.STARFORGE_DATA = blocked
    assert said(client, "storage") == "The data folder cannot be written."


@pytest.mark.django_db
def test_it_tells_that_the_models_folder_is_no_folder(
    client: Client,
    settings,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    settings.STARFORGE_MODELS = tmp_path / "file"
    settings.STARFORGE_MODELS.write_text("not a folder")
    observed.beat("cpu")
    assert "STARFORGE_MODELS" in said(client, "models", 200)


@pytest.mark.django_db
def test_it_is_not_ready_when_the_disk_is_almost_full(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 2**62)
    assert said(client, "storage").startswith("The disk of the data folder is almost full: ")


@pytest.mark.django_db
def test_it_is_not_ready_while_migrations_are_missing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    health._steps_behind.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(health.MigrationExecutor, "migration_plan", lambda *_: [("one", False)])
        assert said(client, "migrations") == (
            "The database is 1 step behind this version. Run manage.py migrate."
        )
    observed.beat("cpu")
    assert client.get("/readyz").status_code == 200


def test_it_is_not_ready_without_a_database_but_answers(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DatabaseError("connection refused")

    health._steps_behind.cache_clear()
    monkeypatch.setattr(connection, "cursor", refuse)
    monkeypatch.setattr(connection, "ensure_connection", refuse)
    assert said(client, "database") == "The database does not answer."
    assert said(client, "workers") == "Not known while the database does not answer."


@pytest.mark.django_db
def test_workers_are_seen_until_they_stop_or_fall_silent() -> None:
    name = observed.beat("cpu", also=["gpu"], gpus=[{"name": "H100", "used_mb": 1, "total_mb": 2}])
    (worker,) = observed.alive()
    assert worker.is_alive and worker.queues == ["cpu", "gpu"] and worker.gpus[0]["name"] == "H100"
    silent_for(60)
    assert observed.alive() == []
    assert observed.beat("cpu") == name and len(observed.alive()) == 1
    observed.gone(name)
    assert not WorkerSeen.objects.exists()


@pytest.mark.django_db
def test_a_worker_that_was_killed_is_forgotten_in_the_end() -> None:
    WorkerSeen.objects.create(name="dead|1", queue="cpu", host="dead", pid=1)
    silent_for(7200)
    observed.beat("cpu")
    assert not WorkerSeen.objects.filter(name="dead|1").exists()
