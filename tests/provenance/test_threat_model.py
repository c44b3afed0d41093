"""Every row of docs/threat-model.md names a test, and every test it names is there."""

from __future__ import annotations

import ast
import re

from tests.site.processes import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text()
TABLE_HEAD = "| attack | what detects it | test |"
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and line != TABLE_HEAD]


def tests_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_row_has_a_test_and_the_test_exists() -> None:
    assert len(ROWS) > 40
    for row in ROWS:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 3, row
        named = re.findall(r"`(tests/\w+/\w+\.py)::(test_\w+)`", cells[2])
        assert named, f"no test: {row}"
        for path, name in named:
            assert name in tests_in(path), f"{path} has no {name}"
