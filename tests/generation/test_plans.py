"""Plans: what each includes, what counts, and how an artist is told where it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from catalog.accounts import create_artist
from catalog.models import Artist
from generation import lifecycle, usage
from generation.models import Generation
from tests.catalog.test_api_problems import problem
from tests.people import PASSWORD, Person, owner
from tests.rows import catalog_of, generation_of, give_stems, take_of

pytestmark = pytest.mark.django_db


def free() -> Person:
    person = owner()
    Artist.objects.update(plan=Artist.Plan.FREE)
    person.artist.refresh_from_db()
    return person


def ask(person: Person, **fields: Any) -> Any:
    return person.api.post("/api/generate/music", {"prompt": "dub"} | fields, content_type="application/json")


def test_the_fourth_generation_of_a_month_is_refused_with_what_to_do() -> None:
    person = free()
    catalog_of(person.artist)
    assert [ask(person).status_code for _ in range(3)] == [202] * 3
    answer = ask(person)
    body = problem(answer, 429)
    assert body["type"].endswith(":plan-limit") and int(answer.headers["Retry-After"]) > 0
    assert body["until"] == usage.month()[1].isoformat()
    assert "includes 3 generations a month" in body["detail"] and "cancel one" in body["detail"]
    page = person.page.post("/generate/", {"prompt": "dub", "takes": "1", "engine": "mosaic"})
    assert page.status_code == 429 and "includes 3 generations a month" in page.content.decode()
    assert Generation.objects.count() == 3


def test_failures_and_cancels_are_not_counted_and_what_was_made_stays_counted() -> None:
    person = free()
    made = [
        generation_of(person.artist, status=status) for status in ("ready", "failed", "cancelled", "queued")
    ]
    assert usage.generations(person.artist) == 2
    for one in made:
        lifecycle.delete(one)
    assert usage.generations(person.artist) == 1


def test_trying_again_is_counted_too() -> None:
    person = free()
    failed = generation_of(person.artist, status=Generation.FAILED)
    for _ in range(3):
        generation_of(person.artist, status=Generation.READY)
    with pytest.raises(lifecycle.PlanForbids):
        lifecycle.retry(failed)
    failed.refresh_from_db()
    assert failed.status == Generation.FAILED


def test_a_month_begins_anew_also_after_december() -> None:
    first, following = usage.month(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert (first.month, following) == (12, datetime(2027, 1, 1, tzinfo=UTC))
    person = free()
    generation_of(person.artist, status=Generation.READY, queued_at=datetime(2026, 2, 3, tzinfo=UTC))
    assert usage.generations(person.artist, datetime(2026, 2, 28, tzinfo=UTC)) == 1
    assert usage.generations(person.artist, datetime(2026, 3, 1, tzinfo=UTC)) == 0


@pytest.mark.django_db(transaction=True)
def test_many_requests_at_once_get_no_more_than_the_plan_includes() -> None:
    person = free()
    catalog_of(person.artist)

    def one(_: int) -> int:
        try:
            return int(ask(person).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(one, range(6)))
    assert answers == [202] * 3 + [429] * 3
    assert usage.generations(person.artist) == 3


def test_free_has_no_references_one_format_and_no_stems() -> None:
    person = free()
    tracks = catalog_of(person.artist)
    assert "reference tracks" in problem(ask(person, reference_tracks=[tracks[0].pk]), 429)["detail"]
    take = take_of(person.artist)
    give_stems(take)
    audio = f"/api/generated-tracks/{take.pk}/audio/?format="
    assert [person.api.get(audio + kind).status_code for kind in ("preview", "mp3")] == [200, 200]
    assert [person.api.get(audio + kind).status_code for kind in ("wav", "flac")] == [429, 429]
    for part in ("stems/", "stems/drums/", "dawproject/", "reaper/"):
        assert problem(person.api.get(f"/api/generated-tracks/{take.pk}/{part}"), 429)["type"].endswith(
            "plan-limit"
        )
    page = person.page.get(take.generation.get_absolute_url()).content.decode()
    assert "format=mp3" in page and "format=wav" not in page and "DAWproject" not in page


def test_a_self_hosted_installation_has_no_limits(settings: Settings) -> None:
    assert settings.STARFORGE_PLAN == "self-hosted"
    person = owner()
    catalog_of(person.artist)
    assert [ask(person).status_code for _ in range(4)] == [202] * 4
    settings.STARFORGE_PLAN = "free"
    assert create_artist(username="hosted", password=PASSWORD).plan == "free"


def test_the_account_page_and_the_api_say_what_is_used() -> None:
    person = free()
    generation_of(person.artist, status=Generation.READY)
    take_of(person.artist, size_bytes=3 * 2**20)
    body = person.api.get("/api/usage/").json()
    assert (body["plan"], body["generations"], body["most_generations"]) == ("free", 2, 3)
    kept = {one["kind"]: one["size_bytes"] for one in body["storage"]}
    assert kept["Takes with their stems"] == 3 * 2**20 and kept["Recordings"] > 0
    page = person.page.get("/account/").content.decode()
    assert "2 of 3" in page and "3.0\xa0MB" in page


def test_staff_upgrade_an_artist(admin_client: Any) -> None:
    person = free()
    asked = {"action": "to_elite", "_selected_action": [person.artist.pk]}
    answer = admin_client.post("/admin/catalog/artist/", asked, follow=True)
    assert "now on the plan Elite" in answer.content.decode()
    person.artist.refresh_from_db()
    assert person.artist.plan == "elite"
