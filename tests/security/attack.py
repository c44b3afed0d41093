"""One real web process under attack: what is sent to it, what came back, and what it cost."""

from __future__ import annotations

import base64
import http.client
import os
import random
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.belongings import SECRET
from tests.security.parsers import REKORDBOX, hostile
from tests.security.routes import METHODS, PLACEHOLDER, routes
from tests.security.schema import drawn, operations

# The site says so itself: busy, or no room. Everything else from 500 on is an error of ours.
SAID = (503, 507)
SECONDS = 60.0
ODD = (
    "..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "%E2%80%AE", "'%20OR%201=1--", "%7B%7B7*7%7D%7D", "%24%7B7*7%7D", "-1",
    "99999999999999999999", "null", "%3Cscript%3E", "a" * 3000, "%0d%0aSet-Cookie:x=1", ".", "..", "%252e%252e", "*",
    "trk_0000000000000000", "%F0%9F%8E%B5", "0x10", "1e9", "%5C..%5C", ";ls", "|id", "%25", "+", "~root",
)  # fmt: skip
HEADERS = (
    ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-For", "'; drop table x"), ("Origin", "null"),
    ("Accept", "a" * 5000), ("Accept", "*/*;q=abc"), ("Range", "bytes=0-,1-,2-"), ("Range", "bytes=99999999999-"),
    ("If-Range", "\xff"), ("If-None-Match", '"' * 3000), ("Accept-Language", "x" * 3000),
    ("Cookie", "sessionid=" + "A" * 4000),
    ("Authorization", "Token \xff\xfe"), ("Authorization", "Basic AAAA"), ("Content-Type", "multipart/form-data"),
    ("Content-Type", "multipart/form-data; boundary=" + "x" * 500), ("Content-Type", "application/json; charset=utf-7"),
    ("Content-Encoding", "gzip"), ("Idempotency-Key", "\x01\x02"), ("Idempotency-Key", "k" * 500), ("X-Shell", "1"),
    ("Host", "evil.example"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked"), ("Expect", "100-continue"),
    ("X-HTTP-Method-Override", "DELETE"), ("X-CSRFToken", "x" * 32), ("Referer", "https://evil.example/"),
)  # fmt: skip
RAW = (
    b"", b"\0", b"GET", b"GET / HTTP/9.9\r\n\r\n", b"GET /\r\n\r\n", b"\r\n\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
    b"POST /account/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
    b"POST /account/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /account/login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n continued\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000 + b"\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)  # fmt: skip


@dataclass
class Found:
    """What happened: tried by kind, statuses, and each thing that may not happen, in words."""

    tried: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)


