"""The page of terms: the stance, and every engine's licence as the engine has it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.html import escape

from generation.engines import engines

pytestmark = pytest.mark.django_db


def test_the_terms_name_every_engine_with_its_licence_and_are_linked() -> None:
    page = Client().get("/terms/").content.decode()
    assert "You own the output, trained on your input." in page
    for engine in engines().values():
        assert f'<th scope="row">{escape(engine.label)}</th><td>{escape(engine.licence)}</td>' in page
        assert ("Allowed" if engine.commercial_use else "Not allowed") in page
    assert 'href="/terms/"' in Client().get("/").content.decode()
