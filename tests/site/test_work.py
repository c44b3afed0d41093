"""`manage.py work` with real processes: jobs survive the violent death of any part of it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site import processes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("migrated")
    done = processes.manage(data, "migrate", "--verbosity", "0", "--skip-checks")
    assert done.returncode == 0, done.stderr
    return data


@pytest.fixture
def data(migrated: Path, tmp_path: Path) -> Path:
    place = tmp_path / "data"
    subprocess.run(["cp", "-r", str(migrated), str(place)], check=True)
    return place


def beats(data: Path) -> list[tuple[str, int]]:
    """(queue, process) of every worker that says it lives."""
    with sqlite3.connect(data / "starforge.sqlite3") as rows:
        return rows.execute("select queue, pid from catalog_workerseen").fetchall()


@pytest.fixture
def working(data: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "manage.py", "work", "--queue", "cpu"]
    with processes.running(command, data) as supervisor:
        processes.wait_until(lambda: beats(data), what="a first heartbeat")
        yield supervisor


def enqueue(data: Path, task: str, *arguments: object) -> None:
    code = f"from django_q.tasks import async_task; async_task('tests.site.errands.{task}', *{arguments!r})"
    done = processes.manage(data, "shell", "--no-imports", "-c", code)
    assert done.returncode == 0, done.stderr


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def leader(supervisor: subprocess.Popen[str]) -> int:
    """The process that leads the cluster's group; 0 between two of them."""
    return next(iter(processes.children(supervisor.pid)), 0)


def cluster(supervisor: subprocess.Popen[str]) -> list[int]:
    """Worker, monitor and pusher, in the order they were started."""
    sentinel = next(iter(processes.children(leader(supervisor))), 0)
    return processes.children(sentinel)


def test_it_takes_a_job_and_stops_cleanly(working: subprocess.Popen[str], data: Path) -> None:
    enqueue(data, "note", str(data / "notes"))
    processes.wait_until(lambda: lines(data / "notes") == ["done"])
    working.send_signal(signal.SIGINT)
    assert working.wait(10) == 0
    assert processes.of(data) == set()
    assert beats(data) == []


@pytest.mark.parametrize("part", [0, 1, 2], ids=["worker", "monitor", "pusher"])
def test_any_idle_part_may_be_killed_and_the_next_job_is_done(
    working: subprocess.Popen[str], data: Path, part: int
) -> None:
    processes.wait_until(lambda: len(cluster(working)) == 3)
    first = leader(working)
    os.kill(cluster(working)[part], signal.SIGKILL)
    processes.wait_until(lambda: leader(working) not in (0, first), what="a new cluster")
    enqueue(data, "note", str(data / "notes"))
    processes.wait_until(lambda: lines(data / "notes") == ["done"])


def test_a_job_that_kills_its_worker_is_not_run_again_by_the_queue(
    working: subprocess.Popen[str], data: Path
) -> None:
    """Whether it is tried again is for its row to decide, not for the queue."""
    enqueue(data, "die", str(data / "notes"))
    processes.wait_until(lambda: lines(data / "notes") == ["dying"])
    enqueue(data, "note", str(data / "notes"))
    processes.wait_until(lambda: "done" in lines(data / "notes"))
    assert lines(data / "notes") == ["dying", "done"]


def test_stopping_in_the_middle_of_a_long_job_does_not_wait_for_it(
    working: subprocess.Popen[str], data: Path
) -> None:
    enqueue(data, "work_slowly", str(data / "notes"), 120)
    processes.wait_until(lambda: lines(data / "notes"))
    began = time.monotonic()
    working.send_signal(signal.SIGINT)
    assert working.wait(12) == 0
    assert time.monotonic() - began < 10
    assert processes.of(data) == set()


def test_stopping_gives_the_job_back_as_if_it_had_never_been_taken(
    working: subprocess.Popen[str], data: Path
) -> None:
    code = (
        "from catalog.accounts import create_artist; from catalog.models import Track; "
        "from django_q.tasks import async_task; "
        "artist = create_artist(username='a', password='x', is_demo=True); "
        "track = Track.objects.create(artist=artist, title='t'); "
        f"async_task('tests.site.errands.hold', track.pk, {str(data / 'notes')!r})"
    )
    done = processes.manage(data, "shell", "--no-imports", "-c", code)
    assert done.returncode == 0, done.stderr
    processes.wait_until(lambda: lines(data / "notes"))
    working.send_signal(signal.SIGINT)
    assert working.wait(12) == 0
    code = "from catalog.models import Track; print(Track.objects.values_list('status', 'attempts').get())"
    assert processes.manage(data, "shell", "--no-imports", "-c", code).stdout.strip() == "('queued', 0)"


def test_stopping_lets_a_short_job_end(working: subprocess.Popen[str], data: Path) -> None:
    enqueue(data, "work_slowly", str(data / "notes"), 2)
    processes.wait_until(lambda: lines(data / "notes"))
    working.send_signal(signal.SIGTERM)
    assert working.wait(10) == 0
    assert lines(data / "notes")[-1] == "done"


def test_a_killed_supervisor_leaves_no_process(working: subprocess.Popen[str], data: Path) -> None:
    enqueue(data, "work_slowly", str(data / "notes"), 120)
    processes.wait_until(lambda: lines(data / "notes"))
    working.kill()
    working.wait()
    processes.wait_until(lambda: not processes.of(data), seconds=12, what="nothing left")


def test_a_killed_leader_leaves_no_process_of_its_cluster(working: subprocess.Popen[str], data: Path) -> None:
    processes.wait_until(lambda: len(cluster(working)) == 3)
    first, parts = leader(working), cluster(working)
    os.kill(first, signal.SIGKILL)
    processes.wait_until(lambda: leader(working) not in (0, first))
    assert not set(parts) & processes.of(data)


def test_the_whole_group_may_get_the_signal(working: subprocess.Popen[str], data: Path) -> None:
    """Service managers that signal every process at once must not make it hang."""
    processes.wait_until(lambda: len(cluster(working)) == 3)
    os.killpg(leader(working), signal.SIGTERM)
    os.kill(working.pid, signal.SIGTERM)
    assert working.wait(10) == 0
    assert processes.of(data) == set()


def test_it_beats_while_it_lives(working: subprocess.Popen[str], data: Path) -> None:
    assert beats(data) == [("cpu", leader(working))]


def test_the_leader_refuses_a_group_that_is_not_its_own(data: Path) -> None:
    """It ends its group when a part dies; that must never be somebody else's shell."""
    code = "from starforge_site.cluster import run; run('cpu')"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=processes.ROOT,
        env=processes.environment(data),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "must lead its own" in done.stderr
