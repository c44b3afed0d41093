"""The shell in a real browser: pages turn without a load, what plays goes on, each page's script comes and goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, Request, expect

from tests.browser.conftest import Site
from tests.people import PASSWORD
from tests.rows import loop_bytes

pytestmark = pytest.mark.slow
STOCK = """
from catalog.models import Artist
from tests.rows import catalog_of
catalog_of(Artist.objects.get(user__username='listener'), 12)
"""


@pytest.fixture(scope="module")
def listener(site: Site) -> str:
    site.manage("create_artist", "listener", "--password", PASSWORD)
    site.manage("shell", "-c", STOCK)
    return "listener"


@pytest.fixture
def inside(page: Page, listener: str) -> Iterator[Page]:
    """Logged in, at the library. A page that was loaded and not turned has lost the mark."""
    page.goto("/account/login/?next=/catalog/")
    page.get_by_label("Username").fill(listener)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/catalog/")
    page.evaluate("window.mark = 'here since the load'")
    yield page


def turned(page: Page) -> bool:
    return page.evaluate("window.mark === 'here since the load'")


def test_a_link_turns_the_page_and_back_and_forward_do_too(inside: Page) -> None:
    inside.get_by_role("link", name="Generate", exact=True).first.click()
    inside.wait_for_url("**/generate/")
    expect(inside).to_have_title(re.compile("Generate"))
    expect(inside.get_by_role("heading", level=1)).to_be_focused()
    expect(inside.locator("#announce")).to_have_text(re.compile("Generate"))
    expect(inside.locator(".tabs a[aria-current]")).to_have_text("Generate")
    inside.locator("#bpm").fill("133")
    inside.get_by_role("link", name="History").first.click()
    inside.wait_for_url("**/history/")
    assert inside.locator("link[rel=stylesheet][href*='studio.css']").count() == 0
    assert inside.locator("link[rel=stylesheet][href*='history.css']").count() == 1
    inside.go_back()
    inside.wait_for_url("**/generate/")
    expect(inside.locator("#bpm")).to_have_value("133")  # what was typed is still there
    inside.go_forward()
    expect(inside).to_have_title(re.compile("History"))
    assert turned(inside)


def test_the_script_of_a_page_begins_again_and_ends_with_it(inside: Page) -> None:
    for _ in range(3):
        inside.get_by_role("link", name="Generate", exact=True).first.click()
        inside.wait_for_url("**/generate/")
        inside.locator("#bpm").fill("120")
        expect(inside.get_by_role("button", name="Release BPM")).to_be_visible()
        with inside.expect_response("**/brief/**") as answer:
            inside.locator("#prompt").fill("Techno, 132 BPM")
        assert answer.value.ok
        inside.get_by_role("link", name="Catalog", exact=True).first.click()
        inside.wait_for_url("**/catalog/")
    asked: list[Request] = []
    inside.on("request", lambda one: asked.append(one) if one.method == "POST" else None)
    inside.keyboard.press("Control+Enter")  # the studio's key, which the library does not know
    expect(inside.get_by_role("heading", level=1)).to_be_visible()
    assert asked == []
    assert turned(inside)


def heard(page: Page) -> float:
    return page.evaluate("document.querySelector('#player audio').currentTime")


def until(page: Page, true: str) -> None:
    """Until `true` holds for the player's `audio`. Polled from here: the page allows no eval."""
    for _ in range(150):
        if page.evaluate(
            f"() => {{ const audio = document.querySelector('#player audio'); return Boolean({true}); }}"
        ):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not within 15 s: {true}")


def test_what_plays_goes_on_while_pages_turn(inside: Page) -> None:
    # Whether it ever stopped or was loaded again is told by the element itself, not by its position.
    inside.get_by_role("button", name="Play Loop 2", exact=True).click()
    until(inside, "audio.currentTime > 0.2")
    inside.evaluate("""() => {
        const audio = document.querySelector('#player audio');
        audio.loop = true;
        window.broken = [];
        for (const name of ['pause', 'emptied', 'waiting', 'stalled', 'ended']) {
            audio.addEventListener(name, () => window.broken.push(name));
        }
    }""")
    for name, path in (("Generate", "generate"), ("History", "history"), ("Aesthetic DNA", "dna")):
        inside.get_by_role("link", name=name, exact=True).first.click()
        inside.wait_for_url(f"**/{path}/")
        before = heard(inside)
        until(inside, f"audio.currentTime !== {before}")
        expect(inside.locator("[data-player=toggle]")).to_have_text("Pause")
    inside.go_back()
    inside.wait_for_url("**/history/")
    inside.locator("[data-player=title]").click()
    inside.wait_for_url("**/catalog/tracks/**")
    expect(inside.get_by_role("heading", level=1)).to_have_text("Loop 2")
    # the page that has come knows what plays
    expect(inside.get_by_role("button", name="Pause Loop 2")).to_be_visible()
    inside.get_by_role("link", name="Verify", exact=True).first.click()  # the dark sheet
    inside.wait_for_url("**/verify/")
    expect(inside.locator("body")).to_have_class("doc")
    assert inside.evaluate("window.broken") == []
    assert turned(inside)


