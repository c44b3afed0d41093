"""What holds for every page and every file we serve: one look, no foreign host, nothing inline."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from catalog.accounts import create_artist
from starforge_site.pages import operations
from tests.people import PASSWORD, owner, stranger
from tests.rows import catalog_of, ready_track, take_of

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html"))
# The admin keeps the look of Django, with what static/css/admin.css adds to it.
STYLES = sorted(path for path in (ROOT / "static/css").glob("*.css") if path.name != "admin.css")
SCRIPTS = sorted((ROOT / "static/js").glob("*.js"))
EVENTS = (
    "abort|blur|change|click|drag|drop|error|focus|input|key|load|mouse|pointer|reset|submit|touch|toggle"
)
INLINE = re.compile(rf"\sstyle=|\son(?:{EVENTS})[a-z]*=|<style|<script(?![^>]*\ssrc=)", re.I)
FOREIGN = re.compile(r"""(?:src|href|url|from|import)\s*[=(]?\s*["'(]?\s*(?:https?:)?//(?!www\.w3\.org)""")


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", TEMPLATES, ids=names(TEMPLATES))
def test_a_template_has_nothing_inline_and_nothing_foreign(path: Path) -> None:
    text = path.read_text()
    assert not INLINE.search(text), "the Content-Security-Policy forbids inline scripts and styles"
    assert not FOREIGN.search(text), "a page is served from one host"


@pytest.mark.parametrize("path", STYLES, ids=names(STYLES))
def test_a_stylesheet_keeps_the_identity(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    assert "gradient(" not in text
    assert not re.search(r"box-shadow:(?!\s*none)|text-shadow|backdrop-filter", text)
    assert not re.search(r"border-radius:(?!\s*0)", text)
    assert "text-transform" not in text
    assert not FOREIGN.search(text)
    # Colours have names; only where a name gets its value may that value stand. Options are drawn by the system.
    if path.name != "tokens.css":
        named = re.sub(r"--[a-z]+:[^;]+;|select option \{[^}]+\}|url\([^)]+\)", "", text)
        assert re.findall(r"#[0-9a-fA-F]{3,8}\s*[;}]", named) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=names(SCRIPTS))
def test_a_script_makes_no_markup_out_of_text(path: Path) -> None:
    text = path.read_text()
    assert not re.search(
        r"innerHTML(?! = html;)|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )
    assert not FOREIGN.search(text)


def test_no_page_speaks_in_emoji_or_exclamation_marks() -> None:
    for path in TEMPLATES:
        text = path.read_text()
        assert not re.search("[\U0001f300-\U0001faff\u2600-\u27bf]", text), path.name
        spoken = re.sub(r"\{[%#{].*?[%#}]\}|<!.*?>|<[^>]+>", "", text, flags=re.S)
        assert "!" not in spoken, path.name


def test_vendored_files_are_the_ones_that_were_recorded() -> None:
    done = subprocess.run(
        [sys.executable, "bin/vendor.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    entries = json.loads((ROOT / "static/vendor/vendor.json").read_text())
    recorded = {name for entry in entries for name in entry["files"]}
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "static/vendor").rglob("*")
        if path.is_file() and path.name != "vendor.json"
    }
    assert found <= recorded
    for entry in entries:
        assert any(name.endswith("/LICENSE") for name in entry["files"])


@pytest.mark.django_db
def test_rendered_pages_have_nothing_inline_and_one_headline() -> None:
    me = owner()
    catalog_of(me.artist, 10)
    track = ready_track(me.artist, "One more")
    take = take_of(me.artist)
    client = me.page
    addresses = [
        "/catalog/",
        track.get_absolute_url(),
        reverse("catalog:delete", args=[track.pk]),
        "/dna/",
        "/generate/",
        take.generation.get_absolute_url(),
        "/adapters/",
        "/collaborate/",
        "/history/",
        "/history/requests/",
        "/history/compare/",
        "/history/evolution/",
        "/history/families/",
        "/account/",
        "/account/password/",
        "/api/docs/",
    ]
    pages = {address: client.get(address) for address in addresses}
    pages |= {address: stranger().get(address) for address in ("/", "/account/login/", "/account/signup/")}
    for address, answer in pages.items():
        assert answer.status_code == 200, address
        text = answer.content.decode()
        assert not INLINE.search(text), address
        assert len(re.findall(r"<h1[\s>]", text)) == 1, address
        assert "{{" not in text, address
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def brought_by(script: Path) -> set[Path]:
    """The module and everything it imports."""
    found, waiting = set(), [script]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [
                one.parent / name for name in re.findall(r'(?:from|import) "(\./[^"]+)"', one.read_text())
            ]
    return found


@pytest.mark.django_db
def test_the_first_page_stays_light() -> None:
    """At most 150 kB compressed, with everything it loads at once."""
    text = stranger().get("/").content
    files = {
        ROOT / "static" / path
        for path in re.findall(r'(?:src|href)="/static/([^"]+)"', text.decode())
        if path != "css/noscript.css"
    }
    files |= {ROOT / f"static/vendor/inter/inter-latin-{weight}.woff2" for weight in (400, 500, 600)}
    files |= {found for one in files if one.suffix == ".js" for found in brought_by(one)}
    assert {"app.js", "turn.js", "player.js", "page.js"} <= {one.name for one in files}
    sizes = {
        one.name: len(data if one.suffix == ".woff2" else gzip.compress(data))
        for one in files
        if (data := one.read_bytes())
    }
    assert len(gzip.compress(text)) + sum(sizes.values()) < 150_000, sizes


@pytest.mark.django_db
def test_the_page_is_drawn_light_or_dark_as_was_chosen() -> None:
    client = stranger()
    assert "data-theme" not in client.get("/").content.decode()
    for chosen in ("dark", "light"):
        client.cookies["theme"] = chosen
        text = client.get("/").content.decode()
        assert f' data-theme="{chosen}">' in text
        assert f'<meta name="color-scheme" content="{chosen}">' in text
    client.cookies["theme"] = '"><script>'
    text = client.get("/").content.decode()
    assert "data-theme" not in text
    assert '<meta name="color-scheme" content="light dark">' in text


@pytest.mark.django_db
def test_the_first_page_tells_visitors_what_this_is_and_leads_artists_to_their_work() -> None:
    visitor = stranger().get("/").content.decode()
    assert "Yours is trained on you" in visitor
    assert "demo artist" not in visitor
    create_artist(username="demo", password="demo", name="Demo", is_demo=True)
    assert "demo artist" in stranger().get("/").content.decode()
    me = owner()
    assert me.page.get("/").headers["Location"] == "/catalog/"
    catalog_of(me.artist, 10)
    assert me.page.get("/").headers["Location"] == "/generate/"


@pytest.mark.django_db
def test_logging_in_leads_to_the_page_that_was_asked_for() -> None:
    owner()
    client = stranger()
    client.handler.enforce_csrf_checks = False
    asked = client.get("/dna/").headers["Location"]
    assert asked == "/account/login/?next=/dna/"
    form = {"username": "owner", "password": PASSWORD, "next": "/dna/"}
    assert client.post(asked, form).headers["Location"] == "/dna/"
    client.logout()
    foreign = client.post("/account/login/", form | {"next": "https://elsewhere.example/"})
    assert foreign.headers["Location"] == "/"


def test_the_api_page_lists_every_operation_of_the_schema() -> None:
    from drf_spectacular.generators import SchemaGenerator

    schema = SchemaGenerator().get_schema(request=None, public=True)
    wanted = {
        (method.upper(), path)
        for path, item in schema["paths"].items()
        for method in item
        if method in {"get", "post", "put", "patch", "delete"}
    }
    listed = {
        (one["method"], one["path"]) for group in operations("http://here") for one in group["operations"]
    }
    assert listed == wanted
    assert all(
        "http://here" in one["curl"] for group in operations("http://here") for one in group["operations"]
    )


def test_a_redirect_is_told_to_the_shell_with_its_place_in_the_page() -> None:
    asked = stranger().get("/dna/", headers={"x-shell": "1"})
    assert asked.status_code == 204
    assert asked.headers["X-Location"] == "/account/login/?next=/dna/"
    assert "Location" not in asked.headers
    assert stranger().get("/dna/").status_code == 302


SHELL = {"app.js", "page.js", "turn.js", "keys.js", "loud.js", "player.js", "playing.js", "wave.js", "net.js"}


def test_every_script_of_a_page_begins_and_ends_with_it() -> None:
    """A page that comes without a load runs its script again: what is not inside `page()` would run once only."""
    named = {
        found
        for path in TEMPLATES
        for found in re.findall(r"""<script type="module" src="\{% static 'js/([^']+)'""", path.read_text())
    }
    assert named - SHELL
    for name in named - SHELL:
        text = (ROOT / "static/js" / name).read_text()
        assert "page(import.meta.url, " in text, name
        outside = text[: text.index("page(import.meta.url, ")]
        assert not re.search(r"^(document|window|addEventListener|setInterval|listen)\b", outside, re.M), name
        # what is heard of things that stay is let go by the page's signal
        listening = re.findall(r"(?:^ +|document\.|window\.)addEventListener\(", text, re.M)
        assert len(listening) <= text.count(", { signal })"), name
