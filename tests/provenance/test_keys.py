"""Keys change and are taken back in public: each change is an entry of the log, and verification honours it."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.test import Client

from provenance import events, keys, signing, verification
from provenance.canonical import canonical
from provenance.log import audit, notes, store, tree
from provenance.models import LogEntry, LogEvent, SigningKey
from provenance.proof import Audio, examine
from provenance.signing import ExternalSigner, FileSigner, SigningError
from provenance.trust import Trust
from provenance.verification import State

pytestmark = pytest.mark.django_db


def command(name: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def active(purpose: str) -> SigningKey:
    return SigningKey.objects.get(purpose=purpose, retired_at__isnull=True)


def published() -> dict:
    return Client().get("/.well-known/starforge-trust.json").json()


def test_a_rotated_stamp_key_signs_from_then_on_and_what_the_old_one_signed_stays_valid(certify, files):
    before = certify({"wav": files["wav"]})
    old = active("stamp")
    said = command("rotate_key", "stamp")
    new = active("stamp")
    assert new.pk in said
    assert new.pk != old.pk
    after = certify({"mp3": files["mp3"]})
    assert (before.key_id, after.key_id) == (old.pk, new.pk)
    for path in (files["wav"], files["mp3"]):
        assert verification.verify_file(path).state is State.INTACT
    assert (keys.folder() / "stamp.pem").stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in keys.folder().iterdir()) == [
        "c2pa-root.pem", "c2pa.pem", "log.pem", "stamp.pem",
    ]  # fmt: skip


def test_a_rotated_log_key_keeps_the_logs_name_and_both_open_its_checkpoints(certify, files):
    certify({"wav": files["wav"]})
    origin = active("log").name
    command("rotate_key", "log")
    certify({"mp3": files["mp3"]})
    assert active("log").name == origin
    assert len(keys.trust().log_keys[origin]) == 2
    for path in (files["wav"], files["mp3"]):
        assert verification.verify_file(path).state is State.INTACT
    assert audit.audit().sound


def test_every_change_is_an_entry_whose_bytes_the_trust_file_shows(certify, files):
    made = certify({"wav": files["wav"]})
    old = active("stamp").pk
    command("rotate_key", "stamp")
    command("revoke_key", old, "--because", "The laptop was stolen.")
    command("revoke_certificate", made.pk, "--because", "The wrong mix.")
    document = published()
    trust = Trust.from_json(document)
    log_keys = {key.key_id: key.public_key for key in trust.keys if key.purpose == "log"}
    kinds = []
    for one in document["events"]:
        opened = signing.open_envelope(one["envelope"], payload_type=signing.EVENT_TYPE)
        assert signing.signature_holds(log_keys[opened.key_id], opened.signature, opened.pae)
        entry = LogEntry.objects.get(pk=one["index"])
        assert tree.leaf_hash(opened.leaf()) == bytes(entry.leaf_hash)
        kinds.append(entry.kind)
    assert kinds == ["key-rotated", "key-revoked", "certificate-revoked"]
    assert document["origin"] in trust.log_keys
    assert made.pk not in str(document)  # a revocation names an entry, not a certificate
    report = audit.audit()
    assert report.sound
    assert report.bodies == 4
    page = Client().get("/log/").content.decode()
    for words in ("Key rotated", "Key revoked", "Certificate revoked"):
        assert words in page


def test_a_changed_event_is_found_by_the_audit(certify, files):
    from django.db import connection

    from provenance.log import guard

    certify({"wav": files["wav"]})
    command("rotate_key", "stamp")
    row = LogEvent.objects.get()
    guard.remove(connection)
    other = signing.seal(b"{}", FileSigner(Ed25519PrivateKey.generate()), payload_type=signing.EVENT_TYPE)
    LogEvent.objects.filter(pk=row.pk).update(envelope=other.to_json())
    guard.install(connection)
    assert audit.audit().faults == ["The event at entry 2 is not what that entry was made from."]


def test_a_revoked_key_takes_its_stamps_with_it(certify, files):
    certify({"wav": files["wav"]})
    key = active("stamp")
    said = command("revoke_key", key.pk[:12], "--because", "The laptop was stolen.")
    assert "revoked" in said
    verdict = verification.verify_file(files["wav"])
    assert (verdict.state, verdict.exit_code) == (State.REVOKED, 4)
    assert "The laptop was stolen" in verdict.sentence
    assert active("stamp").pk != key.pk  # it was in use, so it was rotated first
    certify({"mp3": files["mp3"]})
    assert verification.verify_file(files["mp3"]).state is State.INTACT


def test_what_was_logged_before_the_key_was_lost_still_counts(certify, files):
    certify({"wav": files["wav"]})
    certify({"mp3": files["mp3"]})
    command("revoke_key", active("stamp").pk, "--because", "Lost on Friday.", "--from-entry", "1")
    assert verification.verify_file(files["wav"]).state is State.INTACT
    assert verification.verify_file(files["mp3"]).state is State.REVOKED


def test_a_stamp_without_a_log_proof_cannot_claim_to_be_older_than_the_revocation(certify, files):
    made = certify({"wav": files["wav"]})
    command("revoke_key", active("stamp").pk, "--because", "Lost.", "--from-entry", "1")
    looked = examine(made.envelope, keys.trust())
    assert looked.revocation
    looked = examine(
        made.envelope, keys.trust(), proof=store.proof_text(made.entry, store.latest_checkpoint())
    )
    assert not looked.revocation


def test_a_revoked_certificate_says_why_everywhere(certify, files):
    made, other = certify({"wav": files["wav"]}), certify({"mp3": files["mp3"]})
    command("revoke_certificate", made.pk, "--because", "A sample was not cleared.")
    verdict = verification.verify_file(files["wav"])
    assert (verdict.state, verdict.exit_code) == (State.REVOKED, 4)
    page = Client().get(made.get_absolute_url()).content.decode()
    assert "A sample was not cleared" in page
    assert "Audio sealed" not in page
    assert Client().get(f"/api/verify/{made.pk}").json()["state"] == "revoked"
    assert verification.verify_certificate(other.pk).valid
    with pytest.raises(CommandError, match="already"):
        command("revoke_certificate", made.pk, "--because", "Again.")


def test_a_published_trust_file_alone_knows_the_revocation(certify, files):
    """What an offline verifier sees: the file's own proof, and the trust file it fetched."""
    made = certify({"wav": files["wav"]})
    proof = store.proof_text(made.entry, store.latest_checkpoint())
    row = made.renditions.get()
    audio = Audio(row.kind, row.audio_sha256)
    assert examine(made.envelope, Trust.from_json(published()), audio=audio, proof=proof).revocation == ""
    command("revoke_certificate", made.pk, "--because", "The wrong mix.")
    trust = Trust.from_json(published())
    assert Trust.from_json(trust.to_json()) == trust
    looked = examine(made.envelope, trust, audio=audio, proof=proof)
    assert looked.holds
    assert "The wrong mix" in looked.revocation


