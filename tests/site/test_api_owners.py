"""Every address of the API, tried by somebody it does not belong to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, get_resolver

from catalog.models import Track
from generation.models import Adapter, GeneratedTrack, Generation
from tests.belongings import belongings
from tests.catalog.test_api_problems import problem
from tests.people import collaborator, owner, stranger

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "put", "patch", "delete")
# What anybody may ask: certificates and the log are public, a token is asked for by name and password.
PUBLIC = (
    "/api/token/",
    "/api/verify",
    "/api/provenance/verify",
    "/api/certificates/",
    "/api/log/",
    "/api/schema/",
    "/api/docs/",
)


def patterns() -> Iterator[tuple[str, URLPattern]]:
    """(address with its placeholders, pattern) of everything below /api/."""
    for resolver in get_resolver().url_patterns:
        start = str(resolver.pattern)
        if isinstance(resolver, URLPattern):
            if start.startswith("api/"):
                yield f"/{start}", resolver
        elif start == "api/":
            for pattern in resolver.url_patterns:
                yield f"/{start}{pattern.pattern}", pattern


def methods_of(pattern: URLPattern) -> list[str]:
    view: Any = getattr(pattern.callback, "cls", None)
    return [name for name in METHODS if hasattr(view, name)]


def private() -> list[tuple[str, str]]:
    return sorted(
        (address, method)
        for address, pattern in patterns()
        if not address.startswith(PUBLIC)
        for method in methods_of(pattern)
    )


def test_there_is_something_to_try() -> None:
    assert len(private()) > 25


@pytest.mark.parametrize(("address", "method"), [one for one in private() if "<" in one[0]])
def test_what_is_somebody_elses_is_not_found(address: str, method: str) -> None:
    theirs, mine = belongings(owner()), collaborator()
    pk = theirs.of(address.removeprefix("/"))["pk"]
    before = rows()
    call = getattr(mine.api, method)
    options = {} if method == "get" else {"data": "{}", "content_type": "application/json"}
    foreign = call(address.replace("<str:pk>", pk), **options)
    nothing = call(address.replace("<str:pk>", "xyz_nothing"), **options)
    # Not even the wording tells whether such a thing exists.
    assert problem(foreign, 404) == problem(nothing, 404)
    assert rows() == before


@pytest.mark.parametrize(("address", "method"), private())
def test_without_an_account_nothing_private_answers(address: str, method: str) -> None:
    response = getattr(stranger(), method)(address.replace("<str:pk>", "x"))
    assert problem(response, 401)["type"].endswith(":not-signed-in")


def test_the_lists_hold_nothing_of_others() -> None:
    belongings(owner())
    mine = collaborator()
    for address in (
        "tracks",
        "duplicates",
        "adapters",
        "blends",
        "generations",
        "generated-tracks",
        "dna/snapshots",
    ):
        assert mine.api.get(f"/api/{address}/").json()["count"] == 0
    assert mine.api.get("/api/dna/").json()["track_count"] == 0


def rows() -> list[Any]:
    return [
        list(model.objects.order_by("pk").values_list("pk", "status", "cancel_asked", "version"))
        for model in (Track, Generation, Adapter)
    ] + [list(GeneratedTrack.objects.values_list("pk", "library_track"))]
