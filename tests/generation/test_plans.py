"""Plans: what each includes, what counts, and how an artist is told where it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from pytest_django import Settings

from catalog.accounts import create_artist
from catalog.models import Artist, Track
from generation import allowance, lifecycle, usage
from generation.models import GeneratedTrack, Generation
from tests.catalog.test_api_problems import problem
from tests.people import PASSWORD, Person, owner
from tests.rows import catalog_of, generation_of, give_stems, loop_bytes, take_of

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


def filled(person: Person, *, beyond: int = 0) -> None:
    """So much that the plan's storage is just full."""
    most, take = allowance.of(person.artist).storage or 0, take_of(person.artist)
    take.size_bytes = most - usage.stored(person.artist) + beyond
    take.save(update_fields=["size_bytes"])


def test_a_full_storage_takes_nothing_in_and_makes_nothing_and_says_what_to_do() -> None:
    person = free()
    catalog_of(person.artist)
    filled(person)
    body = problem(ask(person), 429)
    assert (
        body["type"].endswith(":plan-limit")
        and "includes 5 GB of storage, and 5 GB are used" in body["detail"]
    )
    assert "Delete tracks, takes or adapters" in body["detail"] and not Generation.objects.filter(
        status="queued"
    )
    before = Track.objects.count()
    upload = {"file": SimpleUploadedFile("new.wav", loop_bytes(seed=71))}
    assert "5 GB of storage" in problem(person.api.post("/api/tracks/", upload), 429)["detail"]
    upload = {"files": SimpleUploadedFile("new.wav", loop_bytes(seed=71)), "rights": "1"}
    page = person.page.post("/catalog/", upload)
    assert "5 GB of storage" in page.content.decode()
    take = GeneratedTrack.objects.get()
    answer = person.api.post(f"/api/generated-tracks/{take.pk}/add-to-library/")
    assert "5 GB of storage" in problem(answer, 429)["detail"]
    assert Track.objects.count() == before
    assert not [one for one in (Path(settings.MEDIA_ROOT) / "tracks").iterdir() if "new" in one.name]


def test_one_more_file_is_refused_only_where_it_does_not_fit() -> None:
    person = free()
    size = len(loop_bytes(seed=71))
    filled(person, beyond=-size)
    files = [SimpleUploadedFile(f"{seed}.wav", loop_bytes(seed=seed)) for seed in (71, 72)]
    answers = [person.api.post("/api/tracks/", {"file": one}).status_code for one in files]
    assert answers == [201, 429]
    GeneratedTrack.objects.all().delete()
    assert (
        person.api.post(
            "/api/tracks/", {"file": SimpleUploadedFile("3.wav", loop_bytes(seed=73))}
        ).status_code
        == 201
    )


def test_usage_says_how_much_of_the_storage_is_used() -> None:
    person = free()
    filled(person, beyond=-allowance.GB)
    said = person.api.get("/api/usage/").json()
    assert (said["stored"], said["most_storage"], said["keep_days"]) == (
        4 * allowance.GB,
        5 * allowance.GB,
        7,
    )
    page = person.page.get("/account/").content.decode()
    assert "4.0\xa0GB of 5.0\xa0GB" in page and "7 days, or pinned" in page
