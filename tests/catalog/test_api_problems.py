"""Every error of the API is a problem document (RFC 9457); pages answer in HTML."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.people import owner, stranger

pytestmark = pytest.mark.django_db


def problem(response: HttpResponse, status: int) -> dict[str, Any]:
    """The problem in a response, checked for what every problem has."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()  # type: ignore[attr-defined]
    assert body["status"] == status
    assert body["type"].startswith("urn:starforge:problem:")
    assert body["title"] and body["detail"]
    return body


def test_an_unknown_address_under_api_is_a_problem_not_a_page() -> None:
    problem(stranger().get("/api/nothing/here/"), 404)


def test_an_unknown_page_is_html() -> None:
    response = stranger().get("/nothing/here/")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_without_a_token_it_says_how_to_get_one() -> None:
    response = stranger().get("/api/tracks/")
    body = problem(response, 401)
    assert "/api/token/" in body["detail"]
    assert response.headers["WWW-Authenticate"] == "Token"


def test_a_wrong_method_is_named_and_the_right_ones_are_listed() -> None:
    response = owner().api.put("/api/dna/")
    problem(response, 405)
    assert "GET" in response.headers["Allow"]


def test_an_answer_in_html_is_not_to_be_had() -> None:
    problem(owner().api.get("/api/dna/", headers={"accept": "text/html"}), 406)


@pytest.mark.parametrize(
    "body",
    ["{", '{"bpm": NaN}', '{"bpm": 1e999}x', "[" * 100_000, '{"seed": ' + "9" * 5000 + "}", b"\xff\xfe"],
    ids=["half", "nan", "trailing", "deep", "endless-number", "not-utf8"],
)
def test_json_that_cannot_be_read_is_refused_calmly(body: str) -> None:
    response = owner().api.post("/api/generate/music", body, content_type="application/json")
    assert problem(response, 400)["detail"]


def test_json_of_more_than_two_megabytes_is_refused() -> None:
    body = '{"prompt": "' + "a" * (2 * 2**20) + '"}'
    problem(owner().api.post("/api/generate/music", body, content_type="application/json"), 413)


def test_another_content_type_is_refused() -> None:
    problem(owner().api.post("/api/generate/music", "bpm=140", content_type="text/plain"), 415)


def test_refused_fields_are_named_with_their_reasons() -> None:
    response = owner().api.post(
        "/api/generate/music",
        {"bpm": "140", "reference_tracks": [{"id": "trk_1", "role": "kazoo"}]},
        content_type="application/json",
    )
    errors = problem(response, 400)["errors"]
    assert set(errors) == {"bpm", "reference_tracks.0.role"}
    assert all(isinstance(reason, str) for reasons in errors.values() for reason in reasons)


def test_an_unexpected_error_is_a_problem_without_its_insides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("catalog.snapshots.current", broken)
    client = Client(raise_request_exception=False, headers={"authorization": f"Token {owner().key}"})
    body = problem(client.get("/api/dna/"), 500)
    assert "secret" not in str(body)
