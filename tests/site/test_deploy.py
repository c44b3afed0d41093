"""What an operator copies: units and containers start commands that exist, and nothing runs as root."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.core.management import load_command_class

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
COMPOSE = ROOT / "compose.yaml"


def parsed(words: list[str]) -> None:
    """The arguments of `manage.py …` as that command reads them; SystemExit where it would not start."""
    name, *arguments = words[words.index("manage.py") + 1 :]
    load_command_class("starforge_site", name).create_parser("manage.py", name).parse_args(arguments)


def started(unit: Path) -> str:
    found = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.M)
    assert found
    return found[1]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_start_what_is_there_and_not_as_root(unit: Path) -> None:
    text = unit.read_text()
    assert "\nUser=starforge\n" in text and "NoNewPrivileges=yes" in text
    command = started(unit)
    if "manage.py" in command:
        parsed(re.sub(r"""["']|\$\([^)]*\)""", "", command).split())
    else:
        assert "starforge_site.asgi:application" in command


def test_units_are_what_systemd_reads() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine")
    units = [str(one) for one in sorted((ROOT / "deploy" / "systemd").iterdir())]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    lines = [one for one in done.stderr.splitlines() if str(ROOT) in one or "starforge-" in one]
    # The one thing that is true of this machine only.
    assert [one for one in lines if "/opt/starforge" not in one] == []


def test_containers_start_what_is_there() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    beside = yaml.safe_load((ROOT / "compose.gpu.yaml").read_text())["services"]
    commands = [one["command"] for one in (*services.values(), *beside.values()) if "command" in one]
    assert len(commands) == 5
    for command in commands:
        parsed(command)
    queues = {one[one.index("--queue") + 1] for one in commands if "--queue" in one}
    assert queues == {"cpu", "gpu", "train"}
    assert beside["gpu"]["extends"]["service"] in services
    for name in ("web", "cpu", "train", "prepare"):
        assert services[name]["cap_drop"] == ["ALL"] and services[name]["build"] == "."


def test_the_image_has_no_root_and_what_backups_need() -> None:
    lines = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.*)$", lines, re.M) == ["starforge"] and "postgresql-client" in lines
    for name in re.findall(r"\S+\.txt", lines):
        assert (ROOT / name).is_file(), name
    assert {".git", "var", ".venv", ".env"} <= set((ROOT / ".dockerignore").read_text().split())
