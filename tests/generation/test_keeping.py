"""What artists say of their takes: by the API, and by the form of the page as a browser without scripts sends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation import keeping
from generation.models import GeneratedTrack, TakeTag
from provenance.models import Certificate
from tests.catalog.test_api_problems import problem
from tests.generation.test_lifecycle import certified
from tests.people import Person, collaborator, owner
from tests.rows import ready_track, take_of


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("late night, For Mara", ["for mara", "late night"]),
        ("#Dub;  dub ,, DUB", ["dub"]),
        ("Ｄｕｂ, dub", ["dub"]),
        ("two\nlines", ["lines", "two"]),
        (" , # ", []),
    ],
)
def test_tags_are_written_one_way(typed: str, kept: list[str]) -> None:
    assert keeping.written(typed) == kept


@pytest.mark.parametrize("typed", ["x" * 31, ",".join(f"tag {number}" for number in range(13))])
def test_too_long_or_too_many_tags_are_refused(typed: str) -> None:
    with pytest.raises(keeping.BadTags):
        keeping.written(typed)


def patch(person: Person, take: GeneratedTrack, body: dict[str, Any]) -> Any:
    return person.api.patch(f"/api/generated-tracks/{take.pk}/", body, content_type="application/json")


@pytest.mark.django_db
def test_what_is_said_of_a_take_is_kept_and_what_is_left_out_stays() -> None:
    me = owner()
    take = take_of(me.artist)
    said = {"favourite": True, "rating": 4, "notes": "the break is\nthe hook", "tags": ["Night", "for mara"]}
    answer = patch(me, take, said)
    assert answer.status_code == 200, answer.content
    assert {name: answer.json()[name] for name in said} == {**said, "tags": ["for mara", "night"]}
    later = patch(me, take, {"tags": ["night"], "title": "Night bus"}).json()
    assert (later["tags"], later["title"], later["rating"], later["favourite"]) == (
        ["night"],
        "Night bus",
        4,
        True,
    )
    assert patch(me, take, {"rating": None}).json()["rating"] is None
    row = me.api.get("/api/generated-tracks/").json()["results"][0]
    assert (row["tags"], row["favourite"]) == (["night"], True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        {"rating": 6},
        {"rating": 0},
        {"rating": "4"},
        {"favourite": 1},
        {"title": ""},
        {"tags": "night"},
        {"tags": ["x" * 31]},
        {"notes": "x" * 5001},
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_changes(body: dict[str, Any]) -> None:
    me = owner()
    take = take_of(me.artist)
    problem(patch(me, take, {"favourite": True, **body}), 400)
    take.refresh_from_db()
    assert not take.favourite and take.rating is None and not TakeTag.objects.exists()


@pytest.mark.django_db
def test_nobody_else_sees_or_changes_it() -> None:
    me, other = owner(), collaborator()
    take = take_of(me.artist)
    problem(patch(other, take, {"favourite": True}), 404)
    problem(other.api.delete(f"/api/generated-tracks/{take.pk}/"), 404)
    address = f"/generations/{take.generation_id}/takes/1/said/"
    assert other.page.post(address, {"title": "Mine", "favourite": "on"}).status_code == 404
    take.refresh_from_db()
    assert (take.favourite, take.title) == (False, "Untitled 01, take 1")


@pytest.mark.django_db
def test_the_form_of_the_page_saves_without_scripts() -> None:
    me = owner()
    take = take_of(me.artist)
    address = f"/generations/{take.generation_id}/takes/1/said/"
    form = {
        "title": "Night bus",
        "favourite": "on",
        "rating": "5",
        "tags": "dub, Late Night",
        "notes": "<b>loud</b>",
    }
    answer = me.page.post(address, form, follow=True)
    text = answer.content.decode()
    assert "Saved." in text and "&lt;b&gt;loud&lt;/b&gt;" in text and 'value="dub, late night"' in text
    take.refresh_from_db()
    assert (take.title, take.favourite, take.rating) == ("Night bus", True, 5)
    me.page.post(address, {"title": "Night bus", "rating": "", "tags": "", "notes": ""})
    take.refresh_from_db()
    assert (take.favourite, take.rating, take.notes, list(take.tags.all())) == (False, None, "", [])
    refused = me.page.post(address, {"title": "Night bus", "tags": "x" * 31}, follow=True).content.decode()
    assert "Nothing was saved." in refused and "longer than 30 characters" in refused


@pytest.mark.django_db
def test_a_deleted_take_leaves_its_request_its_certificate_and_its_track() -> None:
    me = owner()
    track = ready_track(me.artist, "Came home")
    certificate = Certificate.objects.first()
    take = certified(me.artist)
    certificate = take.certificate
    assert certificate is not None
    take.library_track = track
    take.save()
    kept = take_of(me.artist, generation=take.generation, number=2)
    folder: Path = take.folder
    assert me.api.delete(f"/api/generated-tracks/{take.pk}/").status_code == 204
    assert not folder.exists() and kept.folder.exists()
    assert list(take.generation.takes.all()) == [kept]
    track.refresh_from_db()
    assert certificate == Certificate.objects.get(pk=certificate.pk)
    assert me.page.get(certificate.get_absolute_url()).status_code == 200
    assert keeping.delete(me.artist, [kept.pk, "take_of_nobody"]) == 1
    page = me.page.get(take.generation.get_absolute_url()).content.decode()
    assert "The takes of this were deleted" in page
