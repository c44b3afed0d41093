"""`make screenshots`: every page of the demo artist, light, dark and on a phone, as WebP in docs/screenshots/.

Starts the product in a folder of its own, makes what the pages show (takes, a variation, a link, something in the
gallery), and photographs with Chromium. `--keep FOLDER` uses and leaves one, so that a second run takes a minute.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import demo_at_rest
from bench.product import ROOT, Product, started

FOLDER = ROOT / "docs" / "screenshots"
MOST_BYTES = 6 * 2**20
QUALITY = 72
NEW, PASSWORD = "newcomer", "a-long-enough-phrase-42"  # of the artist who has nothing yet
TALLEST = 2600  # CSS pixels; what lies below is more of the same


@dataclass(frozen=True)
class View:
    name: str
    width: int
    height: int
    scheme: str
    scale: float


VIEWS = (
    View("light", 1440, 900, "light", 1.0),
    View("dark", 1440, 900, "dark", 1.0),
    View("phone", 390, 844, "light", 2.0),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these pages")
    parser.add_argument("--keep", metavar="FOLDER", help="data folder to use, and to leave behind")
    parser.add_argument("--out", type=Path, default=FOLDER)
    asked = parser.parse_args()
    with ExitStack() as stack:
        data = Path(asked.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="starforge-shots-")))
        data.mkdir(parents=True, exist_ok=True)
        product = stack.enter_context(started(data))
        demo_at_rest(product)
        shown = {
            name: path for name, path in pages(made(product, data)) if not asked.names or name in asked.names
        }
        asked.out.mkdir(parents=True, exist_ok=True)
        sizes = dict(photographed(product, shown, asked.out))
    total = sum(file.stat().st_size for file in asked.out.glob("*.webp"))
    print(f"{len(sizes)} pictures of {len(shown)} pages; the folder holds {total / 2**20:.1f} MB")
    return int(total > MOST_BYTES)


def made(product: Product, data: Path) -> dict[str, str]:
    """What the pages show, made once: takes, a variation, a link, a place in the gallery, an artist with nothing."""
    note = data / "screenshots.json"
    if note.exists():
        return dict(json.loads(note.read_text()))
    first = product.generate(
        prompt="Dark dubstep with ethnic percussion, 140 BPM",
        duration_seconds=60,
        seed="first light",
        takes=2,
    )
    ready = product.finished(first["id"], within=1800)
    answer = product.api.post(
        f"{product.base}/api/generations/{first['id']}/vary/", json={"change": "more energetic"}
    )
    answer.raise_for_status()
    product.finished(answer.json()["id"], within=1800)
    take, other = ready["takes"][:2]
    shared = product.api.post(f"{product.base}/api/shares/", json={"take": take["id"]})
    shared.raise_for_status()
    product.form(
        f"/generations/{first['id']}/", f"/generations/{first['id']}/takes/{take['number']}/gallery/"
    )
    # As a curator does in the admin.
    exhibit = product.manage(
        *("shell", "--no-imports", "-c"),
        "from generation import gallery; from generation.models import Exhibit; rows = Exhibit.objects.all(); "
        "gallery.curate(rows, Exhibit.State.CANON); print(rows.first().pk)",
    )
    product.manage("create_artist", NEW, "--password", PASSWORD)
    found = {
        "generation": first["id"],
        "take": take["id"],
        "other": other["id"],
        "certificate": take["certificate_id"],
        "shared": str(shared.json()["url"]).partition("/shared/")[2],
        "exhibit": exhibit.split()[-1],
        "track": product.get("/api/tracks/?status=ready")["results"][0]["id"],
    }
    note.write_text(json.dumps(found))
    return found


def pages(made: dict[str, str]) -> list[tuple[str, str]]:
    """(name of the picture, address). "visitor-" is seen without a log-in, "new-" by an artist without music."""
    return [
        ("visitor-home", "/"),
        ("visitor-login", "/account/login/"),
        ("visitor-signup", "/account/signup/"),
        ("visitor-verify", "/verify/"),
        ("visitor-certificate", f"/certificates/{made['certificate']}/"),
        ("visitor-log", "/log/"),
        ("visitor-log-entry", "/log/1/"),
        ("visitor-gallery", "/gallery/"),
        ("visitor-exhibit", f"/gallery/{made['exhibit']}/"),
        ("visitor-embed", f"/embed/{made['exhibit']}/"),
        ("visitor-shared", f"/shared/{made['shared']}"),
        ("visitor-terms", "/terms/"),
        ("visitor-not-here", "/nothing-here/"),
        ("new-catalog", "/catalog/"),
        ("new-dna", "/dna/"),
        ("new-generate", "/generate/"),
        ("new-history", "/history/"),
        ("catalog", "/catalog/"),
        ("track", f"/catalog/tracks/{made['track']}/"),
        ("track-delete", f"/catalog/tracks/{made['track']}/delete/"),
        ("import", "/catalog/import/"),
        ("duplicates", "/catalog/duplicates/"),
        ("dna", "/dna/"),
        ("generate", "/generate/"),
        ("presets", "/generate/presets/"),
        ("collaborate", "/collaborate/"),
        ("take", f"/generations/{made['generation']}/"),
        ("history", "/history/"),
        ("requests", "/history/requests/"),
        ("evolution", "/history/evolution/"),
        ("families", "/history/families/"),
        ("compare", f"/history/compare/?take={made['take']}&take={made['other']}"),
        ("adapters", "/adapters/"),
        ("account", "/account/"),
        ("account-security", "/account/security/"),
        ("account-password", "/account/password/"),
        ("account-delete", "/account/delete/"),
        ("api", "/api/docs/"),
    ]


def photographed(product: Product, shown: dict[str, str], folder: Path) -> Iterator[tuple[str, int]]:
    """(file name, bytes) of each picture."""
    from playwright.sync_api import sync_playwright

    from tests import services

    found, missing = services.chromium()
    assert found, missing
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=services.chromium_arguments(), headless=True
        )
        for view in VIEWS:
            for who in sorted({_who(name) for name in shown}):
                context = browser.new_context(
                    base_url=product.base,
                    viewport={"width": view.width, "height": view.height},
                    color_scheme=view.scheme,  # type: ignore[arg-type]
                    device_scale_factor=view.scale,
                    reduced_motion="reduce",
                )
                context.set_default_timeout(60_000)
                page = context.new_page()
                if who:
                    page.goto("/account/login/")
                    page.get_by_label("Username").fill(who)
                    page.get_by_label("Password").fill(PASSWORD if who == NEW else who)
                    page.get_by_role("button", name="Log In").click()
                    page.wait_for_url(lambda url: "/login/" not in url)
                for name, path in shown.items():
                    if _who(name) == who:
                        file = folder / f"{name}-{view.name}.webp"
                        yield file.name, photograph(page, path, view, file)
                context.close()
        browser.close()


def _who(name: str) -> str:
    """The account a picture is seen from; "" for a visitor."""
    return {"visitor": "", "new": NEW}.get(name.partition("-")[0], "demo")


def photograph(page: Any, path: str, view: View, file: Path) -> int:
    from PIL import Image

    page.goto(path, wait_until="load")
    page.evaluate("document.fonts.ready.then(() => null)")
    page.wait_for_timeout(600)  # waves are drawn when they are seen
    height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": view.width, "height": max(view.height, height)})
    page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.screenshot()))
    page.set_viewport_size({"width": view.width, "height": view.height})
    if view.scale > 1:
        picture = picture.resize(
            (round(picture.width / view.scale * 1.5), round(picture.height / view.scale * 1.5))
        )
    picture.convert("RGB").save(file, "WEBP", quality=QUALITY, method=6)
    return file.stat().st_size


if __name__ == "__main__":
    raise SystemExit(main())
