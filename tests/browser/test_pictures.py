"""Key pages look as they looked: each beside a picture that somebody has looked at and kept.

Pictures are small and grey, so that another version of Chromium or of FreeType is not a change and a rule of the
style sheet that went missing is. After a change that is meant: `make test ARGS="tests/browser/test_pictures.py"
STARFORGE_KEEP_PICTURES=1` writes them anew; look at them before they are committed.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.browser.conftest import Site
from tests.browser.test_every_page import PASSWORD, log_in

KEPT = Path(__file__).with_name("pictures")
KEEP = "STARFORGE_KEEP_PICTURES"
SMALL = 320  # pixels across
BLOCK = 8
# Of 255. Letters that are smoothed otherwise stay below; a line of text or a button that is not there does not.
DIFFERENT = 6.0
# Blocks that may be different all the same: the caret, a face of letters that falls to another pixel.
TOLERATED = 0.004
PAGES = {
    "home": "/",
    "login": "/account/login/",
    "verify": "/verify/",
    "gallery": "/gallery/",
    "catalog": "/catalog/",
    "dna": "/dna/",
    "generate": "/generate/",
    "history": "/history/",
}
PRIVATE = {"catalog", "dna", "generate", "history"}
VIEWS = {"wide": (1440, 900, "light"), "phone": (390, 844, "dark")}
# What another day, another machine or another order of tests makes different.
RESTLESS = "time, [data-estimate], .player { visibility: hidden !important } * { caret-color: transparent !important }"


@pytest.fixture(scope="module")
def artist(site: Site) -> str:
    site.manage("create_artist", "pictures", "--password", PASSWORD)
    return "pictures"


def picture(page: Page, path: str, view: str) -> np.ndarray:
    """The first screen of a page: grey values, (height, SMALL)."""
    width, height, scheme = VIEWS[view]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(path)
    page.evaluate("document.fonts.ready.then(() => null)")
    # A face that came too late is left out until the next page; the second time it is there.
    page.reload()
    page.evaluate("document.fonts.ready.then(() => null)")
    page.mouse.move(0, 0)
    shot = Image.open(io.BytesIO(page.screenshot(style=RESTLESS, animations="disabled")))
    return np.asarray(shot.convert("L").resize((SMALL, round(SMALL * height / width)), Image.Resampling.BOX))


def changed(one: np.ndarray, other: np.ndarray) -> float:
    """The share of blocks that are not alike, 0..1."""
    if one.shape != other.shape:
        return 1.0
    apart = np.abs(one.astype(float) - other.astype(float))
    rows, columns = (side - side % BLOCK for side in apart.shape)
    blocks = apart[:rows, :columns].reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).mean((1, 3))
    return float((blocks > DIFFERENT).mean())


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_it_looked(page: Page, artist: str, tmp_path: Path, name: str, view: str) -> None:
    if name in PRIVATE:
        log_in(page, artist)
    now, file = picture(page, PAGES[name], view), KEPT / f"{name}-{view}.png"
    if os.environ.get(KEEP):
        KEPT.mkdir(exist_ok=True)
        Image.fromarray(now).save(file, optimize=True)
    before = np.asarray(Image.open(file))
    share = changed(now, before)
    if share > TOLERATED:
        Image.fromarray(now).save(tmp_path / file.name)
    assert share <= TOLERATED, f"{PAGES[name]} looks otherwise: {tmp_path / file.name} beside {file}"


def test_a_page_that_lost_a_rule_is_noticed(page: Page) -> None:
    sound = picture(page, "/account/login/", "wide")
    assert changed(sound, picture(page, "/account/login/", "wide")) == 0
    page.route("**/*.css", lambda route: route.fulfill(body="", content_type="text/css"))
    assert changed(sound, picture(page, "/account/login/", "wide")) > 10 * TOLERATED
    page.unroute("**/*.css")
    page.route(
        "**/account/login/",
        lambda route: route.fulfill(body=route.fetch().text().replace("Log In</button>", "</button>")),
    )
    assert changed(sound, picture(page, "/account/login/", "wide")) > TOLERATED
