"""Requests drawn from the OpenAPI schema by schemathesis: what fits it, and what does not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import requests
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

BASE = "http://localhost"
LONGEST = 60_000  # of an address and of each header: what is longer, daphne itself refuses


def operations() -> Iterator[Any]:
    """Every operation of the schema as the site would publish it now."""
    document = dict(SchemaGenerator().get_schema(request=None, public=True))
    # Placeholders are filled in by us, so that foreign, missing and own ids are all tried.
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        yield result.ok()


def drawn(operation: Any, count: int, number: int, use: Callable[[requests.PreparedRequest], None]) -> None:
    """Call `use` with `count` requests for the operation, half of them against the schema.

    With one, where an operation takes nothing that could be right or wrong.
    """
    modes = [GenerationMode.POSITIVE]
    if len(operation.body) or len(operation.query):
        modes.append(GenerationMode.NEGATIVE)
    else:
        count = 2
    quick = settings(
        max_examples=max(1, count // 2), deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for mode in modes:

        @seed(number)
        @quick
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            prepared = _prepared(case)
            if prepared is not None:
                use(prepared)

        with contextlib.suppress(Unsatisfiable):  # nothing about some operations can be wrong
            run()


def _prepared(case: Any) -> requests.PreparedRequest | None:
    """As bytes for the wire; None for what no HTTP client can send."""
    try:
        asked = case.as_transport_kwargs(base_url=BASE)
        names = ("method", "url", "headers", "params", "json", "data", "files", "cookies")
        found = {name: value for name, value in asked.items() if name in names}
        prepared = requests.Request(**found).prepare()
        headers = {name: str(value).encode("latin-1") for name, value in prepared.headers.items()}
    except (UnicodeError, requests.RequestException, ValueError, TypeError):
        return None
    if len(prepared.url or "") > LONGEST or any(len(value) > LONGEST for value in headers.values()):
        return None
    return prepared