def test_a_file_logged_under_a_revoked_log_key_is_proved_afresh(certify, files):
    made = certify({"wav": files["wav"]})
    proof = store.proof_text(made.entry, store.latest_checkpoint())
    command("revoke_key", active("log").pk, "--because", "Its host was broken into.")
    looked = examine(made.envelope, keys.trust(), proof=proof)
    assert looked.log_key_revoked
    assert "has been revoked since" in (looked.first_failure.sentence if looked.first_failure else "")
    assert verification.verify_file(files["wav"]).state is State.INTACT
    assert audit.audit().sound


def test_a_revoked_key_signs_nothing_more(certify, files):
    certify({"wav": files["wav"]})
    from django.utils import timezone

    SigningKey.objects.filter(purpose="stamp").update(revoked_at=timezone.now())
    with pytest.raises(SigningError, match="rotate_key stamp"):
        keys.signer("stamp")
    command("rotate_key", "stamp")
    keys.signer("stamp")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["revoke_key", "ffff", "--because", "x"], "No key begins"),
        (["revoke_key", "", "--because", "x"], "No key begins"),
        (["revoke_certificate", "cert_0000", "--because", "x"], "no certificate"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments, words, db):
    keys.ensure()
    with pytest.raises(CommandError, match=words):
        command(*arguments)


def test_a_revocation_needs_a_reason_and_an_entry_that_can_be(certify, files):
    made = certify({"wav": files["wav"]})
    for why in ("", " \n ", "x" * 201):
        with pytest.raises(CommandError, match="Say why"):
            command("revoke_certificate", made.pk, "--because", why)
    with pytest.raises(CommandError, match="The log has 1 entries"):
        command("revoke_key", active("stamp").pk, "--because", "Lost.", "--from-entry", "2")
    assert active("stamp").revoked_at is None


