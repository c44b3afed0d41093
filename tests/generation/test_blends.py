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
    for to in ("Collaborator", "collaborator", "cleo@example.org", "nobody", "nobody@example.org"):
        told = send(me, "", {"to": to}).json()
        shown.append({name: told[name] for name in ("state", "partner", "link", "they_allow", "ended_at")})
    assert shown.count(shown[0]) == 5
    # Nobody verified the e-mail addresses of accounts: an invitation to one reaches no account that has it.
    assert {one.addressed for one in blends.invitations(other.artist)} == {"Collaborator", "collaborator"}
    assert problem(send(me, "", {"to": "owner"}), 409)["type"].endswith("cannot-invite")


@pytest.mark.parametrize(
    ("names", "to", "reached"),
    [
        (["cleo", "Cleo"], "Cleo", "Cleo"),
        (["cleo", "Cleo"], "cleo", "cleo"),
        (["cleo", "Cleo"], "CLEO", None),  # either could be meant
        (["cleo"], "CLEO", "cleo"),
        (["cleo@example.org"], "cleo@example.org", "cleo@example.org"),
        (["Cleo@example.org"], "cleo@example.org", None),  # named almost like somebody's address
    ],
)
def test_an_invitation_by_name_reaches_that_account_and_no_impostor(
    names: list[str], to: str, reached: str | None
) -> None:
    for name in names:
        person(name)
    meant = blends.invite(owner().artist, to).invited
    assert (meant.user.get_username() if meant else None) == reached


def test_the_account_name_is_told_once_both_agreed() -> None:
    me, other = owner(), person("cleo.1987", name="Cleo Collaborator")
    row = blends.invite(me.artist)
    assert send(other, "", method="get").json()["count"] == 0
    assert send(me, f"{row.pk}/", method="get").json()["partner_account"] is None
    blends.accept(row, other.artist)
    assert "Account cleo.1987" in words(me.page)
    assert send(me, f"{row.pk}/", method="get").json()["partner_account"] == "cleo.1987"


def test_two_artists_have_one_agreement_at_a_time() -> None:
    me, other = owner(), collaborator()
    first, second = blends.invite(me.artist, "collaborator"), blends.invite(other.artist, "owner")
    link = blends.invite(other.artist)
    blends.accept(first, other.artist)
    assert "can blend already" in problem(send(me, "join/", {"key": link.key}), 409)["detail"]
    second.refresh_from_db()  # what both agreed to now needs no second answer
    assert second.state == "closed" and steps(second)[-1] == ("closed", other.artist.pk)
    assert "You ended an open invitation" in words(other.page)
    assert "Cleo Collaborator ended an open invitation" in words(me.page)


@pytest.mark.parametrize("when", ["before the first answer", "while it stands"])
@pytest.mark.parametrize("by", ["name", "link"])
def test_who_withdrew_does_not_come_back_by_an_earlier_invitation(when: str, by: str) -> None:
    me, other = owner(), collaborator()
    old = blends.invite(other.artist, "owner" if by == "name" else "") if when[0] == "b" else None
    row = blends.accept(blends.invite(me.artist, "collaborator"), other.artist)
    old = old or blends.invite(other.artist, "owner" if by == "name" else "")
    blends.withdraw(row, other.artist)
    for answer in (
        send(me, "join/", {"key": old.key}) if old.key else send(me, f"{old.pk}/accept/"),
        send(me, f"{old.pk}/accept/"),
    ):
        assert answer.status_code in (404, 409)
    if old.key:
        form = {"answer": "accept", "key": old.key}
        assert "invites the other anew" in words_after(me, f"{PAGE}{old.pk}/answer/", form)
    else:
        old.refresh_from_db()
        assert old.state == "closed" and not blends.invitations(me.artist)
    assert not Blend.objects.standing().exists()
    anew = blends.invite(other.artist, "owner" if by == "name" else "")
    assert blends.accept(anew, me.artist).stands


def test_an_invitation_from_before_the_end_counts_for_nobody_even_when_it_waits() -> None:
    me, other, third = owner(), collaborator(), person("third")
    link = blends.invite(other.artist)
    blends.withdraw(blends.accept(blends.invite(me.artist, "collaborator"), other.artist), me.artist)
    with pytest.raises(blends.CannotAnswer, match="anew"):
        blends.accept(link, me.artist)
    assert blends.accept(link, third.artist).stands  # nothing ended between these two


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


@pytest.mark.parametrize("end", ["expires", "waits"])
def test_who_was_invited_and_deletes_their_account_is_as_nobody(end: str) -> None:
    me, other = owner(), collaborator()
    row, nobody = blends.invite(me.artist, "collaborator"), blends.invite(me.artist, "nobody")
    other.artist.user.delete()
    if end == "expires":
        Blend.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    told = [send(me, f"{one.pk}/", method="get").json() for one in (row, nobody)]
    for one in told:
        assert one["state"] == ("expired" if end == "expires" else "waiting") and one["ended_at"] is None
        assert [step["step"] for step in one["log"]] == ["invited"]
    assert "deleted" not in words(me.page)
    again = person("collaborator")  # whoever takes the name does not take the invitation
    assert send(again, f"{row.pk}/accept/").status_code == 404


def test_a_closed_account_cannot_be_blended_with() -> None:
    me, other = owner(), collaborator()
    waiting = blends.invite(other.artist)
    row = blends.accept(blends.invite(me.artist, "collaborator"), other.artist)
    close(other)
    page = words(me.page)
    assert "Cleo Collaborator’s account is closed" in page and f"?blend={row.pk}" not in page
    assert f'value="{row.pk}"' not in words(me.page, "/generate/")
    assert send(me, f"{row.pk}/withdraw/").json()["state"] == "withdrawn"
    with pytest.raises(blends.CannotAnswer, match="closed"):
        blends.accept(waiting, person("third").artist)


def close(who: Person) -> None:
    who.artist.user.is_active = False
    who.artist.user.save(update_fields=["is_active"])


def test_the_empty_page_teaches() -> None:
    page = words(owner().page)
    assert "Nobody yet" in page and "You invite" in page and blends.STATEMENT in page
    assert "Choose for how long" in words_after(person("second"), f"{PAGE}invite/", {"to": "x", "days": "9"})
