"""Stability AI's audio API on this machine: its paths, fields, headers and error bodies, and a counter of charges."""

from __future__ import annotations

import email
import email.policy
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import soundfile

from tests import sounds

KEY = "sk-of-the-tests"
FIELDS = {"prompt", "model", "duration", "seed", "steps", "cfg_scale", "output_format", "strength", "audio"}


@dataclass
class Stability:
    """answers: what comes before a success, as (status, body or headers). slow: seconds before an answer."""

    base: str = ""
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    charged: int = 0
    held: threading.Event | None = None
    body: bytes | None = None
    cut: bool = False
    kind: str = "audio/wav"
    reason: str = "SUCCESS"


def problem_with(form: dict[str, Any], path: str) -> str:
    """What the real API would refuse in this form; "" for nothing."""
    if not 1 <= len(form.get("prompt", "")) <= 10_000:
        return "prompt: is required"
    if unknown := set(form) - FIELDS:
        return f"{unknown}: unknown"
    if not 1 <= int(form["duration"]) <= 190:
        return "duration: must be between 1 and 190"
    if not 0 <= int(form["seed"]) <= 4_294_967_294:
        return "seed: must be between 0 and 4294967294"
    if form["model"] != "stable-audio-2.5" or not 4 <= int(form["steps"]) <= 8:
        return "steps: must be between 4 and 8"
    if form["output_format"] not in {"wav", "mp3"} or not 1 <= float(form["cfg_scale"]) <= 25:
        return "output_format: unknown"
    if path.endswith("audio-to-audio"):
        sound = soundfile.info(io.BytesIO(form["audio"]))
        if not 6 <= sound.duration <= 190.5 or len(form["audio"]) > 50 * 2**20:
            return "audio: must be between 6 and 190 seconds"
        if not 0.01 <= float(form["strength"]) <= 1:
            return "strength: must be between 0.01 and 1"
    return ""


def music(seconds: float) -> bytes:
    """A kick in a tempo near to what is asked for."""
    out = io.BytesIO()
    soundfile.write(out, sounds.kick_loop(136.0, seconds).T, sounds.RATE, format="WAV", subtype="PCM_16")
    return out.getvalue()


@contextmanager
def stability() -> Iterator[Stability]:
    state = Stability()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None: ...

        def say(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            message = email.message_from_bytes(head + raw, policy=email.policy.HTTP)
            form: dict[str, Any] = {}
            for part in message.iter_parts():
                name = part.get_param("name", header="content-disposition")
                data = part.get_payload(decode=True)
                form[str(name)] = data if part.get_filename() else data.decode()
            state.orders.append({"path": self.path, "accept": self.headers["Accept"], **form})
            if self.headers["Authorization"] != f"Bearer {KEY}":
                return self.say(
                    401, {"id": "1", "name": "unauthorized", "errors": ["missing or invalid key"]}
                )
            if state.answers:
                status, body = state.answers.pop(0)
                return self.say(status, body, {"Retry-After": "1"} if status == 429 else None)
            if wrong := problem_with(form, self.path):
                return self.say(400, {"id": "1", "name": "bad_request", "errors": [wrong]})
            if state.held is not None:
                state.held.wait(20)
            state.charged += 20
            data = state.body if state.body is not None else music(float(form["duration"]))
            try:
                self.send_response(200)
                self.send_header("Content-Type", state.kind)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("finish-reason", state.reason)
                self.send_header("seed", form["seed"])
                self.end_headers()
                if state.cut:
                    self.wfile.write(data[: len(data) // 2])
                    self.wfile.flush()
                    self.close_connection = True
                    return None
                self.wfile.write(data)
            except OSError:
                pass  # who asked is gone
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.base = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
