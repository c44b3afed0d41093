"""Every error answer of the API as RFC 9457 `application/problem+json`; pages get HTML."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from catalog import tracing
from catalog.problems import MEDIA_TYPE, TYPE_PREFIX, Problem

__all__ = ["Problem", "handler", "not_found", "server_error"]

NAMES = {
    400: ("invalid-request", "The request cannot be read"),
    401: ("not-signed-in", "Sign in first"),
    403: ("not-allowed", "Not allowed"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "This address does not do that"),
    406: ("not-acceptable", "No answer in that format"),
    413: ("too-large", "Too large"),
    415: ("unsupported-media-type", "Unsupported content type"),
    429: ("too-many-requests", "Too many requests"),
    500: ("server-error", "Something went wrong here"),
}
NOT_FOUND = "There is nothing of yours at this address."


def document(status: int, detail: str, *, slug: str = "", title: str = "", **extra: Any) -> dict[str, Any]:
    """The members of a problem; slug and title default to those of the status."""
    default_slug, default_title = NAMES.get(status, ("error", HTTPStatus(status).phrase))
    return {
        "type": TYPE_PREFIX + (slug or default_slug),
        "title": title or default_title,
        "status": status,
        "detail": detail,
        **extra,
    }


def flat(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested validation errors as {"reference_tracks.0.role": ["…"]}."""
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for name, inner in detail.items():
            found |= flat(inner, f"{path}.{name}" if path else str(name))
        return found
    if isinstance(detail, list):
        if all(not isinstance(inner, (dict, list)) for inner in detail):
            return {path or "request": [str(inner) for inner in detail]}
        found = {}
        for index, inner in enumerate(detail):
            found |= flat(inner, f"{path}.{index}" if path else str(index))
        return found
    return {path or "request": [str(detail)]}


def handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. Unknown exceptions go on to `server_error`."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(NOT_FOUND)
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, SuspiciousOperation):
        exc = refused_body(exc)
    response = exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    response.data = _described(exc, response.status_code)
    response.content_type = MEDIA_TYPE
    return response


def refused_body(exc: SuspiciousOperation) -> exceptions.APIException:
    """What Django itself refuses to read: a body that is too large or has too many parts."""
    if isinstance(exc, RequestDataTooBig):
        return Problem(
            413, "too-large", "The request is larger than 2 MB, the limit for everything but audio."
        )
    return Problem(400, "invalid-request", "The request has more parts than anything here needs.")


def _described(exc: exceptions.APIException, status: int) -> dict[str, Any]:
    if isinstance(exc, Problem):
        return document(status, str(exc.detail), slug=exc.slug, title=exc.title, **exc.extra)
    if isinstance(exc, exceptions.ValidationError):
        errors = flat(exc.detail)
        return document(
            status,
            " ".join(dict.fromkeys(message for messages in errors.values() for message in messages)),
            slug="invalid-fields",
            title="Some fields cannot be used",
            errors=errors,
        )
    if isinstance(exc, exceptions.Throttled):
        wait: float | None = getattr(exc, "wait", None)
        if wait is None:
            return document(status, "More requests came in than allowed. Try again later.")
        seconds = math.ceil(wait)
        detail = f"More requests came in than allowed. Try again in {seconds} s."
        return document(status, detail, retry_after_seconds=seconds)
    if isinstance(exc, exceptions.NotAuthenticated):
        return document(
            status, "Send a token: the header Authorization: Token sf_…, from /account/ or POST /api/token/."
        )
    return document(status, str(exc.detail))


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def problem_response(status: int, detail: str, **extra: Any) -> JsonResponse:
    return JsonResponse(document(status, detail, **extra), status=status, content_type=MEDIA_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404."""
    if is_api(request):
        return problem_response(404, NOT_FOUND)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    if is_api(request):
        return problem_response(
            500,
            "The error was logged. Try again; if it stays, tell whoever runs this site the number in request_id.",
            request_id=tracing.current(),
        )
    return defaults.server_error(request)
