"""The studio in a real browser: what a sentence is read into, and whose figures are whose."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.people import PASSWORD

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def name(site: Site) -> str:
    site.manage("create_artist", "composer", "--password", PASSWORD)
    return "composer"


@pytest.fixture
def studio(page: Page, name: str) -> Page:
    page.goto("/account/login/?next=/generate/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/generate/")
    return page


def test_a_sentence_is_read_while_it_is_written(studio: Page) -> None:
    studio.get_by_label("Describe the take").fill("Slow warm house in A minor, 118 BPM, 1:30")
    read = studio.locator("#read-as")
    for word in ("118 BPM", "warm", "House", "A minor"):
        expect(read).to_contain_text(word)
    expect(studio.locator("#bpm")).to_have_attribute("placeholder", "118")
    expect(studio.locator("#duration_seconds")).to_have_attribute("placeholder", "1:30")
    expect(studio.locator("[data-why=bpm]")).to_have_text("from the prompt")
    expect(studio.locator("[data-mix]")).to_contain_text(re.compile("7A D minor.*9A E minor.*8B C major"))


def test_a_figure_follows_the_sentence_until_it_is_touched_and_again_when_released(studio: Page) -> None:
    prompt, bpm = studio.get_by_label("Describe the take"), studio.locator("#bpm")
    slider = studio.get_by_role("slider", name="BPM, slider")
    prompt.fill("Techno, 132 BPM")
    expect(slider).to_have_value("132")
    slider.focus()
    studio.keyboard.press("ArrowRight")
    expect(bpm).to_have_value("133")
    prompt.fill("Techno, 128 BPM")
    expect(studio.locator("#read-as")).to_contain_text("128 BPM")
    expect(slider).to_have_value("133")
    studio.get_by_role("button", name="Release BPM").click()
    expect(bpm).to_have_value("")
    expect(slider).to_have_value("128")


def test_a_key_that_mixes_is_one_press_away(studio: Page) -> None:
    studio.get_by_text("Choose on the Wheel").click()
    studio.get_by_label("F minor 4A").check()
    studio.get_by_role("button", name="5A C minor").click()
    expect(studio.get_by_label("C minor 5A")).to_be_checked()
    expect(studio.locator("[data-mix]")).to_contain_text("4A F minor")


def test_the_wheel_chooses_a_key_and_frames_what_mixes_with_it(
    studio: Page, barriers: Callable[[Page], list[Any]]
) -> None:
    studio.get_by_text("Choose on the Wheel").click()
    place, words = studio.locator(".seg[data-key='E minor']"), studio.locator("[data-key-words]")
    place.click()
    expect(words).to_have_text("E minor · 9A")
    expect(place).to_have_attribute("data-state", "chosen")
    expect(studio.get_by_label("E minor 9A")).to_be_checked()
    framed = studio.locator(".seg[data-state=mixes]").evaluate_all(
        "all => all.map(one => one.dataset.key).sort()"
    )
    assert framed == ["A minor", "B minor", "G major"]
    assert barriers(studio) == []
    place.click()
    expect(studio.get_by_label("As prompt and catalog have it")).to_be_checked()
    expect(place).not_to_have_attribute("data-state", "chosen")


def test_a_seed_is_held_counted_on_and_let_go(studio: Page) -> None:
    seed, says = (
        studio.get_by_label("Seed", exact=True).and_(studio.locator("input")),
        studio.locator("#seed-says"),
    )
    lock, after, vary = (
        studio.get_by_role("button", name=name, exact=True) for name in ("Lock", "Next", "Vary")
    )
    expect(says).to_contain_text("Varies")
    lock.click()
    expect(seed).to_have_value(re.compile(r"^\d+$"))
    expect(lock).to_have_attribute("aria-pressed", "true")
    seed.fill("18446744073709551615")
    after.click()
    expect(seed).to_have_value("0")
    seed.fill("night drive")
    after.click()
    after.click()
    expect(seed).to_have_value("night drive 3")
    vary.click()
    expect(seed).to_have_value("")
    expect(says).to_contain_text("Varies")


def test_what_cannot_be_is_said_at_its_field_while_it_is_written(studio: Page) -> None:
    studio.locator("#bpm").fill("900")
    expect(studio.locator("[data-error=bpm]")).not_to_be_empty()
    expect(studio.locator("#bpm")).to_have_attribute("aria-invalid", "true")
    studio.locator("#bpm").fill("90")
    expect(studio.locator("[data-error=bpm]")).to_be_empty()


def test_a_catalog_that_is_too_small_is_told_its_count(
    studio: Page, barriers: Callable[[Page], list[Any]]
) -> None:
    expect(studio.locator("#too-few")).to_contain_text("0 of 10 tracks")
    expect(studio.get_by_role("button", name="Generate with Provenance")).to_be_disabled()
    studio.keyboard.press("Control+Enter")
    expect(studio.locator("[data-generation]")).to_have_count(0)
    studio.locator("#bpm").fill("90")
    studio.locator("summary", has_text="Temperature").click()
    assert barriers(studio) == []


def test_the_menu_of_a_phone_opens_leads_on_and_closes(studio: Page) -> None:
    studio.set_viewport_size({"width": 390, "height": 844})
    menu = studio.locator("details.menu")
    expect(studio.locator(".tabs").first).to_be_hidden()
    studio.get_by_text("Menu", exact=True).click()
    expect(menu.get_by_role("link", name="History")).to_be_visible()
    studio.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="History")).to_be_hidden()
    studio.get_by_text("Menu", exact=True).click()
    menu.get_by_role("link", name="History").click()
    studio.wait_for_url("**/history/")
