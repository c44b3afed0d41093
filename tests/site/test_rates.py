"""Guessing passwords is slow, by script and by page alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from catalog.api.token import TokenThrottle
from tests.people import PASSWORD, owner

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three_a_minute(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(TokenThrottle, "THROTTLE_RATES", {"token": "3/min"})
    cache.clear()
    yield
    cache.clear()


def test_guessing_at_the_log_in_page_is_slowed_down() -> None:
    owner()
    form = {"username": "owner", "password": "guess"}
    answers = [Client().post("/account/login/", form) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    page = answers[-1].content.decode()
    assert "Wait a minute, then try again." in page
    assert 'value="owner"' in page and "guess" not in page
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    right = Client()
    assert right.post("/account/login/", {"username": "owner", "password": PASSWORD}).status_code == 429
    assert "_auth_user_id" not in right.session


def test_accounts_are_not_made_by_the_dozen() -> None:
    statuses = [
        Client()
        .post("/account/signup/", {"username": f"artist{number}", "password": PASSWORD, "rights": "on"})
        .status_code
        for number in range(4)
    ]
    assert statuses == [302, 302, 302, 429]
    assert User.objects.count() == 3


def test_the_page_itself_can_be_read_as_often_as_wanted_and_has_the_api_s_count() -> None:
    owner()
    for _ in range(5):
        assert Client().get("/account/login/").status_code == 200
    wrong = {"username": "owner", "password": "guess"}
    for _ in range(3):
        assert Client().post("/api/token/", wrong, content_type="application/json").status_code == 401
    assert Client().post("/account/login/", wrong).status_code == 429
