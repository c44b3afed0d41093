"""Rates of the API (REST framework's throttles) on pages as well."""

from __future__ import annotations

import math

from django.http import HttpRequest, HttpResponse
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle


def must_wait(throttle: type[AnonRateThrottle], request: HttpRequest, *, most: int = 60) -> int:
    """Seconds until this address may try again; 0 for an attempt within the rate. most: where it cannot be said."""
    counted = throttle()
    if counted.allow_request(request, None):  # type: ignore[arg-type]  # it reads user and address only
        return 0
    return max(1, math.ceil(counted.wait() or most))


def parsed(rate: str) -> tuple[int, int]:
    """(how many, in how many seconds) of a rate such as 20/hour."""
    most, seconds = SimpleRateThrottle.parse_rate(None, rate)  # type: ignore[arg-type]  # needs no throttle
    return int(most or 0), int(seconds or 0)


def too_many(words: str, seconds: int) -> HttpResponse:
    """429 in one sentence, for what is not a page of its own."""
    answer = HttpResponse(words, status=429, content_type="text/plain; charset=utf-8")
    answer.headers["Retry-After"] = str(seconds)
    return answer
