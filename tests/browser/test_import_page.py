"""A collection on its way in, as a person sees it: with and without JavaScript, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site
from tests.browser.test_every_page import PASSWORD, log_in, overflow
from tests.collections import collection, folder, playlist, track, written

Barriers = Callable[[Page], list[dict[str, Any]]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [track(number, Name=f"A rather long name of a tune {number} " * 3) for number in range(1, 30)]
    odd = [track(30, Tonality="Q#"), track(31, Name="", Location=None)]
    lists = folder("Sets", playlist("Night", 1, 2, 99))
    return written(tmp_path / "rekordbox.xml", collection(*rows, *odd, playlists=lists))


def test_a_collection_comes_in_and_its_report_is_sound(
    page: Page, site: Site, file: Path, barriers: Barriers
) -> None:
    site.manage("create_artist", "collector", "--password", PASSWORD)
    log_in(page, "collector")
    page.goto("/catalog/import/")
    page.get_by_label("Collection file").set_input_files(file)
    page.get_by_role("button", name="Import Collection").click()
    expect(page.get_by_role("heading", name="Known by name, not yet by sound")).to_be_visible()
    page.get_by_text("Show all 30").click()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert overflow(page) == []
        assert barriers(page) == []
    page.get_by_role("link", name="Open Catalog").click()
    expect(page.get_by_text("30 tracks").first).to_be_visible()


def test_without_javascript_a_collection_comes_in_too(browser: Browser, site: Site, file: Path) -> None:
    site.manage("create_artist", "plain", "--password", PASSWORD)
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    log_in(page, "plain")
    page.goto("/catalog/import/")
    page.get_by_label("Collection file").set_input_files(file)
    page.get_by_role("button", name="Import Collection").click()
    expect(page.get_by_role("heading", name="Rejected")).to_be_visible(timeout=15_000)
    context.close()
