from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.belongings import Belongings, belongings
from tests.people import owner


@pytest.fixture
def theirs(transactional_db: None, settings: Any, tmp_path: Path) -> Belongings:
    """One of everything, of the owner; signed with keys of its own."""
    settings.STARFORGE_DATA = tmp_path / "data"
    return belongings(owner(), tmp_path / "stamped")
