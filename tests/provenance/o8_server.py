"""An o8 to test against: a real HTTP server that answers as the real one does, and misbehaves when told to."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

INTEGERS = ("aiComposition", "aiArrangement", "aiProduction", "aiMixing", "aiMastering")
TEXTS = (
    "title",
    "artistName",
    "methodology",
    "aiPrompt",
    "daws",
    "plugins",
    "aiModels",
    "hardware",
    "sha256",
)
NULLABLE = ("methodology", "aiPrompt", "daws", "plugins", "aiModels", "hardware", "parentDeclarationId")


class O8:
    """What the server holds. `hides`: a newer o8, whose list leaves anonymous declarations out."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.posts: list[tuple[str, dict[str, str], Any]] = []
        self.hides = False
        self.misbehave: Callable[[BaseHTTPRequestHandler, str], bool] | None = None  # True: it has answered
        self.after_post: Callable[[], None] | None = (
            None  # the declaration is stored, its answer is not sent yet
        )
        self.url = ""

    def create(self, body: Any) -> tuple[int, Any]:
        """POST /api/declarations: integers or a 500, commas or a 500, an artist or a 400."""
        if not isinstance(body, dict) or not body.get("artistName"):
            return 400, {"error": "Artist name is required"}
        broken = any(
            not isinstance(body.get(name, 0), int) or isinstance(body.get(name), bool) for name in INTEGERS
        )
        broken |= any(not isinstance(body.get(name) or "", str) for name in TEXTS)
        if broken:
            return 500, {"error": "Failed to create declaration"}
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        row = {
            **body,
            **{name: body.get(name) or None for name in NULLABLE},
            "id": f"cm{len(self.rows):023d}",
            "authMethod": "wallet" if body.get("artistWallet") else "anonymous",
            "transparencyScore": 79,
            "badge": "DECLARED,PROCESS_DOC",
            "createdAt": now,
            "updatedAt": now,
        }
        if self.hides:
            row["canonState"] = "sandbox"
        self.rows.append(row)
        return 201, row

    def listed(self, query: dict[str, list[str]]) -> dict[str, Any]:
        rows = list(reversed(self.rows))
        if wallet := query.get("artist"):
            rows = [row for row in rows if row.get("artistWallet") == wallet[0]]
        if name := query.get("artistName"):
            rows = [row for row in rows if name[0] in row["artistName"]]
        if self.hides and not (query.get("artist") and query.get("canonState") == ["all"]):
            rows = [row for row in rows if row["canonState"] != "sandbox"]
        limit, offset = int(query.get("limit", ["50"])[0]), int(query.get("offset", ["0"])[0])
        return {
            "declarations": rows[offset : offset + limit],
            "total": len(rows),
            "limit": limit,
            "offset": offset,
        }

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        parts = urlsplit(path)
        if (method, parts.path) == ("POST", "/api/declarations"):
            return self.create(body)
        if (method, parts.path) == ("GET", "/api/declarations"):
            return 200, self.listed(parse_qs(parts.query))
        if found := re.fullmatch(r"/api/declarations/([^/]+)", parts.path):
            row = next((one for one in self.rows if one["id"] == found[1]), None)
            return (
                (200, row | {"childDeclarations": []}) if row else (404, {"error": "Declaration not found"})
            )
        if (method, parts.path) == ("POST", "/api/provenance/stamp"):
            if body.get("identity_id") != "o8-0123456789abcdef":
                return 404, {"error": "Identity not found"}
            content = {"type": body["content_type"], "fingerprint": body["content_fingerprint"]}
            made = {"content": content | {"metadata": body.get("metadata", {})}}
            self.rows.append({"id": f"bafy{len(self.rows)}", **made})
            return 201, {"declaration_cid": self.rows[-1]["id"], "manifest_cid": "bafym", "declaration": made}
        if (method, parts.path) == ("POST", "/api/provenance/verify"):
            row = next((one for one in self.rows if one["id"] == body.get("declaration_cid")), None)
            checks = {"declaration_exists": row is not None, "signature_valid": False}
            return 200, {"valid": row is not None, "checks": checks, "errors": [], "declaration": row}
        return 404, {"error": "Not found"}


@contextlib.contextmanager
def serving() -> Iterator[O8]:
    held = O8()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent_json = raw and "json" in self.headers.get("Content-Type", "")
            body = json.loads(raw) if sent_json else raw
            if self.command == "POST":
                held.posts.append((self.path, dict(self.headers), body))
            if held.misbehave is not None and held.misbehave(self, self.path):
                return
            status, told = held.answer(self.command, self.path, body)
            if self.command == "POST" and held.after_post is not None and held.after_post():
                self.close_connection = True
                return
            reply(self, status, json.dumps(told).encode())

        do_GET = do_POST = _any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    with contextlib.suppress(OSError):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
    handler.close_connection = True
