"""Errors as RFC 9457 problem details, raised anywhere below a view of the API.

`starforge_site.problems.handler` turns them (and every exception DRF knows) into
`application/problem+json`: {type, title, status, detail, …}.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import APIException

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:starforge:problem:"


class Problem(APIException):
    """A named problem. `slug` ends its type URI; `extra` members stand beside the standard ones.

    Raise it as `Problem(409, "too-few-tracks", "You have 4 …", count=4, needed=10)`.
    """

    def __init__(self, status: int, slug: str, detail: str, *, title: str = "", **extra: Any) -> None:
        super().__init__(detail, code=slug)
        self.status_code = status
        self.slug = slug
        self.title = title or slug.replace("-", " ").capitalize()
        self.extra = extra


class ProblemSerializer(serializers.Serializer[Any]):
    """The shape of every error answer (RFC 9457). Some problems add members of their own."""

    type = serializers.CharField(help_text="A name that stays: urn:starforge:problem:…")
    title = serializers.CharField(help_text="What kind of problem this is")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, and what to do")
    errors = serializers.DictField(  # type: ignore[assignment]  # DRF takes fields off the class
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="For each refused field, why",
    )
