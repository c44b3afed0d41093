"""The catalog page in a real browser: a folder of files, their fates, listening."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import sounds
from tests.browser.conftest import Site
from tests.people import PASSWORD

pytestmark = pytest.mark.slow
MINUTE = 60_000  # milliseconds
SECONDS = 12.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two loops, one of them twice, a damaged file, a picture and a hidden file."""
    place = tmp_path_factory.mktemp("folder") / "album"
    (place / "side b").mkdir(parents=True)
    sounds.write(place / "one.wav", sounds.kick_loop(120.0, SECONDS, seed=1))
    sounds.write(place / "side b" / "two.flac", sounds.kick_loop(140.0, SECONDS, seed=2))
    (place / "one again.wav").write_bytes((place / "one.wav").read_bytes())
    (place / "broken.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt damaged")
    (place / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0 no music")
    (place / ".hidden.wav").write_bytes(b"x")
    return place


@pytest.fixture
def artist(site: Site, page: Page, request: pytest.FixtureRequest) -> Page:
    """A signed-in artist of their own, in front of their catalog."""
    name = re.sub(r"\W", "", request.node.name)[-30:]
    site.manage("create_artist", name, "--password", PASSWORD)
    page.goto("/account/login/?next=/catalog/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/catalog/")
    return page


def declare(page: Page) -> None:
    box = page.locator("#rights-box")
    if box.count():
        with page.expect_response("**/account/rights/"):
            box.check()


def test_each_file_of_a_folder_says_what_became_of_it(artist: Page, folder: Path) -> None:
    declare(artist)
    artist.locator("input[webkitdirectory]").set_input_files(folder)
    fates = artist.locator(".fate")
    expect(fates).to_have_count(4)
    expect(artist.locator("[data-summary]")).to_contain_text("1 left aside")
    expect(artist.locator("[data-summary]")).to_contain_text("4 of 4 done", timeout=2 * MINUTE)
    expect(artist.locator(".fate", has_text="side b/two.flac")).to_contain_text(
        re.compile(r"Analyzed\s*140 BPM")
    )
    twins = artist.locator(".fate", has_text=re.compile("one(?: again)?.wav"))
    expect(twins.filter(has_text="Already there")).to_have_count(1)
    expect(twins.filter(has_text="Analyzed")).to_have_count(1)
    broken = artist.locator(".fate", has_text="broken.wav")
    expect(broken).to_contain_text(re.compile("Refused|Failed"))
    expect(broken.locator(".note")).not_to_be_empty()
    # The list below knows them too, without a reload.
    expect(artist.locator("#counts")).to_contain_text(re.compile(r"Analyzed\s*2"))
    expect(artist.locator("tr[data-track]", has_text="two")).to_contain_text("140")


def test_files_wait_until_the_rights_are_declared(artist: Page, folder: Path) -> None:
    if not artist.locator("#rights-box").count():
        pytest.fail("an artist who never declared anything is asked to")
    artist.locator("input[data-pick]").first.set_input_files(folder / "one.wav")
    expect(artist.get_by_role("alert")).to_contain_text("1 file waits")
    expect(artist.locator(".fate")).to_have_count(0)
    artist.locator("#rights-box").check()
    expect(artist.locator(".fate")).to_contain_text(re.compile("Analyzed"), timeout=2 * MINUTE)
    artist.reload()
    expect(artist.locator("#rights-box")).to_have_count(0)


def wait(page: Page, condition: str) -> None:
    """Until `condition` holds for the page's `audio`. Polled from here: the page allows no eval."""
    read = f"() => {{ const audio = document.querySelector('audio'); return {condition}; }}"
    for _ in range(150):
        if page.evaluate(read):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not within 15 s: {condition}")


def test_a_track_is_heard_and_sought_with_mouse_and_keyboard(artist: Page, folder: Path) -> None:
    declare(artist)
    artist.locator("input[data-pick]").first.set_input_files(folder / "one.wav")
    artist.locator(".fate a", has_text="Open").click(timeout=2 * MINUTE)
    player = artist.locator("#player")
    expect(player).to_be_hidden()
    artist.get_by_role("button", name="Play one").click()
    expect(player).to_be_visible()
    wait(artist, "audio.currentTime > 0.2")
    wave = artist.get_by_role("slider", name="Position in one")
    box = wave.bounding_box()
    assert box
    artist.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    wait(artist, f"audio.currentTime > {SECONDS / 2 - 0.5} && audio.currentTime < {SECONDS / 2 + 3}")
    expect(wave).to_have_attribute("aria-valuetext", re.compile(r"0:0\d of 0:12"))
    wave.focus()
    artist.keyboard.press(" ")
    wait(artist, "audio.paused")
    artist.keyboard.press("Home")
    wait(artist, "audio.currentTime === 0")
    artist.keyboard.press("ArrowRight")
    wait(artist, "Math.abs(audio.currentTime - 5) < 0.1")
    # The same keys work anywhere on the page that is not a field.
    artist.locator("h1").click()
    artist.keyboard.press("ArrowLeft")
    wait(artist, "audio.currentTime < 0.1")


def test_a_correction_is_saved_and_taken_back_without_javascript(
    site: Site, artist: Page, folder: Path
) -> None:
    declare(artist)
    artist.locator("input[data-pick]").first.set_input_files(folder / "one.wav")
    artist.locator(".fate a", has_text="Open").click(timeout=2 * MINUTE)
    browser = artist.context.browser
    assert browser
    plain = browser.new_context(
        base_url=site.url, java_script_enabled=False, storage_state=artist.context.storage_state()
    )
    try:
        page = plain.new_page()
        page.goto(artist.url)
        page.get_by_label("BPM").fill("60")
        page.get_by_label("Key").fill("4A")
        page.get_by_role("button", name="Save Changes").click()
        expect(page.locator(".said")).to_contain_text("Saved")
        expect(page.get_by_label("Key")).to_have_value("F minor")
        page.get_by_role("button", name="reset to measured").first.click()
        expect(page.get_by_label("BPM")).to_have_value("")
        page.get_by_role("link", name="Delete Track").click()
        page.get_by_role("button", name="Delete Track").click()
        expect(page.locator(".said")).to_contain_text("is deleted")
    finally:
        plain.close()
