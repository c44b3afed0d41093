"""The admin's two pages that are no table: the queues, where jobs are steered, and the plan's measures."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from catalog import observed
from catalog.models import Track
from generation.models import Blend, GeneratedTrack, Generation
from starforge_site import success
from tests.people import Person, collaborator, owner
from tests.rows import generation_of, take_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def me() -> Person:
    return owner()


def post(client: Client, kind: str, pk: Any, verb: str) -> str:
    answer = client.post("/admin/queues/", {"kind": kind, "pk": pk, "do": verb}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_queues_show_what_waits_works_and_failed_and_who_works(admin_client: Client, me: Person) -> None:
    waiting = Track.objects.create(artist=me.artist, title="waits", request_id="browser-12345678")
    Track.objects.create(
        artist=me.artist,
        title="failed",
        status=Track.FAILED,
        failure="silent",
        error="There is no sound in it.",
    )
    observed.beat("cpu", also=["gpu"], gpus=[{"name": "H100", "used_mb": 1024, "total_mb": 81559}])
    observed.took("track", "decode", 1.5)
    text = admin_client.get("/admin/queues/").content.decode()
    for words in (waiting.pk, "browser-12345678", "silent: There is no sound in it.", "cpu, gpu"):
        assert words in text
    assert "1,024 of 81,559 MB" in text and "1.50" in text
    assert 'href="/admin/queues/"' in admin_client.get("/admin/").content.decode()


def test_a_job_is_tried_again_or_stopped_from_there_and_that_is_noted(
    admin_client: Client, me: Person
) -> None:
    failed = Track.objects.create(artist=me.artist, title="failed", status=Track.FAILED, error="x")
    assert "Queued again" in post(admin_client, "track", failed.pk, "retry")
    assert Track.objects.get().status == Track.QUEUED
    assert "Left as it is" in post(admin_client, "track", failed.pk, "retry")
    running = generation_of(me.artist, status=Generation.RUNNING)
    assert "Stopped" in post(admin_client, "generation", running.pk, "cancel")
    running.refresh_from_db()
    assert running.cancel_asked
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "track", "pk": "trk_nobody_has", "do": "retry"},
        {"kind": "artist", "pk": "1", "do": "retry"},
        {"kind": "track", "pk": "\0", "do": "cancel"},
        {"kind": "timestamp", "pk": "abc", "do": "retry"},
        {"kind": "timestamp", "pk": "9" * 40, "do": "retry"},
        {},
    ],
)
def test_what_is_not_there_is_not_steered(admin_client: Client, form: dict[str, str]) -> None:
    assert admin_client.post("/admin/queues/", form).status_code == 404


def test_only_who_may_sees_and_steers(client: Client, me: Person) -> None:
    assert client.get("/admin/queues/").status_code == 302
    assert me.page.get("/admin/measures/").status_code == 302
    staff = get_user_model().objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get("/admin/queues/").status_code == 403
    assert client.get("/admin/measures/").status_code == 403


def test_the_queues_cost_the_same_however_much_waits(admin_client: Client, me: Person) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            admin_client.get("/admin/queues/")
        return len(seen)

    before = asked()
    for number in range(40):
        state = (Track.QUEUED, Track.RUNNING, Track.FAILED)[number % 3]
        Track.objects.create(artist=me.artist, title=str(number), status=state, started_at=None)
    assert asked() == before


def test_the_plans_measures_are_counted(admin_client: Client, me: Person) -> None:
    assert {one.value for one in success.read() if one.name.startswith("Takes over")} == {"None yet"}
    first = take_of(me.artist, similarity_score=0.8)
    take_of(me.artist, similarity_score=0.6)
    for _ in range(3):
        generation_of(me.artist, parent=first.generation)
    other = collaborator().artist
    agreed = {
        "inviter": me.artist,
        "invited": other,
        "expires_at": timezone.now(),
        "accepted_at": timezone.now(),
    }
    Blend.objects.create(**agreed, pair="stands")
    Blend.objects.create(**agreed, ended_at=timezone.now())
    both = take_of(me.artist, similarity_score=0.9)  # near a blend of both, which is nobody's catalog
    GeneratedTrack.objects.filter(pk=both.pk).update(blend={"weight": 0.5})
    found = {one.name: one.value for one in success.read()}
    assert found["Takes over 0.75"] == "50.0% (1 of 2)"
    assert found["Regenerations for each track"] == "1.00 (3 for 3)"
    assert found["Artists with an adapter"] == "0.0% (0 of 1)"
    assert (found["Takes of two artists"], found["Pairs of artists who blend"]) == ("1", "1")
    assert found["Anchored tracks"] == "0 of 0"
    text = admin_client.get("/admin/measures/").content.decode()
    assert "50.0% (1 of 2)" in text
