"""Headers, hosts, sessions and files: what an answer carries, and what nobody can put into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.accounts import issue_token, revoke_token
from catalog.models import Track
from tests.belongings import Belongings
from tests.people import PASSWORD, owner, stranger
from tests.rows import loop_bytes, ready_track, take_of
from tests.security.routes import routes

ROOT = Path(__file__).resolve().parents[2]
INJECTED = "a\r\nSet-Cookie: sessionid=evil\r\nX-Evil: 1\r\n\r\n<script>.wav"
NAMES = (
    INJECTED,
    "../../../../etc/passwd.wav",
    "..\\..\\windows\\win.wav",
    "/etc/cron.d/evil.wav",
    'quote"; filename="evil.html.wav',
    "\u202egnp.wav",
    "a" * 5000 + ".wav",
    "CON.wav",
    ".wav",
    "\x1b[2J.wav",
    "\ud7ff\U0001f3b5.wav",
)


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_a_file_name_is_text_and_nothing_else(name: str, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "a/b/media", tmp_path / "a/b/incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir(parents=True)
    person = owner()
    upload = SimpleUploadedFile("x.wav", loop_bytes())
    upload._name = name  # type: ignore[attr-defined]  # past the test's own tidying of names
    answers = [
        person.api.post("/api/tracks/", {"file": upload}),
        person.api.put(f"/api/tracks/?filename={name[:900]}".replace("\r", "%0D").replace("\n", "%0A"),
                       loop_bytes(1), content_type="audio/wav"),
    ]  # fmt: skip
    for answer in answers:
        assert answer.status_code in (201, 400, 409, 415), answer.content
    media = settings.MEDIA_ROOT.resolve()
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or path.resolve().is_relative_to(media)
        assert "evil" not in path.name and "passwd" not in path.name
    for track in Track.objects.all():
        assert track.file.resolve().is_relative_to(media)
        answer = person.api.get(f"/api/tracks/{track.pk}/audio/")
        assert answer.status_code == 200
        assert not answer.cookies and "X-Evil" not in answer.headers
        assert all("\r" not in value and "\n" not in value for value in answer.headers.values())
        assert "<script>" not in person.page.get(f"/catalog/tracks/{track.pk}/").content.decode()


@pytest.mark.django_db
def test_a_title_makes_no_header_and_no_path_of_a_download() -> None:
    person = owner()
    take = take_of(person.artist, title=INJECTED, filename="Untitled_01.wav")
    for kind in ("wav", "mp3", "flac"):
        answer = person.api.get(f"/api/generated-tracks/{take.pk}/audio/?format={kind}")
        assert answer.status_code == 200 and not answer.cookies and "X-Evil" not in answer.headers
        assert "/" not in answer.headers.get("Content-Disposition", "")


@pytest.mark.django_db
def test_another_host_name_is_not_answered(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    for host in (
        "evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "localhost:80:80",
        "a b",
    ):
        assert Client(headers={"host": host}).get("/").status_code == 400
    forwarded = {"host": "localhost", "x-forwarded-host": "evil.example", "x-host": "evil.example"}
    answer = Client(headers=forwarded).get("/account/login/")
    assert answer.status_code == 200 and b"evil.example" not in answer.content


@pytest.mark.django_db
def test_a_session_of_before_is_not_the_one_of_after() -> None:
    owner()
    browser = Client()
    browser.cookies["sessionid"] = planted = "a" * 32
    browser.post("/account/login/", {"username": "owner", "password": PASSWORD})
    first = browser.cookies["sessionid"].value
    assert first != planted
    assert stranger_with(planted).get("/account/").status_code == 302
    browser.post("/account/logout/")
    assert stranger_with(first).get("/account/").status_code == 302


def stranger_with(session: str) -> Client:
    client = Client()
    client.cookies["sessionid"] = session
    return client


@pytest.mark.django_db
def test_a_changed_password_ends_every_other_session() -> None:
    person = owner()
    here, elsewhere = person.page, person.page
    new = "another-long-phrase-43"
    here.post("/account/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


@pytest.mark.django_db
def test_a_token_ends_when_it_is_revoked_and_with_its_account() -> None:
    person = owner()
    token, key = issue_token(person.artist, name="script")
    script = Client(headers={"authorization": f"Token {key}"})
    assert script.get("/api/usage/").status_code == 200
    revoke_token(token)
    for method in ("get", "post", "put", "patch", "delete"):
        assert getattr(script, method)("/api/tracks/").status_code == 401
    # Neither its hash nor its beginning opens anything.
    for part in (token.digest, token.prefix, key[:-1], key + "x", key.upper()):
        assert Client(headers={"authorization": f"Token {part}"}).get("/api/usage/").status_code == 401
    last, kept = person.api, person.page
    kept.post("/account/delete/", {"username": "owner", "password": PASSWORD})
    assert last.get("/api/usage/").status_code == 401
    assert kept.get("/account/").status_code == 302


def test_no_recording_is_found_by_guessing_where_it_lies(theirs: Belongings) -> None:
    track = ready_track(theirs.person.artist, "Hidden")
    media = Path(site.MEDIA_ROOT)
    kept = [path for path in media.rglob("*") if path.is_file()]
    assert track.file in kept and len(kept) > 4
    everybody = (Client(), theirs.person.page)
    for path in kept:
        inside = path.relative_to(media).as_posix()
        for start in (
            "/",
            "/media/",
            "/static/",
            "/static/../media/",
            "/var/media/",
            "/static/%2e%2e/media/",
        ):
            for client in everybody:
                assert client.get(start + inside).status_code == 404, start + inside
    from_root = Path(site.STARFORGE_DATA).as_posix().lstrip("/")
    for secret in (f"/{from_root}/keys/", f"/static/../../{from_root}/secrets/starforge_secret_key"):
        assert Client().get(secret).status_code == 404


def test_every_answer_carries_what_protects_it(theirs: Belongings) -> None:
    page, wrong = theirs.person.page, []
    for route in routes():
        if route.is_admin:
            continue
        address = route.address(theirs.of(route.path) if route.placeholders else {})
        answer = page.get(address)
        headers = answer.headers
        if "Content-Security-Policy" not in headers or "unsafe" in headers["Content-Security-Policy"]:
            wrong.append(f"{address}: Content-Security-Policy")
        if headers.get("X-Content-Type-Options") != "nosniff":
            wrong.append(f"{address}: X-Content-Type-Options")
        if headers.get("X-Frame-Options") != "DENY" and not route.path.startswith("embed/"):
            wrong.append(f"{address}: X-Frame-Options")
        if "Referrer-Policy" not in headers or "Cross-Origin-Opener-Policy" not in headers:
            wrong.append(f"{address}: Referrer-Policy, Cross-Origin-Opener-Policy")
        # The published keys are for everybody's pages; nothing else is read by other sites.
        if "Access-Control-Allow-Origin" in headers and not route.path.startswith(".well-known/"):
            wrong.append(f"{address}: Access-Control-Allow-Origin")
    assert wrong == []


SETTINGS = """
import json
from starforge_site import settings
names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "SECURE_PROXY_SSL_HEADER",
         "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "CSRF_TRUSTED_ORIGINS", "SECURE_SSL_REDIRECT")
