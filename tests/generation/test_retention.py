"""Full audio goes on its day, unless something holds it; nothing is ever half gone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Schedule
from pytest_django import Settings

from catalog.models import Artist
from generation import gallery, retention, sharing, tasks
from generation.models import Exhibit, Export, GeneratedTrack, Generation, Restoration
from provenance.models import ExternalStamp
from tests.generation.stamped import stamped
from tests.people import Person, collaborator, owner
from tests.rows import generation_of, give_stems, ready_track, take_of

pytestmark = pytest.mark.django_db

HERE, GOING, GONE = GeneratedTrack.FullAudio
NOW = timezone.now()


def artist_on(plan: str = Artist.Plan.PRO) -> Artist:
    artist = owner().artist
    artist.plan = plan
    artist.save()
    return artist


def over(artist: Artist, **fields: Any) -> GeneratedTrack:
    """A take whose day was yesterday."""
    take = take_of(artist, full_until=NOW - timedelta(days=1), size_bytes=9_000_000, **fields)
    give_stems(take)
    return take


def names(take: GeneratedTrack) -> set[str]:
    return {str(one.relative_to(take.folder)) for one in take.folder.rglob("*") if one.is_file()}


def test_the_preview_stays_and_the_rest_goes_on_its_day() -> None:
    artist = artist_on()
    take, later = over(artist), take_of(artist, number=2, full_until=NOW + timedelta(hours=1))
    preview = take.file("preview").stat().st_size
    done = retention.purge()
    take.refresh_from_db()
    later.refresh_from_db()
    assert (done.takes, done.failed, done.freed) == (1, 0, 9_000_000 - preview)
    assert names(take) == {"preview.mp3"} and (take.full_audio, take.size_bytes) == (GONE, preview)
    assert later.full_audio == HERE and len(names(later)) == 4
    assert retention.purge() == retention.Purged()


def pinned(take: GeneratedTrack) -> None:
    retention.pin(take, on=True)


def liked(take: GeneratedTrack) -> None:
    GeneratedTrack.objects.filter(pk=take.pk).update(favourite=True)


def in_library(take: GeneratedTrack) -> None:
    track = ready_track(take.generation.artist, "Another", seed=77)
    GeneratedTrack.objects.filter(pk=take.pk).update(library_track=track)


def shown(take: GeneratedTrack) -> None:
    Exhibit.objects.create(take=take)


def shared(take: GeneratedTrack) -> None:
    sharing.share(take, 30)


def edited(take: GeneratedTrack) -> None:
    generation_of(take.generation.artist, parent=take.generation, status=Generation.QUEUED)


def still_made(take: GeneratedTrack) -> None:
    Generation.objects.filter(pk=take.generation_id).update(status=Generation.RUNNING)


def packed(take: GeneratedTrack) -> None:
    Export.objects.create(artist=take.generation.artist, status=Export.RUNNING)


def made_again(take: GeneratedTrack) -> None:
    Restoration.objects.create(take=take, status=Restoration.QUEUED)


HOLDS: list[Callable[[GeneratedTrack], None]] = [
    pinned,
    liked,
    in_library,
    shown,
    shared,
    edited,
    still_made,
    packed,
    made_again,
]


@pytest.mark.parametrize("hold", HOLDS, ids=lambda one: one.__name__)
def test_what_is_referenced_stays_and_has_notice_once_it_is_not(
    hold: Callable[[GeneratedTrack], None],
) -> None:
    take = over(artist_on())
    hold(take)
    assert len(retention.held_by([take.pk])[take.pk]) == 1
    assert retention.purge().takes == 0 and len(names(take)) > 4
    take.refresh_from_db()
    assert take.full_audio == HERE
    assert take.full_until and take.full_until > NOW + retention.RENEW


@pytest.mark.django_db(transaction=True)
def test_a_file_that_waits_to_be_sent_elsewhere_stays(settings: Settings, tmp_path: Path) -> None:
    settings.STARFORGE_DATA = tmp_path
    take = over(artist_on())
    take.certificate = stamped(take.generation.artist, tmp_path / "files")
    take.save(update_fields=["certificate"])
    row = ExternalStamp.objects.create(certificate=take.certificate, authority="plan", base_url="http://o8")
    assert retention.purge().takes == 0
    ExternalStamp.objects.filter(pk=row.pk).update(status=ExternalStamp.READY)
    assert retention.purge(NOW + timedelta(days=4)).takes == 1


def test_what_ended_holds_no_longer() -> None:
    take = over(artist_on())
    link = sharing.share(take, 30)
    sharing.revoke(link)
    Exhibit.objects.create(take=take, taken_down_at=NOW)
    assert retention.held_by([take.pk]) == {take.pk: []}
    gallery.withdraw(take)
    assert retention.purge().takes == 1


def test_a_plan_without_end_keeps_everything_and_a_new_end_comes_with_its_whole_time(
    settings: Settings,
) -> None:
    artist = artist_on(Artist.Plan.SELF_HOSTED)
    take = over(artist)
    assert retention.purge().takes == 0 and retention.until(artist) is None
    take.refresh_from_db()
    assert take.full_until is None
    settings.STARFORGE_KEEP_DAYS = 30
    assert retention.purge().takes == 0
    take.refresh_from_db()
    assert take.full_until and take.full_until - timezone.now() > timedelta(days=29)
    assert retention.purge(NOW + timedelta(days=31)).takes == 1


def test_no_longer_pinned_is_a_whole_period_more() -> None:
    take = over(artist_on())
    retention.pin(take, on=True)
    retention.pin(take, on=False)
    take.refresh_from_db()
    assert take.full_until and take.full_until - timezone.now() > timedelta(days=6)
    assert retention.purge().takes == 0


@pytest.mark.parametrize("stop", [0, 1, 3])
def test_a_purge_that_is_killed_is_ended_by_the_next(monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    class Killed(BaseException):
        pass

    take, count = over(artist_on()), 0
    really = retention._remove

    def killed(found: Path) -> None:
        nonlocal count
        if count == stop:
            raise Killed
        count += 1
        really(found)

    with monkeypatch.context() as patch:
        patch.setattr(retention, "_remove", killed)
        with pytest.raises(Killed):
            retention.purge()
    take.refresh_from_db()
    assert take.full_audio == GOING
    # Pinned in this moment: too late, and it says so by what is there; nothing calls half a take whole.
    retention.pin(take, on=True)
    assert retention.purge().takes == 1
    take.refresh_from_db()
    assert (take.full_audio, names(take)) == (GONE, {"preview.mp3"})


def test_what_cannot_be_removed_is_tried_again_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    artist = artist_on()
    stuck, other = over(artist), over(artist, number=2)
    really = retention._remove

    def refused(found: Path) -> None:
        if stuck.folder in found.parents:
            raise PermissionError(13, "Permission denied")
        really(found)

    with monkeypatch.context() as patch:
        patch.setattr(retention, "_remove", refused)
        done = retention.purge()
    assert (done.takes, done.failed) == (1, 1) and names(other) == {"preview.mp3"}
    assert retention.purge().takes == 1


def test_the_queue_does_it_by_the_clock_and_the_command_by_hand() -> None:
    take = over(artist_on())
    schedule = Schedule.objects.get(name="purge_expired")
    assert (schedule.func, schedule.minutes, schedule.cluster) == (
        "generation.tasks.purge_expired",
        15,
        "cpu",
    )
    out = StringIO()
    call_command("purge_expired", "--dry-run", stdout=out)
    assert take.pk in out.getvalue() and len(names(take)) > 4
    assert tasks.purge_expired().startswith("1 takes")
    assert names(take) == {"preview.mp3"}


def person_with(**fields: Any) -> tuple[Person, GeneratedTrack]:
    person = owner()
    person.artist.plan = Artist.Plan.ELITE
    person.artist.save()
    take = take_of(person.artist, size_bytes=9_000_000, **{"full_until": NOW + timedelta(days=2)} | fields)
    return person, take


def said(person: Person, address: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", person.page.get(address).content.decode()).split())


def test_pages_warn_before_and_a_press_pins() -> None:
    person, take = person_with()
    day = f"{take.full_until:%-d %B}"
    page = f"/generations/{take.generation_id}/"
    assert f"Full audio is kept until {day} . Download it by then, or pin it." in said(person, page)
    assert f"Full audio until {day}" in said(person, "/history/")
    assert take.title in said(person, "/history/?audio=soon")
    assert "The full audio of 1 take goes within three days." in said(person, "/account/")
    person.page.post(f"{page}takes/1/pin/", {"pin": "1"})
    assert "Full audio is kept: you pinned it." in said(person, page)
    assert "Full audio until" not in said(person, "/history/")
    assert take.title not in said(person, "/history/?audio=soon")
    assert "within three days" not in said(person, "/account/")
    person.page.post(f"{page}takes/1/pin/", {"pin": "0"})
    take.refresh_from_db()
    assert not take.pinned and take.full_until and take.full_until > NOW + timedelta(days=6)


def test_where_the_plan_keeps_everything_no_page_speaks_of_an_end() -> None:
    person = owner()
    take = take_of(person.artist)
    for address in (f"/generations/{take.generation_id}/", "/history/", "/account/"):
        assert "Full audio" not in said(person, address)


def test_what_expired_can_be_heard_and_says_when_it_went() -> None:
    person, take = person_with(full_until=NOW - timedelta(days=1), prompt="expired and heard")
    retention.purge()
    page = f"/generations/{take.generation_id}/"
    words, html = said(person, page), person.page.get(page).content.decode()
    assert (
        f"Full audio was kept until {NOW - timedelta(days=1):%-d %B %Y}" in words
        and "The preview stays." in words
    )
    assert "Preview MP3" in words and "format=wav" not in html and 'class="seek"' in html
    assert "Preview only" in said(person, "/history/")
    assert take.title in said(person, "/history/?audio=preview")
    audio = f"/api/generated-tracks/{take.pk}/audio/?format="
    assert person.api.get(f"{audio}preview").status_code == 200
    assert person.api.get(f"{audio}wav").json()["type"].endswith(":no-audio")


def test_scripts_pin_and_read_what_holds_a_take() -> None:
    person, take = person_with()
    address = f"/api/generated-tracks/{take.pk}/"
    before = person.api.get(address).json()
    assert (before["pinned"], before["full_audio"], before["held_by"]) == (False, "here", [])
    assert before["full_until"].startswith(f"{take.full_until:%Y-%m-%dT%H:%M}")
    after = person.api.patch(address, {"pinned": True}, content_type="application/json").json()
    assert after["pinned"] and after["held_by"] == ["pinned"]
    form = {"do": "unpin", "take": take.pk}
    assert (
        "1 take no longer pinned." in person.page.post("/history/change/", form, follow=True).content.decode()
    )
    assert person.api.get(address).json()["held_by"] == []
    other = take_of(collaborator().artist)
    person.page.post("/history/change/", {"do": "pin", "take": other.pk})
    assert (
        person.page.post(f"/generations/{other.generation_id}/takes/1/pin/", {"pin": "1"}).status_code == 404
    )
    other.refresh_from_db()
    assert not other.pinned
