"""Guessing a password is slow from one address and from many, and guessing elsewhere locks nobody out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from catalog.models import SecurityEvent
from catalog.security import Kind
from generation import allowance
from generation.allowance import PLANS
from tests.people import PASSWORD, owner, stranger

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three_an_hour(settings: Any) -> Iterator[None]:
    settings.STARFORGE_RATE_ACCOUNT = "3/hour"
    cache.clear()
    yield
    cache.clear()


def log_in(
    password: str, address: str = "192.0.2.1", name: str = "owner", path: str = "/account/login/"
) -> Any:
    options: dict[str, Any] = {} if path.startswith("/account") else {"content_type": "application/json"}
    said = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(path, said, **options)


def test_many_addresses_guess_no_faster_than_one() -> None:
    owner()
    answers = [log_in("guess", f"192.0.2.{number}") for number in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert "Too many wrong passwords" in answers[-1].content.decode()
    assert 3000 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert log_in(PASSWORD, "192.0.2.77").status_code == 429
    told = log_in(PASSWORD, "192.0.2.78", path="/api/token/")
    assert told.status_code == 429 and told.json()["retry_after_seconds"] > 3000
    # Slowing down is told once, however often somebody runs against it.
    assert SecurityEvent.objects.filter(kind=Kind.SIGN_IN_SLOWED, user__username="owner").count() == 1


def test_scripts_and_pages_share_the_count() -> None:
    owner()
    for number in range(3):
        assert log_in("guess", f"192.0.2.{number}", path="/api/token/").status_code == 401
    assert log_in(PASSWORD, "192.0.2.9").status_code == 429


def test_the_owner_gets_in_from_where_they_have_been_before() -> None:
    owner()
    assert log_in(PASSWORD, "198.51.100.7").status_code == 302
    for number in range(4):
        log_in("guess", f"192.0.2.{number}")
    assert log_in(PASSWORD, "192.0.2.200").status_code == 429
    assert log_in(PASSWORD, "198.51.100.7").status_code == 302
    # Their own address is no free ticket either.
    answers = [log_in("guess", "198.51.100.7").status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]


def test_it_ends_by_itself() -> None:
    owner()
    for number in range(4):
        log_in("guess", f"192.0.2.{number}")
    SecurityEvent.objects.filter(kind=Kind.SIGN_IN_FAILED).update(at=timezone.now() - timedelta(minutes=61))
    assert log_in(PASSWORD).status_code == 302


def test_names_that_nobody_has_answer_alike() -> None:
    owner()
    here = [log_in("guess", f"192.0.2.{number}").status_code for number in range(4)]
    nobody = [log_in("guess", f"192.0.2.{number}", name="nobody").status_code for number in range(4)]
    assert here == nobody
    assert log_in("guess", name="a\0b").status_code == 200


def test_an_open_session_is_no_place_to_guess_either() -> None:
    page = owner().page
    new = {"new_password1": "another-long-phrase-43", "new_password2": "another-long-phrase-43"}
    answers = [
        page.post("/account/password/", {"old_password": "guess", **new}).status_code for _ in range(4)
    ]
    assert answers == [200, 200, 200, 429]
    assert page.post("/account/password/", {"old_password": PASSWORD, **new}).status_code == 429
    assert page.post("/account/delete/", {"username": "owner", "password": PASSWORD}).status_code == 429


def test_staff_sign_in_where_everybody_does(admin_client: Client) -> None:
    assert Client().get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
    answer = Client().post("/admin/login/?next=/admin/", {"username": "admin", "password": "password"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/account/login/?next=/admin/"
    page = owner().page
    told = page.get("/admin/", follow=True)
    assert told.status_code == 403 and "for the staff" in told.content.decode()
    assert admin_client.get("/admin/").status_code == 200


def test_a_plan_has_a_rate_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    free = PLANS["free"]
    monkeypatch.setitem(allowance.PLANS, "free", type(free)(**{**free.__dict__, "requests": "2/min"}))
    person = owner()
    artist = person.artist
    artist.plan = "free"
    artist.save()
    page = person.page
    answers = [person.api.get("/api/usage/"), page.get("/api/usage/"), person.api.get("/api/usage/")]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    artist.plan = "elite"
    artist.save()
    assert person.api.get("/api/usage/").status_code == 200
    assert stranger().get("/api/usage/").status_code == 401
