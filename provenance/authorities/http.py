"""HTTP to a place we do not trust: bounded in time and size, certificates checked, redirects never followed. Pure."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from provenance.authorities.base import Refused, Unreachable

MAX_ANSWER = 512 * 2**10
MAX_REASON = 300
BLOCK = 64 * 2**10
MOST_DIGITS = 18  # of a whole number; what has more is none that we sent
LATER = frozenset({408, 425, 429})  # a 4xx that says "not now" rather than "no"


@dataclass(frozen=True)
class Upload:
    """A file to send as multipart/form-data, beside text fields."""

    path: Path
    filename: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Service:
    """The address of a service and how long one exchange with it may take, answer included."""

    base_url: str
    token: str = ""
    seconds: float = 10.0

    def __repr__(self) -> str:  # a token is never shown, in no log and no traceback
        return f"Service({self.base_url!r})"

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        upload: Upload | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """(status, parsed JSON) of a 2xx or 404 answer. Raises Refused for another 4xx, else Unreachable."""
        status, raw = self._exchange(method, path, body, upload, dict(headers or {}))
        if status != 404:
            _fine(method, status, raw)
        return status, _parsed(raw, status, method not in {"GET", "HEAD"})

    def fetch(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The bytes of a 2xx answer to these bytes. Raises Refused for a 4xx, else Unreachable."""
        status, raw = self._exchange(method, path, body, None, dict(headers))
        _fine(method, status, raw)
        return raw

    def _exchange(
        self, method: str, path: str, body: Any, upload: Upload | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        parts = urlsplit(self.base_url)
        connection = self._connection(parts.scheme, parts.hostname or "", parts.port)
        headers = {"Accept": "application/json", **headers, "User-Agent": "Starforge", "Connection": "close"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data, heads = _payload(body, upload)
        asked = f"{parts.path.rstrip('/')}{path}"
        sent = False
        try:
            with _deadline(connection, self.seconds):
                connection.connect()
                sent = True
                connection.request(method, asked, body=data, headers=headers | heads)
                answer = connection.getresponse()
                raw = answer.read(MAX_ANSWER + 1)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                _why(error, self.seconds), perhaps_heard=sent and method not in {"GET", "HEAD"}
            ) from error
        finally:
            connection.close()
        if len(raw) > MAX_ANSWER:
            raise Unreachable("Its answer is longer than any can be.", perhaps_heard=True)
        return answer.status, raw

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self.seconds, context=context)
        return http.client.HTTPConnection(host, port, timeout=self.seconds)


def _fine(method: str, status: int, raw: bytes) -> None:
    """Raises what a status other than 2xx means."""
    if 200 <= status < 300:
        return
    reason = _reason(raw)
    if 300 <= status < 400:
        raise Unreachable(
            "It answers with a redirect, which is not followed. Set the address it is really at."
        )
    if status in LATER:
        raise Unreachable(f"It asks to come back later ({status}). {reason}".strip())
    if 400 <= status < 500:
        raise Refused(reason or f"It answered {status} and gave no reason.")
    raise Unreachable(
        f"It failed with status {status}. {reason}".strip(), perhaps_heard=method not in {"GET", "HEAD"}
    )


@contextlib.contextmanager
def _deadline(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """Cut the line after `seconds` altogether: a timeout of its own only bounds each single wait."""

    over = threading.Event()

    def cut() -> None:
        over.set()
        line = connection.sock
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
        if over.is_set():
            raise TimeoutError
    except (OSError, http.client.HTTPException) as error:
        if over.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


def _payload(body: Any, upload: Upload | None) -> tuple[Any, dict[str, str]]:
    if upload is not None:
        return _multipart(upload)
    if body is None:
        return None, {}
    if isinstance(body, bytes):
        return body, {}
    return json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json"}


def _multipart(upload: Upload) -> tuple[Iterator[bytes], dict[str, str]]:
    """The body block by block, and its headers: a recording is not read into memory."""
    line = f"starforge-{secrets.token_hex(16)}"
    head = b"".join(
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in upload.fields.items()
    )
    head += (
        f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="{upload.filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{line}--\r\n".encode()
    size = len(head) + upload.path.stat().st_size + len(tail)

    def blocks() -> Iterator[bytes]:
        yield head
        with upload.path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
        yield tail

    return blocks(), {"Content-Type": f"multipart/form-data; boundary={line}", "Content-Length": str(size)}


def _read(raw: bytes) -> Any:
    """JSON that can be stored and compared: no NUL and no half of a surrogate pair in a text, every number finite.

    Raises ValueError and RecursionError.
    """
    return _storable(
        json.loads(
            raw,
            parse_constant=_finite,
            parse_float=_finite,
            parse_int=lambda digits: int(digits[:MOST_DIGITS]),
        )
    )


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is no number")
    return value


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", " ").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


def _parsed(raw: bytes, status: int, writes: bool) -> Any:
    try:
        return _read(raw)
    except (ValueError, RecursionError) as error:
        if status == 404:
            return {}
        raise Unreachable("It answered something that is not JSON.", perhaps_heard=writes) from error


def _reason(raw: bytes) -> str:
    """The reason in an error's body, on one line: {"error": "…"} as o8 writes it, or a problem document."""
    try:
        told = _read(raw)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(told, dict):
        return ""
    said = next((told[name] for name in ("error", "detail", "message", "title") if told.get(name)), "")
    line = " ".join(str(said).split())
    return line if len(line) <= MAX_REASON else line[: MAX_REASON - 1] + "…"


def _why(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"It did not answer within {seconds:g} seconds."
    if isinstance(error, ssl.SSLError):
        return "Its TLS certificate does not hold, so nothing was sent."
    if isinstance(error, ConnectionRefusedError):
        return "Nothing answers at its address."
    if isinstance(error, socket.gaierror):
        return "Its name is not known."
    if isinstance(error, http.client.HTTPException):
        return "It broke off its answer, or gave one that is not HTTP."
    return "The connection broke."
