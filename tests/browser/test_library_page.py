"""The library and a track in a real browser: tapping a tempo, locking it, changing what is ticked."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests import sounds
from tests.browser.conftest import Site
from tests.browser.test_every_page import overflow
from tests.people import PASSWORD

pytestmark = pytest.mark.slow
NAME = "library"
BEAT = 400  # milliseconds: 150 BPM
STRAY = 7  # the eighth tap falls beside the beat
# Tracks that only a collection knows need no worker: 30 of them, two pages, in two keys.
STOCK = """
from catalog.models import Artist, Track
artist = Artist.objects.get(user__username='library')
Track.objects.bulk_create(
    Track(artist=artist, title=f'Heard {n:02d}', status='metadata', origin='rekordbox', imported_id=str(n),
          imported={'id': str(n), 'location': f'file:///music/{n}.wav'}, imported_bpm=70.0 + n,
          imported_key='F minor' if n % 2 else 'B major')
    for n in range(30))
"""


@pytest.fixture(scope="module")
def stocked(site: Site) -> str:
    site.manage("create_artist", NAME, "--password", PASSWORD)
    site.manage("shell", "-c", STOCK)
    return NAME


def enter(page: Page, name: str) -> Page:
    page.goto("/account/login/?next=/catalog/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/catalog/")
    return page


@pytest.fixture
def artist(stocked: str, page: Page) -> Page:
    return enter(page, stocked)


def test_a_tempo_is_tapped_with_a_key_doubled_and_locked(
    artist: Page, barriers: Callable[[Page], list[dict[str, Any]]]
) -> None:
    artist.goto("/catalog/?sort=title")
    artist.get_by_role("link", name="Heard 00").click()
    expect(artist.get_by_role("button", name="Tap")).to_be_visible()
    artist.evaluate(
        "() => { window.at = []; addEventListener('keydown', (one) => at.push(one.timeStamp), true); }"
    )
    assert barriers(artist) == []
    said, use = artist.locator("[data-tap-said]"), artist.locator("[data-tap-use]")
    for _ in range(3):
        artist.keyboard.press("t")
        artist.wait_for_timeout(BEAT)
    expect(said).to_have_text("3 taps, keep on")
    expect(use).to_be_hidden()
    for number in range(3, 11):
        artist.keyboard.press("t")
        if number == STRAY - 1:
            artist.wait_for_timeout(BEAT * 0.4)
            artist.keyboard.press("t")
            artist.wait_for_timeout(BEAT * 0.6)
        else:
            artist.wait_for_timeout(BEAT)
    found = re.match(r"([\d.]+) BPM from (\d+) taps", said.inner_text())
    assert found, said.inner_text()
    # Against the moments the browser saw: a busy machine taps late, but not unevenly for long.
    at = [moment for number, moment in enumerate(artist.evaluate("() => at")) if number != STRAY]
    gaps = sorted(after - before for before, after in pairwise(at))
    assert float(found[1]) == pytest.approx(60_000 / gaps[len(gaps) // 2], rel=0.05)
    assert 6 <= int(found[2]) <= len(at)
    # In a field the letter is a letter.
    artist.get_by_label("Title").press("t")
    expect(said).to_have_text(found[0])
    use.click()
    expect(artist.get_by_label("BPM", exact=True)).to_have_value(f"{float(found[1]):g}")
    artist.get_by_role("button", name="Double the tempo").click()
    doubled = f"{2 * float(found[1]):g}"
    expect(artist.get_by_label("BPM", exact=True)).to_have_value(doubled)
    artist.get_by_role("button", name="Lock the tempo").click()
    expect(artist.locator("#edit")).to_contain_text("Locked")
    expect(artist.get_by_role("button", name="Double the tempo")).to_have_count(0)
    expect(artist.get_by_label("BPM", exact=True)).not_to_be_editable()
    assert barriers(artist) == []
    artist.set_viewport_size({"width": 390, "height": 900})
    assert overflow(artist) == []


def test_ticked_rows_are_changed_undone_and_deleted(
    artist: Page, barriers: Callable[[Page], list[dict[str, Any]]]
) -> None:
    artist.goto("/catalog/?sort=title")
    rows, chosen = artist.locator("tr[data-track]"), artist.locator("[data-chosen]")
    expect(artist.get_by_role("button", name="Apply")).to_be_hidden()
    rows.nth(1).get_by_role("checkbox").check()
    rows.nth(4).get_by_role("checkbox").click(modifiers=["Shift"])
    expect(chosen).to_have_text("4 ticked")
    artist.get_by_label("What to do with them").select_option("Set genre")
    artist.get_by_label("Genre", exact=True).fill("Grime")
    artist.get_by_role("button", name="Apply").click()
    expect(artist.locator(".told")).to_contain_text("Genre set on 4 tracks.")
    expect(artist.locator("tr[data-track]", has_text="Grime")).to_have_count(4)
    artist.get_by_role("button", name="Undo").click()
    expect(artist.locator(".told")).to_contain_text("Taken back on 4 tracks.")
    expect(artist.locator("tr[data-track]", has_text="Grime")).to_have_count(0)
    # All that the filter finds, with the keyboard.
    artist.goto("/catalog/?key=4A&mix=1")
    artist.get_by_label("All 15 found").press(" ")
    expect(chosen).to_have_text("15 ticked")
    assert barriers(artist) == []
    artist.get_by_label("What to do with them").select_option("Delete")
    artist.get_by_role("button", name="Apply").press("Enter")
    expect(artist.get_by_role("heading", level=1)).to_have_text("Delete these tracks")
    artist.get_by_role("button", name="Delete 15 Tracks").click()
    expect(artist.locator("#counts")).to_contain_text(re.compile(r"No Audio Yet\s*15"))
    artist.set_viewport_size({"width": 390, "height": 900})
    assert overflow(artist) == []


def test_a_large_folder_survives_a_lost_connection_and_lists_only_what_needs_a_look(
    site: Site, page: Page, tmp_path: Path
) -> None:
    site.manage("create_artist", "folder", "--password", PASSWORD)
    artist = enter(page, "folder")
    copies, lost = 70, 2
    first = sounds.write(tmp_path / "take 00.wav", sounds.kick_loop(120.0, 3.0))
    for number in range(1, copies):
        (tmp_path / f"take {number:02d}.wav").write_bytes(first.read_bytes())
    (tmp_path / "notes.wav").write_text("no music")
    tried: list[str] = []

    def flaky(route: Route) -> None:
        tried.append(route.request.method)
        if route.request.method == "PUT" and tried.count("PUT") <= lost:
            route.abort("connectionreset")
        else:
            route.continue_()

    artist.route("**/api/tracks/?filename=*", flaky)
    box = artist.locator("#rights-box")
    if box.count():
        with artist.expect_response("**/account/rights/"):
            box.check()
    artist.locator("input[webkitdirectory]").set_input_files(tmp_path)
    summary = artist.locator("[data-summary]")
    expect(summary).to_contain_text(f"{copies - 1} already there", timeout=30_000)
    expect(summary).to_contain_text(f"{copies + 1} of {copies + 1} done", timeout=30_000)
    expect(artist.locator(".fate")).to_have_count(1)
    expect(artist.locator(".fate")).to_contain_text("notes.wav")
    expect(artist.locator("[data-more]")).to_contain_text("drop the same folder again")
    # What was lost is sent again; what the library has by now need not be sent at all.
    assert lost < tried.count("PUT") <= copies + 1 + lost
