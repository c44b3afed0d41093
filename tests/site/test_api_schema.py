"""The OpenAPI schema: valid, complete, and true about errors."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from catalog.problems import MEDIA_TYPE
from tests.people import stranger


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_is_valid_and_draws_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=StringIO())
    assert "Warning" not in capsys.readouterr().err


@pytest.mark.django_db
def test_everybody_may_read_it() -> None:
    response = stranger().get("/api/schema/")
    assert response.status_code == 200 and b"/api/generate/music" in response.content


def test_the_public_surface_is_all_there(schema: dict[str, Any]) -> None:
    wanted = {
        "/api/token/": {"post"},
        "/api/tracks/": {"get", "post", "put"},
        "/api/tracks/{id}/": {"get", "patch", "delete"},
        "/api/tracks/{id}/retry/": {"post"},
        "/api/tracks/{id}/audio/": {"get"},
        "/api/dna/": {"get"},
        "/api/dna/snapshots/": {"get"},
        "/api/dna/snapshots/{id}/": {"get"},
        "/api/match/": {"post"},
        "/api/engines/": {"get"},
        "/api/brief/": {"get"},
        "/api/generate/music": {"post"},
        "/api/generations/": {"get"},
        "/api/generations/{id}/": {"get", "delete"},
        "/api/generations/{id}/cancel/": {"post"},
        "/api/generations/{id}/retry/": {"post"},
        "/api/generations/{id}/vary/": {"post"},
        "/api/generated-tracks/": {"get"},
        "/api/generated-tracks/{id}/": {"get", "patch", "delete"},
        "/api/generated-tracks/{id}/audio/": {"get"},
        "/api/generated-tracks/{id}/add-to-library/": {"post"},
        "/api/stamp": {"post"},
        "/api/verify": {"post"},
    }
    found = {path: set(methods) for path, methods in schema["paths"].items()}
    assert {path: found.get(path) for path in wanted} == wanted


def test_every_operation_says_what_its_errors_look_like(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        if path == "/api/schema/":
            continue
        answers = operation["responses"]
        assert "429" in answers, (path, method)
        assert operation.get("security") == [{}] or "401" in answers or not operation.get("security")
        if "{" in path:
            assert "404" in answers, (path, method)
        if "requestBody" in operation:
            assert {"400", "415"} <= set(answers), (path, method)
        for status, answer in answers.items():
            # 416 comes from the file itself and has no body.
            if int(status) >= 400:
                assert list(answer["content"]) == [MEDIA_TYPE], (path, method, status)


def test_every_operation_has_a_summary_and_a_name_of_its_own(schema: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(set(names)) == len(names)
    assert all(operation.get("summary") for path, _, operation in operations(schema) if "schema" not in path)
