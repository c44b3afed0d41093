"""A player can seek: byte ranges as RFC 9110 wants them, under both servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from catalog.audio.ranged import PIECE, ranged

CONTENT = bytes(range(256)) * 4096  # 1 MiB: several pieces
SIZE = len(CONTENT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "take.wav"
    path.write_bytes(CONTENT)
    return path


def get(path: Path, *, method: str = "get", **headers: str) -> HttpResponseBase:
    request = getattr(RequestFactory(), method)(
        "/x", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    return ranged(request, path, content_type="audio/wav", filename="Düster.wav")


def body(response: HttpResponseBase) -> bytes:
    if isinstance(response, StreamingHttpResponse):
        return b"".join(cast("Iterator[bytes]", response.streaming_content))
    return cast(HttpResponse, response).content


def test_without_a_range_the_whole_file_comes(file: Path) -> None:
    response = get(file)
    assert (response.status_code, response["Content-Length"]) == (200, str(SIZE))
    assert (response["Accept-Ranges"], response["Content-Type"]) == ("bytes", "audio/wav")
    assert "filename*=utf-8''D%C3%BCster.wav" in response["Content-Disposition"]
    assert body(response) == CONTENT


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, SIZE),
        ("bytes=1000-400000", 1000, 400_001),
        (f"bytes={SIZE - 5}-", SIZE - 5, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        (f"bytes=10-{SIZE * 2}", 10, SIZE),
    ],
)
def test_a_range_gives_exactly_those_bytes(file: Path, asked: str, start: int, end: int) -> None:
    response = get(file, range=asked)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert response["Content-Length"] == str(end - start)
    assert body(response) == CONTENT[start:end]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={10**17}-", "bytes=-0"])
def test_a_range_past_the_end_is_416(file: Path, asked: str) -> None:
    response = get(file, range=asked)
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{SIZE}")


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "bytes=0-1,5-6", "items=0-1", "bytes=a-b", "bytes=" + "9" * 40 + "-"]
)
def test_what_is_no_single_range_is_ignored(file: Path, asked: str) -> None:
    assert get(file, range=asked).status_code == 200


def test_a_range_of_an_older_version_gives_the_whole_file(file: Path) -> None:
    etag, modified = get(file)["ETag"], get(file)["Last-Modified"]
    assert get(file, range="bytes=0-9", if_range=etag).status_code == 206
    assert get(file, range="bytes=0-9", if_range=modified).status_code == 206
    assert get(file, range="bytes=0-9", if_range='"old"').status_code == 200


def test_an_unchanged_file_is_304(file: Path) -> None:
    first = get(file)
    assert get(file, if_none_match=f'"x", W/{first["ETag"]}').status_code == 304
    assert get(file, if_modified_since=first["Last-Modified"]).status_code == 304
    assert get(file, if_none_match='"x"', if_modified_since=first["Last-Modified"]).status_code == 200


def test_head_has_the_headers_and_no_body(file: Path) -> None:
    response = get(file, method="head")
    assert (response.status_code, response["Content-Length"], body(response)) == (200, str(SIZE), b"")


async def test_under_asgi_the_file_comes_in_pieces_from_an_async_iterator(file: Path) -> None:
    request = AsyncRequestFactory().get("/x", headers={"range": "bytes=3-"})
    response = cast(StreamingHttpResponse, ranged(request, file, content_type="audio/wav", attachment=True))
    assert response.is_async
    pieces = [piece async for piece in cast("AsyncIterator[bytes]", response.streaming_content)]
    assert b"".join(pieces) == CONTENT[3:]
    assert max(map(len, pieces)) <= PIECE
    assert response["Content-Disposition"].startswith("attachment")


def test_an_unread_answer_closes_its_file(file: Path) -> None:
    response: Any = get(file)
    opened = response._resource_closers[-1].__self__
    response.close()
    assert opened.closed


def test_what_is_not_there_is_a_404(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.wav", tmp_path):
        with pytest.raises(Http404):
            get(path)


def test_an_empty_file_is_an_empty_answer(tmp_path: Path) -> None:
    (tmp_path / "e").touch()
    assert body(get(tmp_path / "e")) == b""
    assert get(tmp_path / "e", range="bytes=0-").status_code == 416
