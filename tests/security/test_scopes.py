"""A token does what it was made for and nothing more, at every address of the API."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.accounts import issue_token
from catalog.models import AccessToken
from tests.catalog.test_api_problems import problem
from tests.people import PASSWORD, owner, stranger
from tests.security.routes import UNSAFE, routes

pytestmark = pytest.mark.django_db

# Asking a question by POST: nothing is changed by it.
READS = {"api/match/", "api/verify", "api/verify/", "api/provenance/verify", "api/provenance/verify/"}
MAKES = {
    "api/generate/music",
    "api/generate/music/",
    "api/generations/<str:pk>/cancel/",
    "api/generations/<str:pk>/retry/",
    "api/generations/<str:pk>/vary/",
    "api/generated-tracks/<str:pk>/restore/",
    "api/generated-tracks/<str:pk>/remake/",
    "api/stamp",
    "api/stamp/",
    "api/tracks/<str:pk>/origin/",
    "api/certificates/<str:certificate_id>/file/",
    "api/provenance/stamp",
    "api/provenance/stamp/",
}
GIVES_TOKENS = {"api/token/"}  # by name and password: no token is looked at


def client(scope: str) -> Client:
    _, key = issue_token(owner().artist, name="script", scope=scope)
    return Client(enforce_csrf_checks=True, headers={"authorization": f"Token {key}"})


def changing() -> list[tuple[str, str]]:
    return [
        (route.path, method)
        for route in routes()
        if route.is_api and route.path not in GIVES_TOKENS
        for method in UNSAFE
        if hasattr(getattr(route.callback, "cls", None), method)
    ]


def scope_needed(path: str) -> str:
    return "read" if path in READS else "make" if path in MAKES else "write"


@pytest.mark.parametrize("scope", AccessToken.Scope.values)
def test_every_change_takes_the_scope_it_should(scope: str) -> None:
    script, order, wrong = client(scope), AccessToken.Scope.values, []
    assert len(changing()) > 25
    for path, method in changing():
        address = "/" + path.replace("<str:pk>", "x").replace("<str:certificate_id>", "cert_x")
        answer = getattr(script, method)(address, data="{}", content_type="application/json")
        narrow = answer.status_code == 403 and answer.json()["type"].endswith(":token-scope")
        if narrow != (order.index(scope) < order.index(scope_needed(path))):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_every_address_named_here_is_there() -> None:
    assert {route.path for route in routes()} >= READS | MAKES | GIVES_TOKENS


def test_a_token_for_reading_reads_everything_and_says_what_is_missing() -> None:
    script = client("read")
    for address in ("/api/tracks/", "/api/dna/snapshots/", "/api/generations/", "/api/usage/"):
        assert script.get(address).status_code == 200
    said = problem(script.delete("/api/tracks/trk_1/"), 403)
    assert (said["scope"], said["needed"]) == ("read", "write")
    assert "/account/" in said["detail"]


def test_a_scope_is_asked_for_by_api_and_on_the_page() -> None:
    person = owner()
    form = {"username": "owner", "password": PASSWORD, "scope": "make"}
    made = stranger().post("/api/token/", form, content_type="application/json").json()
    assert made["scope"] == "make"
    wrong = stranger().post("/api/token/", form | {"scope": "all"}, content_type="application/json")
    assert "scope" in problem(wrong, 400)["errors"]
    assert person.page.post("/account/tokens/", {"name": "player", "scope": "read"}).status_code == 201
    assert AccessToken.objects.get(name="player").scope == "read"
    assert person.page.post("/account/tokens/", {"name": "odd", "scope": "all"}).status_code == 302
    assert not AccessToken.objects.filter(name="odd").exists()
    assert "Read and listen" in person.page.get("/account/").content.decode()
