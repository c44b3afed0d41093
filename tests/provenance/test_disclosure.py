"""Private parts are signed without being told, and open only to whom their owner shows them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from provenance import disclosure, opening, verification
from provenance.canonical import CanonicalError
from provenance.disclosure import Disclosure, DisclosureError, Opening
from provenance.models import Certificate
from provenance.verification import State
from tests import people
from tests.provenance.conftest import PROVENANCE

pytestmark = pytest.mark.django_db

PROMPT = "Dark dubstep for a film nobody may hear of yet"
QUIET = {**PROVENANCE, "generation_params": {"bpm": 140, "energy": 0.82, "seed": 7318}}


@pytest.fixture
def owner(db):
    return people.owner()


@pytest.fixture
def artist(owner):
    """Whom `certify` stamps for."""
    return owner.artist


@pytest.fixture
def made(owner, certify, files) -> Certificate:
    private = {"title": "The Secret Film", "prompt": PROMPT, "notes": ""}
    certificate = certify(
        {"wav": files["wav"]}, artist=owner.artist, provenance=QUIET, title="The Secret Film", private=private
    )
    return Certificate.objects.get(pk=certificate.pk)


# --- the hashes, without Django ------------------------------------------------------------------------------


def test_a_part_is_hashed_with_its_salt_and_its_name():
    """A fixed example, so that anybody can check their own implementation."""
    part = Opening("prompt", "00" * 16, "Café")
    text = '["00000000000000000000000000000000","prompt","Café"]'
    assert part.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_equal_words_get_different_hashes_and_only_their_own_opening_fits():
    first, opened = disclosure.close({"prompt": PROMPT})
    second, _ = disclosure.close({"prompt": PROMPT})
    assert first["parts"]["prompt"] != second["parts"]["prompt"]
    assert disclosure.fits({"private": first}, opened) == []
    assert disclosure.fits({"private": second}, opened) == ["prompt"]
    assert disclosure.fits({}, opened) == ["prompt"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": PROMPT + " "},
        {"salt": "0" * 32},
        {"name": "title"},
        {"value": {"prompt": PROMPT}},
        {"value": float("nan")},
        {"value": 2**60},
    ],
)
def test_anything_else_than_what_was_signed_does_not_fit(wrong):
    block, (part,) = disclosure.close({"prompt": PROMPT})
    other = Opening(**{"name": part.name, "salt": part.salt, "value": part.value, **wrong})
    assert disclosure.fits({"private": block}, [other]) == [other.name]


def test_composed_and_decomposed_letters_are_one_text():
    block, (part,) = disclosure.close({"prompt": "Cafe\u0301"})
    assert part.value == "Caf\u00e9"
    assert disclosure.fits({"private": block}, [Opening("prompt", part.salt, "Cafe\u0301")]) == []


def test_what_says_nothing_is_not_hidden():
    assert disclosure.close({"prompt": "", "notes": None}) == ({}, ())
    with pytest.raises(ValueError, match="cannot name"):
        disclosure.close({"A Prompt": "x"})
    with pytest.raises(CanonicalError):
        disclosure.close({"prompt": "\ud800"})


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"type": "x"},
        {"parts": []},
        {"certificate_id": 7},
        {"parts": [{"name": "a", "salt": "x", "value": 1}]},
        {"parts": [{"name": "<b>", "salt": "0" * 32, "value": 1}]},
        {"parts": [{"name": "a", "salt": "0" * 32}]},
        {"parts": 7},
    ],
)
def test_a_malformed_disclosure_is_refused_in_words(value):
    if isinstance(value, dict) and value.keys() & {"parts", "certificate_id"}:
        right = [{"name": "a", "salt": "0" * 32, "value": 1}]
        value = {"type": disclosure.DISCLOSURE_TYPE, "certificate_id": "cert_1", "parts": right, **value}
    with pytest.raises(DisclosureError):
        Disclosure.from_json(value)


def test_a_disclosure_reads_back():
    _, parts = disclosure.close({"prompt": PROMPT, "notes": ["a", 1]})
    shown = Disclosure("cert_x", parts)
    assert disclosure.parse(json.dumps(shown.to_json())) == shown
    for raw in (b"{", b"\xff", b"[" * 60_000, b" " * 70_000):
        with pytest.raises(DisclosureError):
            disclosure.parse(raw)


# --- signed, stored, shown -----------------------------------------------------------------------------------


def test_nothing_private_is_signed_marked_or_served(made, files, owner):
    words = ("Secret Film", "dubstep for a film")
    salts = [part.salt for part in made.private_parts.all()]
    assert len(salts) == 2  # empty notes say nothing
    places = {
        "statement": json.dumps(made.statement),
        "file": files["wav"].read_bytes().decode("latin-1"),
    }
    client = Client()
    for path in (
        made.get_absolute_url(),
        f"/verify/?id={made.pk}",
        f"/api/certificates/{made.pk}/",
        f"/api/verify/{made.pk}",
        "/log/",
        "/api/log/entries",
        "/.well-known/starforge-trust.json",
    ):
        places[path] = client.get(path).content.decode()
    with zipfile.ZipFile(io.BytesIO(client.get(f"/api/certificates/{made.pk}/bundle/").content)) as archive:
        for name in archive.namelist():
            places[name] = archive.read(name).decode("latin-1")
    for place, text in places.items():
        for secret in (*words, *salts):
            assert secret not in text, place
    assert client.get(f"/api/certificates/{made.pk}/disclosure/").status_code == 404


def test_a_private_stamp_verifies_and_its_page_says_what_is_private(made, files):
    assert verification.verify_file(files["wav"]).state is State.INTACT
    page = Client().get(made.get_absolute_url()).content.decode()
    assert "This recording was composed on" in page
    assert "Private; its hash is signed" in page
    assert "Open to Anyone" not in page


def test_a_stamp_from_before_private_parts_still_verifies_and_shows_its_prompt(certify, files):
    old = certify({"mp3": files["mp3"]})
    assert "private" not in old.provenance
    assert verification.verify_file(files["mp3"]).state is State.INTACT
    page = Client().get(old.get_absolute_url()).content.decode()
    assert "Dark dubstep with ethnic percussion" in page
    assert "“Untitled 03” was composed" in page


def test_the_owner_opens_a_part_to_anyone_and_closes_it_again(made, owner):
    page = owner.page.get(made.get_absolute_url()).content.decode()
    assert PROMPT in page
    assert page.count("Open to Anyone") == 2
    answer = owner.page.post(f"/certificates/{made.pk}/open/", {"part": "prompt"})
    assert answer.status_code == 302
    public = Client().get(made.get_absolute_url()).content.decode()
    assert PROMPT in public
    assert "The Secret Film" not in public
    shown = Disclosure.from_json(Client().get(f"/api/certificates/{made.pk}/disclosure/").json())
    assert [part.name for part in shown.openings] == ["prompt"]
    assert disclosure.fits(made.provenance, shown.openings) == []
    body = Client().get(f"/api/certificates/{made.pk}/").json()
    assert body["private"]["prompt"]["opened"] is True
    assert body["private"]["title"]["opened"] is False
    owner.page.post(f"/certificates/{made.pk}/open/", {"part": "prompt", "close": "1"})
    assert PROMPT not in Client().get(made.get_absolute_url()).content.decode()


def test_an_opened_title_is_the_title_again(made, owner):
    opening.open_to_anyone(made, ["title"])
    assert Certificate.objects.get(pk=made.pk).public_title == "The Secret Film"
    assert "“The Secret Film” was composed on" in Client().get(made.get_absolute_url()).content.decode()


def test_nobody_else_opens_or_reads_private_parts(made):
    other = people.collaborator()
    for client in (Client(), other.page):
        assert client.post(f"/certificates/{made.pk}/open/", {"part": "prompt"}).status_code == 404
        assert client.get(f"/certificates/{made.pk}/disclosure.json").status_code == 404
        assert PROMPT not in client.get(made.get_absolute_url()).content.decode()
    assert (
        other.api.post(
            f"/api/certificates/{made.pk}/disclosure/", {"open": ["prompt"]}, content_type="application/json"
        ).status_code
        == 404
    )
    assert other.api.get(f"/api/certificates/{made.pk}/disclosure/").status_code == 404
    assert not made.private_parts.exclude(opened_at=None).exists()


def test_the_owner_opens_parts_over_the_api(made, owner):
    path = f"/api/certificates/{made.pk}/disclosure/"
    mine = owner.api.get(path).json()
    assert {part["name"] for part in mine["parts"]} == {"title", "prompt"}
    assert owner.api.post(path, {"open": ["nothing"]}, content_type="application/json").status_code == 400
    assert owner.api.post(path, {"open": ["prompt"]}, content_type="application/json").status_code == 200
    assert [part["name"] for part in Client().get(path).json()["parts"]] == ["prompt"]
    owner.api.post(path, {"close": ["prompt"]}, content_type="application/json")
    assert Client().get(path).status_code == 404


def test_a_disclosure_file_proves_itself_beside_the_recording(made, files, owner, tmp_path):
    file = tmp_path / "disclosure.json"
    file.write_bytes(owner.page.get(f"/certificates/{made.pk}/disclosure.json").content)
    shown = disclosure.parse(file.read_bytes())
    verdict = verification.verify_file(files["wav"], disclosure=shown)
    assert verdict.valid
    assert verdict.opened["prompt"] == PROMPT
    assert "“The Secret Film”" in verdict.sentence
    data = {
        "file": SimpleUploadedFile("take.wav", files["wav"].read_bytes()),
        "disclosure": SimpleUploadedFile("d.json", file.read_bytes()),
    }
    assert "What was opened is what was signed" in Client().post("/verify/", data).content.decode()
    out = io.StringIO()
    call_command("verify", str(files["wav"]), "--disclosure", str(file), stdout=out)
    assert "What was opened is what was signed: title, prompt." in out.getvalue()


def test_a_false_disclosure_is_refused_and_one_of_another_certificate_too(made, files, certify, tmp_path):
    shown = opening.disclosure(made, everything=True)
    assert shown is not None
    forged = {**shown.to_json(), "parts": [{**shown.openings[1].to_json(), "value": "Something harmless"}]}
    verdict = verification.verify_file(files["wav"], disclosure=Disclosure.from_json(forged))
    assert (verdict.state, verdict.opened) == (State.ALTERED, {})
    assert "not what was signed: prompt" in verdict.sentence
    other = Disclosure("cert_another0000000", shown.openings)
    assert verification.verify_file(files["wav"], disclosure=other).state is State.ALTERED
    data = {"file": SimpleUploadedFile("t.wav", files["wav"].read_bytes()), "disclosure": "{"}
    assert Client().post("/api/verify", data).status_code == 400


def test_a_client_of_the_stamp_contract_chooses_what_is_private(owner, files):
    metadata = {"notes": "for the label only", "generation_params": {"prompt": PROMPT, "bpm": 140}}

    def send(private: str) -> dict:
        data = {
            "file": SimpleUploadedFile("t.wav", files["wav"].read_bytes()),
            "metadata": json.dumps(metadata),
            "title": "Song",
            "private": private,
        }
        answer = owner.api.post("/api/stamp", data)
        return answer.json() | {"status": answer.status_code}

    hidden = Certificate.objects.get(pk=send("title, prompt,notes")["certificate_id"])
    assert set(disclosure.names(hidden.provenance)) == {"title", "notes", "prompt"}
    assert hidden.provenance["generation_params"] == {"bpm": 140}
    assert (hidden.public_title, hidden.title) == ("", "Song")
    for word in (PROMPT, "label only", "Song"):
        assert word not in json.dumps(hidden.statement)
    told = Certificate.objects.get(pk=send("")["certificate_id"])
    assert told.provenance["generation_params"]["prompt"] == PROMPT
    assert send("artist")["status"] == 400


def test_losing_the_salt_leaves_the_certificate_valid(made, files):
    """Somebody's right to be forgotten: without salt and words the hash says nothing, and the stamp still holds."""
    made.private_parts.all().delete()
    assert verification.verify_file(files["wav"]).state is State.INTACT
    assert Client().get(made.get_absolute_url()).status_code == 200
