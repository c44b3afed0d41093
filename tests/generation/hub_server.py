"""A hub on this machine: files under `{repo}/resolve/{revision}/{path}`, with the headers and faults of a real one."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Faults:
    """cut: bytes after which the line is cut, once for each entry. busy: answers of 503 before one that helps.
    altered: paths that come with other bytes than were named. longer: with more of them.
    gated: repositories that want this token. stall: seconds of silence after the headers, and then nothing."""

    cut: list[int] = field(default_factory=list)
    busy: int = 0
    altered: set[str] = field(default_factory=set)
    longer: set[str] = field(default_factory=set)
    gated: dict[str, str] = field(default_factory=dict)
    no_ranges: bool = False
    stall: float = 0.0


@dataclass
class LocalHub:
    endpoint: str
    folder: Path
    faults: Faults
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, Range

    def add(self, repo: str, files: dict[str, bytes]) -> None:
        for path, data in files.items():
            file = self.folder / repo / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    def gets(self) -> list[tuple[str, str]]:
        return [(path.rpartition("/")[2], wanted) for method, path, wanted in self.asked if method == "GET"]


@contextmanager
def local_hub(folder: Path) -> Iterator[LocalHub]:
    faults = Faults()
    made: LocalHub

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None: ...

        def refuse(self, status: int, code: str = "") -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            made.asked.append((self.command, self.path, self.headers.get("Range", "")))
            if faults.busy:
                faults.busy -= 1
                return self.refuse(503)
            found = re.fullmatch(r"/([^/]+(?:/[^/]+)?)/resolve/([^/]+)/(.+)", self.path)
            if not found:
                return self.refuse(404, "RepoNotFound")
            repo, _, path = found.groups()
            if wanted := faults.gated.get(repo):
                token = self.headers.get("Authorization", "")
                if token != f"Bearer {wanted}":
                    return self.refuse(403 if token else 401, "GatedRepo")
            file = folder / repo / path
            if not file.is_file():
                return self.refuse(404, "EntryNotFound")
            data = file.read_bytes()
            large = file.suffix in {".bin", ".safetensors", ".model"}
            name = (
                hashlib.sha256(data)
                if large
                else hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
            ).hexdigest()
            first = 0
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if asked and not faults.no_ranges:
                first = int(asked[1])
            if path in faults.altered:
                data = bytes(255 - byte for byte in data)
            self.send_response(206 if first else 200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-ETag" if large else "ETag", f'"{name}"')
            if large:
                self.send_header("X-Linked-Size", str(len(data)))
            if body and path in faults.longer:
                data += bytes(2**20)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - first))
            self.end_headers()
            if not body:
                return None
            rest = data[first:]
            if faults.stall:
                time.sleep(faults.stall)
                self.close_connection = True
                return None
            if faults.cut and len(rest) > faults.cut[0]:
                self.wfile.write(rest[: faults.cut.pop(0)])
                self.wfile.flush()
                self.close_connection = True
                return None
            self.wfile.write(rest)
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = LocalHub(f"http://127.0.0.1:{server.server_port}", folder, faults)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
