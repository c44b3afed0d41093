"""Rules of the house that no other tool watches."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("catalog", "provenance", "generation", "starforge_site")
MODULES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py"))
# A torch operation before a fork hangs the child for ever, and each costs hundreds of megabytes.
HEAVY = {
    "torch",
    "torchaudio",
    "librosa",
    "transformers",
    "diffusers",
    "audiocraft",
    "peft",
    "demucs",
    "encodec",
}


def imported_on_import(tree: ast.Module) -> set[str]:
    """Top-level packages that are imported as soon as the module is (outside functions and TYPE_CHECKING)."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return found


def test_heavy_libraries_are_imported_inside_functions_only() -> None:
    guilty = {
        str(path.relative_to(ROOT)): sorted(heavy)
        for path in MODULES
        if (heavy := imported_on_import(ast.parse(path.read_text())) & HEAVY)
    }
    assert guilty == {}


def test_the_rule_about_heavy_libraries_sees_what_it_should() -> None:
    source = "import torch\ndef f():\n    import librosa\nclass C:\n    from transformers import x\n"
    assert imported_on_import(ast.parse(source)) == {"torch", "transformers"}


def test_every_module_postpones_its_annotations() -> None:
    without = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if "migrations" not in path.parts
        and path.read_text().strip()
        and "from __future__ import annotations" not in path.read_text()
        and any(
            isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert without == []


def environment_variables() -> set[str]:
    """Every STARFORGE_… (and DATABASE_URL) that the code reads from the environment."""
    read = re.compile(
        r"""env\.\w+\(\s*["'](\w+)["']|environ(?:\.get)?[\[(]\s*["']((?:STARFORGE|DATABASE)_\w+)["']"""
    )
    found = {name for path in MODULES for pair in read.findall(path.read_text()) for name in pair if name}
    return {name for name in found if name.startswith(("STARFORGE_", "DATABASE_"))}


def test_every_setting_is_documented() -> None:
    documented = set(
        re.findall(r"`((?:STARFORGE|DATABASE)_\w+)`", (ROOT / "docs" / "settings.md").read_text())
    )
    assert environment_variables() - documented == set()


def test_no_setting_is_documented_that_nothing_reads() -> None:
    tests_only = {"STARFORGE_REQUIRE_SERVICES", "STARFORGE_TEST_POSTGRES", "STARFORGE_TEST_CHROMIUM"}
    rows = re.findall(
        r"^\| `((?:STARFORGE|DATABASE)_\w+)`", (ROOT / "docs" / "settings.md").read_text(), re.M
    )
    read = environment_variables()
    files = {f"{name}_FILE" for name in read}  # env.secret and env.given_secret read these by themselves
    assert set(rows) - read - files - tests_only == set()


@pytest.mark.parametrize("target", ["run", "test", "test-hostile", "audit", "lint", "bench", "bench-gpu"])
def test_the_makefile_knows_its_targets(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "python" in done.stdout


def make_with(folder: Path, *, installed: bool) -> str:
    """What `make run` would do in a copy of the requirement files, with or without its stamp."""
    for name in ("Makefile", "requirements.txt", "requirements-audiocraft.txt", "constraints.txt"):
        if not (folder / name).exists():
            (folder / name).write_bytes((ROOT / name).read_bytes())
    if installed:
        wanted = subprocess.run(
            ["make", "--print-data-base", "--dry-run", "run"], cwd=folder, capture_output=True, text=True
        ).stdout
        stamp = re.search(r"^(\.venv/\.runtime-[0-9a-f]{16}):", wanted, re.M)
        assert stamp
        (folder / ".venv").mkdir()
        (folder / stamp[1]).touch()
    return subprocess.run(
        ["make", "--dry-run", "run", "PORT=8123", "STARFORGE_DATA=/somewhere"],
        cwd=folder, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOST": "a-machine"},
    ).stdout  # fmt: skip


def test_a_second_run_installs_nothing(tmp_path: Path) -> None:
    assert "pip install" in make_with(tmp_path, installed=False)
    second = make_with(tmp_path, installed=True)
    assert "pip install" not in second
    assert '--port "8123"' in second
    assert 'STARFORGE_DATA="/somewhere"' in second


def test_a_changed_requirement_is_installed(tmp_path: Path) -> None:
    make_with(tmp_path, installed=True)
    with (tmp_path / "requirements.txt").open("a") as file:
        file.write("# changed\n")
    assert "pip install" in make_with(tmp_path, installed=False)


def test_a_machine_name_in_the_environment_does_not_open_the_site(tmp_path: Path) -> None:
    """Some shells export HOST; only an explicit `make run HOST=…` may leave loopback."""
    assert '--host "127.0.0.1"' in make_with(tmp_path, installed=True)