print(json.dumps({name: getattr(settings, name, None) for name in names}))
print(settings.REST_FRAMEWORK["NUM_PROXIES"])
"""


def configured(tmp_path: Path, url: str) -> tuple[dict[str, Any], int]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STARFORGE_")}
    environment |= {"STARFORGE_DATA": str(tmp_path), "STARFORGE_PUBLIC_URL": url}
    command = [sys.executable, "-c", SETTINGS]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    said, proxies = done.stdout.splitlines()
    return json.loads(said), int(proxies)


def test_https_in_the_public_address_means_https_everywhere(tmp_path: Path) -> None:
    said, proxies = configured(tmp_path, "https://music.example.org")
    assert said["SESSION_COOKIE_SECURE"] and said["CSRF_COOKIE_SECURE"] and said["SESSION_COOKIE_HTTPONLY"]
    assert said["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert said["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
    assert said["CSRF_TRUSTED_ORIGINS"] == ["https://music.example.org"]
    assert said["SESSION_COOKIE_SAMESITE"] == "Lax" and proxies == 1
    plain, none = configured(tmp_path, "")
    assert not plain["SESSION_COOKIE_SECURE"] and plain["SECURE_HSTS_SECONDS"] == 0 and none == 0
    assert plain["SECURE_PROXY_SSL_HEADER"] is None  # else anybody could say that it is https


@pytest.mark.django_db
def test_hsts_is_sent_over_https_and_not_otherwise(settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert "Strict-Transport-Security" not in stranger().get("/account/login/").headers
    over = stranger().get("/account/login/", headers={"x-forwarded-proto": "https"})
    assert over.headers["Strict-Transport-Security"].startswith("max-age=31536000")
