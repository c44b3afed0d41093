"""What happens to an account is written down once, shown to its owner and to staff, and forgotten in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from catalog import accounts, security
from catalog.models import SecurityEvent
from catalog.security import Kind
from generation import consents, sharing
from generation.models import Export
from tests.people import PASSWORD, Person, collaborator, owner, stranger
from tests.rows import ready_track, take_of

pytestmark = pytest.mark.django_db


def kinds(person: Person) -> list[str]:
    """What was written down, oldest first, since the account was made with its token."""
    rows = SecurityEvent.objects.filter(user=person.artist.user).order_by("pk")
    return list(rows.exclude(kind=Kind.SIGNED_UP).values_list("kind", flat=True))[1:]


def test_signing_in_and_failing_to_are_told_with_address_and_browser() -> None:
    person = owner()
    browser = Client(headers={"user-agent": "Firefox/140\x1b[31m"}, REMOTE_ADDR="203.0.113.9")
    for password in ("wrong", PASSWORD):
        browser.post("/account/login/", {"username": "owner", "password": password})
    assert kinds(person) == [Kind.SIGN_IN_FAILED, Kind.SIGNED_IN]
    page = browser.get("/account/security/").content.decode()
    assert "Wrong password" in page and "203.0.113.9" in page and "Firefox/140" in page
    assert "\x1b" not in page
    assert "Wrong password" in browser.get("/account/").content.decode()


def test_a_forged_forwarding_header_is_believed_only_behind_a_proxy(settings: Any) -> None:
    person = owner()
    forged = {"x-forwarded-for": "198.51.100.1, 198.51.100.2"}
    Client().post("/account/login/", {"username": "owner", "password": "x"}, headers=forged)
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    Client().post("/account/login/", {"username": "owner", "password": "x"}, headers=forged)
    found = SecurityEvent.objects.filter(user=person.artist.user, kind=Kind.SIGN_IN_FAILED).order_by("pk")
    assert [one.address for one in found] == ["127.0.0.1", "198.51.100.2"]


def test_a_name_nobody_has_is_not_kept_because_it_may_be_a_password() -> None:
    Client().post("/account/login/", {"username": "my-secret-password", "password": "x"})
    event = SecurityEvent.objects.get()
    assert (event.kind, event.user) == (Kind.SIGN_IN_FAILED, None)
    assert "my-secret-password" not in repr(event.__dict__)


def test_what_an_artist_does_is_written_down_once() -> None:
    person = owner()
    take = take_of(person.artist)
    page, key = person.page, person.key
    assert kinds(person) == [Kind.SIGNED_IN]
    for _ in range(2):
        stranger().get("/api/usage/", headers={"authorization": f"Token {key}"})
    page.post("/account/rights/")
    for _ in range(2):
        page.post("/account/consent/", {"allow": "remix"})
    consents.give(person.artist)
    consents.withdraw(person.artist)
    link = sharing.share(take, 7)
    for _ in range(2):
        sharing.revoke(link)
    page.post("/account/export/")
    page.post(f"/account/tokens/{person.artist.tokens.get().pk}/revoke/")
    new = "another-long-phrase-43"
    page.post("/account/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert kinds(person)[1:] == [
        Kind.TOKEN_USED,
        Kind.RIGHTS_DECLARED,
        Kind.CONSENT_CHANGED,
        Kind.CONSENT_CHANGED,
        Kind.CONSENT_CHANGED,
        Kind.SHARED,
        Kind.UNSHARED,
        Kind.EXPORT_MADE,
        Kind.TOKEN_REVOKED,
        Kind.PASSWORD_CHANGED,
    ]
    details = set(SecurityEvent.objects.values_list("detail", flat=True))
    assert {"allowed: remix", "training with others: withdrawn", take.title} <= details


def test_an_export_is_told_once_however_many_pieces_are_asked_for() -> None:
    person = owner()
    row = Export.objects.create(artist=person.artist, status=Export.READY)
    row.file.parent.mkdir(parents=True, exist_ok=True)
    row.file.write_bytes(b"PK" + bytes(1000))
    for span in ("bytes=0-9", "bytes=10-19"):
        for client, address in (
            (person.page, f"/account/export/{row.pk}/file/"),
            (person.api, f"/api/export/{row.pk}/file/"),
        ):
            assert client.get(address, headers={"range": span}).status_code == 206
    assert kinds(person).count(Kind.EXPORT_FETCHED) == 1


def test_rights_on_the_site_are_told_with_who_gave_them(admin_client: Client) -> None:
    person = owner()
    user = User.objects.get(pk=person.artist.user.pk)
    form = {"username": user.username, "is_active": "on", "is_staff": "on"}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}
    answer = admin_client.post(f"/admin/auth/user/{user.pk}/change/", form)
    assert answer.status_code == 302, answer.content.decode()
    event = SecurityEvent.objects.filter(user=user).first()
    assert event is not None
    assert (event.kind, event.detail, event.by) == (Kind.RIGHTS_CHANGED, "may use the admin", "admin")
    group = Group.objects.create(name="curators")
    user.groups.add(group)
    group.user_set.remove(user)
    assert [one.detail for one in security.of(user)[:2]] == [
        "lost group curators",
        "was given group curators",
    ]
    new = "another-long-phrase-43"
    admin_client.post(
        f"/admin/auth/user/{user.pk}/password/",
        {"password1": new, "password2": new, "usable_password": "true"},
    )
    assert (security.of(user)[0].kind, security.of(user)[0].by) == (Kind.PASSWORD_CHANGED, "admin")


def test_a_change_of_plan_is_told(admin_client: Client) -> None:
    person = owner()
    admin_client.post("/admin/catalog/artist/", {"action": "to_pro", "_selected_action": [person.artist.pk]})
    event = security.of(person.artist.user)[0]
    assert (event.kind, event.detail, event.by) == (Kind.PLAN_CHANGED, "Pro", "admin")


def test_staff_made_on_the_command_line_are_told() -> None:
    call_command("createsuperuser", username="root", email="r@example.org", interactive=False)
    events = SecurityEvent.objects.filter(user__username="root")
    assert {(one.kind, one.detail, one.address) for one in events} == {
        (Kind.RIGHTS_CHANGED, "may use the admin", None),
        (Kind.RIGHTS_CHANGED, "may do everything", None),
    }


def test_a_better_hash_of_the_same_password_is_no_change_of_it(settings: Any) -> None:
    person = owner()
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    Client().post("/account/login/", {"username": "owner", "password": PASSWORD})
    assert User.objects.get(username="owner").password.startswith("scrypt$")
    assert kinds(person) == [Kind.SIGNED_IN]


def test_a_deleted_account_leaves_one_line_for_staff(admin_client: Client) -> None:
    person = owner()
    user = person.artist.user.pk
    page = person.page
    page.post("/account/delete/", {"username": "owner", "password": "wrong"})
    assert security.of(person.artist.user)[0].kind == Kind.SIGN_IN_FAILED
    page.post("/account/delete/", {"username": "owner", "password": PASSWORD})
    assert not SecurityEvent.objects.filter(user=user).exists()
    event = SecurityEvent.objects.exclude(detail="").get(kind=Kind.DELETED)
    assert (event.user, event.detail) == (None, "owner")
    assert "Account deleted" in admin_client.get("/admin/catalog/securityevent/").content.decode()


def test_only_the_owner_sees_them_and_nobody_edits_them(admin_client: Client) -> None:
    mine, other = owner(), collaborator()
    accounts.consent(mine.artist, ["training"])
    assert "allowed: training" in mine.page.get("/account/security/").content.decode()
    assert "allowed: training" not in other.page.get("/account/security/").content.decode()
    event = security.of(mine.artist.user).get(kind=Kind.CONSENT_CHANGED)
    assert admin_client.get(f"/admin/catalog/securityevent/{event.pk}/change/").status_code == 200
    for address in ("add/", f"{event.pk}/change/", f"{event.pk}/delete/"):
        assert (
            admin_client.post(f"/admin/catalog/securityevent/{address}", {"detail": "x"}).status_code == 403
        )
    event.refresh_from_db()
    assert event.detail == "allowed: training"


def test_they_are_forgotten_in_time(settings: Any) -> None:
    settings.STARFORGE_SECURITY_DAYS = 30
    person = owner()
    kept = SecurityEvent.objects.count()
    SecurityEvent.objects.create(
        kind=Kind.SIGNED_IN, user=person.artist.user, at=timezone.now() - timedelta(31)
    )
    SecurityEvent.objects.create(
        kind=Kind.SIGNED_IN, user=person.artist.user, at=timezone.now() - timedelta(29)
    )
    assert security.forget() == 1
    assert SecurityEvent.objects.count() == kept + 1


def test_the_page_of_many_events_costs_no_more_queries(django_assert_max_num_queries: Any) -> None:
    person = owner()
    ready_track(person.artist)
    page = person.page
    SecurityEvent.objects.bulk_create(
        SecurityEvent(kind=Kind.SIGNED_IN, user=person.artist.user) for _ in range(120)
    )
    with django_assert_max_num_queries(8):
        text = page.get("/account/security/").content.decode()
    assert "Page 1 of 3" in text
