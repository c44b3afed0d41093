"""Following, stopping, trying again, varying and deleting generations over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import jobs
from generation.api.take_json import GenerationDetail
from generation.models import GeneratedTrack, Generation
from tests.catalog.test_api_problems import problem
from tests.people import Person, owner
from tests.rows import catalog_of, generation_of, take_of

pytestmark = pytest.mark.django_db


def post(person: Person, path: str, **fields: Any) -> Any:
    return person.api.post(f"/api/generations/{path}", fields, content_type="application/json")


def test_a_waiting_generation_says_so() -> None:
    person = owner()
    generation = generation_of(person.artist)
    body = person.api.get(f"/api/generations/{generation.pk}/").json()
    assert set(body) == set(GenerationDetail().fields)
    assert body["status"] == "queued" and body["progress"] == 0 and body["eta_seconds"] is None
    assert body["takes"] == [] and body["reason"] is None
    assert body["queue"] == {"ahead": 0, "seconds": 0, "served": False}
    assert body["requested"]["prompt"] == generation.prompt and body["brief"]["bpm"] == 140.0


def test_a_running_one_shows_stage_progress_and_the_time_left() -> None:
    person = owner()
    generation = generation_of(person.artist)
    lease = jobs.claim(Generation, generation.pk)
    assert lease is not None
    lease.report(0.4, "Arranging")
    body = person.api.get(f"/api/generations/{generation.pk}/").json()
    assert (body["status"], body["stage"], body["progress"]) == ("running", "Arranging", 0.4)
    assert body["eta_seconds"] > 0


def test_a_failed_one_says_why() -> None:
    person = owner()
    generation = generation_of(person.artist, status=Generation.FAILED, error="The disk is full.")
    assert person.api.get(f"/api/generations/{generation.pk}/").json()["reason"] == "The disk is full."


def test_a_ready_one_carries_its_takes_in_full() -> None:
    person = owner()
    take = take_of(person.artist)
    take_of(person.artist, generation=take.generation, number=2)
    body = person.api.get(f"/api/generations/{take.generation_id}/").json()
    assert [one["number"] for one in body["takes"]] == [1, 2]
    assert body["takes"][0] == person.api.get(f"/api/generated-tracks/{take.pk}/").json()


def test_the_list_is_filtered_and_searched() -> None:
    person = owner()
    generation_of(person.artist, title="Untitled 01", prompt="dark techno")
    generation_of(person.artist, title="Untitled 02", prompt="deep house", status=Generation.FAILED)

    def titles(query: str) -> list[str]:
        response = person.api.get(f"/api/generations/?{query}")
        assert response.status_code == 200, response.content
        return [row["title"] for row in response.json()["results"]]

    assert titles("") == ["Untitled 02", "Untitled 01"]
    assert titles("status=failed") == ["Untitled 02"]
    assert titles("search=dark+untitled") == ["Untitled 01"]
    assert titles("engine=musicgen") == []
    problem(person.api.get("/api/generations/?status=lost"), 400)


def test_the_list_asks_the_database_no_more_for_more_rows() -> None:
    person = owner()
    api = person.api

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert api.get("/api/generations/").status_code == 200
        large = ['"generated_tracks"."plan"', '"built_from"', '"catalog_snapshot"', '"brief"']
        assert not any(column in query["sql"] for query in seen for column in large)
        return len(seen)

    for number in (1, 2, 3):
        take_of(person.artist, number=number)
    queries()
    few = queries()
    for number in range(4, 13):
        take_of(person.artist, number=number)
    assert queries() == few


def test_cancel_stops_a_waiting_one_at_once_and_asks_a_running_one() -> None:
    person = owner()
    waiting, running = generation_of(person.artist), generation_of(person.artist)
    jobs.claim(Generation, running.pk)
    assert post(person, f"{waiting.pk}/cancel/").json()["status"] == "cancelled"
    body = post(person, f"{running.pk}/cancel/").json()
    assert body["status"] == "running" and body["cancel_asked"] is True
    assert "cancelled" in problem(post(person, f"{waiting.pk}/cancel/"), 409)["detail"]


def test_retry_takes_up_a_failed_one_and_no_other() -> None:
    person = owner()
    generation = generation_of(person.artist, status=Generation.FAILED, error="No luck.")
    body = post(person, f"{generation.pk}/retry/").json()
    assert (body["status"], body["reason"]) == ("queued", None)
    problem(post(person, f"{generation.pk}/retry/"), 409)


def test_vary_changes_one_thing_and_names_its_parent() -> None:
    person = owner()
    catalog_of(person.artist)
    parent = generation_of(person.artist, status=Generation.READY)
    response = post(person, f"{parent.pk}/vary/", change="more energetic")
    assert response.status_code == 202, response.content
    child = Generation.objects.get(pk=response.json()["id"])
    assert child.parent == parent
    assert child.brief["energy"] == pytest.approx(0.8) and child.brief["bpm"] == 140.0
    assert child.brief["seed"] == parent.brief["seed"]


def test_vary_takes_fields_as_well() -> None:
    person = owner()
    catalog_of(person.artist)
    parent = generation_of(person.artist, status=Generation.READY)
    body = post(person, f"{parent.pk}/vary/", bpm=150, seed="other", takes=2).json()
    child = Generation.objects.get(pk=body["id"])
    assert (child.brief["bpm"], child.brief["takes"]) == (150.0, 2)
    assert child.brief["energy"] == pytest.approx(0.6) and child.brief["seed"] != parent.brief["seed"]


@pytest.mark.parametrize("fields", [{"change": "make it pop"}, {"change": 7}, {"bpm": "fast"}])
def test_a_variation_nobody_understands_is_refused(fields: dict[str, Any]) -> None:
    person = owner()
    catalog_of(person.artist)
    parent = generation_of(person.artist, status=Generation.READY)
    assert set(problem(post(person, f"{parent.pk}/vary/", **fields), 400)["errors"]) == set(fields)
    assert Generation.objects.count() == 1


def test_a_deleted_generation_takes_its_takes_and_files_along() -> None:
    person = owner()
    take = take_of(person.artist)
    folder = take.folder
    assert folder.is_dir()
    assert person.api.delete(f"/api/generations/{take.generation_id}/").status_code == 204
    assert not Generation.objects.exists() and not GeneratedTrack.objects.exists()
    assert not folder.exists()
