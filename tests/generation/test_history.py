"""The history as a browser without scripts uses it: find, tick, change, delete; and the same filters over HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Track
from generation import keeping
from generation.brief import Brief, Reference
from generation.models import GeneratedTrack, Generation
from tests.people import Person, collaborator, owner
from tests.rows import generation_of, ready_track, take_of

pytestmark = pytest.mark.django_db

CHANGE = "/history/change/"


@pytest.fixture
def me() -> Person:
    return owner()


def found(person: Person, **query: str) -> list[str]:
    page = person.page.get("/history/", query)
    assert page.status_code == 200
    return [shown["take"].title for shown in page.context["takes"]]


def three(person: Person) -> dict[str, GeneratedTrack]:
    """A favourite of 5 with a note, a tagged one in the library of another engine, a plain one whose sound is gone."""
    first = take_of(
        person.artist, title="Alpha", prompt="dark dub", favourite=True, rating=5, notes="for Mara"
    )
    second = take_of(
        person.artist,
        title="Beta",
        prompt="warm pads",
        engine="musicgen",
        rating=3,
        similarity_score=0.4,
        measured={"bpm": 99.5},
        library_track=ready_track(person.artist, "Beta"),
    )
    keeping.change(second, tags=["late night"])
    third = take_of(
        person.artist, title="Gamma", prompt="fast", similarity_score=0.95, measured={"bpm": None}
    )
    third.file("preview").unlink()
    return {take.title: take for take in (first, second, third)}


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({}, {"Alpha", "Beta", "Gamma"}),
        ({"q": "dark"}, {"Alpha"}),
        ({"q": "mara"}, {"Alpha"}),
        ({"q": "#late"}, {"Beta"}),
        ({"q": "dark pads"}, set()),
        ({"favourite": "1"}, {"Alpha"}),
        ({"engine": "musicgen"}, {"Beta"}),
        ({"tag": "late night"}, {"Beta"}),
        ({"tag": "late"}, set()),
        ({"rating": "3"}, {"Alpha", "Beta"}),
        ({"rating": "4"}, {"Alpha"}),
        ({"rating": "none"}, {"Gamma"}),
        ({"rating": "many"}, {"Alpha", "Beta", "Gamma"}),
        ({"library": "in"}, {"Beta"}),
        ({"library": "out"}, {"Alpha", "Gamma"}),
        ({"audio": "gone"}, {"Gamma"}),
        ({"audio": "here"}, {"Alpha", "Beta"}),
    ],
)
def test_takes_are_found(me: Person, query: dict[str, str], titles: set[str]) -> None:
    three(me)
    assert set(found(me, **query)) == titles
    if "audio" not in query and query.get("rating") != "many":
        sought = {{"q": "search"}.get(name, name): value for name, value in query.items()}
        rows = me.api.get("/api/generated-tracks/", sought).json()["results"]
        assert {row["title"] for row in rows} == titles


@pytest.mark.parametrize(
    ("sort", "titles"),
    [
        ("", ["Gamma", "Beta", "Alpha"]),
        ("created", ["Alpha", "Beta", "Gamma"]),
        ("-match", ["Gamma", "Alpha", "Beta"]),
        ("-rating", ["Alpha", "Beta", "Gamma"]),
        ("bpm", ["Beta", "Alpha", "Gamma"]),
        ("-bpm", ["Alpha", "Beta", "Gamma"]),
        ("nonsense", ["Gamma", "Beta", "Alpha"]),
    ],
)
def test_takes_are_ordered_and_what_is_not_known_comes_last(me: Person, sort: str, titles: list[str]) -> None:
    three(me)
    assert found(me, sort=sort) == titles


def test_every_parameter_of_a_take_is_in_its_row(me: Person) -> None:
    reference = ready_track(me.artist, "Night bus")
    brief = Brief(
        "dark dub",
        140.0,
        None,
        0.6,
        "Dubstep",
        60.0,
        77,
        moods=("dark",),
        references=(Reference(reference.pk),),
    )
    take_of(
        me.artist, generation_params=brief.to_json(), seed="77", similarity={"breakdown": {"rhythm": 0.9}}
    )
    text = re.sub(r"<[^>]+>", " ", me.page.get("/history/").content.decode())
    for said in (
        "Dubstep",
        "Night bus (everything)",
        "140.0",
        "F minor 4A",
        "90.0%",
        "77",
        "Your own recordings",
    ):
        assert said in text, said


def test_the_database_is_asked_as_often_for_sixty_takes_as_for_five(me: Person) -> None:
    client = me.page

    def queries(**query: str) -> int:
        client.get("/history/", query)
        with CaptureQueriesContext(connection) as caught:
            assert client.get("/history/", query).status_code == 200
        return len(caught)

    def more(count: int) -> None:
        first = take_of(me.artist, favourite=True)
        keeping.change(first, tags=["dub"])
        fields = {f.attname: getattr(first, f.attname) for f in GeneratedTrack._meta.concrete_fields}
        fields["generation_params"] = {**fields["generation_params"], "references": [{"track_id": "trk_1"}]}
        made = [
            GeneratedTrack(**{**fields, "id": f"{first.pk}{n}", "number": n + 2}) for n in range(count - 1)
        ]
        GeneratedTrack.objects.bulk_create(made)
        keeping.tag([take.pk for take in made], ["dub", "late night"])

    more(5)
    asked = ({}, {"q": "dark", "favourite": "1", "tag": "dub"}, {"audio": "here"}, {"sort": "bpm"})
    few = [queries(**query) for query in asked]
    more(55)
    assert len(found(me)) == 20
    assert [queries(**query) for query in asked] == few


def test_ticked_takes_become_favourites_and_are_tagged(me: Person) -> None:
    takes = three(me)
    ids = [takes["Beta"].pk, takes["Gamma"].pk]
    said = me.page.post(CHANGE, {"do": "favourite", "take": ids, "query": "sort=title"}, follow=True)
    assert said.redirect_chain[0][0] == "/history/?sort=title"
    assert "2 takes made favourites." in said.content.decode()
    assert found(me, favourite="1", sort="title") == ["Alpha", "Beta", "Gamma"]
    me.page.post(CHANGE, {"do": "unfavourite", "take": ids[:1]})
    assert found(me, favourite="1", sort="title") == ["Alpha", "Gamma"]
    me.page.post(CHANGE, {"do": "tag", "take": ids, "tags": "Dub, loud"})
    assert found(me, tag="dub", sort="title") == ["Beta", "Gamma"]
    assert [tag.name for tag in takes["Beta"].tags.all()] == ["dub", "late night", "loud"]
    me.page.post(CHANGE, {"do": "untag", "all": "1", "query": "rating=none", "tags": "dub"})
    assert found(me, tag="dub") == ["Beta"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"do": "tag", "tags": ""}, "No tag was typed"),
        ({"do": "tag", "tags": "x" * 31}, "longer than 30"),
        ({"do": "tag", "tags": ",".join(f"t{n}" for n in range(12))}, "would have 13 tags"),
        ({"do": ""}, "Choose what to do"),
        ({"do": "favourite", "take": []}, "No take was ticked"),
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(me: Person, form: dict[str, Any], words: str) -> None:
    take = three(me)["Beta"]
    answer = me.page.post(CHANGE, {"take": [take.pk], **form}, follow=True)
    assert words in answer.content.decode()
    take.refresh_from_db()
    assert (take.favourite, [tag.name for tag in take.tags.all()]) == (False, ["late night"])


def test_a_deletion_asks_first_and_says_what_is_lost_and_what_stays(me: Person) -> None:
    takes = three(me)
    ids = [takes["Alpha"].pk, takes["Beta"].pk]
    page = me.page.post(CHANGE, {"do": "delete", "take": ids}).content.decode()
    assert (
        "Delete these takes" in page
        and "(1 with notes)" in page
        and "the track you added" in " ".join(page.split())
    )
    assert GeneratedTrack.objects.count() == 3
    joined = re.search(r'name="ids" value="([^"]+)"', page)
    assert joined and set(joined[1].split(",")) == set(ids)
    answer = me.page.post(CHANGE, {"do": "delete", "confirmed": "1", "ids": joined[1]}, follow=True)
    assert "2 takes deleted." in answer.content.decode()
    assert found(me) == ["Gamma"] and not takes["Alpha"].folder.exists()
    assert Generation.objects.count() == 3 and Track.objects.filter(title="Beta").exists()


def test_what_is_somebody_elses_is_neither_seen_nor_changed(me: Person) -> None:
    take = three(me)["Alpha"]
    other = collaborator()
    assert found(other) == []
    for form in ({"do": "unfavourite"}, {"do": "delete", "confirmed": "1"}, {"do": "tag", "tags": "mine"}):
        other.page.post(CHANGE, {"take": [take.pk], **form})
    take.refresh_from_db()
    assert take.favourite and not take.tags.exists()


def test_what_failed_or_waits_is_a_link_away(me: Person) -> None:
    generation_of(me.artist, status=Generation.FAILED)
    generation_of(me.artist)
    page = me.page.get("/history/").content.decode()
    assert "1 under way" in page and "1 failed" in page and "Nothing made yet" in page
