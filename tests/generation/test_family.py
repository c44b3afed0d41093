"""What was made from what."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.family import in_order, root_of, roots
from generation.models import Generation
from tests.people import Person, collaborator, owner
from tests.rows import generation_of, take_of

EDGES = {"a": None, "b": "a", "c": "b", "d": "a", "alone": None, "e": "gone", "f": "e"}


def test_each_is_followed_by_what_was_made_from_it() -> None:
    assert [(one.id, one.parent, one.depth) for one in in_order(EDGES, "a")] == [
        ("a", None, 0),
        ("b", "a", 1),
        ("c", "b", 2),
        ("d", "a", 1),
    ]


def test_a_family_whose_first_was_deleted_begins_with_the_next() -> None:
    assert [root_of(EDGES, pk) for pk in ("c", "d", "alone", "f")] == ["a", "a", "alone", "e"]
    assert roots(EDGES) == ["e", "a"]


def test_a_circle_ends() -> None:
    circle = {"a": "b", "b": "a"}
    assert {one.id for one in in_order(circle, "a")} == {"a", "b"}
    assert root_of(circle, "a") in circle


@pytest.fixture
def me() -> Person:
    return owner()


def made_from(person: Person, parent: Generation | None, title: str, **brief: Any) -> Generation:
    made = generation_of(person.artist, title=title, parent=parent, status=Generation.READY)
    made.brief = {**made.brief, **brief}
    made.save()
    take_of(person.artist, generation=made, title=title)
    return made


def family(person: Person) -> list[Generation]:
    first = made_from(person, None, "First")
    second = made_from(person, first, "Second", bpm=150.0, energy=0.7)
    third = made_from(person, second, "Third", edit={"take_id": "x", "kind": "replace", "layer": "drums"})
    return [first, second, third, made_from(person, first, "Fourth")]


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.django_db
def test_the_family_stands_on_the_page_of_each_member_and_in_the_history(me: Person) -> None:
    members = family(me)
    for member in members:
        page = me.page.get(member.get_absolute_url()).content.decode()
        assert page.count('aria-current="page">' + member.title) == 1
        found = re.findall(r'class="at-(\d)[^"]*">\s*<p class="ends"><a [^>]*>(\w+)</a>', page)
        assert found == [("0", "First"), ("1", "Second"), ("2", "Third"), ("1", "Fourth")]
        text = text_of(page)
        assert "Made from First: BPM 140 to 150, energy 0.6 to 0.7" in text
        assert "Made from Second: Edit: replace, drums" in text
        assert "Made from First: The same request once more" in text
    whole = text_of(me.page.get("/history/families/").content.decode())
    assert "4 members" in whole and "Made from Second" in whole


@pytest.mark.django_db
def test_who_stands_alone_has_no_family(me: Person) -> None:
    alone = made_from(me, None, "Alone")
    assert 'id="family"' not in me.page.get(alone.get_absolute_url()).content.decode()
    family(collaborator())
    assert "No families yet" in me.page.get("/history/families/").content.decode()


@pytest.mark.django_db
def test_a_large_family_asks_the_database_no_more_often(me: Person) -> None:
    members, client = family(me), me.page

    def queries(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as caught:
            assert client.get(address).status_code == 200
        return len(caught)

    addresses = (members[0].get_absolute_url(), "/history/families/")
    few = [queries(address) for address in addresses]
    parent = members[-1]
    for number in range(12):
        parent = made_from(me, parent, f"More {number}")
    family(me)
    assert [queries(address) for address in addresses] == few
    assert 'class="at-6' in client.get(addresses[0]).content.decode()
