"""Editing a take in a real browser: sections, layers heard before they are kept, and a take made again.

The stand-in engine makes the takes: what it plays is not music, but it is made, edited and replayed in a second.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, up
from tests.browser.test_every_page import WIDTHS, overflow
from tests.generation.stand_in import PATH
from tests.people import PASSWORD

pytestmark = pytest.mark.slow
MINUTE = 60_000  # milliseconds
NAME = "editor"
STOCK = """
from catalog.models import Artist
from tests.rows import catalog_of
catalog_of(Artist.objects.get(user__username='editor'), 12)
"""
ADDRESS = """
from generation.models import GeneratedTrack
take = GeneratedTrack.objects.get()
print('take', take.get_absolute_url(), take.folder)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Site]:
    """A site of its own, on which the stand-in is the engine."""
    with up(tmp_path_factory.mktemp("editing") / "data", STARFORGE_ENGINES=PATH) as running:
        running.manage("create_artist", NAME, "--password", PASSWORD)
        running.manage("shell", "-c", STOCK)
        running.manage(
            *("generate", "--artist", NAME, "--engine", "stand-in", "--prompt", "techno, 180 BPM"),
            *("--seconds", "20", "--seed", "3"),
        )
        yield running


@pytest.fixture(scope="module")
def take(site: Site) -> tuple[str, str]:
    """(address of the take's page, its folder)."""
    found = re.search(r"^take (\S+)#\S+ (\S+)$", site.manage("shell", "-c", ADDRESS), re.M)
    assert found
    return found[1], found[2]


@pytest.fixture
def editor(page: Page, take: tuple[str, str]) -> Page:
    page.goto(f"/account/login/?next={take[0]}")
    page.get_by_label("Username").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url(f"**{take[0]}")
    return page


def child_of(page: Page, take: tuple[str, str]) -> Page:
    """Where an edit leads, once it is made."""
    page.wait_for_url(lambda url: "/generations/" in url and take[0] not in url)
    expect(page.get_by_role("heading", name="What changed")).to_be_visible(timeout=2 * MINUTE)
    return page


def test_a_section_is_chosen_with_the_keyboard_and_composed_anew(
    editor: Page, take: tuple[str, str], barriers: Callable[[Page], list[dict[str, Any]]]
) -> None:
    first = editor.locator("input[name=section]").first
    first.focus()
    for _ in range(3):
        editor.keyboard.press("ArrowRight")
    expect(editor.locator("[data-chosen]")).to_have_text("Second drop, bars 9–12, 0:11–0:16")
    for width in WIDTHS:
        editor.set_viewport_size({"width": width, "height": 900})
        assert overflow(editor) == []
        assert barriers(editor) == []
    editor.get_by_role("button", name="Compose Anew").click()
    child = child_of(editor, take)
    expect(child.locator("h1")).to_have_text("Untitled 01, new second drop")
    expect(child.locator(".sentences")).to_have_text("The drop at bar 9 is composed anew.")
    expect(child.locator(".beside")).to_contain_text(re.compile(r"Before.*After", re.S))
    for width in WIDTHS:
        child.set_viewport_size({"width": width, "height": 900})
        assert overflow(child) == []
        assert barriers(child) == []
    child.get_by_role("link", name="Untitled 01", exact=True).first.click()
    child.wait_for_url(f"**{take[0]}*")


def test_layers_are_heard_muted_and_soloed_before_anything_is_kept(
    editor: Page, take: tuple[str, str], barriers: Callable[[Page], list[dict[str, Any]]]
) -> None:
    heard, keep = editor.locator("[data-heard]"), editor.get_by_role("button", name="Keep as a New Take")
    run, clock = editor.locator("[data-run]"), editor.locator("[data-clock]")
    expect(keep).to_be_disabled()
    run.click()
    expect(run).to_have_text("Pause Layers", timeout=MINUTE)
    expect(clock).not_to_have_text(re.compile("^0:00"))
    editor.locator("label", has_text="Mute drums").click()
    expect(heard).to_have_text("Heard: without drums.")
    for layer in ("kick", "bass"):
        editor.locator("label", has_text=f"Solo {layer}").click()
    expect(heard).to_have_text("Heard: only kick and bass.")
    assert barriers(editor) == []
    # There is one sound at a time.
    editor.get_by_role("button", name="Play Untitled 01").first.click()
    expect(run).to_have_text("Play Layers")
    keep.click()
    child = child_of(editor, take)
    expect(child.locator("h1")).to_have_text("Untitled 01, only kick and bass")
    expect(child.locator("[data-layer]")).to_have_count(2)


def test_a_layer_is_replaced_and_the_rest_is_left_alone(editor: Page, take: tuple[str, str]) -> None:
    editor.get_by_role("button", name="Replace harmony").click()
    child = child_of(editor, take)
    expect(child.locator("h1")).to_have_text("Untitled 01, different harmony")
    expect(child.locator(".sentences")).to_contain_text("The harmony come from")


def test_what_cannot_be_is_said_where_it_was_asked_for(editor: Page, take: tuple[str, str]) -> None:
    words = editor.get_by_label("In words")
    words.fill("make it purple")
    words.press("Enter")
    error = editor.locator("[data-edit-error]")
    expect(error).to_contain_text("“make it purple” is not a change that is understood here")
    expect(words).to_have_value("make it purple")
    words.fill("energy 0.9")
    words.press("Enter")
    expect(child_of(editor, take).locator("h1")).to_have_text("Untitled 01, more energetic")


def test_a_figure_and_its_slider_are_one(editor: Page) -> None:
    slider, figure = editor.get_by_role("slider", name="BPM, slider"), editor.get_by_label("BPM", exact=True)
    slider.focus()
    editor.keyboard.press("ArrowRight")
    expect(figure).to_have_value("181")
    figure.fill("150")
    expect(slider).to_have_value("150")


def test_without_javascript_the_same_forms_do_the_same(
    site: Site, editor: Page, take: tuple[str, str]
) -> None:
    browser = editor.context.browser
    assert browser
    plain = browser.new_context(
        base_url=site.url, java_script_enabled=False, storage_state=editor.context.storage_state()
    )
    try:
        page = plain.new_page()
        page.goto(take[0])
        expect(page.get_by_role("button", name="Play Layers")).to_be_hidden()
        page.locator("label", has_text="Mute lead").click()
        page.get_by_role("button", name="Keep Without the Muted").click()
        expect(page.locator("h1")).to_have_text("Untitled 01, without lead")
        page.goto(take[0])
        page.locator(".cells td").nth(4).click()
        page.get_by_role("button", name="Shorter").click()
        expect(page.locator(".said")).to_contain_text("The outro has 2 bars")
    finally:
        plain.close()


def test_a_take_whose_audio_is_gone_is_made_again_the_same(
    editor: Page, take: tuple[str, str], barriers: Callable[[Page], list[dict[str, Any]]]
) -> None:
    shutil.rmtree(take[1])
    editor.reload()
    expect(editor.get_by_text("The audio of this take is no longer here")).to_be_visible()
    assert barriers(editor) == [] and overflow(editor) == []
    editor.get_by_role("button", name="Make It Again").click()
    expect(editor.locator(".again-same")).to_contain_text("identical (SHA-256", timeout=2 * MINUTE)
    expect(editor.get_by_role("button", name="Play Untitled 01").first).to_be_visible()