def test_the_list_goes_on_from_where_it_was_started(inside: Page) -> None:
    inside.goto("/catalog/?sort=title")
    inside.get_by_role("button", name="Play Loop 1", exact=True).click()
    player = inside.locator("#player")
    previous, following = player.get_by_label("Previous"), player.get_by_label("Next")
    expect(previous).to_be_disabled()
    inside.get_by_role("link", name="History").first.click()
    inside.wait_for_url("**/history/")
    following.click()
    expect(player.locator("[data-player=title]")).to_have_text("Loop 10")
    until(inside, "!audio.paused && audio.currentTime > 0")
    inside.keyboard.press("k")
    expect(player.locator("[data-player=title]")).to_have_text("Loop 1")
    inside.keyboard.press("j")
    expect(player.locator("[data-player=title]")).to_have_text("Loop 10")
    title = inside.evaluate("navigator.mediaSession.metadata.title")
    assert title == "Loop 10"
    # A page that is loaded anew shows it where it was, and is silent.
    inside.locator("h1").focus()
    inside.keyboard.press(" ")
    until(inside, "audio.paused")
    inside.get_by_role("slider", name="Volume").fill("40")
    inside.reload()
    expect(player.locator("[data-player=title]")).to_have_text("Loop 10")
    until(inside, "audio.paused && audio.volume === 0.4")
    following.click()
    expect(player.locator("[data-player=title]")).to_have_text("Loop 11")
    until(inside, "audio.paused")


def test_forms_redirects_errors_and_downloads(inside: Page) -> None:
    inside.goto("/catalog/?q=Loop+7")
    inside.evaluate("window.mark = 'here since the load'")
    inside.get_by_role("link", name="Loop 7", exact=True).click()
    expect(inside.get_by_role("heading", level=1)).to_have_text("Loop 7")
    with inside.expect_download() as got:
        inside.get_by_role("link", name="Download Original").click()
    assert got.value.suggested_filename == "Loop 7.wav"
    assert turned(inside)
    inside.get_by_role("link", name="Delete Track").click()
    expect(inside.get_by_role("heading", level=1)).to_contain_text("Delete")
    inside.get_by_role("button", name="Delete").click()  # a POST, answered by a redirect
    inside.wait_for_url("**/catalog/")
    expect(inside.locator("main")).not_to_contain_text("Loop 7")
    assert turned(inside)
    inside.evaluate("document.querySelector('main a').href = '/nothing-here/'")
    inside.locator("main a").first.click()
    expect(inside.get_by_role("heading", level=1)).to_have_text("Not here")
    assert turned(inside)
    # Without a connection the page stays, and says so.
    inside.context.set_offline(True)
    inside.get_by_role("link", name="History").first.click()
    expect(inside.locator("#messages")).to_contain_text("could not be reached")
    assert inside.url.endswith("/nothing-here/")
    inside.context.set_offline(False)
    inside.get_by_role("link", name="History").first.click()
    inside.wait_for_url("**/history/")
    expect(inside.locator("#messages")).to_be_empty()
    assert turned(inside)


def test_logging_out_loads_and_forgets_what_played(inside: Page) -> None:
    inside.get_by_role("button", name="Play Loop 3", exact=True).click()
    until(inside, "audio.currentTime > 0")
    inside.get_by_role("button", name="Log Out").click()
    inside.wait_for_url(lambda url: url.endswith("/"))
    expect(inside.locator("#player")).to_be_hidden()
    assert not turned(inside)


def test_a_session_that_ended_leads_to_the_login_and_back(inside: Page) -> None:
    inside.context.clear_cookies(name="sessionid")
    inside.get_by_role("link", name="History").first.click()
    inside.wait_for_url("**/account/login/?next=/history/")
    inside.get_by_label("Username").fill("listener")
    inside.get_by_label("Password").fill(PASSWORD)
    inside.get_by_role("button", name="Log In").click()
    inside.wait_for_url("**/history/")


