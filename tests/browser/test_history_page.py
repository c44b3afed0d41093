"""What is said of a take is saved in place; takes are ticked, compared, drawn, heard against recordings; recordings
are dragged into the references: in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_every_page import WIDTHS, overflow
from tests.people import PASSWORD

pytestmark = pytest.mark.slow
NAME = "historian"
STOCK = """
from catalog.models import Artist
from generation.models import Generation
from tests.rows import catalog_of, generation_of, measured, take_of
artist = Artist.objects.get(user__username='historian')
tracks = catalog_of(artist, 12)
near = [{'id': tracks[0].pk, 'title': 'Loop 1', 'similarity': 0.9}]
parent = None
for number in range(10):
    made = generation_of(artist, status='ready', progress=1.0, title=f'Sketch {number}', parent=parent)
    parent = parent or made
    take = take_of(
        artist, generation=made, title=made.title, peaks=[40, 90, 60] * 40, similarity_score=0.5 + number / 25,
        closest_tracks=near, measured={'bpm': 140.0, 'key': 'F minor', 'lufs': tracks[0].analysis.lufs + 4},
        vector=(measured().vector + 0.02 * number).astype('<f4').tobytes(),
    )
print('page', parent.get_absolute_url())
"""

Barriers = Callable[[Page], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def address(site: Site) -> str:
    """The page of the first take, which matches least: no other test says anything of it."""
    site.manage("create_artist", NAME, "--password", PASSWORD)
    said = site.manage("shell", "-c", STOCK)
    return next(line.split()[1] for line in said.splitlines() if line.startswith("page "))


@pytest.fixture
def artist(page: Page, address: str) -> Iterator[Page]:
    page.goto("/account/login/")
    page.get_by_label("Username").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url(lambda url: "/account/login/" not in url)
    return page


def test_what_is_said_of_a_take_is_saved_in_place(artist: Page, address: str, barriers: Barriers) -> None:
    artist.goto(address)
    form = artist.locator("form[data-said]")
    state = form.locator("[data-state]")
    expect(form.get_by_role("button", name="Save")).to_be_hidden()
    form.get_by_label("Favourite").check()
    expect(state).to_have_text("Saved")
    form.get_by_role("radio", name="4").check()
    expect(state).to_have_text("Saved")
    form.get_by_text("Title, tags and notes").click()
    form.get_by_label("Tags, with commas between").fill("Dub, #Late  Night")
    form.get_by_label("Notes, for you alone").fill("the break is the hook")
    expect(form.get_by_label("Tags, with commas between")).to_have_value("dub, late night")
    expect(state).to_have_text("Saved")
    assert barriers(artist) == []
    artist.reload()
    expect(form.get_by_label("Favourite")).to_be_checked()
    expect(form.get_by_role("radio", name="4")).to_be_checked()
    expect(form.get_by_label("Notes, for you alone")).to_have_value("the break is the hook")


def test_ticked_takes_are_tagged_and_compared(artist: Page, barriers: Barriers) -> None:
    artist.goto("/history/?sort=-match")
    rows = artist.locator(".takes > li")
    expect(rows).to_have_count(10)
    for number in (0, 1):
        rows.nth(number).get_by_role("checkbox").check()
    expect(artist.locator("[data-chosen]")).to_have_text("2 ticked")
    artist.get_by_label("What to do with them").select_option("Add tags")
    artist.get_by_label("Tags", exact=True).fill("keepers")
    artist.get_by_role("button", name="Apply").click()
    expect(artist.get_by_text("2 takes tagged “keepers”.")).to_be_visible()
    for number in (0, 1):
        rows.nth(number).get_by_role("checkbox").check()
    artist.get_by_label("What to do with them").select_option("Compare two to four")
    artist.get_by_role("button", name="Apply").click()
    expect(artist.get_by_role("heading", level=1)).to_have_text("Compare")
    artist.reload()  # whole, so that the page's keys are there once it is
    artist.keyboard.press("2")
    expect(artist.locator("[data-compare] [data-play]").nth(1)).to_have_attribute("aria-pressed", "true")
    artist.keyboard.press("1")
    expect(artist.locator("[data-compare] [data-play]").nth(0)).to_have_attribute("aria-pressed", "true")
    artist.keyboard.press("x")
    expect(artist.locator("[data-compare] [data-play]").nth(1)).to_have_attribute("aria-pressed", "true")
    assert barriers(artist) == []


def test_a_take_is_heard_against_its_closest_recording_as_loud_and_in_the_bar(
    artist: Page, address: str, barriers: Barriers
) -> None:
    artist.goto(address)
    artist.wait_for_load_state("networkidle")
    ear, title = artist.locator("[data-ear]"), artist.locator("[data-player=title]")
    expect(ear).to_contain_text("4.0 dB lower")
    volume = "Math.round(1000 * document.querySelector('#player audio').volume)"
    artist.keyboard.press("1")
    expect(title).to_have_text("Sketch 0")
    expect(artist.locator("[data-player=by]")).to_contain_text("4.0 dB lower, to match")
    assert artist.evaluate(volume) == 631
    artist.keyboard.press("2")
    expect(title).to_have_text("Loop 1")
    assert artist.evaluate(volume) == 1000
    artist.keyboard.press("x")
    expect(title).to_have_text("Sketch 0")
    ear.get_by_label("Match loudness").uncheck()
    assert artist.evaluate(volume) == 1000
    places = artist.evaluate("""async () => {
        const { place } = await import(document.querySelector("script[src*='js/ear']").src);
        const from = { first: "0", bar: "2" }, to = { first: "0.5", bar: "1.5", seconds: "20" };
        return [place(3, from, to), place(29, from, to), place(7, {}, { seconds: "5" })];
    }""")
    assert places == [
        2.75,
        2.75,
        2,
    ]  # a bar and a half in; thirteen bars later, round its thirteen bars; at the same second
    assert barriers(artist) == []


def test_a_browser_that_keeps_its_volume_hears_what_is_matched_all_the_same(
    artist: Page, address: str
) -> None:
    """As on iOS, where `volume` reads 1 whatever was set."""
    artist.add_init_script(
        "Object.defineProperty(HTMLMediaElement.prototype, 'volume', { get: () => 1, set: () => {} })"
    )
    artist.goto(address)
    artist.wait_for_load_state("networkidle")
    artist.keyboard.press("1")
    expect(artist.locator("[data-player=by]")).to_contain_text("4.0 dB lower, to match")
    expect(artist.locator("[data-player=toggle]")).to_have_text("Pause")
    factor = """async () => {
        const loaded = performance.getEntriesByType("resource").map((one) => one.name);
        const { playing } = await import(loaded.find((one) => one.includes("/js/player.")));
        return Math.round(1000 * playing.factor());
    }"""
    assert artist.evaluate(factor) == 631
    artist.keyboard.press("2")
    expect(artist.locator("[data-player=title]")).to_have_text("Loop 1")
    assert artist.evaluate(factor) == 1000


def test_a_recording_is_dragged_into_the_references_and_some_of_its_bars_are_chosen(
    artist: Page, barriers: Barriers
) -> None:
    artist.goto("/generate/")
    artist.wait_for_load_state("networkidle")
    artist.locator("#shelf-find").fill("Loop 12")
    expect(artist.locator(".shelf li")).to_have_count(1)
    artist.locator(".shelf li").drag_to(artist.locator("[data-ref='2']"))
    second = artist.locator("[data-ref='2']")
    expect(second.locator("[data-says]")).to_contain_text("All 3 bars.")
    slider = second.get_by_role("slider", name="First bar of Loop 12")
    slider.focus()
    artist.keyboard.press("ArrowRight")
    expect(artist.get_by_label("From bar").nth(1)).to_have_value("2")
    expect(second.locator("[data-says]")).to_contain_text("Bars 2–3: 2 bars")
    assert barriers(artist) == []
    second.get_by_role("button", name="Remove").click()
    expect(artist.locator("#reference_2")).to_have_value("")
    artist.get_by_role("button", name="Add Loop 12 as a reference").click()
    expect(artist.locator("#reference_1")).not_to_have_value("")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "path", ["/history/", "/history/families/", "/history/evolution/", "/history/requests/"]
)
def test_a_full_history_is_sound(artist: Page, barriers: Barriers, path: str, width: int) -> None:
    artist.set_viewport_size({"width": width, "height": 900})
    artist.goto(path)
    for summary in artist.locator(".every summary").all()[:2]:
        summary.click()
    assert overflow(artist) == []
    assert barriers(artist) == []
