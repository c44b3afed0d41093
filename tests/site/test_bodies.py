"""What nobody asked for is refused while it arrives: no request fills the disk before it has been looked at."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from starforge_site.bodies import SMALL, TAKES_FILES, limit_of
from tests.site import processes

MB = 2**20


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real daphne where an artist may upload 4 MB."""
    data, port = tmp_path_factory.mktemp("site") / "data", processes.free_port()
    environment = {"STARFORGE_UPLOAD_MB": "4", "STARFORGE_RATE_ANON": "1000/min"}
    done = processes.manage(data, "migrate", "--verbosity", "0", **environment)
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "-m", "daphne", "-p", str(port), "starforge_site.asgi:application"]
    with processes.running(command, data, **environment) as process:
        processes.wait_until(lambda: process.poll() is not None or answers(port), seconds=60, what="daphne")
        assert process.poll() is None, processes.output(data)
        yield port


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side ends the connection."""
    heard = b""
    while True:
        try:
            data = connection.recv(65_536)
        except ConnectionResetError:
            return heard
        if not data:
            return heard
        heard += data


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/api/generate/music", "/account/login/", "/api/verify"])
def test_a_body_announced_as_too_large_is_refused_before_it_is_sent(site: int, path: str) -> None:
    with connected(site) as connection:
        began = time.monotonic()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10 * MB}\r\n"
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        first = connection.recv(65_536)
        assert time.monotonic() - began < 1.5
        assert first.startswith(b"HTTP/1.1 413 ")
        assert b"100 Continue" not in first + everything(connection)
        assert time.monotonic() - began < 8
        kind = b"application/problem+json" if path.startswith("/api/") else b"text/plain"
        assert b"Content-Type: " + kind in first
    if path.startswith("/api/"):
        problem = json.loads(first.partition(b"\r\n\r\n")[2])
        assert (problem["status"], problem["type"]) == (413, "urn:starforge:problem:too-large")


@pytest.mark.slow
def test_chunks_without_an_end_are_cut_off(site: int) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    sent, heard = 0, b""
    with connected(site) as connection:
        head = b"POST /account/login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head)
        deadline = time.monotonic() + 10
        try:
            while time.monotonic() < deadline:
                connection.sendall(chunk)
                sent += len(chunk)
                time.sleep(0.01)
        except OSError:
            heard = everything(connection)
        assert time.monotonic() < deadline, "the connection was never ended"
    assert sent > SMALL
    assert heard == b"" or heard.startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
def test_chunks_over_the_limit_are_answered(site: int) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with connected(site) as connection:
        head = b"POST /api/dna/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + chunk * (SMALL // 65_536 + 1) + b"0\r\n\r\n")
        heard = everything(connection)
    assert heard.count(b"HTTP/1.1 ") == 1
    assert heard.startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
def test_a_recording_within_the_limit_goes_through(site: int, tmp_path: Path) -> None:
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(b"\x00\x10" * 1_500_000)
    (tmp_path / "tone.wav").write_bytes(held.getvalue())
    assert held.tell() > SMALL
    url = f"http://127.0.0.1:{site}/api/verify"
    command = ["curl", "-sS", "--fail-with-body", "-F", f"file=@{tmp_path / 'tone.wav'}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["state"] == "no_credentials"


def test_only_the_addresses_that_take_files_take_large_bodies(settings) -> None:  # type: ignore[no-untyped-def]
    settings.STARFORGE_UPLOAD_BYTES = 400 * MB
    for path in TAKES_FILES:
        assert limit_of(path + b"?filename=a.wav") == 401 * MB
    for target in (b"/api/tracks/trk_1/", b"/?next=/api/tracks/", b"/account/login/", b"/catalog/x/", b""):
        assert limit_of(target) == 2 * MB
