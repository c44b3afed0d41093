"""Two artists agree to blend: who may ask, who may answer, what each sees of the other, and how it ends."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog import security
from generation import blends
from generation.models import Blend, BlendStep
from tests.catalog.test_api_problems import problem
from tests.people import Person, collaborator, owner, person, stranger

pytestmark = pytest.mark.django_db

PAGE = "/collaborate/"


def words(client: Client, path: str = PAGE) -> str:
    return re.sub(r"\s+", " ", client.get(path).content.decode())


def send(who: Person, path: str, body: dict[str, Any] | None = None, method: str = "post") -> Any:
    return getattr(who.api, method)(f"/api/blends/{path}", body or {}, content_type="application/json")


def steps(row: Blend) -> list[tuple[str, int | None]]:
    return list(BlendStep.objects.filter(blend=row).values_list("step", "artist_id"))


def test_from_an_invitation_by_name_to_its_withdrawal() -> None:
    me, other = owner(), collaborator()
    invited = me.page.post(f"{PAGE}invite/", {"to": "Collaborator", "days": "7", "hears": "on"}, follow=True)
    assert "Cleo Collaborator" not in invited.content.decode()  # who was reached is told by the answer alone
    row = Blend.objects.get()
    assert row.invited == other.artist and row.state == "waiting" and row.key is None
    page = words(other.page)
    assert "Ossa Owner" in page and blends.STATEMENT in page and "You are invited" in page
    form = {"answer": "accept", "titles": "on", "hears": "on"}
    assert "You and Ossa Owner can blend now" in words_after(other, f"{PAGE}{row.pk}/answer/", form)
    row.refresh_from_db()
    assert row.stands and [one.partner_of(me.artist) for one in blends.with_others(me.artist)] == [
        other.artist
    ]
    mine, theirs = blends.consent_of(row, me.artist), blends.consent_of(row, other.artist)
    assert mine and theirs and (mine.titles, mine.hears, theirs.titles) == (False, True, True)
    assert "Cleo Collaborator shows you the titles" in words(me.page)
    assert "Saved" in words_after(other, f"{PAGE}{row.pk}/allow/", {"hears": "on"})
    assert "keeps the titles of their recordings to themselves" in words(me.page)
    assert "Withdraw Consent" in words(me.page, f"{PAGE}{row.pk}/withdraw/")
    assert "No new take is made" in words_after(me, f"{PAGE}{row.pk}/withdraw/", {})
    row.refresh_from_db()
    assert row.state == "withdrawn" and not blends.with_others(other.artist)
    assert steps(row) == [
        ("invited", me.artist.pk),
        ("accepted", other.artist.pk),
        ("allowed", other.artist.pk),
        ("withdrawn", me.artist.pk),
    ]
    for one in (me, other):  # both read the same record
        assert "withdrew" in words(one.page) and "changed what the other may see" in words(one.page)
    assert consents_told(me) == [
        "blending with Collaborator: given",
        "blending with Cleo Collaborator: withdrawn",
    ]
    assert consents_told(other) == [
        "blending with Ossa Owner: given",
        "blending with Ossa Owner: what they see changed",
    ]
    assert "This had ended already" in words_after(other, f"{PAGE}{row.pk}/withdraw/", {})


def consents_told(who: Person) -> list[str]:
    """What the owner of the account reads of it among their security events, oldest first."""
    rows = security.of(who.artist.user).filter(kind=security.Kind.CONSENT_CHANGED).order_by("pk")
    return list(rows.values_list("detail", flat=True))


def words_after(who: Person, path: str, form: dict[str, str]) -> str:
    return re.sub(r"\s+", " ", who.page.post(path, form, follow=True).content.decode())


def test_a_link_works_for_the_first_who_agrees_and_for_nobody_after() -> None:
    me, other, third = owner(), collaborator(), person("third")
    made = send(me, "", {"hears": False}).json()
    assert (
        made["state"] == "waiting"
        and made["partner"] is None
        and made["you_allow"]
        == {
            "titles": False,
            "hears": False,
        }
    )
    path = "/collaborate/" + made["link"].partition("/collaborate/")[2]
    key = path.rstrip("/").rpartition("/")[2]
    assert len(key) >= 32 and "This invitation is yours" in words(me.page, path)
    assert stranger().get(path).status_code == 302
    answer = other.page.get(path)
    assert "Ossa Owner" in answer.content.decode() and answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert problem(send(me, "join/", {"key": key}), 409)["type"].endswith("cannot-answer")
    joined = send(other, "join/", {"key": key})
    assert joined.status_code == 200 and joined.json()["partner"] == "Ossa Owner"
    assert joined.json()["link"] is None and joined.json()["they_allow"] == {"titles": False, "hears": False}
    assert send(me, f"{made['id']}/", method="get").json()["partner"] == "Cleo Collaborator"
    assert third.page.get(path).status_code == send(third, "join/", {"key": key}).status_code == 404


@pytest.mark.parametrize("end", ["expired", "taken back", "declined", "guessed"])
def test_an_invitation_ends_and_cannot_be_answered(end: str) -> None:
    me, other = owner(), collaborator()
    row = blends.invite(me.artist, "" if end in ("guessed", "taken back") else "collaborator")
    if end == "expired":
        Blend.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "taken back":
        assert "taken back" in words_after(me, f"{PAGE}{row.pk}/withdraw/", {})
    elif end == "declined":
        assert "declined" in words_after(other, f"{PAGE}{row.pk}/answer/", {"answer": "decline"})
        assert "Cleo Collaborator declined" in words(me.page)
    if row.key:
        wrong = row.key[:-1] + ("_" if row.key.endswith("-") else "-")
        key = wrong if end == "guessed" else row.key
        assert other.page.get(f"{PAGE}invitation/{key}/").status_code == 404
        form = {"answer": "accept", "key": key}
        assert other.page.post(f"{PAGE}{row.pk}/answer/", form).status_code == 404
    assert "Ossa Owner invites" not in words(other.page)
    assert other.page.post(f"{PAGE}{row.pk}/answer/", {"answer": "accept"}).status_code == 404
    assert send(other, f"{row.pk}/accept/").status_code in (404, 409)
    assert not Blend.objects.standing().exists()


def test_nobody_learns_who_has_an_account() -> None:
    me = owner()
    other = collaborator()
    other.artist.user.email = "cleo@example.org"
    other.artist.user.save()
    shown = []
    for to in ("collaborator", "cleo@example.org", "nobody", "nobody@example.org"):
        told = send(me, "", {"to": to}).json()
        shown.append({name: told[name] for name in ("state", "partner", "link", "they_allow", "ended_at")})
    assert shown.count(shown[0]) == 4
    assert [one.addressed for one in blends.invitations(other.artist)] == ["cleo@example.org", "collaborator"]
    assert problem(send(me, "", {"to": "owner"}), 409)["type"].endswith("cannot-invite")


def test_two_artists_have_one_agreement_at_a_time() -> None:
    me, other = owner(), collaborator()
    first, second = blends.invite(me.artist, "collaborator"), blends.invite(other.artist, "owner")
    blends.accept(first, other.artist)
    assert "can blend already" in problem(send(me, f"{second.pk}/accept/"), 409)["detail"]
    blends.withdraw(first, other.artist)
    assert send(me, f"{second.pk}/accept/").json()["state"] == "standing"


def test_a_third_artist_sees_and_changes_nothing_of_it() -> None:
    me, other, third = owner(), collaborator(), person("third", name="Theo Third")
    row = blends.invite(me.artist, "collaborator")
    assert send(third, f"{row.pk}/accept/").status_code == 404
    blends.accept(row, other.artist)
    for call in (
        third.page.post(f"{PAGE}{row.pk}/allow/", {}),
        third.page.post(f"{PAGE}{row.pk}/withdraw/", {}),
        third.page.get(f"{PAGE}{row.pk}/withdraw/"),
        send(third, f"{row.pk}/", method="get"),
        send(third, f"{row.pk}/withdraw/"),
    ):
        assert call.status_code == 404
    assert "Ossa" not in words(third.page) and send(third, "", method="get").json()["count"] == 0
    assert blends.with_others(me.artist)
    with pytest.raises(blends.CannotAnswer):
        blends.accept(blends.invite(me.artist, "collaborator"), third.artist)


def test_so_many_invitations_wait_at_once() -> None:
    me = owner()
    for _ in range(blends.MOST):
        last = blends.invite(me.artist)
    assert problem(send(me, ""), 409)["type"].endswith("cannot-invite")
    assert "Take one back first" in words_after(me, f"{PAGE}invite/", {"by": "link", "days": "7"})
    blends.withdraw(last, me.artist)
    assert send(me, "").status_code == 201


def test_an_account_that_is_deleted_ends_its_blends_and_the_others_record_stays() -> None:
    me, other = owner(), collaborator()
    row = blends.accept(blends.invite(me.artist, "collaborator"), other.artist)
    waiting = blends.invite(me.artist)
    me.artist.user.delete()
    row.refresh_from_db()
    assert row.state == "account deleted" and row.inviter is None and not row.stands
    assert not Blend.objects.filter(pk=waiting.pk).exists()
    assert "deleted their account" in words(other.page)
    told = send(other, f"{row.pk}/", method="get").json()
    assert told["partner"] is None and [one["step"] for one in told["log"]] == ["invited", "accepted", "left"]
    other.artist.user.delete()
    assert not Blend.objects.exists()


def test_the_empty_page_teaches() -> None:
    page = words(owner().page)
    assert "Nobody yet" in page and "You invite" in page and blends.STATEMENT in page
    assert "Choose for how long" in words_after(person("second"), f"{PAGE}invite/", {"to": "x", "days": "9"})
