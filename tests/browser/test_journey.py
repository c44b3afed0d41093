"""The whole loop as an artist who has never been here: from signing up to a tampered copy being refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.test_every_page import WIDTHS, Barriers, look
from tests.people import PASSWORD

pytestmark = pytest.mark.slow
MINUTES = 60_000  # milliseconds


def test_an_artist_goes_once_around_the_loop(
    context: BrowserContext, page: Page, barriers: Barriers, recordings: Path, tmp_path: Path
) -> None:
    page.goto("/account/signup/")
    page.get_by_label("Login name").or_(page.get_by_label("Username")).first.fill("newcomer")
    page.locator("input[name=name]").fill("New Comer")
    page.locator("input[type=password]").first.fill(PASSWORD)
    page.locator("input[name=rights]").check()
    page.get_by_role("button", name="Create Account").click()
    page.wait_for_url(lambda url: "signup" not in url)

    page.goto("/catalog/")
    files = sorted(recordings.glob("*.flac"))
    assert len(files) == 12
    page.locator("input[data-pick]").first.set_input_files(files)
    # Each file says for itself what became of it, without a reload.
    expect(page.locator(".fate")).to_have_count(12, timeout=MINUTES)
    expect(page.locator("#counts")).to_contain_text(re.compile(r"Analyzed\s*12"), timeout=5 * MINUTES)

    page.goto("/dna/")
    expect(page.locator("main")).to_contain_text("12 of 12 tracks")

    page.goto("/generate/")
    page.locator("#prompt").fill("Dark dubstep with ethnic percussion, 140 BPM, 20 seconds")
    expect(page.locator("main")).to_contain_text("hand percussion")
    page.keyboard.press("Control+Enter")
    job = page.locator("[data-generation]").first
    expect(job).to_be_visible()
    href = job.locator("a").first.get_attribute("href")
    assert href
    page.goto(href)
    expect(page.get_by_role("heading", name="Asked and measured")).to_be_visible(timeout=5 * MINUTES)
    # Twenty seconds are little to measure a tempo on; the grid itself is exact.
    expect(page.locator("main")).to_contain_text(re.compile(r"BPM\s*140\s*(139\.[5-9]|140\.[0-5])"))

    page.get_by_role("button", name=re.compile("^Play")).first.click()
    heard = 0.0
    for _ in range(60):  # the page's policy forbids what wait_for_function does
        heard = page.evaluate("document.querySelector('audio').currentTime")
        if heard > 0.5:
            break
        page.wait_for_timeout(250)
    assert heard > 0.5, "the take does not play"

    with page.expect_download() as waiting:
        page.get_by_role("link", name=re.compile("WAV")).first.click()
    wav = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(wav)
    assert wav.suffix == ".wav"

    page.get_by_role("link", name="View Certificate").click()
    expect(page.locator("main")).to_contain_text("New Comer")
    expect(page.locator("main")).to_contain_text("Publicly logged")
    certificate = page.url

    visitor = context.browser.new_context(base_url=page.url.split("/certificates/")[0])  # type: ignore[union-attr]
    try:
        stranger = visitor.new_page()
        check(stranger, wav)
        expect(stranger.locator("main")).to_contain_text(re.compile("has not changed|intact", re.IGNORECASE))
        tampered = bytearray(wav.read_bytes())
        tampered[len(tampered) // 2] ^= 1
        copy = tmp_path / "copy.wav"
        copy.write_bytes(tampered)
        check(stranger, copy)
        expect(stranger.locator("main")).to_contain_text(re.compile("changed|altered", re.IGNORECASE))
        expect(stranger.locator("main")).not_to_contain_text("has not changed")
    finally:
        visitor.close()

    page.goto(href)
    page.get_by_role("button", name="Add to Library").click()
    expect(page.get_by_role("link", name="In Your Library")).to_be_visible()
    page.goto("/catalog/")
    expect(page.locator("#counts")).to_contain_text(re.compile(r"Analyzed\s*13"), timeout=3 * MINUTES)
    page.goto("/dna/")
    expect(page.locator("main")).to_contain_text(re.compile(r"Made by Starforge\s*1, 7\.7%"))

    # And with real music in them, every page is as sound as it was empty.
    page.goto("/catalog/")
    track = page.locator('a[href*="/catalog/tracks/trk_"]').first.get_attribute("href")
    assert track
    for path in ("/catalog/", track, "/dna/", "/generate/", "/history/", href, certificate):
        for width in WIDTHS:
            look(page, path, width, barriers)


def check(page: Page, file: Path) -> None:
    page.goto("/verify/")
    page.locator("input[type=file]").first.set_input_files(file)
    button = page.get_by_role("button", name="Check File")
    if button.is_visible():
        button.click()
