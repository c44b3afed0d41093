"""Serve a sound file so that a player can seek: byte ranges, in constant memory.

Django's FileResponse knows no ranges (a browser then cannot seek at all) and under ASGI reads the
whole file into memory. RFC 9110 sections 13 and 14 say what to answer.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, http_date, parse_http_date_safe

PIECE = 256 * 1024


def ranged(
    request: HttpRequest,
    path: Path,
    *,
    content_type: str,
    filename: str | None = None,
    attachment: bool = False,
) -> HttpResponseBase:
    """Answer GET or HEAD for the file at `path`: 200, 206 for a range, 304, or 416 past its end.

    `filename` is what a browser saves it as, `attachment` whether it saves instead of playing. The
    caller decides who may read the file. Works from sync and async views, under ASGI and WSGI.
    Raises Http404 when there is no such file.
    """
    request = getattr(request, "_request", request)  # what Django REST framework wraps
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed with the response
    except OSError as error:
        raise Http404("There is no such file.") from error
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise Http404("There is no such file.")
    size, etag = status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    modified = int(status.st_mtime)
    headers = {"Accept-Ranges": "bytes", "ETag": etag, "Last-Modified": http_date(modified)}
    headers["X-Content-Type-Options"] = "nosniff"
    disposition = content_disposition_header(attachment, filename or "")
    if disposition and (attachment or filename):
        headers["Content-Disposition"] = disposition
    if _unchanged(request, etag, modified):
        file.close()
        return HttpResponse(status=304, headers=headers)
    span = _span(request, size, etag, modified)
    if span is None:
        file.close()
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    start, length, partial = span
    headers["Content-Length"] = str(length)
    if partial:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    code = 206 if partial else 200
    if request.method == "HEAD":
        file.close()
        return HttpResponse(status=code, content_type=content_type, headers=headers)
    file.seek(start)
    pieces = _async_pieces(file, length) if isinstance(request, ASGIRequest) else _pieces(file, length)
    response = StreamingHttpResponse(pieces, status=code, content_type=content_type, headers=headers)
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]
    return response


def _span(request: HttpRequest, size: int, etag: str, modified: int) -> tuple[int, int, bool] | None:
    """(start, length, whether it is a part), or None when the range lies past the end.

    What is not one well-formed byte range is ignored, and so is a range of another version of the
    file (If-Range): the answer is then the whole file, as RFC 9110 wants.
    """
    asked = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", request.headers.get("Range", "").strip())
    condition = request.headers.get("If-Range")
    same = condition is None or condition == etag or parse_http_date_safe(condition) == modified
    if not asked or not same or not any(asked.groups()):
        return 0, size, False
    first, last = asked.groups()
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return 0, size, False
    else:
        start, end = max(size - int(last), 0), size - 1
    return (start, end - start + 1, True) if start <= end else None


def _unchanged(request: HttpRequest, etag: str, modified: int) -> bool:
    known = request.headers.get("If-None-Match")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return etag in tags or "*" in tags
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and modified <= since


def _pieces(file: BinaryIO, length: int) -> Iterator[bytes]:
    with file:
        while length > 0 and (data := file.read(min(PIECE, length))):
            length -= len(data)
            yield data


async def _async_pieces(file: BinaryIO, length: int) -> AsyncIterator[bytes]:
    with file:
        while length > 0 and (data := await asyncio.to_thread(file.read, min(PIECE, length))):
            length -= len(data)
            yield data
