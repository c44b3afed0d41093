"""The verifier in the browser says of every vector what the one in Python says."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors" / "provenance"
CASES = json.loads((VECTORS / "cases.json").read_text())
CHECK = """async ([names, cases]) => {
    const { checkRecording, readTrust } = await import('/static/js/proof/check.js');
    const at = '/tests/vectors/provenance/';
    const trust = await readTrust(await (await fetch(at + 'trust.json')).json());
    const out = [];
    for (const one of cases) {
        const bytes = new Uint8Array(await (await fetch(at + one.file)).arrayBuffer());
        const found = await checkRecording(bytes, trust, { shown: one.disclosure ?? null });
        const failed = found.checks.find((check) => check.ok === false);
        out.push([one.file, found.state, failed ? failed.name : null, found.sound.kind, found.sound.sha256]);
    }
    return out;
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        "": "text/plain",
    }

    def log_message(self, *_: Any) -> None:
        """Not into the test's output."""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A blank page of a server that has the repository's files: this needs no running product."""
    handler = functools.partial(Quiet, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context(base_url=f"http://127.0.0.1:{server.server_port}")
        opened = context.new_page()
        opened.goto("/LICENSE")
        yield opened
        context.close()
        server.shutdown()


def test_both_verifiers_agree_on_every_vector(page: Page) -> None:
    from provenance import streams

    said = page.evaluate(CHECK, [[], CASES])
    wanted = [
        [case["file"], case["state"], case["failed"], *streams.identity(VECTORS / case["file"])]
        for case in CASES
    ]
    assert said == wanted


@pytest.mark.parametrize("name", ["intact.wav", "intact.flac", "intact.mp3", "private.wav"])
def test_no_flipped_bit_is_believed(page: Page, name: str) -> None:
    """Sixty places, spread over the file: none but those of tags that say nothing may pass."""
    passed = page.evaluate(
        """async (name) => {
            const { checkRecording, readTrust } = await import('/static/js/proof/check.js');
            const at = '/tests/vectors/provenance/';
            const trust = await readTrust(await (await fetch(at + 'trust.json')).json());
            const whole = new Uint8Array(await (await fetch(at + name)).arrayBuffer());
            const passed = [];
            for (let i = 0; i < 60; i += 1) {
                const bytes = whole.slice();
                const place = Math.floor((i + 0.5) / 60 * bytes.length);
                bytes[place] ^= 1 << (i % 8);
                try {
                    const found = await checkRecording(bytes, trust);
                    if (found.state === 'intact') passed.push(place);
                } catch (error) {
                    if (error.constructor.name !== 'Unreadable') passed.push(String(error));
                }
            }
            return passed;
        }""",
        name,
    )
    assert passed == []


CANONICAL: list[Any] = [
    {"b": 1, "a": [True, None, 'é\u2028"\\\t\u0001'], "\U0001f3b5": 1, "\ufb33": 2, "€": 3},
    [0, -0.5, 1e-06, 0.1, 123456.789012, 1e15, 2**53 - 1, -1, 0.30000000000000004, 5e-07],
    {"seed": 7, "x": {"seed": "7"}},
    "Cafe\u0301",
]


def test_both_write_the_same_canonical_form(page: Page) -> None:
    from provenance.canonical import canonical

    said = page.evaluate(
        """async (values) => {
            const { canonical } = await import('/static/js/proof/check.js');
            return values.map((one) => canonical(one));
        }""",
        CANONICAL,
    )
    assert said == [canonical(value).decode() for value in CANONICAL]


def test_the_published_inclusion_proofs_are_judged_as_their_authors_say(page: Page) -> None:
    vectors = json.loads((ROOT / "tests" / "vendor" / "rfc6962" / "vectors.json").read_text())["inclusion"]
    said = page.evaluate(
        """async (cases) => {
            const { included } = await import('/static/js/proof/log.js');
            const raw = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
            const out = [];
            for (const one of cases) {
                const place = [BigInt(one.leafIdx), BigInt(one.treeSize)];
                out.push(await included(raw(one.leafHash), ...place, one.proof.map(raw), raw(one.root)));
            }
            return out;
        }""",
        [{**case, "leafIdx": str(case["leafIdx"]), "treeSize": str(case["treeSize"])} for case in vectors],
    )
    assert said == [not case["wantErr"] for case in vectors]