def test_the_keys_lead_everywhere_and_not_while_typing(
    inside: Page, barriers: Callable[[Page], list[dict[str, Any]]]
) -> None:
    sheet = inside.get_by_role("dialog", name="Shortcuts")
    inside.locator("h1").click()
    inside.keyboard.press("?")
    expect(sheet).to_be_visible()
    assert barriers(inside) == []
    inside.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    for letter, path in (("g", "generate"), ("h", "history"), ("d", "dna"), ("l", "catalog")):
        inside.keyboard.press("g")
        inside.keyboard.press(letter)
        inside.wait_for_url(f"**/{path}/")
        expect(inside.get_by_role("heading", level=1)).to_be_focused()
    inside.keyboard.press("/")
    field = inside.get_by_role("searchbox", name="Search")
    expect(field).to_be_focused()
    inside.keyboard.type("g?h/")
    expect(field).to_have_value("g?h/")
    expect(sheet).to_be_hidden()
    inside.get_by_role("button", name="Shortcuts").click()
    sheet.get_by_role("checkbox").check()
    inside.keyboard.press("Escape")
    inside.locator("h1").click()
    inside.keyboard.press("g")
    inside.keyboard.press("h")
    inside.keyboard.press("?")
    expect(sheet).to_be_hidden()
    assert inside.url.endswith("/catalog/")
    assert turned(inside)


def test_files_under_way_are_not_lost_by_turning_the_page(inside: Page) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    inside.get_by_role("link", name="History").first.click()
    inside.wait_for_url("**/history/")
    inside.get_by_role("link", name="Catalog", exact=True).first.click()
    inside.wait_for_url("**/catalog/")
    inside.route("**/api/tracks/?filename=*", lambda route: None)  # the upload hangs
    inside.on("dialog", stay)
    inside.locator("#rights-box").check()
    inside.locator("input[data-pick]").first.set_input_files(
        {"name": "slow.wav", "mimeType": "audio/wav", "buffer": loop_bytes(seed=5)}
    )
    expect(inside.locator(".fate")).to_contain_text("Sending")
    inside.get_by_role("link", name="History").first.click()
    expect(inside.locator(".fate")).to_be_visible()
    assert asked == ["beforeunload"]
    inside.evaluate("history.back()")  # would only change the address, were it left to the browser
    for _ in range(50):
        if len(asked) == 2:
            break
        inside.wait_for_timeout(100)
    assert asked == ["beforeunload"] * 2
    assert inside.url.endswith("/catalog/")
    expect(inside.locator(".fate")).to_be_visible()


def test_without_the_navigation_api_pages_load_as_ever(inside: Page) -> None:
    inside.add_init_script("delete window.navigation")
    inside.goto("/catalog/")
    assert inside.evaluate("window.navigation === undefined")
    inside.get_by_role("button", name="Play Loop 1", exact=True).click()
    until(inside, "audio.currentTime > 0.2")
    inside.get_by_role("link", name="Generate", exact=True).first.click()
    inside.wait_for_url("**/generate/")
    expect(inside.locator("[data-player=title]")).to_have_text("Loop 1")  # and waits where it was
    until(inside, "audio.paused")
    inside.locator("#prompt").fill("Techno, 132 BPM")
    expect(inside.locator("#bpm")).to_have_attribute("placeholder", "132")


def test_light_or_dark_is_the_systems_until_it_is_chosen(inside: Page) -> None:
    def ground() -> str:
        return inside.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = "rgb(250, 250, 250)", "rgb(10, 10, 10)"
    assert ground() == light
    inside.emulate_media(color_scheme="dark")
    assert ground() == dark
    choice = inside.get_by_label("Light or dark")
    choice.select_option("Light")
    assert ground() == light
    inside.get_by_role("link", name="History").first.click()
    inside.wait_for_url("**/history/")
    expect(choice).to_have_value("light")
    assert ground() == light
    answer = inside.reload()
    assert answer is not None
    assert ' data-theme="light"' in answer.text()  # drawn by the server: nothing flashes
    choice.select_option("As the system")
    assert ground() == dark
    answer = inside.reload()
    assert answer is not None
    assert "data-theme" not in answer.text()
    inside.emulate_media(media="print", color_scheme="dark")
    assert inside.evaluate("getComputedStyle(document.body).color") == "rgb(10, 10, 10)"
