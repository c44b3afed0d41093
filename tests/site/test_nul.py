"""A NUL character is in no address, id or name. PostgreSQL fails on one, so none gets that far."""

from __future__ import annotations

import json
import uuid

import pytest
from channels.testing import WebsocketCommunicator
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TransactionTestCase

from starforge_site.asgi import application
from tests.people import owner
from tests.rows import generation_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "/catalog/tracks/trk_%00/",
        "/generations/gen_%00/",
        "/certificates/cert_%00/",
        "/static/%00.css",
        "/api/tracks/trk_%00/",
        "/api/tracks/trk_%00/audio/",
        "/api/dna/snapshots/%00/",
        "/api/generations/gen_%00/",
        "/api/generated-tracks/take_%00/",
        "/api/certificates/cert_%00/",
        "/api/verify/cert_%00",
    ],
)
def test_nothing_is_at_an_address_with_a_nul(path: str) -> None:
    person = owner()
    client = person.api if path.startswith("/api/") else person.page
    response = client.get(path)
    assert response.status_code == 404
    kind = "application/problem+json" if path.startswith("/api/") else "text/html"
    assert response.headers["Content-Type"].startswith(kind)


@pytest.mark.parametrize(
    "address",
    [
        "/catalog/?q=%00",
        "/history/?q=a%00b",
        "/generate/?again=%00",
        "/verify/?id=%00",
        "/api/tracks/?search=%00",
        "/api/generations/?search=%00",
        "/api/log/proof/inclusion?certificate=%00",
    ],
)
def test_a_question_with_a_nul_is_refused(address: str) -> None:
    person = owner()
    path, _, query = address.partition("?")
    client = person.api if path.startswith("/api/") else person.page
    response = client.get(path, query_params=None, QUERY_STRING=query)
    assert response.status_code == 400
    if path.startswith("/api/"):
        assert response.headers["Content-Type"] == "application/problem+json"
        assert "%00" in response.json()["detail"]


def test_a_percent_sign_that_is_no_nul_is_a_question_like_any_other() -> None:
    assert owner().page.get("/catalog/", QUERY_STRING="q=100%2500").status_code == 200


def test_a_token_cannot_be_named_with_a_nul() -> None:
    person = owner()
    response = person.page.post("/account/tokens/", {"name": "lap\0top"}, follow=True)
    assert "cannot be kept" in response.content.decode()
    assert person.artist.tokens.count() == 1  # the one the tests have


@pytest.mark.parametrize("field", ["request_key", "change"])
def test_a_variation_asked_for_with_a_nul_is_refused(field: str) -> None:
    person = owner()
    one = generation_of(person.artist)
    form = {"change": "darker", "request_key": uuid.uuid4().hex, field: "a\0b"}
    assert person.page.post(f"/generations/{one.pk}/vary/", form).status_code == 400
    assert one.variations.count() == 0


@pytest.mark.parametrize(
    "path, form",
    [
        ("/account/signup/", {"username": "a\0b", "password": "a-long-enough-phrase-42", "rights": "on"}),
        ("/account/login/", {"username": "a\0b", "password": "x"}),
    ],
)
def test_a_form_with_a_nul_is_answered_calmly(path: str, form: dict[str, str]) -> None:
    assert Client().post(path, form).status_code in (200, 422)


@pytest.mark.parametrize("claims", [{"a": "\0"}, {"a": [{"b\0": 1}]}])
def test_claims_with_a_nul_are_not_stamped(claims: dict[str, object]) -> None:
    file = SimpleUploadedFile("a.wav", b"RIFF")
    response = owner().api.post("/api/stamp", {"file": file, "metadata": json.dumps(claims)})
    assert response.status_code == 400
    assert "metadata" in response.json()["errors"]


class SocketTests(TransactionTestCase):
    def setUp(self) -> None:
        self.cookie = owner().page.cookies["sessionid"].value

    async def test_a_socket_for_an_id_with_a_nul_is_refused(self) -> None:
        headers = [
            (b"origin", b"http://localhost"),
            (b"host", b"localhost"),
            (b"cookie", f"sessionid={self.cookie}".encode()),
        ]
        socket = WebsocketCommunicator(application, "/ws/generations/gen_\0/", headers=headers)
        assert await socket.connect(timeout=5) == (False, 4404)
