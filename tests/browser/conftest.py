"""Chromium in front of the real product: web, workers and database in a data folder of their own."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import services
from tests.site import processes

AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe-core" / "axe.min.js"
# What may be wrong on a page without a reader being kept out of it.
TOLERATED_IMPACT = {"minor", "moderate"}


@dataclass(frozen=True)
class Site:
    url: str
    data: Path
    extra: dict[str, str] = field(default_factory=dict)

    def manage(self, *arguments: str) -> str:
        done = processes.manage(self.data, *arguments, **self.extra)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def up(data: Path, **extra: str) -> Iterator[Site]:
    """`manage.py up` without demo artists, with these settings besides the usual ones."""
    port = processes.free_port()
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--no-demo"]
    # Many people log in from one address here within a minute.
    with processes.running(command, data, STARFORGE_RATE_TOKEN="1000/min", **extra) as process:
        processes.wait_until(
            lambda: "Ctrl-C stops everything" in processes.output(data) or process.poll() is not None,
            seconds=90,
        )
        assert process.poll() is None, processes.output(data)
        yield Site(f"http://127.0.0.1:{port}", data, extra)
        process.send_signal(signal.SIGINT)
        process.wait(20)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Site]:
    """The product as it is, for the whole session."""
    with up(tmp_path_factory.mktemp("site") / "data") as running:
        yield running


@pytest.fixture(scope="module")  # while Playwright lives, its event loop is in the way of other tests' own
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, args=services.chromium_arguments(), headless=True
        )
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A visitor without cookies. What the page itself calls an error fails the test."""
    fresh = browser.new_context(base_url=site.url, viewport={"width": 1440, "height": 900})
    fresh.set_default_timeout(15_000)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    shown, broken = context.new_page(), []
    shown.on("pageerror", lambda error: broken.append(str(error)))
    yield shown
    assert broken == [], "JavaScript errors on the page"


@pytest.fixture
def barriers() -> Callable[[Page], list[dict[str, Any]]]:
    """axe-core's serious and critical findings on a page: rule, what it says, and where."""

    def found(shown: Page) -> list[dict[str, Any]]:
        # a colour half way through its transition is nobody's colour
        shown.evaluate(
            "Promise.allSettled(document.getAnimations().map(one => one.finished)).then(() => null)"
        )
        shown.evaluate(AXE.read_text())
        result = json.loads(
            shown.evaluate(
                "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))"
            )
        )
        return [
            {"rule": one["id"], "says": one["help"], "where": [node["target"] for node in one["nodes"]][:5]}
            for one in result
            if one["impact"] not in TOLERATED_IMPACT
        ]

    return found
