"""Takes beside each other."""

from __future__ import annotations

import re

import pytest

from generation.parameters import Parameter, compared
from tests.people import Person, collaborator, owner
from tests.rows import generation_of, take_of


def test_only_what_differs_is_marked_and_what_nobody_has_is_left_out() -> None:
    one = [
        Parameter("Asked", "BPM", "140"),
        Parameter("Asked", "Key", "F minor"),
        Parameter("Asked", "Edit", ""),
    ]
    other = [
        Parameter("Asked", "BPM", "140"),
        Parameter("Asked", "Key", ""),
        Parameter("Match", "Rhythm", "90.0%"),
    ]
    found = compared([one, other])
    assert [(name, [(row.label, row.values, row.differs) for row in rows]) for name, rows in found] == [
        ("Asked", [("BPM", ("140", "140"), False), ("Key", ("F minor", ""), True)]),
        ("Match", [("Rhythm", ("", "90.0%"), True)]),
    ]


@pytest.fixture
def me() -> Person:
    return owner()


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.django_db
def test_two_takes_stand_beside_each_other_and_can_be_ticked_in_the_history(me: Person) -> None:
    made = generation_of(me.artist)
    first = take_of(me.artist, generation=made, similarity={"breakdown": {"rhythm": 0.9}})
    second = take_of(
        me.artist,
        generation=made,
        number=2,
        measured={"bpm": 139.0},
        similarity={"breakdown": {"rhythm": 0.5}},
    )
    ids = [first.pk, second.pk]
    answer = me.page.post("/history/change/", {"do": "compare", "take": ids}, follow=True)
    text = text_of(answer.content.decode())
    assert "BPM differs 140.0 139.0" in text and "Rhythm differs 90.0% 50.0%" in text
    assert "Energy .60 .60" in text
    only = text_of(me.page.get("/history/compare/", {"take": ids, "only": "1"}).content.decode())
    assert "Rhythm differs" in only and "Energy .60" not in only
    assert f"take={first.pk}" in me.page.get(made.get_absolute_url()).content.decode()


@pytest.mark.django_db
def test_what_is_picked_is_a_favourite_and_the_others_can_go(me: Person) -> None:
    first, second = take_of(me.artist), take_of(me.artist, number=2)
    answer = me.page.post("/history/pick/", {"pick": second.pk, "take": [first.pk, second.pk]}, follow=True)
    page = answer.content.decode()
    second.refresh_from_db()
    assert second.favourite and "Delete the Other" in page
    form = page[page.index("Delete the Other") - 600 : page.index("Delete the Other")]
    assert first.pk in form and f'name="take" value="{second.pk}"' not in form


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("count", "status", "words"), [(0, 200, "Tick two"), (1, 422, "One take"), (5, 422, "too many")]
)
def test_too_few_or_too_many_are_answered_with_what_to_do(
    me: Person, count: int, status: int, words: str
) -> None:
    takes = [take_of(me.artist).pk for _ in range(count)]
    answer = me.page.get("/history/compare/", {"take": takes})
    assert answer.status_code == status and words in answer.content.decode()


@pytest.mark.django_db
def test_takes_of_somebody_else_are_not_there(me: Person) -> None:
    mine, theirs = take_of(me.artist), take_of(collaborator().artist)
    answer = me.page.get("/history/compare/", {"take": [mine.pk, theirs.pk]})
    assert answer.status_code == 422 and theirs.pk not in answer.content.decode()
    assert me.page.post("/history/pick/", {"pick": theirs.pk, "take": [theirs.pk]}).status_code == 404
