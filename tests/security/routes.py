"""Every address of the site, read from the URL conf, so that a new one is tried as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
UNSAFE = ("post", "put", "patch", "delete")
# Addresses with an id that are for everybody who knows them: reading is allowed, changing is not.
PUBLIC = (
    "certificates/",
    "api/certificates/",
    "api/verify/",
    "shared/",
    "collaborate/invitation/",  # by link: whoever is signed in may read what they are asked
    "log/",
    "api/log/",
    "history/evolution/drift.",  # a kind of picture, of one's own
)
PLACEHOLDER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """`path` as the URL conf has it: generations/<str:pk>/cancel/."""

    path: str
    name: str
    callback: Any

    @property
    def placeholders(self) -> list[str]:
        return PLACEHOLDER.findall(self.path)

    @property
    def is_api(self) -> bool:
        return self.path.startswith("api/")

    @property
    def is_admin(self) -> bool:
        return self.path.startswith("admin/")

    @property
    def is_public(self) -> bool:
        return self.path.startswith(PUBLIC)

    def address(self, values: dict[str, str]) -> str:
        return "/" + PLACEHOLDER.sub(lambda found: values[found[1]], self.path)


def _walk(patterns: list[URLPattern | URLResolver], start: str = "") -> Iterator[Route]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, start + str(pattern.pattern))
        else:
            yield Route(start + str(pattern.pattern), pattern.name or "", pattern.callback)


def routes() -> list[Route]:
    """All of them; of the admin those without regular expressions, which catch what is left."""
    return [route for route in _walk(get_resolver().url_patterns) if "(?" not in route.path]


def with_ids() -> list[Route]:
    return [route for route in routes() if route.placeholders and not route.is_admin]


def without_ids() -> list[Route]:
    return [route for route in routes() if not route.placeholders and not route.is_admin]


def of_admin() -> list[tuple[Route, type[Any] | None]]:
    """(address, the model whose id it takes, if it takes one)."""
    models = {f"admin/{one._meta.app_label}/{one._meta.model_name}/": one for one in admin.site._registry}
    found = []
    for route in routes():
        if route.is_admin:
            model = next((one for start, one in models.items() if route.path.startswith(start)), None)
            found.append((route, model if route.placeholders else None))
    return found
