"""Editing and making again on the page of a take, as a browser without JavaScript does it."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest
from django.urls import reverse

from catalog.models import Track
from generation import lifecycle
from generation.models import GeneratedTrack, Generation, Restoration
from tests.generation.finished import finished
from tests.people import Person, collaborator, owner, stranger
from tests.rows import catalog_of, generation_of, give_stems, take_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def me(stand_in: str) -> Person:
    person = owner()
    catalog_of(person.artist, 12)
    return person


def address(take: GeneratedTrack, what: str = "edit") -> str:
    return reverse(f"generation:{what}", args=[take.generation_id, take.number])


def text_of(person: Person, generation: Generation) -> str:
    page = person.page.get(generation.get_absolute_url()).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def edited(person: Person, take: GeneratedTrack, **fields: Any) -> Generation:
    answer = person.page.post(address(take), {"press": "0", **fields})
    child = Generation.objects.get(parent=take.generation)
    assert answer.status_code == 302 and answer.headers["Location"] == child.get_absolute_url()
    return child


@pytest.mark.parametrize(
    ("fields", "edit", "title"),
    [
        (
            {"kind": "section", "section": "3", "bars": "4"},
            {"kind": "section", "section": 3},
            "new second drop",
        ),
        (
            {"kind": "longer", "section": "2", "bars": "8"},
            {"kind": "longer", "section": 2, "bars": 8},
            "longer break",
        ),
        ({"replace": "bass", "layers": ["kick"]}, {"kind": "replace", "layer": "bass"}, "different bass"),
        (
            {"kind": "mute", "layers": ["kick", "lead"]},
            {"kind": "mute", "layers": ["kick", "lead"]},
            "without kick and lead",
        ),
        ({"kind": "energy", "energy": "0.8"}, {"kind": "energy"}, "more energetic"),
        ({"kind": "tempo", "bpm": "190"}, {"kind": "tempo"}, "190 BPM"),
        ({"kind": "extend", "bars": "8"}, {"kind": "extend", "bars": 8}, "8 bars longer"),
        (
            {"kind": "crop", "first": "2", "last": "13"},
            {"kind": "crop", "first_bar": 1, "end_bar": 13},
            "bars 2-13",
        ),
        ({"kind": "words", "words": "Another break"}, {"kind": "section", "section": 2}, "new break"),
        ({"words": "calmer"}, {"kind": "energy"}, "calmer"),
    ],
)
def test_every_button_makes_the_edit_it_says(
    me: Person, fields: dict[str, Any], edit: dict[str, Any], title: str
) -> None:
    take = finished(me.artist)
    child = edited(me, take, **fields)
    said = {name: value for name, value in child.brief["edit"].items() if value not in (None, [])}
    assert said == edit | {"take_id": take.pk}
    assert child.title == f"{take.generation.title}, {title}"
    assert child.brief["energy"] == pytest.approx(
        {"more energetic": 0.8, "calmer": 0.4}.get(title, take.generation.brief["energy"])
    )


def test_two_presses_on_one_page_are_one_edit_and_another_button_is_another(me: Person) -> None:
    take = finished(me.artist)
    page = me.page.get(take.generation.get_absolute_url()).content.decode()
    (press,) = set(re.findall(r'name="press" value="(\d+)"', page))
    for _ in range(2):
        me.page.post(address(take), {"press": press, "kind": "extend", "bars": "8"})
    assert take.generation.variations.count() == 1
    me.page.post(address(take), {"press": press, "kind": "extend", "bars": "16"})
    assert take.generation.variations.count() == 2
    me.page.post(address(take), {"press": "2", "kind": "extend", "bars": "8"})
    assert take.generation.variations.count() == 3


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "shorter", "section": "0", "bars": "4"}, "The intro has 2 bars"),
        ({"kind": "section"}, "Say which section"),
        ({"kind": "energy", "energy": "7"}, "Energy: "),
        ({"kind": "energy", "energy": ""}, "Say the new energy"),
        ({"kind": "mute"}, "Name layers of this take: kick, drums, bass, harmony and lead."),
        ({"kind": "words", "words": "make it pop"}, "not a change that is understood"),
        ({"kind": "louder"}, "louder"),
    ],
)
def test_what_cannot_be_is_said_on_the_page_and_to_its_script(
    me: Person, fields: dict[str, Any], sentence: str
) -> None:
    take = finished(me.artist)
    page = me.page.post(address(take), fields, follow=True)
    assert page.status_code == 200 and sentence in page.content.decode()
    answer = me.page.post(address(take), fields, headers={"accept": "application/json"})
    assert answer.status_code == 422 and sentence in answer.json()["detail"]
    assert not take.generation.variations.exists()


def test_a_script_gets_the_address_of_the_child(me: Person) -> None:
    take = finished(me.artist)
    answer = me.page.post(address(take), {"kind": "extend"}, headers={"accept": "application/json"})
    assert answer.status_code == 201
    assert answer.json()["url"] == take.generation.variations.get().get_absolute_url()


def test_a_nul_in_an_edit_is_a_bad_request(me: Person) -> None:
    take = finished(me.artist)
    assert me.page.post(address(take), {"kind": "words", "words": "calm\0er"}).status_code == 400


def test_the_page_offers_what_the_take_has(me: Person) -> None:
    take = finished(me.artist)
    page = me.page.get(take.generation.get_absolute_url()).content.decode()
    assert re.findall(r'colspan="(\d+)"><label', page) == ["2", "4", "2", "4", "2"]
    assert re.findall(r'name="replace" value="(\w+)"', page) == ["kick", "drums", "bass", "harmony", "lead"]
    text = text_of(me, take.generation)
    for words in (
        "Edit this take",
        "Why this one",
        "Of 2 plans this one is nearest to your catalog.",
        "Its bass is thinner.",
        "64.0%",
        "The rest stays the same to the sample",
    ):
        assert words in text


def test_a_take_that_cannot_be_edited_says_why_and_can_still_be_heard_layer_by_layer(me: Person) -> None:
    take = take_of(me.artist, plan={"version": 1}, engine="gone")
    give_stems(take)
    page = me.page.get(take.generation.get_absolute_url()).content.decode()
    assert "is not installed here, so it cannot be edited" in page
    assert "data-mixer" in page and 'name="replace"' not in page and 'value="mute"' not in page
    assert "More energetic" in page  # of the request


def test_a_child_says_what_changed_beside_its_parent(me: Person) -> None:
    parent = finished(me.artist)
    generation, _ = lifecycle.vary(parent.generation, "longer break")
    Generation.objects.filter(pk=generation.pk).update(status="ready")
    plan = parent.plan | {"changes": ["The break has 6 bars now."]}
    take_of(
        me.artist,
        generation=generation,
        plan=plan,
        sections=parent.sections,
        similarity_score=0.91,
        measured={"bpm": 181.0, "energy": 0.7},
        duration=24.0,
    )
    page = me.page.get(generation.get_absolute_url()).content.decode()
    text = text_of(me, generation)
    assert f'an edit of <a href="{parent.get_absolute_url()}">' in page
    assert "What changed" in text and "The break has 6 bars now." in text
    assert "Before 87.0% 180.0 .58 0:19" in text and "After 91.0% 181.0 .70 0:24" in text
    lifecycle.delete(parent.generation)
    assert "The break has 6 bars now." in text_of(me, generation)


# --- a take whose files are gone ------------------------------------------------------------------------


def gone(me: Person) -> GeneratedTrack:
    take = finished(me.artist)
    shutil.rmtree(take.folder)
    return take


def test_a_take_without_its_audio_offers_to_be_made_again_instead_of_a_player(me: Person) -> None:
    take = gone(me)
    page = me.page.get(take.generation.get_absolute_url()).content.decode()
    assert "The audio of this take is no longer here" in page and "Make It Again" in page
    assert "format=wav" not in page and "Add to Library" not in page
    assert f'data-play="/api/generated-tracks/{take.pk}' not in page
    for other in ("/history/", "/generate/"):
        listed = me.page.get(other).content.decode()
        assert "Audio gone" in listed and f'data-play="/api/generated-tracks/{take.pk}' not in listed


def test_making_it_again_is_followed_and_its_end_is_said(me: Person) -> None:
    take = gone(me)
    for _ in range(2):
        assert me.page.post(address(take, "restore")).status_code == 302
    row = Restoration.objects.get()
    page = me.page.get(take.generation.get_absolute_url()).content.decode()
    assert "Waiting to be made again" in page and 'http-equiv="refresh"' in page
    Restoration.objects.update(status="failed", error="The disk is full.")
    assert "The disk is full." in text_of(me, take.generation) and "Try Again" in text_of(me, take.generation)
    Restoration.objects.update(error="It is not the same to the sample.", found_sha256="cd" * 32)
    text = text_of(me, take.generation)
    assert "not the same to the sample" in text and "Make a New Take" in text and "cdcdcd…cdcdcd" in text
    me.page.post(address(take, "remake"), {"request_key": "once"})
    child = take.generation.variations.get()
    assert child.params["replay_of"] == take.pk
    assert "made again from" in me.page.get(child.get_absolute_url()).content.decode()
    row.refresh_from_db()


def test_the_end_of_it_is_said_with_the_hash(me: Person) -> None:
    take = finished(me.artist, stems=[])
    Restoration.objects.create(
        take=take, status="ready", found_sha256=take.render_sha256, finished_at=take.created_at
    )
    text = text_of(me, take.generation)
    assert "Made again on" in text and ", identical (SHA-256 abab…abab)" in text


def test_a_withdrawn_source_is_named_instead_of_a_button(me: Person) -> None:
    take = gone(me)
    source = Track.objects.get(pk=take.plan["layers"]["kick"])
    source.delete()
    text = text_of(me, take.generation)
    assert f"“{source.title}” is no longer among your recordings" in text and "Make It Again" not in text
    page = me.page.post(address(take, "restore"), follow=True).content.decode()
    assert "is no longer among your recordings" in page


@pytest.mark.parametrize("name", ["edit", "restore", "remake"])
def test_a_take_of_somebody_else_is_not_there(me: Person, name: str) -> None:
    take = finished(me.artist)
    assert collaborator().page.post(address(take, name)).status_code == 404
    assert stranger().get(address(take, name)).status_code == 302


def test_the_generation_that_never_had_a_take_offers_no_edit(me: Person) -> None:
    failed = generation_of(me.artist, status=Generation.FAILED, error="No luck.")
    assert "Edit this take" not in text_of(me, failed)
