"""Reading request bodies within limits."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from catalog.problems import Problem

LARGEST_JSON = 2 * 2**20
FORM_OVERHEAD = 64 * 2**10
# Codes of refused files that have a status of their own; every other reason is 400.
REFUSAL_STATUS = {"too_large": 413, "too_big": 413, "unsupported": 415, "no_space": 507, "plan_limit": 429}


class BoundedJSON(JSONParser):
    """JSON of at most 2 MB. DRF's own parser reads as much as it is sent and as deep as it is nested."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(LARGEST_JSON + 1)
        if len(body) > LARGEST_JSON:
            raise Problem(413, "too-large", "This JSON is larger than 2 MB; no request here needs that.")
        try:
            return super().parse(BytesIO(body), media_type, dict(parser_context or {}))
        except RecursionError:
            raise ParseError("This JSON is nested too deeply.") from None


def declared_length(request: Request) -> int | None:
    try:
        return int(request.META.get("CONTENT_LENGTH") or "")
    except ValueError:
        return None


def refuse_oversize(request: Request, *, limit: int | None = None, what: str = "one track") -> None:
    """Refuse a body that is announced as too large before any of it is stored."""
    limit = limit or settings.STARFORGE_UPLOAD_BYTES
    length = declared_length(request)
    if length is not None and length > limit + FORM_OVERHEAD:
        raise Problem(
            413,
            "too-large",
            f"The file is larger than {limit // 2**20} MB, the limit for {what}.",
            limit_bytes=limit,
        )


class AnyAccept(BaseContentNegotiation):
    """For answers that are audio: the Accept header of a player and ?format=wav are not about renderers."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]
