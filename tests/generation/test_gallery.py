"""The gallery: who offers, who decides, what is shown, and how it is embedded, reported and taken down."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from generation import badges, gallery
from generation.models import Exhibit, ExhibitReport, GeneratedTrack
from tests.generation.stamped import stamped
from tests.people import Person, collaborator, owner, stranger
from tests.rows import take_of

pytestmark = pytest.mark.django_db(transaction=True)

STACK = {"model": "mosaic", "label": "Mosaic", "version": "2.2", "licence": "Your own recordings"}


@pytest.fixture
def keys(settings: Settings, tmp_path: Path) -> Path:
    settings.STARFORGE_DATA = tmp_path / "data"
    return tmp_path


def certified(person: Person, folder: Path, **said: Any) -> GeneratedTrack:
    take = take_of(person.artist, title="Night Bus", notes="for Cleo only")
    take.certificate = stamped(person.artist, folder / take.pk, title=take.title, **said)
    take.save(update_fields=["certificate"])
    return take


def hung(person: Person, folder: Path, state: str = "promoted", **said: Any) -> Exhibit:
    row = gallery.offer(certified(person, folder, **said))
    gallery.curate(Exhibit.objects.filter(pk=row.pk), Exhibit.State(state))
    row.refresh_from_db()
    return row


def addresses(row: Exhibit) -> list[str]:
    return [row.get_absolute_url(), f"/gallery/{row.pk}/audio/", f"/embed/{row.pk}/"]


def test_nothing_is_shown_before_its_owner_offers_and_a_curator_promotes_it(
    keys: Path, admin_client: Any
) -> None:
    me = owner()
    assert "Nothing shown yet" in stranger().get("/gallery/").content.decode()
    take = certified(me, keys)
    offer = f"/generations/{take.generation_id}/takes/1/gallery/"
    assert collaborator().page.post(offer).status_code == 404
    assert not Exhibit.objects.exists()
    assert "Curators decide" in me.page.post(offer, follow=True).content.decode()
    row = Exhibit.objects.get()
    assert [stranger().get(path).status_code for path in addresses(row)] == [404] * 3
    for action, seen in (("promote", 200), ("to_sandbox", 404), ("to_canon", 200)):
        asked = {"action": action, "_selected_action": [row.pk]}
        assert admin_client.post("/admin/generation/exhibit/", asked, follow=True).status_code == 200
        assert [stranger().get(path).status_code for path in addresses(row)] == [seen] * 3
    page = stranger().get("/gallery/").content.decode()
    assert "Night Bus" in page and "Canon" in page and "for Cleo only" not in page and "%" not in _words(page)
    me.page.post(offer, {"withdraw": "1"})
    assert [stranger().get(path).status_code for path in addresses(row)] == [404] * 3


def _words(page: str) -> str:
    """What a reader sees of the main part: no score may be among it."""
    return re.sub(r"<[^>]*>", " ", page.split('<main id="content"')[1].split("</main>")[0])


def test_a_take_without_certificate_is_not_offered() -> None:
    me = owner()
    take = take_of(me.artist)
    answer = me.page.post(f"/generations/{take.generation_id}/takes/1/gallery/", follow=True)
    assert "Only takes with a certificate" in answer.content.decode() and not Exhibit.objects.exists()


def test_badges_say_what_the_certificate_says(keys: Path) -> None:
    me, other = owner(), collaborator()
    mine, theirs = stamped(me.artist, keys / "a"), stamped(other.artist, keys / "b")
    full = {
        "generator": STACK,
        "recipe": {"plan_sha256": "ab" * 32},
        "parents": [{"certificate_id": one.pk, "relation": "recording"} for one in (mine, theirs)],
    }
    shown = gallery.shown([hung(me, keys, **full)])
    assert shown[0].badges == list(badges.WORDS)
    assert shown[0].process == "AI-native, by Mosaic 2.2 from 12 recordings of Ossa Owner"
    assert gallery.shown([hung(me, keys)])[0].badges == ["Declared"]
    gone = {
        "generator": STACK,
        "parents": [{"certificate_id": "cert_a00000000000000", "relation": "recording"}],
    }
    assert gallery.shown([hung(me, keys, **gone)])[0].badges == ["Declared", "Stack disclosed"]
    one = full | {"parents": [{"certificate_id": mine.pk, "relation": "recording"}]}
    assert "Co-authored" not in gallery.shown([hung(me, keys, **one)])[0].badges
    assert badges.badges("Ossa", full, {}, stands=False) == []


def test_the_player_may_be_framed_and_nothing_else(keys: Path) -> None:
    row = hung(owner(), keys)
    framed = stranger().get(f"/embed/{row.pk}/")
    assert "frame-ancestors *" in framed.headers["Content-Security-Policy"]
    assert (
        "script-src" not in framed.headers["Content-Security-Policy"]
        and "<script" not in framed.content.decode()
    )
    assert "X-Frame-Options" not in framed.headers
    assert row.take.certificate_id in framed.content.decode()
    for path in ("/gallery/", row.get_absolute_url(), "/"):
        answer = stranger().get(path)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
    part = stranger().get(f"/gallery/{row.pk}/audio/", headers={"range": "bytes=0-1"})
    assert part.status_code == 206


def test_reports_reach_the_curators_who_take_down_for_good(
    keys: Path, admin_client: Any, client: Any
) -> None:
    me = owner()
    row = hung(me, keys)
    said = {"reason": "copy", "words": "this is my song", "contact": "a@example.org"}
    assert client.post(f"/gallery/{row.pk}/report/", said).status_code == 302
    assert client.post(f"/gallery/{row.pk}/report/", said | {"reason": "nonsense"}).status_code == 400
    found = ExhibitReport.objects.get()
    assert "this is my song" in admin_client.get("/admin/generation/exhibitreport/").content.decode()
    asked = {"action": "take_down", "_selected_action": [found.pk]}
    admin_client.post("/admin/generation/exhibitreport/", asked, follow=True)
    found.refresh_from_db()
    assert found.handled_at is not None
    assert [stranger().get(path).status_code for path in addresses(row)] == [404] * 3
    offer = f"/generations/{row.take.generation_id}/takes/1/gallery/"
    me.page.post(offer, {"withdraw": "1"})
    assert "cannot be offered again" in me.page.post(offer, follow=True).content.decode()


def test_reports_are_throttled(keys: Path, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = hung(owner(), keys)
    cache.clear()
    monkeypatch.setattr(gallery.ReportThrottle, "rate", "2/hour", raising=False)
    answers = [client.post(f"/gallery/{row.pk}/report/", {"reason": "other"}).status_code for _ in range(3)]
    cache.clear()
    assert answers == [302, 302, 429]


def test_the_gallery_asks_as_often_for_many_as_for_two_and_turns_pages(keys: Path) -> None:
    me = owner()

    def asked(path: str = "/gallery/") -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert stranger().get(path).status_code == 200
        return len(found)

    hung(me, keys)
    hung(me, keys)
    before = asked()
    first = GeneratedTrack.objects.first()
    assert first is not None
    for _ in range(5):
        hung(me, keys)
    assert asked() == before
    from generation import gallery_views

    gallery_views.PER_PAGE, kept = 3, gallery_views.PER_PAGE
    try:
        pages = [
            stranger().get(f"/gallery/?page={number}").content.decode().count("<h2>") for number in (1, 2, 3)
        ]
    finally:
        gallery_views.PER_PAGE = kept
    assert pages == [3, 3, 1]
