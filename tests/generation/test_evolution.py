"""The evolution as a page, as files and over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import DNASnapshot
from generation.evolution import reading
from generation.models import Adapter, EvolutionNote, GeneratedTrack
from tests.catalog.test_api_problems import problem
from tests.people import Person, collaborator, owner
from tests.rows import catalog_of, measured, ready_track, take_of

pytestmark = pytest.mark.django_db

PAGE, API = "/history/evolution/", "/api/evolution/"


@pytest.fixture
def me() -> Person:
    return owner()


def takes(person: Person, count: int, *, away: float = 0.0, later: int = 0) -> list[GeneratedTrack]:
    """Takes, a day apart, around the tracks of `catalog_of`, or `away` from them."""
    made = []
    begin = timezone.now() - timedelta(days=60 - later)
    for number in range(count):
        chance = np.random.default_rng(100 + number)
        vector = measured().vector + 0.05 * chance.standard_normal(242)
        vector = vector + away * np.random.default_rng(1).standard_normal(242)
        kept = vector.astype("<f4").tobytes()
        made.append(take_of(person.artist, vector=kept, created_at=begin + timedelta(days=number)))
    return made


def test_the_page_says_what_is_seen_and_draws_it(me: Person) -> None:
    catalog_of(me.artist, 12)
    takes(me, 10)
    page = me.page.get(PAGE)
    text = page.content.decode()
    assert page.context["drift"].verdict == "within" and "have not drifted" in text
    assert text.count('class="picture drift') == 2 and "First take" in text
    takes(me, 8, away=0.13, later=20)
    moved = me.page.get(PAGE)
    assert moved.context["drift"].verdict == "moved" and "have drifted" in moved.content.decode()


@pytest.mark.parametrize(
    ("tracks", "made", "words"), [(3, 2, "3 are ready"), (12, 0, "none is"), (12, 2, "2 are")]
)
def test_with_too_little_the_page_says_what_is_missing(
    me: Person, tracks: int, made: int, words: str
) -> None:
    catalog_of(me.artist, tracks)
    takes(me, made)
    page = me.page.get(PAGE).content.decode()
    assert words in page
    assert ("Download" in page) == (tracks == 12 and made > 0)
    assert me.page.get(PAGE + "drift.png").status_code == (200 if "Download" in page else 404)


def test_the_api_answers_every_figure_of_the_page(me: Person) -> None:
    catalog_of(me.artist, 12)
    made = takes(me, 9)
    body = me.api.get(API).json()
    assert (body["finding"], body["tracks"], body["takes"], body["window"]) == ("within", 12, 9, 8)
    assert [point["take"] for point in body["series"]] == [take.pk for take in made]
    assert [point["window"] is None for point in body["series"]] == [True] * 7 + [False] * 2
    assert body["drift"] == body["series"][-1]["window"] <= body["null95"]
    assert len(body["differences"]) == 5 and body["background_version"]


def test_the_picture_is_downloaded_as_svg_and_as_png(me: Person) -> None:
    catalog_of(me.artist, 12)
    takes(me, 9)
    for kind, start in (("svg", b"<svg "), ("png", b"\x89PNG")):
        answer = me.page.get(f"{PAGE}drift.{kind}")
        assert answer.content.startswith(start)
        assert answer["Content-Disposition"] == f'attachment; filename="drift.{kind}"'
    assert me.page.get(f"{PAGE}drift.pdf").status_code == 404


def test_moments_come_by_themselves(me: Person) -> None:
    catalog_of(me.artist, 12)
    first, *_ = takes(me, 9)
    Adapter.objects.create(
        artist=me.artist,
        name="Night",
        base="x",
        status="ready",
        finished_at=first.created_at + timedelta(days=4),
    )
    Adapter.objects.create(artist=me.artist, name="Not yet", base="x")
    row = DNASnapshot.objects.get(artist=me.artist)
    for days, count in ((1, 14), (1, 20), (3, 20), (5, 31), (8, 30)):
        DNASnapshot.objects.create(
            id=f"dna_{days}_{count}",
            artist=me.artist,
            inputs_digest=f"{days}:{count}",
            catalog_hash=row.catalog_hash,
            track_count=count,
            document=row.document,
            created_at=first.created_at + timedelta(days=days, hours=count / 10),
        )
    row.created_at = first.created_at - timedelta(days=2)
    row.save()
    assert [one.words for one in reading.evolution(me.artist).moments] == [
        "First take",
        "Library grew from 12 to 20 tracks",
        "Adapter “Night” trained",
        "Library grew from 20 to 31 tracks",
    ]


def test_an_artist_marks_a_moment_removes_it_and_has_it_back(me: Person) -> None:
    catalog_of(me.artist, 12)
    takes(me, 3)
    marked = me.page.post(
        PAGE + "notes/", {"on": "2026-03-01", "text": "New <synth>"}, follow=True
    ).content.decode()
    assert "Saved." in marked and "New &lt;synth&gt;" in marked
    mark = EvolutionNote.objects.get()
    gone = me.page.post(f"{PAGE}notes/{mark.pk}/remove/", follow=True).content.decode()
    assert not EvolutionNote.objects.exists()
    assert 'value="New &lt;synth&gt;"' in gone and 'value="2026-03-01"' in gone
    refused = me.page.post(PAGE + "notes/", {"on": "soon", "text": "x"}, follow=True).content.decode()
    assert "Nothing was marked." in refused and not EvolutionNote.objects.exists()


def post(person: Person, body: dict[str, Any]) -> Any:
    return person.api.post(API + "notes/", body, content_type="application/json")


def test_marks_over_http_are_the_artists_alone(me: Person) -> None:
    made = post(me, {"on": "2026-03-01", "text": "New synth"})
    assert made.status_code == 201
    assert me.api.get(API + "notes/").json() == [
        {"id": made.json()["id"], "on": "2026-03-01", "text": "New synth"}
    ]
    problem(post(me, {"on": "1 March", "text": "x"}), 400)
    problem(post(me, {"on": "2026-03-01", "text": ""}), 400)
    other = collaborator()
    assert other.api.get(API + "notes/").json() == [] and other.api.get(API).json()["moments"] == []
    assert other.page.post(f"{PAGE}notes/{made.json()['id']}/remove/").status_code == 404
    assert me.api.delete(f"{API}notes/{made.json()['id']}/").status_code == 204


def test_takes_without_a_vector_are_left_out_unless_they_are_in_the_library(me: Person) -> None:
    catalog_of(me.artist, 12)
    takes(me, 2)
    take_of(me.artist, library_track=ready_track(me.artist, "Home", origin="generated"))
    bare = take_of(me.artist)
    found = reading.evolution(me.artist)
    assert (len(found.takes), found.unmeasured, found.drift.tracks) == (3, 1, 12)
    assert "1 earlier take is left out" in " ".join(me.page.get(PAGE).content.decode().split())
    call_command("measure_takes", verbosity=0)
    bare.refresh_from_db()
    assert len(np.frombuffer(bytes(bare.vector), "<f4")) == 242
    assert reading.evolution(me.artist).unmeasured == 0


def test_many_takes_ask_the_database_as_often_as_few(me: Person) -> None:
    catalog_of(me.artist, 12)
    client = me.page

    def queries() -> int:
        client.get(PAGE)
        with CaptureQueriesContext(connection) as caught:
            client.get(PAGE)
        return len(caught)

    takes(me, 8)
    few = queries()
    takes(me, 8, away=0.1)
    catalog_of(collaborator().artist, 3)
    assert queries() == few
