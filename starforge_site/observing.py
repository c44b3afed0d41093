"""What is noted of every request and socket: its number, how long it took, how many are open."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from catalog import tracing
from starforge_site import metrics

log = logging.getLogger("starforge.requests")

HEADER = "X-Request-ID"
SLOW_SECONDS = 2.0


def route_of(request: HttpRequest) -> str:
    """The name of the route, never the address: there are as many of these as there are routes."""
    if request.resolver_match is not None:
        return request.resolver_match.view_name or request.resolver_match.route or "unnamed"
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"


class Observed:
    """The outermost middleware. A request keeps the number it came with, or gets one, and the answer says it.

    What changes something, fails, or is slow has a log line; the rest only its figures.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number, began = tracing.accepted(request.headers.get(HEADER, "")), time.perf_counter()
        tracing.bind(number)
        try:
            response = self.get_response(request)
            response.headers[HEADER] = number
            took = time.perf_counter() - began
            route, status = route_of(request), response.status_code
            metrics.REQUESTS.labels(route, str(status)).observe(took)
            told = request.method not in {"GET", "HEAD", "OPTIONS"} or status >= 500 or took > SLOW_SECONDS
            log.log(
                logging.INFO if told else logging.DEBUG,
                "answered",
                extra={
                    "method": request.method,
                    "route": route,
                    "status": status,
                    "ms": round(1000 * took),
                },
            )
            return response
        finally:
            tracing.bind("")


class CountedSockets:
    """An ASGI application that knows how many of the sockets it accepted are open."""

    def __init__(self, inner: Callable[..., Awaitable[Any]]) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_open = False

        async def counting(message: dict[str, Any]) -> None:
            nonlocal is_open
            if message["type"] == "websocket.accept" and not is_open:
                is_open = True
                metrics.SOCKETS.inc()
            await send(message)

        try:
            await self.inner(scope, receive, counting)
        finally:
            if is_open:
                metrics.SOCKETS.dec()
