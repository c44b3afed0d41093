"""Every page, wide and narrow: nothing overflows, nobody is kept out, nothing is fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Site

PUBLIC = (
    "/",
    "/account/login/",
    "/account/signup/",
    "/verify/",
    "/log/",
    "/log/checkpoints/",
    "/api/docs/",
    "/terms/",
    "/gallery/",
    "/nothing-here/",
)
PRIVATE = (
    "/catalog/",
    "/catalog/import/",
    "/catalog/duplicates/",
    "/dna/",
    "/generate/",
    "/generate/presets/",
    "/adapters/",
    "/collaborate/",
    "/history/",
    "/history/requests/",
    "/history/evolution/",
    "/history/families/",
    "/history/compare/",
    "/account/",
    "/account/export/",
    "/account/delete/",
)
STAFF = ("/admin/queues/", "/admin/measures/")
WIDTHS = (1440, 390)
PASSWORD = "a-long-enough-phrase-42"

Barriers = Callable[[Page], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def artist(site: Site) -> str:
    site.manage("create_artist", "pages", "--password", PASSWORD)
    return "pages"


@pytest.fixture(scope="module")
def staff(site: Site) -> str:
    """Somebody who may see everything, and jobs in every state."""
    site.manage("create_artist", "staff", "--password", PASSWORD)
    site.manage(
        "shell",
        "--no-imports",
        "-c",
        "from catalog.models import Artist, Track\n"
        "artist = Artist.objects.get(user__username='staff')\n"
        "artist.user.is_staff = artist.user.is_superuser = True\n"
        "artist.user.save()\n"
        "for status in (Track.FAILED, Track.RUNNING):\n"
        "    Track.objects.create(artist=artist, title='One', status=status, failure='damaged',\n"
        "        worker='elsewhere|1|2', stage='Measuring tempo, key and loudness',\n"
        "        error='The file ends in the middle. ' * 12, request_id='req_t4k0abcdefghijkl')\n",
    )
    return "staff"


def log_in(page: Page, name: str) -> None:
    page.goto("/account/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/account/login/" not in url)


def overflow(page: Page) -> list[str]:
    """Elements that stick out of the page to the right, outermost first."""
    return page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.body.querySelectorAll('*')]
                .filter(one => one.getBoundingClientRect().right > width + 1)
                .slice(0, 5)
                .map(one => `${one.tagName} ${one.className} ${Math.round(one.getBoundingClientRect().right)} px`);
        }"""
    )


# How far the page moved under the reader by itself while it came (Cumulative Layout Shift).
SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""
STILL = 0.02


def look(page: Page, path: str, width: int, barriers: Barriers) -> None:
    elsewhere: list[str] = []
    host = urlsplit(page.url).netloc

    def asked(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and host and parts.netloc != host:
            elsewhere.append(request.url)

    page.on("request", asked)
    page.add_init_script(SHIFTS)
    page.set_viewport_size({"width": width, "height": 900})
    answer = page.goto(path)
    host = urlsplit(page.url).netloc
    assert answer is not None
    assert answer.status == (404 if path == "/nothing-here/" else 200)
    assert page.title()
    assert page.locator("h1").count() == 1
    assert overflow(page) == []
    assert barriers(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(10, 10, 10)"
    assert barriers(page) == [], "in the dark"
    page.emulate_media(color_scheme="light")
    assert elsewhere == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_is_sound(page: Page, barriers: Barriers, path: str, width: int) -> None:
    look(page, path, width, barriers)
    assert page.evaluate("window.shifted") < STILL


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PRIVATE)
def test_an_artists_page_is_sound(page: Page, artist: str, barriers: Barriers, path: str, width: int) -> None:
    log_in(page, artist)
    look(page, path, width, barriers)
    assert page.evaluate("window.shifted") < STILL


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", STAFF)
def test_a_page_for_staff_is_sound(page: Page, staff: str, barriers: Barriers, path: str, width: int) -> None:
    log_in(page, staff)
    look(page, path, width, barriers)


def test_the_search_for_barriers_finds_one(page: Page, barriers: Barriers) -> None:
    page.goto("/account/login/")
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=data:,><button></button>')"
    )
    assert {one["rule"] for one in barriers(page)} == {"image-alt", "button-name"}


def test_a_page_that_moves_under_the_reader_is_noticed(page: Page) -> None:
    page.add_init_script(SHIFTS)
    page.goto("/account/login/")
    assert page.evaluate("window.shifted") < STILL
    page.evaluate("""() => new Promise((done) => {
        const late = document.createElement('p');
        late.textContent = Array(400).fill('late').join(' ');
        document.querySelector('main').prepend(late);
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)));
    })""")
    assert page.evaluate("window.shifted") > STILL


def test_a_page_can_be_used_with_the_keyboard_alone(page: Page, artist: str) -> None:
    page.goto("/account/login/")
    page.get_by_label("Username").focus()
    page.keyboard.type(artist)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/account/login/" not in url)


def test_a_visitor_is_asked_to_log_in(context: BrowserContext) -> None:
    page = context.new_page()
    for path in PRIVATE:
        page.goto(path)
        assert urlsplit(page.url).path == "/account/login/"
