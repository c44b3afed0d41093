"""Tokens for scripts: how one is got, what it opens, and what closes it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from catalog.accounts import revoke_token
from catalog.api.token import TokenThrottle
from catalog.models import AccessToken
from tests.catalog.test_api_problems import problem
from tests.people import PASSWORD, owner, stranger

pytestmark = pytest.mark.django_db


def ask(**fields: object) -> object:
    return stranger().post("/api/token/", fields, content_type="application/json")


def test_name_and_password_become_a_token_that_opens_the_api() -> None:
    owner()
    response = ask(username="owner", password=PASSWORD, name="nightly script")
    assert response.status_code == 201
    key = response.json()["token"]
    assert stranger().get("/api/tracks/", headers={"authorization": f"Token {key}"}).status_code == 200
    token = AccessToken.objects.get(name="nightly script")
    assert key not in (token.digest, token.prefix) and key.startswith(token.prefix)


def test_a_wrong_password_is_refused_without_saying_which_half_was_wrong() -> None:
    owner()
    wrong = problem(ask(username="owner", password="wrong"), 401)
    nobody = problem(ask(username="nobody", password=PASSWORD), 401)
    assert wrong == nobody


@pytest.mark.parametrize("fields", [{}, {"username": "owner"}, {"username": 7, "password": True}])
def test_what_is_missing_or_not_text_is_named(fields: dict[str, object]) -> None:
    assert problem(ask(**fields), 400)["errors"]


@pytest.mark.parametrize(
    "header",
    ["Token", "Bearer sf_nonsense", "Token nonsense", "Token sf_a b", "Token " + "x" * 5000, "Token ü"],
)
def test_what_is_no_token_is_refused(header: str) -> None:
    problem(stranger().get("/api/dna/", headers={"authorization": header}), 401)


def test_a_revoked_token_opens_nothing() -> None:
    person = owner()
    assert person.api.get("/api/dna/snapshots/").status_code == 200
    revoke_token(AccessToken.objects.get(artist=person.artist))
    problem(person.api.get("/api/dna/snapshots/"), 401)


def test_the_token_of_a_closed_account_opens_nothing() -> None:
    person = owner()
    person.artist.user.is_active = False
    person.artist.user.save(update_fields=["is_active"])
    problem(person.api.get("/api/dna/snapshots/"), 401)
    problem(ask(username="owner", password=PASSWORD), 401)


def test_its_use_is_noted_once_a_minute_at_most() -> None:
    person = owner()
    token = AccessToken.objects.get(artist=person.artist)
    assert token.last_used_at is None
    person.api.get("/api/dna/snapshots/")
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    person.api.get("/api/dna/snapshots/")
    token.refresh_from_db()
    assert token.last_used_at == first
    AccessToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    person.api.get("/api/dna/snapshots/")
    token.refresh_from_db()
    assert token.last_used_at > first


def test_guessing_is_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TokenThrottle, "THROTTLE_RATES", {"token": "3/min"})
    cache.clear()
    owner()
    answers = [ask(username="owner", password=f"guess {number}") for number in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert problem(answers[-1], 429)["retry_after_seconds"] >= 0
    assert int(answers[-1].headers["Retry-After"]) >= 0
    disguised = stranger().post(
        "/api/token/", {}, content_type="application/json", headers={"x-forwarded-for": "203.0.113.7"}
    )
    problem(disguised, 429)
    cache.clear()


def test_a_session_may_use_the_api_but_not_without_the_csrf_token() -> None:
    person = owner()
    assert person.page.get("/api/tracks/").status_code == 200
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person.artist.user)
    problem(strict.post("/api/generate/music", {}, content_type="application/json"), 403)
