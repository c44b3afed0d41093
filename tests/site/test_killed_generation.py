"""kill -9 in the middle of a real generation: it ends ready or failed with a reason, once."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.people import PASSWORD
from tests.site import processes

pytestmark = pytest.mark.slow
BODY = {"prompt": "dark dubstep, 140 BPM", "duration_seconds": 60, "seed": 5}


@dataclass
class Running:
    data: Path
    port: int
    key: str
    process: Any

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def api(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Token {self.key}"}
        answer = requests.request(method, f"{self.base}/api{path}", headers=headers, timeout=30, **more)
        answer.raise_for_status()
        return answer.json()

    def row(self, pk: str) -> dict[str, Any]:
        """The generation as the database has it, also while the site is down."""
        with sqlite3.connect(self.data / "starforge.sqlite3", timeout=20) as database:
            database.row_factory = sqlite3.Row
            found = database.execute("select * from generation_generation where id = ?", [pk]).fetchone()
            row = dict(found)
            row["takes"] = database.execute(
                "select count(*) from generated_tracks where generation_id = ?", [pk]
            ).fetchone()[0]
            row["certificates"] = database.execute("select count(*) from provenance_certificate").fetchone()[
                0
            ]
            return row

    def under_way(self, pk: str, *, beyond: float) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            row = self.row(pk)
            if row["status"] == "running" and row["progress"] > beyond:
                return row
            assert row["status"] in {"queued", "running"}, row["error"]
            time.sleep(0.02)
        raise AssertionError("the generation did not get under way")

    def ended(self, pk: str) -> dict[str, Any]:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            row = self.row(pk)
            if row["status"] in {"ready", "failed", "cancelled"}:
                return row
            time.sleep(0.2)
        raise AssertionError(f"the generation hangs: {self.row(pk)}")


def up(data: Path, port: int) -> list[str]:
    return [sys.executable, "manage.py", "up", "--port", str(port), "--no-demo"]


def wait_for(process: Any, data: Path) -> None:
    processes.wait_until(
        lambda: "Ctrl-C stops everything" in processes.output(data) or process.poll() is not None, seconds=90
    )
    assert process.poll() is None, processes.output(data)


@pytest.fixture
def site(tmp_path: Path, recordings: Path) -> Iterator[Running]:
    data, port = tmp_path / "data", processes.free_port()
    data.mkdir()
    assert processes.manage(data, "migrate", "--verbosity", "0").returncode == 0
    made = processes.manage(data, "create_artist", "killed", "--password", PASSWORD)
    assert made.returncode == 0, made.stderr
    stocked = processes.manage(
        data,
        "shell",
        "-v",
        "0",
        "-c",
        "from pathlib import Path; from catalog.models import Artist; from tests.catalogs import stock; "
        f"stock(Artist.objects.get(), Path({str(recordings)!r}))",
    )
    assert stocked.returncode == 0, stocked.stderr
    with processes.running(up(data, port), data) as process:
        wait_for(process, data)
        yield Running(data, port, made.stdout.strip(), process)


def test_a_killed_worker_costs_time_and_nothing_else(site: Running) -> None:
    pk = site.api("POST", "/generate/music", json=BODY)["id"]
    row = site.under_way(pk, beyond=0.2)
    os.kill(int(row["worker"].split("|")[1]), signal.SIGKILL)
    row = site.ended(pk)
    assert (row["status"], row["takes"], row["certificates"]) == ("ready", 1, 1), row["error"]
    assert row["attempts"] == 2
    take = site.api("GET", f"/generations/{pk}/")["takes"][0]
    assert site.api("GET", f"/verify/{take['certificate_id']}")["valid"]


def test_the_whole_group_killed_and_started_again_ends_the_job_once(site: Running) -> None:
    pk = site.api("POST", "/generate/music", json=BODY)["id"]
    site.under_way(pk, beyond=0.2)
    for pid in processes.of(site.data):
        os.kill(pid, signal.SIGKILL)
    processes.wait_until(lambda: not processes.of(site.data), what="all processes are gone")
    assert site.row(pk)["status"] == "running"  # nobody was left to say otherwise
    again = site.data.parent / "again"
    again.mkdir()
    port = processes.free_port()
    environment = processes.environment(site.data)

    with (again / "output.txt").open("w") as out:
        process = subprocess.Popen(
            up(site.data, port),
            cwd=processes.ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(process, again)
        row = site.ended(pk)
        assert (row["status"], row["takes"], row["certificates"]) == ("ready", 1, 1), row["error"]
        site.port = port
        folder = site.data / "media" / "takes"
        assert len(list(folder.iterdir())) == 1
        take = site.api("GET", f"/generations/{pk}/")["takes"][0]
        audio = requests.get(
            f"{site.base}/api/generated-tracks/{take['id']}/audio/?format=flac",
            headers={"Authorization": f"Token {site.key}"},
            timeout=30,
        )
        verdict = requests.post(
            f"{site.base}/api/verify", files={"file": ("take.flac", audio.content)}, timeout=60
        ).json()
        assert verdict["valid"], json.dumps(verdict)[:500]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
