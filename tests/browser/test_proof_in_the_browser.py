"""The verifier in the browser says of every vector what the one in Python says."""

from __future__ import annotations

import base64
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


def test_both_verifiers_agree_on_every_bundle(page: Page) -> None:
    """Timestamps are read by a library there, and by a reader of ours here."""
    from provenance.standalone.check import Bundle, check_bundle
    from provenance.trust import Trust

    folder = ROOT / "tests" / "vectors" / "bundles"
    cases = json.loads((folder / "cases.json").read_text())
    said = page.evaluate(
        """async (names) => {
            const { checkBundle, checkRecording, readTrust } = await import('/static/js/proof/check.js');
            const { readBundle } = await import('/static/js/proof/bundle.js');
            const bytes = async (path) => new Uint8Array(await (await fetch('/tests/vectors/' + path)).arrayBuffer());
            const trust = await readTrust(await (await fetch('/tests/vectors/bundles/trust.json')).json());
            const told = ({ state, checks }) => [state, ...checks.map((one) => [one.name, one.ok, one.sentence])];
            const out = [];
            const read = async (name) => readBundle(await bytes('bundles/' + name));
            for (const name of names) out.push(told(await checkBundle(await read(name), trust)));
            const bundle = await read('timestamp-ec.zip');
            out.push(told(await checkRecording(await bytes('provenance/no-credentials.wav'), trust, { bundle })));
            return out;
        }""",
        [case["file"] for case in cases],
    )
    trust = Trust.from_json(json.loads((folder / "trust.json").read_text()))
    for case, (state, *checks) in zip(cases, said, strict=False):
        found = check_bundle(Bundle.read(folder / case["file"]), trust)
        mine = [[one.name, one.ok, one.sentence] for one in found.checks if one.name != "revocation"]
        assert [state, *(one for one in checks if one[0] != "revocation")] == [found.state, *mine], case[
            "file"
        ]
    assert said[-1][0] == "intact" and ["timestamp", True] in [one[:2] for one in said[-1][1:]]


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


def test_both_say_the_same_of_where_a_recording_comes_from(page: Page) -> None:
    from provenance import wording
    from provenance.statement import Claim

    made = {"type": "ai_generated", "timestamp": "2026-02-07T12:34:56Z", "generator": {"model": "mosaic"}}
    sources: list[Any] = [
        None, {}, {"track_count": 0}, {"track_count": 1}, {"track_count": 4152},
        {"track_count": 12, "recordings_used": 0}, {"track_count": 12, "recordings_used": 6},
        {"track_count": 4152, "recordings_used": 1201}, {"track_count": 12, "recordings_used": 12},
        {"track_count": 12, "recordings_used": "6"}, {"track_count": 12, "recordings_used": -1},
    ]  # fmt: skip
    claims = [
        {"title": "", "artist": "Ossa", "declared": False, "provenance": {**made, "source": source}}
        for source in sources
    ]
    said = page.evaluate(
        """async (claims) => {
            const { origin } = await import('/static/js/proof/check.js');
            return claims.map((one) => origin(one));
        }""",
        claims,
    )
    assert said == [wording.origin(Claim(certificate_id="cert_1", subjects=(), **one)) for one in claims]


def test_the_published_consistency_proofs_are_judged_as_the_server_judges_them(page: Page) -> None:
    from provenance.log import tree

    vectors = json.loads((ROOT / "tests" / "vendor" / "rfc6962" / "vectors.json").read_text())["consistency"]
    said = page.evaluate(
        """async (cases) => {
            const { consistent } = await import('/static/js/proof/log.js');
            const raw = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
            const out = [];
            for (const one of cases) {
                const sizes = [BigInt(one.size1), BigInt(one.size2)];
                out.push(await consistent(...sizes, raw(one.root1), raw(one.root2), one.proof.map(raw)));
            }
            return out;
        }""",
        [{**case, "size1": str(case["size1"]), "size2": str(case["size2"])} for case in vectors],
    )
    raw = base64.b64decode
    assert said == [
        tree.verify_consistency(
            case["size1"],
            case["size2"],
            raw(case["root1"]),
            raw(case["root2"]),
            [raw(h) for h in case["proof"]],
        )
        for case in vectors
    ]
    assert said.count(True) == 5


def test_a_log_that_was_rewritten_is_caught_in_the_browser(page: Page) -> None:
    """The file keeps the head it was entered under; the log served today must continue it."""
    said = page.evaluate(
        """async ([name, notes]) => {
            const { checkRecording, continuity, readTrust } = await import('/static/js/proof/check.js');
            const at = '/tests/vectors/provenance/';
            const trust = await readTrust(await (await fetch(at + 'trust.json')).json());
            const found = await checkRecording(new Uint8Array(await (await fetch(at + name)).arrayBuffer()), trust);
            const out = [];
            for (const [note, hashes] of notes) {
                const served = { checkpoint: async () => note, consistency: async () => hashes };
                out.push((await continuity(found.entry, trust, served))?.ok ?? null);
            }
            const away = { checkpoint: async () => { throw new TypeError('offline'); } };
            out.push(await continuity(found.entry, trust, away));
            return out;
        }""",
        ["intact.wav", later_logs()],
    )
    assert said == [True, True, False, False, False, None]


def later_logs() -> list[tuple[str, list[str]]]:
    """(checkpoint, consistency proof) of: the same log, a longer one, a rewritten one, a shorter one, a stranger's."""
    from provenance import credentials
    from provenance.log import notes, tree
    from provenance.signing import open_envelope
    from tests.vectors import make

    carried = credentials.extract(VECTORS / "intact.wav")
    assert carried is not None
    ours = open_envelope(carried.envelope).leaf()
    leaves = [ours if at == 3 else b"entry %d" % at for at in range(9)]

    def grown(leaves: list[bytes]) -> tuple[list[bytes], dict[tree.Node, bytes]]:
        frontier: list[bytes] = []
        nodes: dict[tree.Node, bytes] = {}
        for at, leaf in enumerate(leaves):
            _, frontier, done = tree.append(at, frontier, tree.leaf_hash(leaf))
            nodes |= {(level, place): value for level, place, value in done}
        return frontier, nodes

    def served(leaves: list[bytes], signer: Any = make.LOG) -> tuple[str, list[str]]:
        frontier, nodes = grown(leaves)
        size = len(leaves)
        head = notes.Checkpoint(make.ORIGIN, size, tree.root(frontier))
        path = (
            []
            if size < 6
            else tree.prove(tree.consistency_ranges(6, size), lambda want: {n: nodes[n] for n in want})
        )
        return notes.sign_note(head.text(), make.ORIGIN, signer), [base64.b64encode(h).decode() for h in path]

    other = [b"another past", *leaves[1:]]
    return [
        served(leaves[:6]),
        served(leaves),
        served(other),
        served(leaves[:5]),
        served(leaves, make.STRANGER),
    ]


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
