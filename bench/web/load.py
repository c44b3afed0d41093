"""Open sockets and a fixed number of requests each second, from one process, over plain HTTP/1.1.

Open loop: a request leaves when it is due, whether earlier ones are answered or not, and its latency counts from
when it was due. So a server that falls behind looks as bad as it is.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 60.0


@dataclass
class Person:
    """Who asks: a session of this artist."""

    artist: int
    cookie: str


@dataclass(frozen=True)
class Wish:
    """One address to ask for, under the name its figures go by."""

    route: str
    path: str
    person: Person | None = None


@dataclass
class Answers:
    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def note(self, route: str, seconds: float) -> None:
        self.seconds.setdefault(route, []).append(seconds)


class Client:
    """Connections that are kept and used again, as many as are needed at once."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, wish: Wish) -> int:
        """The status; the body is read to its end."""
        reader, writer = (
            self.free.pop() if self.free else await asyncio.open_connection("127.0.0.1", self.port)
        )
        cookie = f"Cookie: {wish.person.cookie}\r\n" if wish.person else ""
        accept = "application/json" if wish.path.startswith("/api/") else "text/html"
        writer.write(
            f"GET {wish.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: {accept}\r\n{cookie}\r\n".encode()
        )
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
        else:
            await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            writer.close()
        else:
            self.free.append((reader, writer))
        return int(head[0].split(" ")[1])


async def requests(port: int, wishes: Iterable[Wish], rate: float, seconds: float) -> Answers:
    """`rate` of the wishes each second for so long. An answer of 400 or more is noted as wrong."""
    client, answers = Client(port), Answers()
    began, under_way = time.perf_counter(), []

    async def ask(wish: Wish, due: float) -> None:
        try:
            status = await asyncio.wait_for(client.get(wish), PATIENCE)
            answers.note(wish.route, time.perf_counter() - due)
            if status >= 400:
                answers.wrong.append(f"{wish.path} answered {status}")
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            answers.wrong.append(f"{wish.path}: {type(error).__name__}")

    for number, wish in enumerate(wishes):
        due = began + number / rate
        if due - began > seconds:
            break
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        under_way.append(asyncio.create_task(ask(wish, due)))
    await asyncio.gather(*under_way)
    return answers


@dataclass
class Heard:
    """What the sockets heard: how many opened, and when each version of a row came to each of them."""

    opened: int = 0
    messages: int = 0
    versions: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


async def listen(port: int, path: str, person: Person, heard: Heard, number: int) -> None:
    """One socket, until it is cancelled. The first message is the state on opening, however old, and is not timed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\nCookie: {person.cookie}\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in head.split(b"\r\n")[0]:
        heard.refused.append(head.split(b"\r\n")[0].decode())
        return
    heard.opened += 1
    seen = 0
    while True:
        kind, length = await reader.readexactly(2)
        size = length & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", await reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await reader.readexactly(8))
        body = await reader.readexactly(size)
        if kind & 0x0F == 8:
            return
        if kind & 0x0F == 9:  # who does not answer a ping is taken for gone
            writer.write(bytes([0x8A, 0x80 | size]) + bytes(4) + body)
        if kind & 0x0F == 1:
            message: dict[str, Any] = json.loads(body)
            heard.messages += 1
            if message["type"] == "generation":
                seen += 1
                if seen > 1:
                    place = (message["id"], message["version"])
                    heard.versions.setdefault(place, []).append(time.time())


async def under_load(
    port: int, places: Sequence[tuple[str, Person]], wishes: Iterable[Wish], rate: float, seconds: float
) -> tuple[Answers, Heard]:
    """The requests, while all these sockets are open."""
    heard = Heard()
    sockets = [
        asyncio.create_task(listen(port, path, person, heard, number))
        for number, (path, person) in enumerate(places)
    ]
    deadline = time.monotonic() + PATIENCE
    # Two counts that tasks of this loop raise: events would be more machinery than asking ten times a second.
    while heard.opened + len(heard.refused) < len(places) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    answers = await requests(port, wishes, rate, seconds)
    for socket in sockets:
        socket.cancel()
    await asyncio.gather(*sockets, return_exceptions=True)
    return answers, heard
