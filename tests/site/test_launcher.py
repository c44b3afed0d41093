"""The launcher with real processes: restarts, stops, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from starforge_site.launcher import LONGEST_PAUSE_SECONDS, pause_before_restart
from tests.site import processes

pytestmark = pytest.mark.slow

# A service with a child of its own; each start leaves a line. `stubborn` does not hear SIGTERM.
SERVICE = """
import os, signal, subprocess, sys, time
marks, stubborn = sys.argv[1], sys.argv[2] == "stubborn"
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(marks, "a").write(f"{os.getpid()} {child.pid}\\n")
time.sleep(600)
"""
LAUNCH = """
import sys
from starforge_site.launcher import Launcher, Service
service, folder, kind, grace = sys.argv[1:]
Launcher(
    [Service(name, [sys.executable, "-c", service, f"{folder}/{name}", kind]) for name in ("one", "two")],
    grace=float(grace),
).run()
"""


def launch(folder: Path, kind: str = "polite", grace: float = 5.0):  # type: ignore[no-untyped-def]
    return processes.running([sys.executable, "-c", LAUNCH, SERVICE, str(folder), kind, str(grace)], folder)


def starts(folder: Path, name: str = "one") -> list[tuple[int, int]]:
    """(leader, its child) for every start so far."""
    file = folder / name
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(line.split()[0]), int(line.split()[1])) for line in lines]


def both_started(folder: Path) -> bool:
    return bool(starts(folder, "one") and starts(folder, "two"))


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_everything(tmp_path: Path, signum: int) -> None:
    with launch(tmp_path) as launcher:
        processes.wait_until(lambda: both_started(tmp_path))
        launcher.send_signal(signum)
        assert launcher.wait(10) == 0
        assert processes.of(tmp_path) == set()


def test_it_starts_a_dead_service_again_and_buries_what_it_left(tmp_path: Path) -> None:
    with launch(tmp_path):
        processes.wait_until(lambda: both_started(tmp_path))
        leader, orphan = starts(tmp_path)[0]
        os.kill(leader, signal.SIGKILL)
        processes.wait_until(lambda: len(starts(tmp_path)) == 2)
        assert gone(orphan)
        assert len(starts(tmp_path, "two")) == 1


def test_a_service_that_does_not_listen_is_killed_after_the_grace(tmp_path: Path) -> None:
    with launch(tmp_path, "stubborn", grace=1.0) as launcher:
        processes.wait_until(lambda: both_started(tmp_path))
        began = time.monotonic()
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait(10) == 0
        assert 0.9 < time.monotonic() - began < 5
        assert processes.of(tmp_path) == set()


def test_a_second_ctrl_c_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    with launch(tmp_path, "stubborn", grace=60.0) as launcher:
        processes.wait_until(lambda: both_started(tmp_path))
        launcher.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert launcher.poll() is None
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait(5) == 0
        assert processes.of(tmp_path) == set()


def test_a_killed_launcher_takes_the_leaders_along(tmp_path: Path) -> None:
    with launch(tmp_path) as launcher:
        processes.wait_until(lambda: both_started(tmp_path))
        leaders = [starts(tmp_path, name)[0][0] for name in ("one", "two")]
        launcher.kill()
        processes.wait_until(lambda: all(gone(leader) for leader in leaders), seconds=5)


def test_a_service_that_keeps_dying_is_started_ever_later_but_never_given_up() -> None:
    pauses = [pause_before_restart(failures) for failures in range(1, 40)]
    assert pauses[0] == 0
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS
