"""What every operation says in the OpenAPI schema, in one decorator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema

from catalog.problems import MEDIA_TYPE, ProblemSerializer

F = TypeVar("F", bound=Callable[..., Any])

REASONS = {
    400: "The request or some of its fields cannot be used; `errors` says why for each field.",
    401: "No token, or one that is not valid.",
    403: "Not allowed, or not with this token: its scope is narrower.",
    404: "There is nothing of yours at this address.",
    409: "The state of things does not allow it; `detail` says what to do.",
    413: "Larger than the limit.",
    415: "Not a content type, or not a kind of audio, that is read here.",
    416: "The range lies outside the file.",
    429: "More requests than the rate allows; `Retry-After` says how long to wait.",
    503: "Too many recordings are being looked at; `Retry-After` says how long to wait.",
    507: "No room left on the server.",
}


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    return {
        (status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description=REASONS[status])
        for status in sorted({*statuses, 429})
    }


def operation(
    name: str,
    summary: str,
    *,
    tag: str,
    answers: dict[Any, Any],
    errors: Sequence[int] = (401,),
    **more: Any,
) -> Callable[[F], F]:
    """`extend_schema` with the problems an operation can answer.

    429 is always among them, and 403 wherever a token is asked for: it may not be made for this.
    """
    if 401 in errors and more.get("auth") != []:
        errors = (*errors, 403)
    return extend_schema(
        operation_id=name, summary=summary, tags=[tag], responses={**answers, **problems(*errors)}, **more
    )


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema describes `catalog.tokens.TokenAuthentication`."""

    target_class = "catalog.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Authorization: Token sf_…`, from the account page or POST /api/token/.",
        }
