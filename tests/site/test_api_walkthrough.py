"""docs/api.md, run as it is written: real site, real worker, real curl."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests import sounds
from tests.people import PASSWORD
from tests.site import processes

PAGE = processes.ROOT / "docs" / "api.md"
ENOUGH = 10


def blocks() -> list[str]:
    """What the page tells the reader to type."""
    return re.findall(r"^```bash\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def music(folder: Path) -> Path:
    """A folder with eleven recordings, one of them twice and one that is none."""
    folder.mkdir()
    for number in range(ENOUGH + 1):
        loop = sounds.kick_loop(120.0 + number, 20.0, seed=number)
        sounds.write(folder / f"Loop {number:02d} & more.flac", loop)
    shutil.copy(folder / "Loop 00 & more.flac", folder / "Loop 00 again.flac")
    (folder / "notes.txt").write_text("not a recording\n")
    return folder


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@dataclass(frozen=True)
class Site:
    data: Path
    address: str

    def sign_up(self, name: str) -> str:
        """A new artist; returns their token."""
        made = processes.manage(self.data, "create_artist", name, "--password", PASSWORD)
        assert made.returncode == 0, made.stderr
        return made.stdout.split()[-1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The product as `make run` starts it, without the demo artists."""
    data, port = tmp_path_factory.mktemp("api") / "data", processes.free_port()
    rates = {f"STARFORGE_RATE_{who}": "1000000/min" for who in ("ANON", "USER", "TOKEN")}
    command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port)]
    with processes.running(command, data, **rates):
        processes.wait_until(lambda: answers(port), seconds=120, what="the site answers")
        yield Site(data, f"http://127.0.0.1:{port}")


@pytest.mark.slow
def test_the_walk_leads_around_the_loop(site: Site, tmp_path: Path) -> None:
    site.sign_up("walker")
    walk = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks())],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "HOST": site.address,
            "USERNAME": "walker",
            "PASSWORD": PASSWORD,
            "MUSIC": str(music(tmp_path / "music")),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = f"{walk.stdout}\n{walk.stderr}\n{processes.output(site.data)}"
    assert walk.returncode == 0, said
    uploads = [line[:3] for line in walk.stdout.splitlines() if re.match(r"\d{3}  ", line)]
    assert sorted(uploads) == ["201"] * (ENOUGH + 1) + ["409", "415"], said
    for line in (
        r"Tracks:    11$",
        r"Read as:   140\.0 BPM, .*, Dubstep$",
        r"Tempo was: prompt$",
        r"Match:     0\.\d+$",
        r"Closest:   Loop \d\d & more$",
        r"Bar 1:     \w+ from second \d+\.\d+$",
        r"Most of it: Loop \d\d & more$",
        r"Edited:    Untitled 01, more energetic, ready$",
        r"Stem:      01_Kick_140bpm_\d+[AB]\.wav$",
        r"stems/01_Kick_140bpm_\d+[AB]\.wav ",
        r"Download:  valid is True$",
        r"By id:     valid is True$",
        r"Tampered:  valid is False$",
        r"^generated$",
        r"Generated: 1 of 12 tracks$",
        r"Imported:  1 matched, 1 known by name$",
    ):
        assert re.search(line, walk.stdout, re.MULTILINE), f"{line}\n{said}"
    assert "Not analysed" not in walk.stdout, said


@pytest.mark.slow
def test_no_request_the_schema_allows_or_forbids_breaks_it(site: Site, tmp_path: Path) -> None:
    """Schemathesis: each operation with the edges of every field; no crash, nothing undocumented."""
    found = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{site.address}/api/schema/", "--phases", "coverage", "--seed", "1", "--no-color"),
            *("-H", f"Authorization: Token {site.sign_up('fuzz')}"),
            # Half of what is refused is refused for what no schema says: a picture is not a song.
            *("--exclude-checks", "positive_data_acceptance"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert found.returncode == 0, f"{found.stdout}\n{processes.output(site.data)}"


def test_every_problem_of_the_api_is_in_the_table() -> None:
    """The slugs raised in the code, read from the code, are those the page explains."""
    raised: set[str] = set()
    for folder in ("catalog", "generation"):
        for file in (processes.ROOT / folder).glob("**/*.py"):
            raised |= set(re.findall(r"Problem\(\s*\d{3},\s*\"([a-z-]+)\"", file.read_text()))
    page = PAGE.read_text()
    known = {slug for slug in raised if f"`{slug}`" in page}
    assert len(raised) > 6 and raised - known <= {"empty-catalog"}


def test_every_address_in_the_walk_exists() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    paths = [re.sub(r"\{\w+\}", "[^/]+", path) for path in schema["paths"]]
    used = re.findall(r"\$HOST(/api/[^\s\"?]*)", PAGE.read_text())
    assert len(used) > 10
    for address in used:
        assert any(re.fullmatch(path, address) for path in paths), address
