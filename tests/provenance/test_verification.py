"""A changed recording is refused with the reason; an unchanged one is believed; a stripped one is found."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from catalog.audio.marking import read_fields, write_fields
from provenance import credentials, keys, verification
from provenance.canonical import canonical
from provenance.models import Certificate, SigningKey
from provenance.signing import FileSigner, seal
from provenance.verification import NotAudio, State, verify_certificate, verify_file
from tests.provenance import claims

pytestmark = pytest.mark.django_db
Certify = Callable[..., Certificate]
Files = dict[str, Path]
FORMATS = ("wav", "flac", "mp3")


def flip(path: Path, at: int) -> None:
    """Turn one bit of the file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def strip(path: Path) -> None:
    """Remove our fields and the manifest, as many services do."""
    claims.take_out(path)
    write_fields(path, text={}, custom=dict.fromkeys(credentials.FIELDS, ""))
    assert credentials.extract(path) is None


def rewrite(path: Path, **changes: str) -> None:
    """Edit our own fields in the file."""
    write_fields(path, text={}, custom=changes)


def edit_envelope(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    envelope = json.loads(read_fields(path)["STARFORGE_ENVELOPE"])
    change(envelope)
    rewrite(path, STARFORGE_ENVELOPE=json.dumps(envelope))


def edit_statement(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Edit what the signed statement says and leave the signature as it is."""

    def edit(envelope: dict[str, Any]) -> None:
        statement = json.loads(base64.b64decode(envelope["payload"]))
        change(statement["predicate"])
        envelope["payload"] = base64.b64encode(canonical(statement)).decode()

    edit_envelope(path, edit)


@pytest.mark.parametrize("name", FORMATS)
def test_an_untouched_file_is_intact(name: str, certify: Certify, files: Files) -> None:
    made = certify({name: files[name]})
    verdict = verify_file(files[name])
    assert (verdict.state, verdict.exit_code, verdict.valid) == (State.INTACT, 0, True)
    assert verdict.certificate == made
    assert {check.name: check.ok for check in verdict.checks} == dict.fromkeys(
        ["manifest", "form", "signature", "identity", "audio", "log", "continuity", "file"], True
    )
    assert verdict.sentence == (
        "“Untitled 03” was composed on 7 February 2026 by Mosaic 1.0 from 127 recordings of Ossa Owner. "
        "The file you hold has not changed since."
    )
    assert verdict.metadata["o8_signature"] == made.signature
    assert "blockchain_tx" in verdict.metadata


@pytest.mark.parametrize("name", FORMATS)
def test_one_flipped_bit_in_the_audio_is_refused(name: str, certify: Certify, files: Files) -> None:
    certify({name: files[name]})
    path = files[name]
    pristine = path.read_bytes()
    places = {"wav": (60, 1_000, 300_000), "flac": None, "mp3": None}[name]
    if places is None:  # behind the tags, well inside the frames
        size = len(pristine)
        places = (size - 200, size * 3 // 4, size - 20_000)
    for at in places:
        path.write_bytes(pristine)
        flip(path, at)
        verdict = verify_file(path)
        assert (verdict.state, verdict.exit_code) == (State.ALTERED, 1), at
        assert verdict.check("audio").ok is False
        assert "audio" in verdict.sentence or "recording" in verdict.sentence


def test_audio_cut_off_at_the_end_is_refused(certify: Certify, files: Files) -> None:
    certify({"mp3": files["mp3"]})
    data = files["mp3"].read_bytes()
    files["mp3"].write_bytes(data[: len(data) * 9 // 10])
    assert verify_file(files["mp3"]).state is State.ALTERED


def test_a_stamp_moved_onto_other_music_is_refused(certify: Certify, files: Files, tmp_path: Path) -> None:
    from catalog.audio.encode import write_wav
    from tests import sounds

    certify({"wav": files["wav"]})
    other = tmp_path / "other.wav"
    write_wav(other, sounds.tone(), sounds.RATE)
    write_fields(other, text={}, custom=read_fields(files["wav"]))
    verdict = verify_file(other)
    assert verdict.state is State.ALTERED
    assert "not the audio that was signed" in verdict.sentence


EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "the prompt": lambda p: p["provenance"]["generation_params"].update(prompt="Something else"),
    "the tempo": lambda p: p["provenance"]["generation_params"].update(bpm=141),
    "the model": lambda p: p["provenance"]["generator"].update(model="other"),
    "the time": lambda p: p["provenance"].update(timestamp="2020-01-01T00:00:00Z"),
    "the type": lambda p: p["provenance"].update(type="human_made"),
    "the title": lambda p: p["certificate"].update(title="My song"),
    "the artist": lambda p: p["certificate"].update(artist="Somebody Else"),
    "a field more": lambda p: p["provenance"].update(extra=1),
    "a field less": lambda p: p["provenance"].pop("source"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edited_field_breaks_the_signature(edit: Any, certify: Certify, files: Files) -> None:
    certify({"mp3": files["mp3"]})
    edit_statement(files["mp3"], edit)
    verdict = verify_file(files["mp3"])
    assert (verdict.state, verdict.exit_code) == (State.ALTERED, 1)
    assert verdict.check("signature").ok is False
    assert "edited after signing" in verdict.sentence
    assert verdict.metadata == {}  # words that nobody signed are not repeated


def test_an_edited_signature_or_key_is_refused(certify: Certify, files: Files) -> None:
    certify({"mp3": files["mp3"], "wav": files["wav"]})
    edit_envelope(files["mp3"], lambda e: e["signatures"][0].update(sig=base64.b64encode(bytes(64)).decode()))
    edit_envelope(files["wav"], lambda e: e["signatures"][0].update(keyid="0" * 32))
    assert "edited after signing" in verify_file(files["mp3"]).sentence
    assert "does not know" in verify_file(files["wav"]).sentence


def test_a_statement_signed_by_a_stranger_is_refused(certify: Certify, files: Files) -> None:
    """Everything right, even the log proof's form, but the key is not ours."""
    certify({"mp3": files["mp3"]})
    stranger = FileSigner(Ed25519PrivateKey.generate())
    payload = base64.b64decode(json.loads(read_fields(files["mp3"])["STARFORGE_ENVELOPE"])["payload"])
    rewrite(files["mp3"], STARFORGE_ENVELOPE=json.dumps(seal(payload, stranger).to_json()))
    verdict = verify_file(files["mp3"])
    assert verdict.state is State.ALTERED
    assert verdict.check("signature").ok is False


def test_a_stamp_signed_with_our_key_but_never_logged_is_refused(certify: Certify, files: Files) -> None:
    """Whoever steals the stamp key still cannot make the public log contain what it does not."""
    certify({"mp3": files["mp3"]})
    statement = json.loads(
        base64.b64decode(json.loads(read_fields(files["mp3"])["STARFORGE_ENVELOPE"])["payload"])
    )
    statement["predicate"]["certificate"]["artist"] = "Thief"
    forged = seal(canonical(statement), keys.signer("stamp")[0])
    rewrite(files["mp3"], STARFORGE_ENVELOPE=json.dumps(forged.to_json()))
    verdict = verify_file(files["mp3"])
    assert verdict.state is State.ALTERED
    assert verdict.check("signature").ok is True
    assert verdict.check("log").ok is False


def test_a_file_that_names_another_certificate_is_refused(certify: Certify, files: Files) -> None:
    certify({"flac": files["flac"]})
    rewrite(files["flac"], STARFORGE_CERTIFICATE="cert_0000000000000000")
    verdict = verify_file(files["flac"])
    assert verdict.state is State.ALTERED
    assert verdict.check("identity").ok is False


def test_a_changed_log_proof_is_refused(certify: Certify, files: Files) -> None:
    certify({"wav": files["wav"]})
    rewrite(
        files["wav"],
        STARFORGE_PROOF=read_fields(files["wav"])["STARFORGE_PROOF"].replace("index 0", "index 1"),
    )
    assert verify_file(files["wav"]).check("log").ok is False


@pytest.mark.parametrize("field", ["STARFORGE_ENVELOPE", "STARFORGE_PROOF", "STARFORGE_CERTIFICATE"])
def test_credentials_of_which_a_part_is_gone_are_damaged_not_absent(
    field: str, certify: Certify, files: Files
) -> None:
    made = certify({"mp3": files["mp3"]})
    rewrite(files["mp3"], **{field: ""})
    verdict = verify_file(files["mp3"])
    assert verdict.state is State.ALTERED
    assert verdict.certificate == made  # found by its audio, for whoever wants a clean copy


def test_an_unreadable_envelope_is_damaged(certify: Certify, files: Files) -> None:
    certify({"mp3": files["mp3"]})
    rewrite(files["mp3"], STARFORGE_ENVELOPE="{" * 5_000)
    assert verify_file(files["mp3"]).state is State.ALTERED


def test_reformatted_json_says_the_same(certify: Certify, files: Files) -> None:
    certify({"mp3": files["mp3"]})
    edit_envelope(files["mp3"], lambda e: e)
    verdict = verify_file(files["mp3"])
    assert verdict.state is State.SOUND_ONLY  # the tags are other bytes now
    assert all(check.ok is not False for check in verdict.checks if check.name != "manifest")


@pytest.mark.parametrize("name", FORMATS)
def test_a_stripped_copy_is_found_by_its_audio_and_says_so(name: str, certify: Certify, files: Files) -> None:
    made = certify({name: files[name]})
    strip(files[name])
    verdict = verify_file(files[name])
    assert (verdict.state, verdict.exit_code) == (State.INTACT, 0)
    assert verdict.certificate == made
    assert "lost its stamp and was found by its audio" in verdict.sentence
    assert verdict.check("credentials").ok is None


def test_a_flac_made_from_the_wav_is_found_by_its_audio(
    certify: Certify, files: Files, tmp_path: Path
) -> None:
    import soundfile

    made = certify({"wav": files["wav"]})
    samples, rate = soundfile.read(files["wav"], dtype="int32")
    soundfile.write(tmp_path / "mine.flac", samples, rate, subtype="PCM_24")
    assert verify_file(tmp_path / "mine.flac").certificate == made


def test_a_changed_title_tag_is_told_but_the_audio_stays_intact(certify: Certify, files: Files) -> None:
    certify({"mp3": files["mp3"]})
    write_fields(files["mp3"], text={"title": "Renamed by a player"}, custom={})
    verdict = verify_file(files["mp3"])
    assert (verdict.state, verdict.exit_code) == (State.SOUND_ONLY, 5)
    assert verdict.check("audio").ok
    assert verdict.check("file").ok is None


def test_unknown_audio_without_a_stamp_has_no_credentials(files: Files) -> None:
    verdict = verify_file(files["wav"])
    assert (verdict.state, verdict.exit_code, verdict.valid) == (State.NO_CREDENTIALS, 2, False)
    assert verdict.certificate is None


def test_a_text_file_is_not_audio(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("STARFORGE_CERTIFICATE=cert_1")
    with pytest.raises(NotAudio):
        verify_file(tmp_path / "a.wav")


def test_a_second_stamp_of_the_same_audio_does_not_displace_the_first(certify: Certify, files: Files) -> None:
    first = certify({"wav": files["wav"]}, title="Original")
    strip(files["wav"])
    second = certify({"wav": files["wav"]}, title="Copy", artist=None, artist_name="Thief", declared=True)
    verdict = verify_file(files["wav"])
    assert verdict.certificate == second
    assert first.pk in verdict.check("precedence").sentence
    strip(files["wav"])
    assert verify_file(files["wav"]).certificate == first


def test_a_certificate_is_checked_by_its_id(certify: Certify, files: Files) -> None:
    made = certify({"mp3": files["mp3"]})
    verdict = verify_certificate(made.pk)
    assert verdict.valid
    assert [check.name for check in verdict.checks if check.ok] == ["form", "signature", "identity", "log"]
    with pytest.raises(Certificate.DoesNotExist):
        verify_certificate("cert_unknown")


def test_a_file_outlives_the_deletion_of_its_certificate(certify: Certify, files: Files) -> None:
    made = certify({"wav": files["wav"]})
    Certificate.objects.filter(pk=made.pk).delete()
    verdict = verify_file(files["wav"])
    assert verdict.valid
    assert verdict.certificate is None
    assert [link["kind"] for link in verdict.chain] == ["model", "dna_snapshot", "catalog"]


def test_an_account_that_is_closed_leaves_its_certificates_provable(
    certify: Certify, files: Files, artist
) -> None:
    made = certify({"mp3": files["mp3"]})
    artist.user.delete()
    made.refresh_from_db()
    assert made.owner is None
    assert verify_file(files["mp3"]).valid


def test_a_new_stamp_key_leaves_old_stamps_valid(certify: Certify, files: Files, own_data: Path) -> None:
    certify({"wav": files["wav"]})
    (own_data / "keys" / "stamp.pem").unlink()
    (own_data / "keys" / "log.pem").unlink()
    certify({"mp3": files["mp3"]})
    assert SigningKey.objects.filter(purpose="stamp").count() == 2
    assert SigningKey.objects.filter(purpose="stamp", retired_at__isnull=True).count() == 1
    assert verify_file(files["wav"]).valid
    assert verify_file(files["mp3"]).valid
    assert len(keys.trust().log_keys) == 1  # one log, two keys


def test_a_revoked_key_revokes_its_stamps(certify: Certify, files: Files) -> None:
    made = certify({"wav": files["wav"]})
    SigningKey.objects.filter(pk=made.key_id).update(revoked_at=timezone.now())
    verdict = verify_file(files["wav"])
    assert (verdict.state, verdict.exit_code, verdict.valid) == (State.REVOKED, 4, False)


def test_a_log_that_was_lost_is_noticed_by_the_files_it_signed(certify: Certify, files: Files) -> None:
    from django.db import connection

    from provenance.log import guard
    from provenance.models import Checkpoint, LogEntry, LogHead, LogNode

    certify({"wav": files["wav"]})
    Certificate.objects.all().delete()
    guard.remove(connection)
    for table in (Checkpoint, LogNode, LogEntry, LogHead):
        table.objects.all().delete()
    guard.install(connection)
    verdict = verify_file(files["wav"])
    assert verdict.check("log").ok is True  # the proof in the file still holds by itself
    assert verdict.check("continuity").ok is False
    assert verdict.state is State.ALTERED


def test_the_chain_leads_from_a_variation_to_its_roots(certify: Certify, files: Files) -> None:
    from tests.provenance.conftest import PROVENANCE

    first = certify({"wav": files["wav"]}, title="First")
    second = certify(
        {"mp3": files["mp3"]},
        title="Second",
        provenance={
            **PROVENANCE,
            "parents": [{"certificate_id": first.pk, "relation": "variation of"}, "cert_gone"],
        },
    )
    links = verify_certificate(second.pk).chain
    assert [(link["kind"], link.get("relation"), link.get("found")) for link in links[:3]] == [
        ("certificate", "this", True),
        ("certificate", "variation of", True),
        ("certificate", "parent", False),
    ]
    assert links[1]["title"] == "First"
    assert [link["kind"] for link in links[3:]] == ["model", "dna_snapshot", "catalog"]
    assert links[-1]["track_count"] == 127


def test_a_chain_says_what_became_of_a_parent_and_ends_in_a_circle(certify: Certify, files: Files) -> None:
    """Revoked, never held, declared by somebody, twice on the way, and a statement that names its own descendant."""
    from provenance import events, lineage
    from provenance.models import certificate_id

    coming = certificate_id()
    root = certify({"wav": files["wav"]}, declared=True, provenance={"type": "declared", "parents": [coming]})
    left, right = (
        certify({"mp3": files["mp3"]}, provenance={"type": "ai_generated", "parents": [root.pk]})
        for _ in "ab"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("provenance.stamping.certificate_id", lambda: coming)
        blended = [{"certificate_id": one, "relation": "blend of"} for one in (left.pk, right.pk, "x" * 400)]
        top = certify({"flac": files["flac"]}, provenance={"type": "ai_generated", "parents": blended})
    events.revoke_certificate(right, "Made by mistake")
    links = verify_certificate(top.pk).chain
    assert [link["state"] for link in links] == ["held", "held", "revoked", "missing", "held", "cycle"]
    assert [link["depth"] for link in links] == [0, 1, 1, 1, 2, 3]
    assert "Made by mistake" in links[2]["sentence"] and "not held here" in links[3]["sentence"]
    assert links[4]["more"] == [{"of": right.pk, "relation": "parent"}]  # once, though two descend from it
    assert links[5]["attested"] == "declared" and "descendant" in links[5]["sentence"]
    long = certify(
        {"wav": files["wav"]}, provenance={"type": "x", "parents": [f"cert_{n:04}" for n in range(99)]}
    )
    assert lineage.chain(long)[-1]["kind"] == "more" and len(lineage.chain(long)) == lineage.MAX_LINKS + 1


def test_every_state_has_the_exit_code_of_the_contract() -> None:
    assert {state.value: code for state, code in verification.EXIT_CODES.items()} == {
        "intact": 0, "altered": 1, "no_credentials": 2, "recognised": 3, "revoked": 4,
        "sound_only": 5}  # fmt: skip


@pytest.mark.sound
@pytest.mark.parametrize(("name", "flips"), [("mp3", 100), ("wav", 12), ("flac", 12)])
def test_no_flipped_bit_anywhere_in_the_file_goes_unnoticed(
    name: str, flips: int, certify: Certify, files: Files
) -> None:
    """Aimed at tags, headers and audio alike: refused, or at least no longer called the issued file."""
    certify({name: files[name]})
    path = files[name]
    pristine = path.read_bytes()
    chance = random.Random(f"{name} 1")
    for _ in range(flips):
        at, bit = chance.randrange(len(pristine)), chance.randrange(8)
        data = bytearray(pristine)
        data[at] ^= 1 << bit
        path.write_bytes(data)
        try:
            verdict = verify_file(path)
        except NotAudio:
            continue
        whole = verdict.check("file")
        assert not (verdict.valid and whole is not None and whole.ok), f"byte {at}, bit {bit}"
    path.write_bytes(pristine)
    assert verify_file(path).check("file").ok is True
