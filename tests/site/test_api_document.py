"""docs/api.md tells of every problem the API can answer with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from catalog.api.parsers import REFUSAL_STATUS
from starforge_site.problems import NAMES
from tests.site.processes import ROOT

TABLE = re.findall(r"^\| (\d{3}) \| (.+?) \|", (ROOT / "docs" / "api.md").read_text(), re.M)
DOCUMENTED = {(int(status), slug) for status, cell in TABLE for slug in re.findall(r"`([a-z-]+)`", cell)}
# Statuses that say everything themselves, and belong to no field of a request.
PLAIN = {403, 405, 406, 500}


def raised() -> Iterator[tuple[int, str]]:
    """Every (status, slug) written out in a `Problem(409, "too-few-tracks", …)`."""
    for app in ("catalog", "provenance", "generation", "starforge_site"):
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                    match node.args[:2]:
                        case [ast.Constant(int(status)), ast.Constant(str(slug))]:
                            yield status, slug


@pytest.mark.parametrize("status, slug", sorted(set(raised())))
def test_every_problem_is_in_the_table(status: int, slug: str) -> None:
    assert (status, slug) in DOCUMENTED


def test_every_status_with_a_name_of_its_own_is_in_the_table() -> None:
    named = {(status, slug) for status, (slug, _) in NAMES.items() if status not in PLAIN}
    assert named - DOCUMENTED == set()


def test_a_refused_file_has_the_status_the_table_says() -> None:
    for code in ("unsupported", "no_space"):
        assert (REFUSAL_STATUS[code], code.replace("_", "-")) in DOCUMENTED
