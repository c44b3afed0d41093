"""A brief survives its row: with an edit, with what it avoids, and as it was written before either existed."""

from __future__ import annotations

import json

import pytest

from generation.brief import EDIT_KINDS, Brief, Edit

PLAIN = Brief("dark", 140.0, None, 0.6, None, 60.0, 7)


@pytest.mark.parametrize("kind", EDIT_KINDS)
def test_an_edit_survives_its_row(kind: str) -> None:
    edit = Edit(
        "take_1", kind, section=0, layer="drums", bars=8, first_bar=0, end_bar=9, layers=("kick", "bass")
    )
    brief = Brief("dark", 140.0, None, 0.6, None, 60.0, 7, edit=edit, avoid=(("trk_a", 0), ("trk_b", 12)))
    assert Brief.from_json(json.loads(json.dumps(brief.to_json()))) == brief


def test_a_row_from_before_edits_is_read() -> None:
    row = PLAIN.to_json()
    del row["edit"], row["avoid"]
    assert Brief.from_json(row) == PLAIN
