"""Curation of what was made: staff follow, stop, retry and listen."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import Artist
from generation import consents
from generation.models import Adapter, AdapterSource, GeneratedTrack, Generation
from tests.people import owner, person
from tests.rows import generation_of, loop_bytes, take_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("curator", password="a-long-enough-phrase-42"))
    return client


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    large = ['"generated_tracks"."plan"', '"built_from"', '"generation_generation"."brief"']
    for query in seen:
        assert not any(column in query["sql"] for column in large), query["sql"]
    return len(seen)


@pytest.mark.parametrize("name", ["generation", "generatedtrack"])
def test_a_list_of_twelve_asks_no_more_than_a_list_of_three(staff: Client, name: str) -> None:
    url = f"/admin/generation/{name}/"
    for number in range(3):
        take_of(person(f"artist-{number}").artist)
    queries(staff, url)
    few = queries(staff, url)
    for number in range(3, 12):
        take_of(person(f"artist-{number}").artist)
    assert queries(staff, url) == few <= 14


def test_generations_show_their_state_and_best_match(staff: Client) -> None:
    artist = owner().artist
    take = take_of(artist)
    take_of(artist, generation=take.generation, number=2, similarity_score=0.91)
    generation_of(artist, status=Generation.FAILED, error="The disk is full.")
    page = staff.get("/admin/generation/generation/").content.decode()
    assert "91.0%" in page and "failed: The disk is full." in page
    assert staff.get("/admin/generation/generation/?status__exact=failed&q=untitled").status_code == 200


def test_one_generation_shows_its_takes_with_players(staff: Client) -> None:
    take = take_of(owner().artist)
    page = staff.get(f"/admin/generation/generation/{take.generation_id}/change/").content.decode()
    assert f'src="/admin/generation/generatedtrack/{take.pk}/audio/"' in page
    assert 'name="_save"' not in page


def act(staff: Client, action: str, *chosen: Generation) -> str:
    ids = [one.pk for one in chosen]
    data = {"action": action, "_selected_action": ids}
    return staff.post("/admin/generation/generation/", data, follow=True).content.decode()


def test_generations_can_be_cancelled_and_tried_again(staff: Client) -> None:
    artist = owner().artist
    waiting, ready = generation_of(artist), generation_of(artist, status=Generation.READY)
    assert "Being stopped: 1 generation. Left as they are: 1." in act(staff, "cancel", waiting, ready)
    waiting.refresh_from_db()
    assert waiting.status == Generation.CANCELLED
    assert "Queued again: 1 generation." in act(staff, "try_again", waiting)
    waiting.refresh_from_db()
    assert waiting.status == Generation.QUEUED


def test_who_may_only_look_cannot_steer() -> None:
    from django.contrib.auth.models import Permission

    user = User.objects.create_user("looks", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_generation"))
    client = Client()
    client.force_login(user)
    generation = generation_of(owner().artist)
    assert "Cancel the selected" not in client.get("/admin/generation/generation/").content.decode()
    act(client, "cancel", generation)
    generation.refresh_from_db()
    assert generation.status == Generation.QUEUED


@pytest.mark.parametrize("how", ["page", "list"])
def test_a_deleted_generation_goes_with_takes_and_files(staff: Client, how: str) -> None:
    take = take_of(owner().artist)
    folder, pk = take.folder, take.generation_id
    if how == "page":
        response = staff.post(f"/admin/generation/generation/{pk}/delete/", {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
        response = staff.post("/admin/generation/generation/", chosen)
    assert response.status_code == 302, response.content.decode()
    assert not Generation.objects.exists() and not GeneratedTrack.objects.exists()
    assert not folder.exists()


def test_a_take_can_be_read_and_heard_and_not_edited(staff: Client) -> None:
    artist = owner()
    take = take_of(artist.artist)
    url = f"/admin/generation/generatedtrack/{take.pk}"
    page = staff.get(f"{url}/change/").content.decode()
    assert 'name="_save"' not in page and "deletelink" not in page
    assert staff.post(f"{url}/change/", {"title": "Mine"}).status_code == 403
    response = staff.get(f"{url}/audio/")
    assert response.headers["Content-Type"] == "audio/mpeg"
    assert b"".join(response.streaming_content) == loop_bytes(99, "mp3")
    assert artist.page.get(f"{url}/audio/").status_code == 302


def adapter_of(artist: Artist, **fields: object) -> Adapter:
    """A row as a training leaves it."""
    made = Adapter.objects.create(
        artist=artist, name="Night", base="musicgen-small", recipe={"steps": 8}, **fields
    )
    AdapterSource.objects.create(adapter=made, artist=artist, catalog_hash="sha256:00", track_ids=["trk_1"])
    return made


def test_adapters_are_followed_stopped_gone_on_with_and_deleted_whole(
    staff: Client, django_capture_on_commit_callbacks: Any
) -> None:
    artist = owner().artist
    failed = adapter_of(artist, status=Adapter.FAILED, error="The disk is full.", card={"base": "kept"})
    waiting = adapter_of(artist)
    url = "/admin/generation/adapter/"
    page = staff.get(url, {"q": "Night"}).content.decode()
    assert "failed: The disk is full." in page
    one = staff.get(f"{url}{failed.pk}/change/").content.decode()
    assert "is not trained yet" in one and "sha256:00" in one and 'name="_save"' not in one
    assert staff.post(f"{url}{failed.pk}/change/", {"name": "Mine"}).status_code == 403

    def act(action: str, *chosen: Adapter) -> str:
        data = {"action": action, "_selected_action": [row.pk for row in chosen]}
        return staff.post(url, data, follow=True).content.decode()

    assert "Being stopped: 1 adapter. Left as they are: 1." in act("cancel", waiting, failed)
    waiting.refresh_from_db()
    assert waiting.status == Adapter.CANCELLED
    # Nobody trains on what is not theirs, staff neither.
    assert "needs your statement" in act("go_on", failed)
    failed.folder.mkdir(parents=True)
    with django_capture_on_commit_callbacks(execute=True):
        assert staff.post(f"{url}{failed.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not failed.folder.exists() and not Adapter.objects.filter(pk=failed.pk).exists()
    few = queries(staff, url)
    for number in range(8):
        adapter_of(person(f"artist-{number}").artist)
    assert queries(staff, url) == few


def test_a_consent_is_read_and_taken_back_and_never_given_by_staff(staff: Client) -> None:
    artist = owner().artist
    given = consents.give(artist)
    url = "/admin/generation/trainingconsent/"
    page = staff.get(f"{url}{given.pk}/change/").content.decode()
    assert "I can withdraw this at any time" in page and consents.sha256(given) in page
    assert 'name="_save"' not in page
    assert staff.get(f"{url}add/").status_code == 403
    assert staff.post(f"{url}{given.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "withdraw", "_selected_action": [given.pk]}
    assert "Withdrawn: 1 training consent." in staff.post(url, chosen, follow=True).content.decode()
    assert consents.standing(artist) is None
    assert "Left as they are: 1." in staff.post(url, chosen, follow=True).content.decode()
