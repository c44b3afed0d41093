"""Edits over HTTP: what is asked for, what is answered, and what a take says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from generation.brief import Brief
from generation.models import GeneratedTrack, Generation
from tests.catalog.test_api_problems import problem
from tests.generation.finished import finished
from tests.people import Person, collaborator, owner
from tests.rows import catalog_of, take_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(stand_in: str) -> Person:
    made = owner()
    catalog_of(made.artist)
    return made


def vary(person: Person, of: GeneratedTrack, once: str = "", **fields: Any) -> Any:
    headers = {"idempotency-key": once} if once else {}
    path = f"/api/generations/{of.generation_id}/vary/"
    return person.api.post(path, fields, content_type="application/json", headers=headers)


def child_of(answer: Any) -> Generation:
    assert answer.status_code == 202, answer.content
    return Generation.objects.get(pk=answer.json()["id"])


@pytest.mark.parametrize(
    ("fields", "edit"),
    [
        ({"change": "longer break"}, {"kind": "longer", "section": 2, "bars": 4}),
        ({"edit": {"kind": "section", "section": 3}}, {"kind": "section", "section": 3}),
        ({"edit": {"kind": "replace", "layer": "bass"}}, {"kind": "replace", "layer": "bass"}),
        ({"edit": {"kind": "extend"}}, {"kind": "extend", "bars": 16}),
        (
            {"edit": {"kind": "crop", "first_bar": 1, "end_bar": 13}},
            {"kind": "crop", "first_bar": 1, "end_bar": 13},
        ),
        (
            {"edit": {"kind": "mute", "layers": ["lead", "bass"]}},
            {"kind": "mute", "layers": ["bass", "lead"]},
        ),
        ({"edit": {"kind": "energy"}, "energy": 0.9}, {"kind": "energy"}),
        ({"edit": {"kind": "tempo"}, "bpm": 190}, {"kind": "tempo"}),
        ({"edit": {"kind": "section", "section": 0}, "seed": "again"}, {"kind": "section", "section": 0}),
    ],
)
def test_an_edit_is_queued_as_it_was_said(
    person: Person, fields: dict[str, Any], edit: dict[str, Any]
) -> None:
    take = finished(person.artist)
    child = child_of(vary(person, take, **fields))
    brief = Brief.from_json(child.brief)
    said = {name: value for name, value in child.brief["edit"].items() if value not in (None, [])}
    assert said == edit | {"take_id": take.pk}
    assert child.parent_id == take.generation_id and brief.takes == 1
    assert child.brief["energy"] == fields.get("energy", 0.6) and child.brief["bpm"] == fields.get("bpm", 180)


def test_a_take_is_named_by_number_or_id(person: Person) -> None:
    take = finished(person.artist)
    for named in (1, "1", take.pk):
        assert child_of(vary(person, take, change="calmer", take=named)).brief["edit"]["take_id"] == take.pk
    assert "has no take 3" in problem(vary(person, take, change="calmer", take=3), 400)["errors"]["take"][0]
    other = finished(catalog_owner().artist)
    problem(vary(person, take, change="calmer", take=other.pk), 400)
    assert vary(person, other, change="calmer").status_code == 404


def catalog_owner() -> Person:
    made = collaborator()
    catalog_of(made.artist)
    return made


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"edit": {"kind": "louder"}}, "edit.kind"),
        ({"edit": {}}, "edit.kind"),
        ({"edit": "longer"}, "edit.kind"),
        ({"edit": {"kind": "section", "section": "first"}}, "edit.section"),
        ({"edit": {"kind": "section", "section": 9}}, "edit"),
        ({"edit": {"kind": "replace", "layer": "fx"}}, "edit.layer"),
        ({"edit": {"kind": "mute", "layers": ["fx"]}}, "edit"),
        ({"edit": {"kind": "longer", "section": 0, "bars": 900}}, "edit.bars"),
        ({"edit": {"kind": "tempo"}}, "edit"),
        ({"edit": {"kind": "extend"}, "genre": "house"}, "genre"),
        ({"edit": {"kind": "extend"}, "change": "calmer"}, "edit"),
        ({"change": "make it pop"}, "change"),
        ({"change": "crop to bars 3-5"}, "change"),
        ({"change": "calmer", "take": True}, "take"),
    ],
)
def test_what_makes_no_edit_is_refused_at_its_field(
    person: Person, fields: dict[str, Any], where: str
) -> None:
    take = finished(person.artist)
    errors = problem(vary(person, take, **fields), 400)["errors"]
    assert list(errors) == [where] and errors[where][0].endswith((".", "choice."))
    assert Generation.objects.count() == 1


def test_a_take_that_cannot_be_edited_is_a_conflict_with_a_sentence(person: Person) -> None:
    take = take_of(person.artist, engine="gone")
    Generation.objects.filter(pk=take.generation_id).update(engine="mosaic")
    body = problem(vary(person, take, change="longer break"), 409)
    assert body["type"].endswith(":cannot-edit") and "is not installed here" in body["detail"]


def test_the_same_key_is_the_same_edit_and_another_edit_a_conflict(person: Person) -> None:
    take = finished(person.artist)
    first = vary(person, take, "monday", edit={"kind": "section", "section": 3})
    again = vary(person, take, "monday", edit={"kind": "section", "section": 3})
    assert again.json()["id"] == first.json()["id"] and again.headers["Idempotency-Replayed"] == "true"
    for fields in (
        {"edit": {"kind": "section", "section": 2}},
        {"edit": {"kind": "section", "section": 3}, "seed": 4},
        {"change": "regenerate"},
    ):
        body = problem(vary(person, take, "monday", **fields), 409)
        assert body["type"].endswith(":idempotency-key-reused"), fields
    # the same thing in words is the same request
    assert vary(person, take, "monday", change="another second drop").json()["id"] == first.json()["id"]


def test_names_that_mean_nothing_are_told_inside_an_edit_too(person: Person) -> None:
    take = finished(person.artist)
    answer = vary(person, take, edit={"kind": "extend", "beats": 4}, energyy=1)
    assert answer.json()["ignored"] == ["edit.beats", "energyy"]


def test_a_take_says_what_changed_why_it_was_chosen_and_whether_it_can_be_edited(person: Person) -> None:
    take = finished(person.artist)
    take.plan["changes"] = ["The break has 6 bars now."]
    take.save()
    body = person.api.get(f"/api/generated-tracks/{take.pk}/").json()
    assert body["changes"] == ["The break has 6 bars now."]
    assert body["choice"] == "Of 2 plans this one is nearest to your catalog."
    assert body["candidates"][0] == {
        "style": "hard",
        "match": 0.81,
        "chosen": True,
        "reason": "Nearest to your catalog.",
    }
    assert body["editable"] is True
    plain = person.api.get(f"/api/generated-tracks/{take_of(person.artist, engine='gone').pk}/").json()
    assert (plain["editable"], plain["changes"], plain["choice"], plain["candidates"]) == (False, [], "", [])


def test_a_brief_says_nothing_of_edits_before_there_is_something_to_edit(person: Person) -> None:
    brief = person.api.get("/api/brief/?prompt=techno").json()["brief"]
    assert not {"edit", "avoid"} & set(brief)