@dataclass
class Attack:
    """`site` is what tests.security.populate printed."""

    port: int
    site: dict[str, Any]
    rng: random.Random
    found: Found = field(default_factory=Found)

    def send(
        self,
        kind: str,
        method: str,
        target: str,
        who: str,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """One request, as `who` ("owner", "attacker", "nobody"), by token below /api/ and by session elsewhere."""
        self.found.tried[kind] += 1
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            said = {"host": "localhost", **self._identity(target, who)}
            said |= {name.lower(): value for name, value in headers}
            said.setdefault("content-length", str(len(body)))
            for name, value in said.items():
                connection.putheader(name, value.encode("latin-1", "replace"))
            connection.endheaders(body)
            answer = connection.getresponse()
            status, told = answer.status, answer.read(4 * 2**20)
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Whoever sends half a request may be left waiting; the site has to be there for the next one.
            self.found.statuses[0] += 1
            if not self.alive():
                self.found.crashes.append(f"{method} {target[:200]}: {error!r}")
            return
        finally:
            connection.close()
        self.found.statuses[status] += 1
        if status >= 500 and status not in SAID:
            self.found.errors.append(
                f"{status} {method} {target[:300]} as {who}, {list(headers)}, {body[:300]!r}"
            )
        if who != "owner" and SECRET.encode() in told and not target.startswith("/shared/"):
            self.found.leaks.append(f"{method} {target[:300]} as {who}")

    def _identity(self, target: str, who: str) -> dict[str, str]:
        if who == "nobody":
            return {}
        if target.startswith("/api/"):
            return {"authorization": f"Token {self.site['tokens'][who]}"}
        csrf = "c" * 32
        cookie = f"sessionid={self.site['sessions'][who]}; csrftoken={csrf}"
        return {"cookie": cookie, "x-csrftoken": csrf, "origin": "http://localhost"}

    def alive(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as one:
                one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return b" 200 " in one.recv(100)
        except OSError:
            return False

    def values(self, path: str) -> dict[str, str]:
        starts = [start for start in self.site["values"] if path.startswith(start)]
        return dict(self.site["values"][max(starts, key=len)]) if starts else {}

    # --- what is sent --------------------------------------------------------------------------------------------

    def addresses(self) -> None:
        """Every address with somebody else's ids, by every method, as the attacker and as nobody."""
        for route in routes():
            if route.path in ("account/logout/", "admin/logout/"):
                continue  # else there would be no session to go on with
            values = self.values(route.path)
            target = "/" + PLACEHOLDER.sub(lambda found, values=values: values.get(found[1], "1"), route.path)  # type: ignore[misc]
            for method in METHODS if not route.is_admin else ("get", "post"):
                for who in ("attacker", "nobody"):
                    self.send("foreign ids", method.upper(), target, who)

    def oddities(self, count: int) -> None:
        """Words that are no ids, questions nobody asks and headers nobody sends."""
        every = [route for route in routes() if "logout" not in route.path]
        for _ in range(count):
            route = self.rng.choice(every)
            target = "/" + PLACEHOLDER.sub(lambda _: self.rng.choice(ODD), route.path)
            if self.rng.random() < 0.6:
                names = (
                    "page",
                    "q",
                    "search",
                    "id",
                    "sort",
                    "status",
                    "format",
                    "next",
                    "a",
                    "b",
                    "ids",
                    "first",
                    "start",
                )
                asked = (
                    f"{self.rng.choice(names)}={self.rng.choice(ODD)}"
                    for _ in range(self.rng.randrange(1, 5))
                )
                target += "?" + "&".join(asked)
            headers = [self.rng.choice(HEADERS) for _ in range(self.rng.randrange(3))]
            body = self.rng.choice((b"", b"{}", b"[", b"a=%00", b"\xff" * 50, b"[" * 5000, b'{"a":' * 3000))
            who = self.rng.choice(("owner", "attacker", "nobody"))
            method = self.rng.choice((*METHODS, "get", "post", "propfind", "trace")).upper()
            if who == "owner" and method not in ("GET", "HEAD"):
                who = "attacker"  # what the owner deletes could no longer leak
            self.send("addresses, questions, headers", method, target, who, body, headers)

    def requests(self, each: int) -> None:
        """What schemathesis draws from the schema, for every operation."""
        for number, operation in enumerate(operations()):
            path = operation.path.lstrip("/")
            values = self.values(path)
            own = "/" + path.replace("{id}", "{pk}").format_map({"pk": "x", "size": "1", **values})

            def ask(asked: Any, own: str = own) -> None:
                target = str(asked.url).partition("//")[2].partition("/")[2]
                question = target.partition("?")[2]
                if self.rng.random() < 0.5:
                    target = own.lstrip("/") + (f"?{question}" if question else "")
                body = asked.body.encode() if isinstance(asked.body, str) else asked.body or b""
                skipped = ("content-length", "authorization", "cookie", "host")
                headers = [
                    (name, str(value)) for name, value in asked.headers.items() if name.lower() not in skipped
                ]
                who = self.rng.choice(("attacker", "attacker", "nobody"))
                self.send(
                    "requests drawn from the schema", str(asked.method), "/" + target, who, body, headers
                )

            drawn(operation, each, number, ask)

    def files(self, count: int) -> None:
        """Damaged and invented recordings and collections, to every address that takes one."""
        audio = ("pcm headers", "mpeg frames", "flac blocks", "mp4 boxes", "tags", "manifest in a file")
        lists = ("rekordbox", "csv", "m3u")
        for _ in range(count):
            kind = self.rng.choice((*audio, *lists, *lists))
            data = hostile(kind, self.rng)
            if kind in lists:
                places = ["/api/imports/", "/api/imports/rekordbox/", "/catalog/import/"]
            else:
                places = ["/api/tracks/", "/api/verify", "/verify/", "/api/match/", "/api/stamp", "/catalog/"]
            name = self.rng.choice(
                ("a.wav", "a.mp3", "c.xml", "c.csv", "../../x.wav", "\u202e.flac", "a" * 300, "")
            )
            self.upload("files", self.rng.choice(places), data, name)
        for depth in (100, 10_000):
            self.upload("files", "/api/imports/", REKORDBOX[:60] + b"<NODE>" * depth, "c.xml")

    def upload(self, kind: str, target: str, data: bytes, name: str) -> None:
        edge = "edge" + base64.b16encode(os.urandom(6)).decode()
        quoted = name.encode("utf-8", "replace").replace(b'"', b"%22")
        part = b'Content-Disposition: form-data; name="file"; filename="' + quoted + b'"\r\n\r\n'
        body = b"--" + edge.encode() + b"\r\n" + part + data + b"\r\n--" + edge.encode() + b"--\r\n"
        self.send(
            kind,
            "POST",
            target,
            "attacker",
            body,
            [("content-type", f"multipart/form-data; boundary={edge}")],
        )

    def sockets(self, count: int) -> None:
        """Handshakes for what belongs to others, and frames that are none."""
        paths = ["/ws/activity/", "/ws/nothing/"]
        for start in ("ws/generations/", "ws/adapters/"):
            paths += [f"/{start}{value}/" for value in (*self.values(start).values(), *ODD[:6])]
        for _ in range(count):
            who = self.rng.choice(("attacker", "nobody"))
            origin = self.rng.choice(("http://localhost", "https://evil.example", "null"))
            lines = [
                f"GET {self.rng.choice(paths)} HTTP/1.1",
                "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
                f"Sec-WebSocket-Version: {self.rng.choice(('13', '13', '13', '8', 'x'))}", f"Origin: {origin}",
                "Sec-WebSocket-Key: " + base64.b64encode(self.rng.randbytes(16)).decode(),
            ]  # fmt: skip
            if who == "attacker":
                lines.append(f"Cookie: sessionid={self.site['sessions'][who]}")
            self.raw(
                "sockets",
                "\r\n".join(lines).encode() + b"\r\n\r\n",
                self.rng.randbytes(self.rng.choice((2, 90, 5000))),
            )

    def garbage(self, count: int) -> None:
        """What is no HTTP, or nearly."""
        for number in range(count):
            data = RAW[number % len(RAW)]
            if number >= len(RAW):
                at = self.rng.randrange(len(data) + 1)
                data = data[:at] + self.rng.randbytes(self.rng.choice((1, 4, 40))) + data[at:]
            self.raw("bytes that are no HTTP", data)

    def raw(self, kind: str, first: bytes, then: bytes = b"") -> None:
        self.found.tried[kind] += 1
        told = b""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as one:
                one.sendall(first)
                one.settimeout(0.3 if then else 0.1)
                told = one.recv(65_536)
                if then and b" 101 " in told[:20]:
                    one.sendall(then)
                    told += one.recv(65_536)
        except OSError:
            pass
        if told[9:10] == b"5" and told[9:12] not in (b"503", b"505", b"501"):
            self.found.errors.append(f"{kind}: {first[:200]!r} answered {told[:80]!r}")
        theirs = [*self.values("ws/generations/").values(), *self.values("ws/adapters/").values()]
        opened = b" 101 " in told[:20]
        if SECRET.encode() in told or (opened and any(one.encode() in first + told for one in theirs)):
            self.found.leaks.append(f"{kind}: {first[:200]!r}")
        if not told and not self.alive():
            self.found.crashes.append(f"{kind}: {first[:200]!r}")
