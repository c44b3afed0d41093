"""How much of a request body is taken in before anybody has looked at it.

Twisted stores a whole body, and daphne queues it, before the application hears of the request. What no
address here could want is therefore refused while it arrives: by its announced length, or, when it comes in
chunks without one, as soon as they are too many.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_to_bytes

from daphne.http_protocol import WebRequest
from django.conf import settings

from catalog.problems import MEDIA_TYPE
from starforge_site.problems import document

SMALL = 2 * 2**20
FORM_OVERHEAD = 2**20
TAKES_FILES = frozenset(
    {
        b"/api/imports/",
        b"/api/imports/rekordbox/",
        b"/api/tracks/",
        b"/api/match/",
        b"/api/stamp",
        b"/api/stamp/",
        b"/api/verify",
        b"/api/verify/",
        b"/catalog/",
        b"/catalog/import/",
        b"/verify/",
    }
)
# A client that is still sending hears the answer only if somebody keeps listening: what it sends is dropped.
LINGER_SECONDS = 2.0


def limit_of(target: bytes) -> int:
    """The largest body, in bytes, for a request target such as b"/api/tracks/?title=x"."""
    path = unquote_to_bytes(target.partition(b"?")[0])
    return settings.STARFORGE_UPLOAD_BYTES + FORM_OVERHEAD if path in TAKES_FILES else SMALL


def refusal(target: bytes, limit: int) -> bytes:
    """The whole answer 413 as it goes over the wire."""
    sentence = f"The request is larger than {limit // 2**20} MB, the limit at this address."
    if target.startswith(b"/api/"):
        kind, body = MEDIA_TYPE, json.dumps(document(413, sentence, limit_bytes=limit)).encode()
    else:
        kind, body = "text/plain; charset=utf-8", f"{sentence} Send less at once.\n".encode()
    head = (
        f"HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


class BoundedRequest(WebRequest):
    """A request whose body has a limit by its address. Over it: 413, then the connection ends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Twisted would otherwise parse every form upload a second time, in memory: 12 bytes for each byte sent.
        super().__init__(*args, **{**kwargs, "parsePOSTFormSubmission": False})
        self._limit = SMALL
        self._taken = 0
        self._refused = False
        self._ending: Any = None

    def gotLength(self, length: int | None) -> None:  # noqa: N802  Twisted's name, as those below
        """The head is read. `length` is None for a body in chunks."""
        self._limit = limit_of(self._target)
        if length is not None and length > self._limit:
            self._refuse()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        if self._refused:
            return
        self._taken += len(data)
        if self._taken > self._limit:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        if not self._refused:
            super().requestReceived(command, path, version)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        if self._ending is not None and self._ending.active():
            self._ending.cancel()
        super().connectionLost(reason)

    @property
    def _target(self) -> bytes:
        """The request target, which the channel knows before it tells the request."""
        target: bytes = getattr(self.channel, "_path", b"")
        return target

    def _refuse(self) -> None:
        self._refused = True
        if self.content is not None:
            self.content.close()
        self.requestHeaders.removeHeader(b"expect")  # no "100 Continue" after a refusal
        transport = self.channel.transport
        transport.write(refusal(self._target, self._limit))
        self._ending = self.channel.callLater(LINGER_SECONDS, transport.abortConnection)
