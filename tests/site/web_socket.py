"""A socket as a browser opens it: just enough of RFC 6455 to hear text."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from typing import Any


class WebSocket:
    def __init__(self, port: int, path: str, cookie: str) -> None:
        self._line = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            f"Cookie: sessionid={cookie}\r\n\r\n".encode()
        )
        self._in = self._line.makefile("rb")
        status = self._in.readline().decode()
        assert " 101 " in status, status
        while self._in.readline().strip():
            pass

    def hear(self) -> dict[str, Any]:
        """The next message."""
        while True:
            first, length = self._in.read(2)
            if length == 126:
                length = int.from_bytes(self._in.read(2), "big")
            elif length == 127:
                length = int.from_bytes(self._in.read(8), "big")
            data = self._in.read(length)
            assert first & 0x0F != 8, f"closed: {data!r}"
            if first & 0x0F == 1:
                message: dict[str, Any] = json.loads(data)
                return message

    def until(self, *, seconds: float = 120.0, **wanted: Any) -> list[dict[str, Any]]:
        """Everything heard up to a message that says all of `wanted`."""
        heard: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        while not heard or any(heard[-1].get(name) != value for name, value in wanted.items()):
            assert time.monotonic() < deadline, heard
            heard.append(self.hear())
        return heard

    def close(self) -> None:
        self._in.close()
        self._line.close()
