"""Asking for music over HTTP: engines, briefs, requests, and the same request twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django_q.models import OrmQ

from catalog import snapshots
from generation.api.requests import EngineJSON
from generation.engines import engines
from generation.models import Generation
from generation.seeds import seed_of
from tests.catalog.test_api_problems import problem
from tests.people import Person, collaborator, owner
from tests.rows import catalog_of, ready_track

pytestmark = pytest.mark.django_db


def ask(person: Person, once: str = "", **fields: Any) -> Any:
    headers = {"idempotency-key": once} if once else {}
    return person.api.post("/api/generate/music", fields, content_type="application/json", headers=headers)


def test_a_request_is_accepted_queued_and_estimated() -> None:
    person = owner()
    catalog_of(person.artist)
    response = ask(person, prompt="Dark dubstep with ethnic percussion, 140 BPM", energy=0.8)
    assert response.status_code == 202
    body = response.json()
    generation = Generation.objects.get(pk=body["id"])
    assert body["status"] == "queued" and body["estimate_seconds"] > 0
    assert body["ws"] == f"/ws/generations/{generation.pk}/" and body["ignored"] == []
    assert response.headers["Location"] == f"/api/generations/{generation.pk}/"
    assert generation.brief["bpm"] == 140.0 and generation.brief["energy"] == 0.8
    assert generation.brief["evidence"]["bpm"] == "prompt"
    assert OrmQ.objects.count() == 1


def test_nothing_at_all_is_a_request_too() -> None:
    person = owner()
    catalog_of(person.artist)
    assert ask(person).status_code == 202
    assert ask(person, bpm=None, key=None, key_typo=1, genre="", seed=None).status_code == 202


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_tracks_are_counted(count: int) -> None:
    person = owner()
    catalog_of(person.artist, count)
    ready_track(person.artist, "Made here", origin="generated")
    body = problem(ask(person, prompt="anything"), 409)
    assert (body["count"], body["needed"]) == (count, 10)
    assert body["type"].endswith(":too-few-tracks")
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", 140),
        ("prompt", "x" * 1001),
        ("prompt", "\ud800"),
        ("prompt", "a\x00b"),
        ("bpm", "140"),
        ("bpm", True),
        ("bpm", 10),
        ("bpm", 10**400),
        ("energy", 1.5),
        ("energy", "high"),
        ("key", "Q minor"),
        ("key", 4),
        ("genre", ["Dubstep"]),
        ("duration_seconds", 5),
        ("duration_seconds", 3600),
        ("takes", 0),
        ("takes", 5),
        ("takes", 1.5),
        ("takes", "2"),
        ("temperature", 0),
        ("seed", 1.5),
        ("seed", True),
        ("seed", -1),
        ("seed", 2**64),
        ("engine", 1),
        ("engine", "no-such-engine"),
        ("reference_tracks", "trk_1"),
        ("reference_tracks", ["a", "b", "c", "d"]),
        ("reference_tracks", ["trk_of_nobody"]),
    ],
)
def test_a_field_that_makes_no_sense_is_named(field: str, value: Any) -> None:
    person = owner()
    catalog_of(person.artist)
    errors = problem(ask(person, **{field: value}), 400)["errors"]
    assert set(errors) == {field}
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    "reference",
    [7, None, {}, {"id": 7}, {"id": "trk", "role": 7}, {"id": "trk", "start_bar": "1"}, ["trk"]],
)
def test_a_reference_that_is_none_is_named_by_its_place(reference: Any) -> None:
    errors = problem(ask(owner(), reference_tracks=[reference]), 400)["errors"]
    assert all(name.startswith("reference_tracks.0") for name in errors)


def test_references_may_be_ids_or_objects_and_only_ones_own() -> None:
    person, other = owner(), collaborator()
    mine = catalog_of(person.artist)
    foreign = ready_track(other.artist)
    wanted = [mine[0].pk, {"id": mine[1].pk, "role": "drums", "start_bar": 1, "end_bar": 3}]
    body = ask(person, reference_tracks=wanted).json()
    kept = Generation.objects.get(pk=body["id"]).brief["references"]
    assert kept == [
        {"track_id": mine[0].pk, "role": "all", "start_bar": None, "end_bar": None},
        {"track_id": mine[1].pk, "role": "drums", "start_bar": 1, "end_bar": 3},
    ]
    beyond = {"id": mine[1].pk, "start_bar": 40, "end_bar": 48}  # the recording has four
    for reference in (foreign.pk, beyond):
        errors = problem(ask(person, reference_tracks=[reference]), 400)["errors"]
        assert set(errors) == {"reference_tracks"}


def test_a_seed_may_be_a_number_or_words() -> None:
    person = owner()
    catalog_of(person.artist)
    seeds = {}
    for seed in (7, "7", "ossa", " ossa ", 2**63):
        body = ask(person, seed=seed).json()
        seeds[seed] = Generation.objects.get(pk=body["id"]).brief["seed"]
    assert seeds[7] == seeds["7"] == "7"
    assert seeds["ossa"] == seeds[" ossa "] == str(seed_of("ossa"))
    assert seeds[2**63] == str(2**63)


def test_a_field_nobody_knows_is_not_passed_over_in_silence() -> None:
    person = owner()
    catalog_of(person.artist)
    assert ask(person, bmp=150, bpm=140).json()["ignored"] == ["bmp"]


def test_the_same_key_makes_one_generation() -> None:
    person, other = owner(), collaborator()
    catalog_of(person.artist)
    catalog_of(other.artist)
    first = ask(person, "monday", prompt="techno")
    again = ask(person, "monday", prompt="techno")
    assert again.status_code == 202 and again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert ask(other, "monday", prompt="techno").json()["id"] != first.json()["id"]
    assert Generation.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_ten_equal_requests_at_once_make_one_generation() -> None:
    person = owner()
    catalog_of(person.artist)
    snapshots.current(person.artist)

    def one(_: int) -> tuple[int, str]:
        try:
            response = ask(person, "monday", prompt="techno")
            return response.status_code, response.json()["id"]
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(one, range(10)))
    assert {status for status, _ in answers} == {202}
    assert len({pk for _, pk in answers}) == 1
    assert Generation.objects.count() == 1 and OrmQ.objects.count() == 1


def test_a_key_used_for_something_else_is_a_conflict() -> None:
    person = owner()
    catalog_of(person.artist)
    first = ask(person, "monday", prompt="techno").json()
    assert problem(ask(person, "monday", prompt="house"), 409)["id"] == first["id"]


def test_long_keys_are_told_apart_by_their_ends() -> None:
    person = owner()
    catalog_of(person.artist)
    ids = {ask(person, "k" * 100 + end).json()["id"] for end in ("a", "b", "a")}
    assert len(ids) == 2


def test_the_engines_say_what_they_are_and_whether_they_can_work() -> None:
    body = owner().api.get("/api/engines/").json()
    assert [engine["slug"] for engine in body] == list(engines())
    assert body[0]["slug"] == "mosaic" and body[0]["availability"]["ready"] is True
    assert all(set(engine) == set(EngineJSON().fields) for engine in body)


def test_a_brief_shows_what_a_request_would_be_read_into() -> None:
    person = owner()
    catalog_of(person.artist, 2)
    response = person.api.get(
        "/api/brief/", {"prompt": "Dark dubstep, 140 BPM", "key": "4A", "energy": "", "takes": 2}
    )
    assert response.status_code == 200, response.content
    body = response.json()
    assert body["brief"]["bpm"] == 140.0 and body["brief"]["key"] == "F minor"
    assert body["evidence"]["bpm"] == "prompt" and body["evidence"]["key"] == "asked"
    assert "dark" in " ".join(body["words"]).lower()
    assert body["brief"]["seed"] is None and body["estimate_seconds"] > 0
    assert (body["analysed_tracks"], body["needed"]) == (2, 10)
    assert not Generation.objects.exists()


def test_a_brief_that_makes_no_sense_is_refused_field_by_field() -> None:
    response = owner().api.get("/api/brief/", {"bpm": "nan", "takes": "many", "engine": "none"})
    assert {"bpm", "takes"} <= set(problem(response, 400)["errors"])
    response = collaborator().api.get("/api/brief/", {"reference_tracks": "trk_of_nobody"})
    assert set(problem(response, 400)["errors"]) == {"reference_tracks"}


def test_a_brief_for_an_empty_catalog_can_still_be_read() -> None:
    body = owner().api.get("/api/brief/", {"prompt": "techno"}).json()
    assert body["brief"]["genre"] == "Techno" and body["analysed_tracks"] == 0
