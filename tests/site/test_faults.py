"""A sample of `make test-faults`: something dies in the middle of the work, and nothing is lost or done twice."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests import services
from tests.site import processes

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("database", "faults"), [("sqlite", ["group killed"]), ("postgresql", ["database cut"])]
)
def test_what_dies_in_the_middle_is_done_once_all_the_same(database: str, faults: list[str]) -> None:
    if database == "postgresql" and not services.postgres()[0]:
        pytest.skip(services.postgres()[1])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.faults",
            "--database",
            database,
            "--verbose",
            "--kinds",
            "collection",
            "--faults",
            *faults,
        ],
        cwd=processes.ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    tried, wrong, missed = map(
        int, re.findall(r"\d+(?= scenarios| with problems| never struck)", done.stdout)
    )
    assert tried >= 3 and wrong == 0 and missed == 0, done.stdout[-4000:]
