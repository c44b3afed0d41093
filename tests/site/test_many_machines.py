"""Two web nodes, two CPU workers and one of the GPU queue, each with a data folder of its own, on one PostgreSQL."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests import sounds
from tests.site import processes
from tests.site.web_socket import WebSocket

pytestmark = pytest.mark.slow

MAKE = """
from django.test import Client
from catalog.models import Artist
from tests.rows import catalog_of
artist = Artist.objects.get()
catalog_of(artist)
client = Client()
client.force_login(artist.user)
print(client.cookies["sessionid"].value)
"""


def test_sockets_on_either_node_hear_what_workers_elsewhere_do(postgres: str, tmp_path: Path) -> None:
    shared = {
        "DATABASE_URL": postgres,
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "STARFORGE_MEDIA": str(tmp_path / "media"),
        "STARFORGE_SECRET_KEY": "the same on every machine, " * 3,
        "STARFORGE_WATERMARK_SECRET": "this one too, " * 4,
        "PYTHONPATH": str(processes.ROOT),
    }
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)

    def machine(name: str) -> Path:
        data = tmp_path / name
        data.mkdir()
        (data / "keys").symlink_to(keys)  # in life a copy, or a key service
        return data

    def managed(*arguments: str) -> str:
        done = processes.manage(tmp_path / "node-0", *arguments, **shared)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    nodes = [(machine(f"node-{number}"), processes.free_port()) for number in range(2)]
    managed("migrate", "--verbosity", "0")
    token = managed("create_artist", "many", "--password", "a-long-enough-phrase-42").splitlines()[-1]
    cookie = managed("shell", "-v", "0", "-c", MAKE).splitlines()[-1]
    with contextlib.ExitStack() as stack:
        for data, port in nodes:
            command = [sys.executable, "-m", "daphne", "--verbosity", "0", "--port", str(port)]
            command += ["starforge_site.asgi:application"]
            stack.enter_context(processes.running(command, data, **shared))
        workers = {}
        for name, queue in (("cpu-1", "cpu"), ("cpu-2", "cpu"), ("gpu-1", "gpu")):
            work = [sys.executable, "manage.py", "work", "--queue", queue]
            workers[name] = machine(name)
            stack.enter_context(processes.running(work, workers[name], **shared))

        def ask(node: int, method: str, path: str, **more: Any) -> requests.Response:
            address = f"http://127.0.0.1:{nodes[node][1]}{path}"
            headers = {"Authorization": f"Token {token}"}
            answer = requests.request(method, address, headers=headers, timeout=60, **more)
            answer.raise_for_status()
            return answer

        def answers(port: int) -> bool:
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10).ok
            return False

        for _, port in nodes:
            processes.wait_until(lambda port=port: answers(port), seconds=90)
        body = {"prompt": "techno", "engine": "quick-network", "duration_seconds": 15}
        made = ask(0, "POST", "/api/generate/music", json=body).json()["id"]
        for number, (_, port) in enumerate(nodes):
            line = stack.enter_context(
                contextlib.closing(WebSocket(port, f"/ws/generations/{made}/", cookie))
            )
            heard = line.until(status="ready")
            assert heard[-1]["id"] == made
            if number == 0:  # the other comes later, and hears the state at once
                assert len({message["stage"] for message in heard}) > 2, heard
        code = f"from generation.models import Generation; print(Generation.objects.get(pk={made!r}).worker)"
        worker = int(managed("shell", "-v", "0", "-c", code).split("|")[1])
        assert worker in processes.of(workers["gpu-1"])
        take = ask(1, "GET", f"/api/generations/{made}/").json()["takes"][0]
        audio = ask(1, "GET", f"/api/generated-tracks/{take['id']}/audio/?format=flac")
        assert audio.content.startswith(b"ID3") and b"fLaC" in audio.content

        # The other way round: sent to the second node, listened to by a CPU worker, heard on the first.
        line = stack.enter_context(contextlib.closing(WebSocket(nodes[0][1], "/ws/activity/", cookie)))
        wave = sounds.write(tmp_path / "a.wav", sounds.noise(2.0, seed=3)).read_bytes()
        track = ask(1, "POST", "/api/tracks/", files={"file": ("a.wav", io.BytesIO(wave))}).json()["id"]
        assert line.until(id=track, status="ready")
