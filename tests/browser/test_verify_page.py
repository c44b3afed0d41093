"""In a real browser: a stamped recording is checked by dropping it, a tampered copy is refused, an id looked up."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from catalog.audio.encode import write_mp3, write_wav
from tests import sounds
from tests.browser.conftest import Site
from tests.browser.test_every_page import overflow

PASSWORD = "a-long-enough-phrase-42"
CLAIMS = {
    "type": "ai_generated",
    "generator": {"model": "mosaic", "version": "1.0"},
    "source": {"track_count": 12, "catalog_hash": "sha256:" + "5d" * 32, "aesthetic_dna_snapshot": {"n": 12}},
    "generation_params": {"prompt": "Dark dubstep with ethnic percussion", "bpm": 140, "seed": "7318"},
}


@pytest.fixture(scope="module")
def stamped(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A recording and the id of its certificate, stamped by a script with a token."""
    token = site.manage("create_artist", "stamper", "--password", PASSWORD).split()[-1]
    path = tmp_path_factory.mktemp("stamped") / "take.wav"
    write_wav(path, sounds.chord(seconds=2.0), sounds.RATE)
    answer = requests.post(
        f"{site.url}/api/stamp",
        files={"file": path.open("rb")},
        data={"metadata": json.dumps(CLAIMS), "title": "Untitled 03"},
        headers={"Authorization": f"Token {token}"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    return path, answer.json()["certificate_id"]


def drop(page: Page, path: Path) -> None:
    """Drag the file from the desktop onto the page."""
    page.evaluate(
        """([name, data]) => {
            const bytes = Uint8Array.from(atob(data), one => one.charCodeAt(0));
            const held = new DataTransfer();
            held.items.add(new File([bytes], name, {type: 'audio/wav'}));
            for (const kind of ['dragenter', 'dragover', 'drop']) {
                document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: held, bubbles: true, cancelable: true}));
            }
        }""",
        [path.name, base64.b64encode(path.read_bytes()).decode()],
    )


def test_a_dropped_file_is_checked_in_place(page: Page, stamped: tuple[Path, str]) -> None:
    path, certificate = stamped
    page.goto("/verify/")
    drop(page, path)
    outcome = page.locator("#verdict")
    expect(outcome.get_by_role("heading", name="Intact")).to_be_visible()
    expect(outcome).to_contain_text("“Untitled 03” was declared by stamper")
    expect(page.locator("[data-sending]")).to_be_hidden()
    outcome.get_by_role("link", name="Open Certificate").click()
    page.wait_for_url(f"**/certificates/{certificate}/")


def test_a_bundle_alone_is_checked_in_place(
    page: Page, site: Site, stamped: tuple[Path, str], tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(requests.get(f"{site.url}/api/certificates/{stamped[1]}/bundle/", timeout=30).content)
    page.goto("/verify/")
    drop(page, bundle)
    outcome = page.locator("#verdict")
    expect(outcome.get_by_role("heading", name="Intact")).to_be_visible()
    expect(outcome).to_contain_text("The signature and the log entry hold.")
    expect(outcome).to_contain_text("A third party's timestamp: the bundle holds none.")


def test_a_tampered_copy_is_not_taken_for_the_recording(
    page: Page, stamped: tuple[Path, str], tmp_path: Path
) -> None:
    """This stamp is not in the file, so one changed sample leaves nothing to find it by."""
    data = bytearray(stamped[0].read_bytes())
    data[40_000] ^= 1
    (tmp_path / "tampered.wav").write_bytes(data)
    page.goto("/verify/")
    drop(page, tmp_path / "tampered.wav")
    expect(page.locator("#verdict").get_by_role("heading", name="No credentials")).to_be_visible()


def test_a_coded_copy_is_recognised_once_it_is_sent(page: Page, site: Site, tmp_path: Path) -> None:
    token = site.manage("create_artist", "coder", "--password", PASSWORD).split()[-1]
    sound = sounds.groove(20.0, 4)
    write_wav(tmp_path / "own.wav", sound, sounds.RATE)
    answer = requests.post(
        f"{site.url}/api/stamp",
        files={"file": (tmp_path / "own.wav").open("rb")},
        data={"metadata": json.dumps(CLAIMS), "title": "Untitled 04"},
        headers={"Authorization": f"Token {token}"},
        timeout=30,
    )
    write_mp3(tmp_path / "copy.mp3", sound, sounds.RATE, kbps=128)
    page.goto("/verify/")
    drop(page, tmp_path / "copy.mp3")
    outcome = page.locator("#verdict")
    expect(outcome).to_contain_text("may still be recognised by its sound")
    outcome.get_by_role("button", name="Send It to Be Checked").click()
    expect(outcome.get_by_role("heading", name="Recognised", exact=False).first).to_be_visible()
    expect(outcome).to_contain_text("very likely this recording")
    link = outcome.get_by_role("link", name="Open the Certificate It Names")
    expect(link).to_have_attribute("href", f"/certificates/{answer.json()['certificate_id']}/")


def test_a_pasted_address_is_looked_up_as_it_is_typed(
    page: Page, site: Site, stamped: tuple[Path, str]
) -> None:
    page.goto("/verify/")
    page.get_by_label("Or paste a certificate id").fill(f"{site.url}/certificates/{stamped[1]}/")
    expect(page.locator("#verdict").get_by_role("heading", name="Valid")).to_be_visible()


def test_what_is_not_audio_is_said_so(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("only words " * 200)
    page.goto("/verify/")
    drop(page, tmp_path / "notes.wav")
    expect(page.locator("#verdict")).to_contain_text("cannot be checked in the browser")
    page.get_by_role("button", name="Send It to Be Checked").click()
    expect(page.locator("#verdict")).to_contain_text("This is a text file")


def test_a_file_is_checked_without_being_uploaded(page: Page, stamped: tuple[Path, str]) -> None:
    """Nothing but the trust file, the bundle it names and the hash of the sound crosses the wire."""
    page.goto("/verify/")
    asked: list[tuple[str, str, int]] = []
    page.on("request", lambda one: asked.append((one.method, one.url, len(one.post_data_buffer or b""))))
    drop(page, stamped[0])
    expect(page.locator("#verdict")).to_contain_text("The file was not uploaded")
    fetched = [(method, url, size) for method, url, size in asked if "/static/" not in url]
    assert {method for method, _, _ in fetched} == {"GET"}
    assert sum(size for _, _, size in fetched) == 0
    assert [url.split("?")[0].split("/", 3)[3] for _, url, _ in fetched] == [
        ".well-known/starforge-trust.json",
        "api/certificates/",
        f"api/certificates/{stamped[1]}/bundle/",
        "api/log/checkpoint",
        "api/log/proof/consistency",
    ]
    expect(page.locator("#check-continuity")).to_contain_text("Nothing before it was rewritten")


def test_what_carries_no_stamp_is_sent_only_when_asked(page: Page, tmp_path: Path) -> None:
    write_wav(tmp_path / "unknown.wav", sounds.chord(seconds=1.0) * 0.3, sounds.RATE)
    page.goto("/verify/")
    drop(page, tmp_path / "unknown.wav")
    outcome = page.locator("#verdict")
    expect(outcome.get_by_role("heading", name="No credentials")).to_be_visible()
    expect(outcome).to_contain_text("The file was not uploaded")
    outcome.get_by_role("button", name="Send It to Be Checked").click()
    expect(outcome).to_contain_text("not in this Starforge's register")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_certificate_is_sound(
    page: Page, stamped: tuple[Path, str], barriers: Callable[[Page], list[dict[str, Any]]], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"/certificates/{stamped[1]}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Process is provenance")
    for summary in page.locator(".checked summary").all():
        summary.click()
    assert overflow(page) == []
    assert barriers(page) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_of_an_unknown_id_is_sound_and_leads_on(
    page: Page, stamped: tuple[Path, str], barriers: Callable[[Page], list[dict[str, Any]]], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    answer = page.goto(f"/certificates/{stamped[1][:-1]}/")
    assert answer is not None and answer.status == 404
    assert overflow(page) == []
    assert barriers(page) == []
    page.get_by_label("The id again").fill(stamped[1])
    page.get_by_role("button", name="Look It Up").click()
    expect(page.locator("#verdict").get_by_role("heading", name="Valid")).to_be_visible()


def test_on_paper_the_certificate_has_its_code_and_its_hashes_in_full(
    page: Page, stamped: tuple[Path, str]
) -> None:
    page.goto(f"/certificates/{stamped[1]}/")
    in_full = page.locator(".printed")
    expect(in_full).to_be_hidden()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 660, "height": 1000})  # an A4 sheet between its margins
    expect(in_full).to_be_visible()
    expect(page.locator(".actions")).to_be_hidden()
    code, head = page.locator(".qr svg").bounding_box(), page.locator("h1").bounding_box()
    assert code is not None and head is not None
    assert code["y"] < head["y"] + head["height"]  # on the first sheet, beside the headline and not on it
    assert code["x"] > head["x"] + head["width"] - 1
    assert overflow(page) == []
