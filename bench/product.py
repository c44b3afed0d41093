"""The product as a stranger meets it: started by its own command, spoken to over HTTP and sockets."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
OVER = frozenset({"ready", "failed", "cancelled"})


class Product:
    """A running installation and one artist's way into it."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.base, self.port = data, f"http://127.0.0.1:{port}", port
        self.pages = requests.Session()
        self.api = requests.Session()

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env={**os.environ, "STARFORGE_DATA": str(self.data)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def log_in(self, username: str, password: str) -> None:
        answer = self.api.post(f"{self.base}/api/token/", json={"username": username, "password": password})
        answer.raise_for_status()
        self.api.headers["Authorization"] = f"Token {answer.json()['token']}"
        self.form("/account/login/", "/account/login/", username=username, password=password)

    def form(self, page: str, action: str, **fields: str) -> None:
        """Send a form as the page has it; raises where it is not answered by leading elsewhere."""
        token = re.search(
            r'name="csrfmiddlewaretoken" value="([^"]+)"', self.pages.get(self.base + page).text
        )
        assert token, f"{page} has no form"
        answer = self.pages.post(
            self.base + action, data={**fields, "csrfmiddlewaretoken": token[1]}, allow_redirects=False
        )
        assert answer.status_code == 302, f"{action} answered {answer.status_code}"

    def get(self, path: str) -> Any:
        answer = self.api.get(self.base + path)
        answer.raise_for_status()
        return answer.json()

    def generate(self, **wishes: Any) -> dict[str, Any]:
        answer = self.api.post(f"{self.base}/api/generate/music", json=wishes)
        answer.raise_for_status()
        return dict(answer.json())

    def finished(self, generation: str, *, within: float = 600.0) -> dict[str, Any]:
        """The generation once it is over; raises when it failed or takes longer than `within` seconds."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            row = self.get(f"/api/generations/{generation}/")
            if row["status"] == "ready":
                return dict(row)
            if row["status"] in OVER:
                raise RuntimeError(f"generation {generation} {row['status']}: {row['reason']}")
            time.sleep(0.1)
        raise TimeoutError(f"generation {generation} is not over after {within:.0f} s")

    def analysed(self) -> int:
        return int(self.get("/api/tracks/?status=ready")["count"])

    def listen(self, path: str) -> Iterator[tuple[float, dict[str, Any]]]:
        """(moment of arrival in seconds since the epoch, message) for each message of a socket."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as line:
            cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.pages.cookies)
            line.sendall(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nOrigin: {self.base}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}\r\n"
                f"Cookie: {cookies}\r\n\r\n".encode()
            )
            stream = line.makefile("rb")
            status = stream.readline()
            assert b" 101 " in status, status
            while stream.readline().strip():
                pass
            while (head := stream.read(2)) and len(head) == 2:
                kind, length = head[0] & 0x0F, head[1] & 0x7F
                if length == 126:
                    (length,) = struct.unpack(">H", stream.read(2))
                elif length == 127:
                    (length,) = struct.unpack(">Q", stream.read(8))
                body = stream.read(length)
                if kind == 8:
                    return
                if kind == 9:  # a ping; who does not answer is taken for gone. A client's frames are masked.
                    line.sendall(bytes([0x8A, 0x80 | length]) + bytes(4) + body)
                if kind == 1:
                    yield time.time(), json.loads(body)


@contextmanager
def started(data: Path, *options: str, ready: list[float] | None = None) -> Iterator[Product]:
    """`manage.py up` in `data`, with the demo artists, until the block ends.

    ready: gets the seconds until /readyz said so, if somebody asks.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = data / "bench.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port), *options],
            env={"STARFORGE_RATE_USER": "100000/min", **os.environ, "STARFORGE_DATA": str(data)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    product, began = Product(data, port), time.monotonic()
    try:
        while True:
            try:
                if requests.get(f"{product.base}/healthz", timeout=2).ok:
                    break
            except requests.RequestException:
                if process.poll() is not None:
                    raise RuntimeError(f"Starforge did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)
        while ready is not None and not ready:
            if requests.get(f"{product.base}/readyz", timeout=20).ok:
                ready.append(time.monotonic() - began)
            time.sleep(0.05)
        yield product
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
