"""Stamp and verify as the plan's clients call them, and the log as an auditor does."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import sys
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from provenance import keys
from provenance.log import notes, tree
from provenance.models import Certificate
from provenance.trust import Trust
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(db):
    return people.owner()


def send(client, path, file, filename="take.wav", **fields):
    data = file if isinstance(file, bytes) else file.read_bytes()
    headers = fields.pop("headers", None)
    return client.post(path, {"file": SimpleUploadedFile(filename, data), **fields}, headers=headers)


def test_a_stamp_answers_what_the_plan_says(owner, files):
    metadata = {"type": "ai_generated", "model": "musicgen", "source_catalog_hash": "sha256:abc"}
    answer = send(owner.api, "/api/stamp", files["wav"], metadata=json.dumps(metadata), title="Song")
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["signature"].startswith("0x")
    assert body["certificate_id"].startswith("cert_")
    assert body["timestamp"].endswith("Z")
    made = Certificate.objects.get(pk=body["certificate_id"])
    assert (made.owner, made.declared, made.title) == (owner.artist, True, "Song")
    assert made.provenance["generator"] == {"model": "musicgen"}
    assert len(made.peaks) == 1000


@pytest.mark.parametrize("path", ["/api/stamp", "/api/stamp/"])
def test_stamping_needs_a_token(path, files):
    answer = send(people.stranger(), path, files["wav"])
    assert answer.status_code in (401, 403)
    assert answer["Content-Type"] == "application/problem+json"


def test_the_same_idempotency_key_gives_the_same_certificate(owner, files):
    first = send(owner.api, "/api/stamp", files["mp3"], headers={"Idempotency-Key": "k1"})
    again = send(owner.api, "/api/stamp", files["mp3"], headers={"Idempotency-Key": "k1"})
    other = send(owner.api, "/api/stamp", files["wav"], headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    assert Certificate.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"metadata": "{"}, 400),
        ({"metadata": '{"type": 7}'}, 400),
        ({"metadata": '{"generation_params": {"energy": NaN}}'}, 400),
        ({"metadata": json.dumps({"notes": "x" * 50_000})}, 400),
    ],
)
def test_claims_that_cannot_be_signed_are_refused(fields, status, owner, files):
    answer = send(owner.api, "/api/stamp", files["wav"], **fields)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert not Certificate.objects.exists()


def test_what_is_not_audio_is_not_stamped_or_checked(owner):
    for path in ("/api/stamp", "/api/verify"):
        answer = send(owner.api, path, b"just text, over and over " * 40)
        assert answer.status_code == 415, (path, answer.content)
        assert answer["Content-Type"] == "application/problem+json"


def test_a_missing_file_is_named(owner):
    for path in ("/api/stamp", "/api/verify"):
        answer = owner.api.post(path, {"metadata": "{}"})
        assert answer.status_code == 400
        assert "file" in answer.json()["errors"]


def test_an_announced_flood_is_refused_unread(owner, settings):
    settings.STARFORGE_UPLOAD_BYTES = 1000
    answer = send(owner.api, "/api/verify", b"x" * 200_000)
    assert answer.status_code == 413


def test_a_file_is_verified_without_an_account_and_nothing_is_left_behind(certify, files, settings):
    from pathlib import Path

    made = certify({"flac": files["flac"]})
    kept = set(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())
    body = send(people.stranger(), "/api/verify", files["flac"]).json()
    assert (body["valid"], body["state"], body["certificate_id"]) == (True, "intact", made.pk)
    assert body["metadata"]["o8_signature"] == made.signature
    assert body["chain"][0]["certificate_id"] == made.pk
    assert {check["name"] for check in body["checks"]} >= {"audio", "signature", "log"}
    assert set(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == kept


def test_a_large_upload_is_verified_too(certify, files, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000  # so that Django keeps it on disk
    certify({"wav": files["wav"]})
    assert send(people.stranger(), "/api/verify/", files["wav"]).json()["state"] == "intact"


def test_a_tampered_file_is_refused_with_the_reason(certify, files):
    certify({"wav": files["wav"]})
    data = bytearray(files["wav"].read_bytes())
    data[100_000] ^= 1
    body = send(people.stranger(), "/api/verify", bytes(data)).json()
    assert (body["valid"], body["state"]) == (False, "altered")
    assert [check["name"] for check in body["checks"] if check["ok"] is False] == ["manifest", "audio"]
    assert "not the recording that was certified" in body["sentence"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_certificate_is_verified_by_its_id(slash, certify, files):
    made = certify({"mp3": files["mp3"]})
    body = people.stranger().get(f"/api/verify/{made.pk}{slash}").json()
    assert (body["valid"], body["metadata"]["type"]) == (True, "ai_generated")
    assert body["metadata"]["blockchain_tx"] is None


def test_an_unknown_certificate_is_a_problem_document(db):
    for path in ("/api/verify/cert_0000", "/api/certificates/cert_0000/", "/api/certificates/é/bundle/"):
        answer = people.stranger().get(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_certificate_shows_the_plans_provenance_and_its_proofs(certify, files):
    made = certify(files)
    body = people.stranger().get(f"/api/certificates/{made.pk}/").json()
    assert body["provenance"]["generation_params"]["energy"] == 0.82
    assert body["provenance"]["o8_signature"] == made.signature
    assert {row["format"] for row in body["renditions"]} == {"wav", "flac", "mp3"}
    proof = notes.parse_proof(body["log"]["proof"])
    assert notes.check_proof(proof, made_leaf(made), keys.trust().log_keys).size == 1


def made_leaf(certificate):
    from provenance.signing import open_envelope

    return open_envelope(certificate.envelope).leaf()


def test_an_auditor_can_follow_the_log_from_outside(certify, files):
    first = certify({"wav": files["wav"]})
    note_then = people.stranger().get("/api/log/checkpoint").content.decode()
    for i in range(3):
        certify({"mp3": files["mp3"]}, idempotency_key=f"k{i}")
    client = people.stranger()
    trust = Trust.from_json(client.get("/.well-known/starforge-trust.json").json())
    then = notes.parse_checkpoint(notes.open_note(note_then, trust.log_keys))
    today = notes.parse_checkpoint(
        notes.open_note(client.get("/api/log/checkpoint").content.decode(), trust.log_keys)
    )
    assert (then.size, today.size) == (1, 4)
    body = client.get("/api/log/proof/consistency", {"first": 1, "second": 4}).json()
    hashes = [base64.b64decode(h) for h in body["hashes"]]
    assert tree.verify_consistency(1, 4, then.root, today.root, hashes)
    body = client.get("/api/log/proof/inclusion", {"certificate": first.pk}).json()
    hashes = [base64.b64decode(h) for h in body["hashes"]]
    assert tree.verify_inclusion(tree.leaf_hash(made_leaf(first)), 0, 4, hashes, today.root)
    assert client.get("/api/log/proof/inclusion", {"index": 0, "size": 4}).json() == body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/log/proof/inclusion", 400),
        ("/api/log/proof/inclusion?index=9", 404),
        ("/api/log/proof/inclusion?index=0&size=9", 400),
        ("/api/log/proof/inclusion?index=x", 400),
        ("/api/log/proof/consistency?first=2&second=1", 400),
        ("/api/log/proof/consistency?first=0&second=9", 400),
    ],
)
def test_questions_about_what_the_log_does_not_hold_are_refused(path, status, certify, files):
    certify({"wav": files["wav"]})
    answer = people.stranger().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


@pytest.fixture
def unpacked(certify, files, tmp_path):
    made = certify({"mp3": files["mp3"]})
    certify({"mp3": files["mp3"]}, idempotency_key="another")  # so that the proof has a hash in it
    answer = people.stranger().get(f"/api/certificates/{made.pk}/bundle/")
    assert answer["Content-Disposition"] == f'attachment; filename="{made.pk}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path / "bundle")
    return tmp_path / "bundle" / made.pk


def test_the_bundle_proves_the_log_entry_with_python_alone(unpacked):
    command = [sys.executable, "-I", "-S", "check_log.py"]
    said = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=True).stdout
    assert said.startswith("Entry 1 of 2")
    envelope = json.loads((unpacked / "envelope.json").read_text())
    envelope["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    (unpacked / "envelope.json").write_text(json.dumps(envelope))
    assert subprocess.run(command, cwd=unpacked, capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
@pytest.mark.parametrize("what", ["stamp", "log"])
def test_the_bundle_proves_its_signatures_with_openssl(what, unpacked):
    folder = unpacked / "openssl"
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", f"{what}-key.pem", "-rawin", "-in",
               f"{what}-signed.bin", "-sigfile", f"{what}-signature.bin"]  # fmt: skip
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    signed = folder / f"{what}-signed.bin"
    if what == "stamp":
        assert signed.read_bytes().endswith((unpacked / "statement.json").read_bytes())
    signed.write_bytes(signed.read_bytes()[:-2] + b"~\n")
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0


def test_the_trust_file_reads_back_and_refuses_a_swapped_key(db):
    answer = people.stranger().get("/.well-known/starforge-trust.json")
    assert answer["Access-Control-Allow-Origin"] == "*"
    document = answer.json()
    trust = Trust.from_json(document)
    assert {key.purpose for key in trust.keys} == {"stamp", "log"}
    assert Trust.from_json(trust.to_json()) == trust
    document["keys"][0]["public_key"] = "00" * 32
    with pytest.raises(ValueError, match="own id"):
        Trust.from_json(document)


def test_a_recording_is_found_by_the_hash_of_its_sound(certify, files):
    from provenance import streams

    first = certify(files)
    certify({"wav": files["wav"]}, idempotency_key="later")
    for path in files.values():
        kind, digest = streams.identity(path)
        body = people.stranger().get("/api/certificates/", {"kind": kind, "sha256": digest}).json()
        assert body["id"] == first.pk
        assert body["envelope"] == first.envelope
    for query, status in (
        ({"kind": "pcm", "sha256": "0" * 64}, 404),
        ({"kind": "pcm", "sha256": "0" * 63}, 400),
        ({"kind": "x", "sha256": "0" * 64}, 400),
        ({}, 400),
    ):
        assert people.stranger().get("/api/certificates/", query).status_code == status