def test_a_rotation_killed_after_it_was_logged_is_finished_by_whoever_signs_next(certify, files, monkeypatch):
    certify({"wav": files["wav"]})
    old = active("stamp").pk

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FileSigner, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            events.rotate("stamp")
    new = active("stamp").pk
    assert new != old
    assert (keys.folder() / "stamp.next.pem").exists()
    assert certify({"mp3": files["mp3"]}).key_id == new
    assert not (keys.folder() / "stamp.next.pem").exists()


def test_a_rotation_killed_before_it_was_logged_changes_nothing_and_can_be_repeated(
    certify, files, monkeypatch
):
    certify({"wav": files["wav"]})
    old = active("stamp").pk

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(events, "_log", killed)
        with pytest.raises(KeyboardInterrupt):
            events.rotate("stamp")
    assert active("stamp").pk == old
    assert certify({"mp3": files["mp3"]}).key_id == old
    assert events.rotate("stamp").pk == active("stamp").pk != old


# --- a key that lives elsewhere --------------------------------------------------------------------------------

TOKEN: dict[str, Path] = {}


def token_signer(purpose: str) -> ExternalSigner:
    """A key service as a separate program: openssl holds the private key, this process only asks."""
    pem = TOKEN["folder"] / f"{purpose}.pem"
    private = serialization.load_pem_private_key(pem.read_bytes(), None)

    def ask(message: bytes) -> bytes:
        (TOKEN["folder"] / "message").write_bytes(message)
        if purpose in signing.CLAIM_PURPOSES:  # ECDSA: a token answers r and s, openssl wraps them in DER
            command = ["openssl", "dgst", "-sha256", "-sign", str(pem), str(TOKEN["folder"] / "message")]
            r, s = utils.decode_dss_signature(subprocess.run(command, capture_output=True, check=True).stdout)
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        done = subprocess.run(
            [
                "openssl",
                "pkeyutl",
                "-sign",
                "-inkey",
                str(pem),
                "-rawin",
                "-in",
                str(TOKEN["folder"] / "message"),
            ],
            capture_output=True,
            check=True,
        )
        return done.stdout

    return ExternalSigner(FileSigner(private).public_key, ask)  # type: ignore[arg-type]


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_stamps_are_signed_by_a_key_that_lives_elsewhere_and_rotated_there(
    certify, files, settings, tmp_path
):
    TOKEN["folder"] = tmp_path / "token"
    for purpose in signing.PURPOSES:
        FileSigner.load_or_create(TOKEN["folder"], purpose)
    settings.STARFORGE_SIGNER = "tests.provenance.test_keys.token_signer"
    made = certify({"wav": files["wav"]})
    assert not keys.folder().exists()
    assert verification.verify_file(files["wav"]).valid
    with pytest.raises(CommandError, match="still holds the same key"):
        command("rotate_key", "stamp")
    (TOKEN["folder"] / "stamp.pem").unlink()
    FileSigner.load_or_create(TOKEN["folder"], "stamp")
    command("rotate_key", "stamp")
    assert active("stamp").pk != made.key_id
    assert LogEvent.objects.count() == 1
    certify({"mp3": files["mp3"]})
    for path in (files["wav"], files["mp3"]):
        assert verification.verify_file(path).valid


def test_a_key_service_that_answers_wrongly_stamps_nothing():
    real, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    signer = ExternalSigner(real.public_key().public_bytes_raw(), other.sign)
    with pytest.raises(SigningError, match="does not hold"):
        signer.sign(canonical({"a": 1}))


def test_an_event_is_no_stamp_and_a_stamp_is_no_event(certify, files):
    made = certify({"wav": files["wav"]})
    events.rotate("stamp")
    event = LogEvent.objects.get()
    assert examine(event.envelope, keys.trust()).first_failure
    with pytest.raises(SigningError, match="another type"):
        signing.open_envelope(made.envelope, payload_type=signing.EVENT_TYPE)
    read = notes.parse_checkpoint(notes.open_note(store.latest_checkpoint().note, keys.trust().log_keys))
    assert read.size == 2


def test_the_admin_shows_what_was_revoked_and_lets_nobody_undo_it(certify, files, admin_client):
    made = certify({"wav": files["wav"]})
    revoked = events.revoke_certificate(made, "The wrong mix.")
    for model, row in (("logevent", revoked.event), ("revocation", revoked)):
        assert admin_client.get(f"/admin/provenance/{model}/").status_code == 200
        page = admin_client.get(f"/admin/provenance/{model}/{row.pk}/change/")
        assert page.status_code == 200
        assert b'name="_save"' not in page.content
        assert admin_client.get(f"/admin/provenance/{model}/{row.pk}/delete/").status_code == 403
