"""Whatever is asked of the API, within its schema or against it, it answers, and never with an error of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from django.db import transaction
from django.test import Client

from tests.belongings import Belongings
from tests.people import collaborator
from tests.security.schema import drawn, operations

EACH = 2


def send(client: Client, asked: requests.PreparedRequest, own: dict[str, str]) -> Any:
    parts = urlsplit(str(asked.url))
    path = own.get(parts.path, parts.path)
    kind = str(asked.headers.get("Content-Type", "application/json"))
    body = asked.body.encode() if isinstance(asked.body, str) else asked.body or b""
    skipped = {"content-type", "content-length", "authorization", "cookie", "host"}
    headers = {name: value for name, value in asked.headers.items() if name.lower() not in skipped}
    return client.generic(
        str(asked.method), path, body, content_type=kind, headers=headers, QUERY_STRING=parts.query
    )


def test_no_operation_ends_in_an_error_of_ours(theirs: Belongings) -> None:
    person, other = theirs.person, collaborator()
    tried, wrong = 0, []
    for operation in operations():
        route = operation.path.lstrip("/").replace("{id}", "<str:pk>")
        try:
            here = operation.path.format_map({"id": theirs.of(route).get("pk", "x"), **theirs.of(route)})
        except LookupError:
            here = operation.path

        def ask(asked: requests.PreparedRequest, here: str = here) -> None:
            nonlocal tried
            for client, path in ((person.api, here), (other.api, ""), (Client(), "")):
                found = {urlsplit(str(asked.url)).path: path} if path else {}
                client.raise_request_exception = False
                with transaction.atomic():
                    answer = send(client, asked, found)
                    transaction.set_rollback(True)
                tried += 1
                if answer.status_code >= 500 and answer.status_code not in (503, 507):
                    wrong.append((asked.method, path or asked.url, asked.body, answer.status_code))
                elif answer.status_code >= 400 and answer.content:
                    assert answer.headers["Content-Type"] == "application/problem+json", (asked.url, answer)

        drawn(operation, EACH, 1, ask)
    assert wrong == []
    assert tried > 300
