"""Links to takes: what they open, what they do not, and how they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from generation import sharing
from generation.models import Share
from tests.catalog.test_api_problems import problem
from tests.people import collaborator, owner, stranger
from tests.rows import take_of

pytestmark = pytest.mark.django_db


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_whoever_has_the_link_hears_the_take_and_sees_nothing_private() -> None:
    me = owner()
    take = take_of(me.artist, notes="for Cleo only", prompt="a secret prompt", title="Night Bus")
    answer = me.page.post(f"/generations/{take.generation_id}/takes/1/share/", {"days": "7"}, follow=True)
    row = Share.objects.get()
    assert row.get_absolute_url() in answer.content.decode() and len(row.key) >= 32
    page = stranger().get(row.get_absolute_url())
    words = page.content.decode()
    assert page.status_code == 200 and "Night Bus" in words and "87.0%" in words and "Ossa Owner" in words
    for hidden in ("for Cleo only", "a secret prompt", "Loop 1", take.pk, take.generation_id, "Dark dubstep"):
        assert hidden not in words
    assert "noindex" in page.headers["X-Robots-Tag"] and '<meta name="robots" content="noindex' in words
    assert page.headers["Referrer-Policy"] == "no-referrer" and "private" in page.headers["Cache-Control"]
    sound = row.get_absolute_url() + "audio/"
    whole = body(stranger().get(sound))
    assert whole == take.file("preview").read_bytes()
    part = stranger().get(sound, headers={"range": "bytes=2-5"})
    assert part.status_code == 206 and body(part) == whole[2:6]
    assert "Untitled" not in part.headers["Content-Disposition"]
    # The link opens nothing else.
    assert stranger().get(f"/api/generated-tracks/{take.pk}/audio/").status_code == 401


@pytest.mark.parametrize("end", ["revoked", "expired", "deleted", "guessed"])
def test_a_link_ends_and_nobody_learns_how(end: str) -> None:
    me = owner()
    row = sharing.share(take_of(me.artist), 7)
    address = row.get_absolute_url()
    if end == "revoked":
        me.page.post(f"/account/shares/{row.pk}/revoke/")
    elif end == "expired":
        Share.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "deleted":
        row.take.delete()
    else:
        address = f"/shared/{row.key[:-1]}-/"
    assert stranger().get(address).status_code == stranger().get(f"{address}audio/").status_code == 404
    if end != "guessed":
        assert row.key not in me.page.get("/account/").content.decode()


def test_only_the_owner_makes_and_revokes_links() -> None:
    me, other = owner(), collaborator()
    take = take_of(me.artist)
    path = f"/generations/{take.generation_id}/takes/1/share/"
    assert other.page.post(path, {"days": "7"}).status_code == 404
    assert stranger().post(path, {"days": "7"}).status_code in (302, 403)
    assert (
        other.api.post("/api/shares/", {"take": take.pk}, content_type="application/json").status_code == 404
    )
    row = sharing.share(take, 7)
    assert other.page.post(f"/account/shares/{row.pk}/revoke/").status_code == 404
    assert other.api.delete(f"/api/shares/{row.pk}/").status_code == 404
    assert sharing.found(row.key) == row


def test_links_by_api() -> None:
    me = owner()
    take = take_of(me.artist)
    made = me.api.post("/api/shares/", {"take": take.pk, "days": 1}, content_type="application/json")
    assert made.status_code == 201
    row = Share.objects.get(pk=made.json()["id"])
    assert made.json()["url"].endswith(row.get_absolute_url()) and made.json()["take"] == take.pk
    assert timedelta(hours=23) < row.expires_at - timezone.now() <= timedelta(days=1)
    assert me.api.get("/api/shares/").json()["count"] == 1
    assert row.key in me.page.get("/account/").content.decode()
    assert me.api.delete(f"/api/shares/{row.pk}/").status_code == 204
    assert me.api.get("/api/shares/").json()["count"] == 0
    for days in (0, 91, "x"):
        problem(
            me.api.post("/api/shares/", {"take": take.pk, "days": days}, content_type="application/json"), 400
        )


def test_a_take_has_so_many_links_at_most() -> None:
    me = owner()
    take = take_of(me.artist)
    for _ in range(sharing.MOST):
        sharing.share(take, 1)
    again = {"take": take.pk}
    assert problem(me.api.post("/api/shares/", again, content_type="application/json"), 409)["type"].endswith(
        "too-many-links"
    )


def test_guessing_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(sharing.SharedThrottle, "rate", "3/min", raising=False)
    visitor = stranger()
    answers = [visitor.get(f"/shared/guess-{number}/").status_code for number in range(4)]
    cache.clear()
    assert answers == [404, 404, 404, 429]
