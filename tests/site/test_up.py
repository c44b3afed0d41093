"""`manage.py up` with real processes: the second of the two commands, as a newcomer meets it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from starforge_site.management.commands import up
from tests.site import processes

pytestmark = pytest.mark.slow


def get(port: int, path: str) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


@contextmanager
def started(data: Path, *arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = processes.free_port()
    command = [sys.executable, "manage.py", "up", "--port", str(port), *arguments]
    environment = {"STARFORGE_WORKERS": "1", **environment}
    with processes.running(command, data, **environment) as process:
        processes.wait_until(
            lambda: "Ctrl-C stops everything" in processes.output(data) or process.poll() is not None,
            seconds=90,
            what="the address on the screen",
        )
        assert process.poll() is None, processes.output(data)
        yield process, port


def manage(data: Path, code: str) -> str:
    done = processes.manage(data, "shell", "--no-imports", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the site has run once, with a demo login but without its music."""
    data = tmp_path_factory.mktemp("prepared")
    with started(data, "--no-demo") as (process, _):
        process.send_signal(signal.SIGINT)
        process.wait(15)
    manage(
        data,
        "from catalog.accounts import create_artist\n"
        "create_artist(username='demo', password='demo', name='Demo', is_demo=True)",
    )
    return data


@pytest.fixture
def data(prepared: Path, tmp_path: Path) -> Path:
    place = tmp_path / "data"
    subprocess.run(["cp", "-r", str(prepared), str(place)], check=True)
    return place


def test_it_prepares_a_fresh_folder_answers_becomes_ready_and_ends_with_one_ctrl_c(tmp_path: Path) -> None:
    data = tmp_path / "fresh"
    with started(data, "--no-demo") as (process, port):
        assert f"Starforge is at http://127.0.0.1:{port}/" in processes.output(data), processes.output(data)
        assert get(port, "/healthz") == (200, {"status": "alive"})
        processes.wait_until(lambda: get(port, "/readyz")[0] == 200, what="a worker's heartbeat")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        assert time.monotonic() - began < 10
        assert processes.of(data) == set()
        assert "Traceback" not in processes.output(data)
    for secret in (data / "secrets", data / "keys"):
        assert secret.stat().st_mode & 0o077 == 0
        assert [file.name for file in secret.iterdir() if file.stat().st_mode & 0o077] == []


def test_a_second_start_takes_seconds_and_names_the_demo_login(data: Path) -> None:
    began = time.monotonic()
    with started(data, "--no-demo"):
        assert time.monotonic() - began < 30  # five on an idle machine
        assert "Log in as demo, password demo" in processes.output(data)


def test_it_runs_on_postgresql(tmp_path: Path, postgres: str) -> None:
    data, notes = tmp_path / "data", tmp_path / "notes"
    with started(data, "--no-demo", DATABASE_URL=postgres) as (process, port):
        processes.wait_until(lambda: get(port, "/readyz")[0] == 200, what="a worker's heartbeat")
        assert get(port, "/readyz")[1]["checks"]["database"] == {"ok": True, "detail": "postgresql"}  # type: ignore[index]
        code = f"from django_q.tasks import async_task; async_task('tests.site.errands.note', '{notes}')"
        done = processes.manage(data, "shell", "--no-imports", "-c", code, DATABASE_URL=postgres)
        assert done.returncode == 0, done.stderr
        processes.wait_until(notes.exists, what="the job to be done")
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
    assert not (data / "starforge.sqlite3").exists()
    assert "Traceback" not in processes.output(data)


def test_it_listens_on_loopback_only(data: Path) -> None:
    with started(data, "--no-demo") as (_, port):
        listening = Path("/proc/net/tcp").read_text().splitlines()
        addresses = {line.split()[1] for line in listening[1:] if line.split()[3] == "0A"}
        assert {address.split(":")[0] for address in addresses if address.endswith(f":{port:04X}")} == {
            "0100007F"
        }


def test_killing_the_launcher_leaves_no_process(data: Path) -> None:
    with started(data, "--no-demo") as (process, _):
        assert len(processes.of(data)) > 5
        process.kill()
        process.wait()
        processes.wait_until(lambda: not processes.of(data), seconds=12, what="nothing left")


def test_a_killed_web_process_is_started_again(data: Path) -> None:
    with started(data, "--no-demo") as (process, port):
        (web,) = [
            pid
            for pid in processes.children(process.pid)
            if b"daphne" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        os.kill(web, signal.SIGKILL)
        processes.wait_until(lambda: get(port, "/healthz")[0] == 0, seconds=5)
        processes.wait_until(lambda: get(port, "/healthz")[0] == 200)


def test_a_taken_port_is_one_clear_sentence(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = processes.manage(data, "up", "--port", str(port), "--no-demo")
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is already in use" in done.stderr
    assert "make run PORT=" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_foreign_address_is_one_clear_sentence(data: Path) -> None:
    done = processes.manage(data, "up", "--host", "192.0.2.1", "--no-demo")
    assert done.returncode == 1
    assert "192.0.2.1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments, environment",
    [(["--host", "0.0.0.0"], {}), ([], {"STARFORGE_PUBLIC_URL": "https://music.example.org"})],
    ids=["listening to others", "behind a proxy"],
)
def test_the_demo_login_is_closed_where_others_can_reach_it(
    data: Path, arguments: list[str], environment: dict[str, str]
) -> None:
    with started(data, "--no-demo", *arguments, **environment):
        assert "the demo login is closed" in processes.output(data), processes.output(data)
        assert "password demo" not in processes.output(data)
        active = (
            "from django.contrib.auth.models import User; print(User.objects.get(username='demo').is_active)"
        )
        assert manage(data, active) == "False"
    with started(data, "--no-demo"):
        assert "Log in as demo, password demo" in processes.output(data)


def test_a_changed_demo_password_is_not_told(data: Path) -> None:
    manage(
        data,
        "from django.contrib.auth.models import User; user = User.objects.get(username='demo'); "
        "user.set_password('mine now'); user.save()",
    )
    with started(data, "--no-demo"):
        assert "Log in as" not in processes.output(data)


@pytest.mark.parametrize(
    "host, local",
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("192.0.2.1", False)],
)
def test_it_knows_which_addresses_only_this_machine_can_reach(host: str, local: bool) -> None:
    assert up.is_loopback(host) is local


def test_the_address_it_prints_can_be_opened() -> None:
    assert up.shown("0.0.0.0", 8000) == "http://127.0.0.1:8000/"
    assert up.shown("::1", 8000) == "http://[::1]:8000/"
