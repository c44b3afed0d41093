"""Content Credentials: other programs read them, and no bit of a file can change without one of us seeing it."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from catalog.audio.errors import AudioError
from catalog.audio.hashing import audio_digest
from catalog.audio.marking import write_fields
from provenance import keys, stamping, statement
from provenance.manifest import boxes, limited, writing
from provenance.models import Certificate, SigningKey
from provenance.standalone import check
from provenance.verification import State, verify_file
from tests import people, sounds
from tests.provenance import claims
from tests.provenance.conftest import PROVENANCE

pytestmark = [pytest.mark.django_db, pytest.mark.sound]
Certify = Callable[..., Certificate]
Files = dict[str, Path]


def seen_by_others(path: Path, anchors: str = "") -> tuple[str, dict[str, Any]]:
    """What any other program finds with the c2pa library: (validation state, active manifest)."""
    from c2pa import Context, Reader

    trust = {"trust": {"trust_anchors": anchors}} if anchors else {}
    with Context.from_dict(trust) as context, Reader(str(path), context=context) as reader:
        said = json.loads(reader.json())
        return str(reader.get_validation_state()), said["manifests"][said["active_manifest"]]


def assertion(manifest: dict[str, Any], label: str) -> Any:
    return next(one["data"] for one in manifest["assertions"] if one["label"] == label)


@pytest.fixture
def issued(certify: Certify, files: Files) -> tuple[Certificate, Files]:
    return certify(files), files


def test_other_programs_find_them_valid_and_with_our_root_trusted(issued: tuple[Certificate, Files]) -> None:
    made, files = issued
    for path in files.values():
        assert seen_by_others(path)[0] == "Valid"
        state, manifest = seen_by_others(path, keys.trust().claim_roots)
        assert state == "Trusted"
        (action,) = assertion(manifest, "c2pa.actions.v2")["actions"]
        assert action["action"] == "c2pa.created"
        assert action["digitalSourceType"].endswith("/composite")
        assert action["softwareAgent"]["name"] == "Mosaic"
        entries = assertion(manifest, "cawg.training-mining")["entries"]
        assert {one["use"] for one in entries.values()} == {"notAllowed"}
        carried = assertion(manifest, writing.ASSERTION)
        assert carried["envelope"] == made.envelope
        (ingredient,) = manifest["ingredients"]
        assert (ingredient["relationship"], ingredient["description"]) == (
            "inputTo", PROVENANCE["source"]["catalog_hash"],
        )  # fmt: skip
        assert manifest["title"] == "Untitled 03"


def test_they_leave_the_sound_alone_and_cost_little(
    certify: Certify, files: Files, recordings: Files
) -> None:
    before = {name: audio_digest(path) for name, path in files.items()}
    certify(files)
    for name, path in files.items():
        assert audio_digest(path) == before[name]
        assert path.stat().st_size - recordings[name].stat().st_size <= 20_000
        verdict = verify_file(path)
        assert (verdict.state, verdict.checks[0].name, verdict.checks[0].ok) == (
            State.INTACT,
            "manifest",
            True,
        )


def test_marking_twice_changes_nothing(issued: tuple[Certificate, Files]) -> None:
    made, files = issued
    before = {name: path.read_bytes() for name, path in files.items()}
    stamping.mark_again(made, [stamping.Rendition(name, path) for name, path in files.items()])
    assert {name: path.read_bytes() for name, path in files.items()} == before


@pytest.mark.parametrize("name", ["wav", "flac", "mp3"])
def test_no_flipped_bit_passes(name: str, issued: tuple[Certificate, Files]) -> None:
    """Twenty places each: in the manifest, its wrapping and padding, and anywhere. `make bench` does a thousand."""
    _, files = issued
    path, trust = files[name], keys.trust()
    pristine, place = path.read_bytes(), claims.place(path)
    assert place is not None
    chosen, aimed = random.Random(name), []
    for first, last, count in ((place.begin - 60, place.end, 14), (0, len(pristine), 6)):
        aimed += [chosen.randrange(max(0, first) * 8, last * 8) for _ in range(count)]
    for bit in aimed:
        data = bytearray(pristine)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        outcome = check.check_file(path, trust)
        assert outcome.exit_code != 0, (bit, place, outcome)
    path.write_bytes(pristine)
    assert check.check_file(path, trust).exit_code == 0


def test_empty_bytes_that_nobody_hashes_must_stay_empty(issued: tuple[Certificate, Files]) -> None:
    _, files = issued
    path = files["mp3"]
    place, data = claims.place(path), bytearray(path.read_bytes())
    assert place is not None
    at = data.rfind(b"cpad", place.start, place.end) + 20  # within the zeros beside the signature
    assert data[at - 8 : at + 8] == bytes(16)
    data[at] = 1
    path.write_bytes(data)
    assert seen_by_others(path, keys.trust().claim_roots)[0] == "Trusted"  # nobody else minds
    verdict = verify_file(path)
    assert (verdict.state, verdict.exit_code) == (State.ALTERED, 1)
    assert "padding" in verdict.sentence


@pytest.mark.parametrize("name", ["wav", "flac", "mp3"])
def test_a_manifest_taken_out_is_missed(name: str, issued: tuple[Certificate, Files]) -> None:
    _, files = issued
    claims.take_out(files[name])
    verdict = verify_file(files[name])
    assert (verdict.state, verdict.exit_code, verdict.valid) == (State.SOUND_ONLY, 5, False)
    assert "Content Credentials are gone" in verdict.sentence
    assert verdict.check("audio").ok
    assert check.check_file(files[name], keys.trust()).exit_code == 5


def test_an_edited_tag_is_told_from_a_changed_sound(issued: tuple[Certificate, Files]) -> None:
    _, files = issued
    for path in files.values():
        write_fields(path, text={"title": "Renamed by a player"}, custom={})
        verdict = verify_file(path)
        assert (verdict.state, verdict.checks[0].detail["state"]) == (State.SOUND_ONLY, "stale"), verdict
        assert "Its sound has not changed" in verdict.sentence


def test_an_appended_byte_and_a_cut_are_refused(issued: tuple[Certificate, Files]) -> None:
    _, files = issued
    for path in files.values():
        pristine = path.read_bytes()
        for changed in (pristine + b"\0", pristine[:-1], pristine[: len(pristine) // 2]):
            path.write_bytes(changed)
            assert check.check_file(path, keys.trust()).exit_code


def test_who_signs_again_is_not_us(issued: tuple[Certificate, Files]) -> None:
    """Same names, same words, the same stamp inside, but another authority."""
    made, files = issued
    key = claims.stranger()
    for name, path in files.items():
        carried = {"certificate_id": made.pk, "envelope": made.envelope, "proof": ""}
        said = writing.definition(statement.read(made.statement), carried, format_name=name, version="1.0")
        claims.sign_again(path, said, key)
        assert seen_by_others(path)[0] == "Valid"
        verdict = verify_file(path)
        assert (verdict.state, verdict.checks[0].detail["state"]) == (State.ALTERED, "unknown_signer")
        assert "does not vouch" in verdict.sentence


def test_a_manifest_of_ours_from_another_certificate_is_refused(certify: Certify, files: Files) -> None:
    """Somebody with our claim key, or a bug: the manifest is trusted and about another stamp."""
    first, second = certify({"wav": files["wav"]}), certify({"mp3": files["mp3"]})
    signer, key = keys.signer("c2pa")
    carried = {"certificate_id": first.pk, "envelope": first.envelope, "proof": ""}
    said = writing.definition(statement.read(second.statement), carried, format_name="mp3", version="1.0")
    claims.sign_again(files["mp3"], said, (signer, key.certificate))  # type: ignore[arg-type]
    verdict = verify_file(files["mp3"])
    assert verdict.state is State.ALTERED
    assert "another certificate" in verdict.sentence


def test_a_stamp_that_lost_its_tags_is_read_from_the_manifest(issued: tuple[Certificate, Files]) -> None:
    from provenance import credentials

    made, files = issued
    write_fields(files["wav"], text={}, custom=dict.fromkeys(credentials.FIELDS, ""))
    verdict = verify_file(files["wav"])
    assert (verdict.state, verdict.certificate) == (State.SOUND_ONLY, made)


def test_a_new_claim_key_signs_from_then_on_and_the_old_ones_manifests_stay_good(
    certify: Certify, files: Files
) -> None:
    certify({"wav": files["wav"]})
    call_command("rotate_key", "c2pa")
    certify({"mp3": files["mp3"]})
    call_command("rotate_key", "c2pa-root")
    certify({"flac": files["flac"]})
    for path in files.values():
        assert verify_file(path).state is State.INTACT
    assert SigningKey.objects.filter(purpose="c2pa").count() == 3
    old = SigningKey.objects.filter(purpose="c2pa").first()
    call_command("revoke_key", old.pk, "--because", "The laptop was stolen.")
    verdict = verify_file(files["wav"])
    assert (verdict.state, verdict.checks[0].detail["state"]) == (State.SOUND_ONLY, "revoked")
    assert "The laptop was stolen" in verdict.sentence
    assert verify_file(files["mp3"]).state is State.INTACT


def test_switched_off_or_without_the_library_stamps_stand_without_them(
    certify: Certify, files: Files, settings: Any, monkeypatch: Any
) -> None:
    settings.STARFORGE_C2PA = False
    certify({"wav": files["wav"]})
    settings.STARFORGE_C2PA = True
    certify({"mp3": files["mp3"]})
    with monkeypatch.context() as patch:
        patch.setattr(limited, "installed", lambda: False)
        certify({"flac": files["flac"]})
        verdict = verify_file(files["mp3"])
        assert (verdict.state, verdict.checks[0].ok) == (State.INTACT, None)
        assert "was not checked" in verdict.checks[0].sentence
        assert "was not checked" in check.check_file(files["mp3"], keys.trust()).sentence
    for name in ("wav", "flac"):
        verdict = verify_file(files[name])
        assert (verdict.state, verdict.checks[0].detail["state"]) == (State.INTACT, "absent")
        assert claims.place(files[name]) is None


def test_the_trust_file_has_the_root_and_openssl_accepts_what_it_certified(
    issued: tuple[Certificate, Files], client: Any, tmp_path: Path
) -> None:
    listed = client.get("/.well-known/starforge-trust.json").json()["content_credentials"]
    for one in listed:
        (tmp_path / f"{one['purpose']}.pem").write_text(one["certificate_pem"])
    assert client.get("/.well-known/starforge-root.pem").content.decode() == listed[1]["certificate_pem"]
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    done = subprocess.run(
        ["openssl", "verify", "-CAfile", tmp_path / "c2pa-root.pem", tmp_path / "c2pa.pem"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip().endswith("OK"), done


PROVENANCES: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("neural", {"generator": {"model": "stable-audio"}}, "trainedAlgorithmicMedia", ["c2pa.created"]),
    ("edit", {"parents": [{"certificate_id": "cert_1", "relation": "edit of"}]}, "composite",
     ["c2pa.opened", "c2pa.edited"]),
    ("declared", {"type": "declared", "generator": {}}, "", ["c2pa.opened"]),
    ("captured", {"type": "declared", "digital_source_type": "digitalCapture"}, "digitalCapture", ["c2pa.created"]),
]  # fmt: skip


@pytest.mark.parametrize("case", PROVENANCES, ids=lambda case: case[0])
def test_a_manifest_says_of_the_origin_what_is_true(case: Any, certify: Certify, files: Files) -> None:
    _, changes, source_type, actions = case
    private = {"title": "Secret name"}
    made = certify({"mp3": files["mp3"]}, provenance={**PROVENANCE, **changes}, private=private)
    state, manifest = seen_by_others(files["mp3"], keys.trust().claim_roots)
    assert state == "Trusted"
    said = assertion(manifest, "c2pa.actions.v2")["actions"]
    assert [one["action"] for one in said] == actions
    assert str(said[-1].get("digitalSourceType", "")).removeprefix(writing.SOURCE_TYPES) == source_type
    assert manifest["title"] == f"Recording {made.pk}"
    assert "Secret name" not in json.dumps(manifest)
    assert b"Secret name" not in files["mp3"].read_bytes()


def test_consent_is_what_the_artist_signed(certify: Certify, files: Files) -> None:
    certify({"mp3": files["mp3"]}, provenance={**PROVENANCE, "rights": {"training": "granted"}})
    entries = assertion(seen_by_others(files["mp3"])[1], "cawg.training-mining")["entries"]
    assert {one["use"] for one in entries.values()} == {"allowed"}


def test_a_file_that_makes_the_library_stop_costs_one_check_only(
    issued: tuple[Certificate, Files], monkeypatch: Any
) -> None:
    _, files = issued
    monkeypatch.setattr(limited, "LIMITS", dataclasses.replace(limited.LIMITS, wall_seconds=0.0))
    verdict = verify_file(files["wav"])
    assert (verdict.state, verdict.checks[0].ok) == (State.INTACT, None)
    assert "not checked" in verdict.checks[0].sentence


def test_a_file_the_library_cannot_cope_with_goes_out_with_its_tags(
    certify: Certify, files: Files, monkeypatch: Any
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(limited, "LIMITS", dataclasses.replace(limited.LIMITS, wall_seconds=0.0))
        certify({"mp3": files["mp3"]})
    verdict = verify_file(files["mp3"])
    assert (verdict.state, verdict.checks[0].detail["state"]) == (State.INTACT, "absent")


def test_hostile_boxes_end_in_one_error(issued: tuple[Certificate, Files]) -> None:
    _, files = issued
    place, data = claims.place(files["mp3"]), files["mp3"].read_bytes()
    assert place is not None
    store, chosen = data[place.start : place.end], random.Random(7)
    for _ in range(2_000):
        changed = bytearray(store)
        for _ in range(chosen.randrange(1, 6)):
            changed[chosen.randrange(len(store))] = chosen.randrange(256)
        try:
            boxes.parse(
                bytes(changed[: chosen.randrange(len(store) + 1)] if chosen.random() < 0.3 else changed)
            )
        except (boxes.Malformed, KeyError, TypeError, ValueError, AttributeError):
            continue


def test_nothing_is_fetched(issued: tuple[Certificate, Files], tmp_path: Path) -> None:
    """An audit hook in a fresh process, and in the child a system call filter: neither opens a socket."""
    _, files = issued
    (tmp_path / "trust.json").write_text(json.dumps(keys.trust().to_json()))
    script = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    if event.startswith('socket.'): raise SystemExit(99)\n"
        "sys.addaudithook(refuse)\n"
        "from provenance.standalone.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = ["--trust", tmp_path / "trust.json", "--json", *files.values()]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done
    for line in done.stdout.splitlines():
        assert json.loads(line)["checks"][0]["detail"]["state"] == "trusted"


# --- M4A: no tags of ours, so the manifest carries everything ------------------------------------------------------


@pytest.fixture
def m4a(tmp_path: Path) -> Path:
    """Two seconds of AAC, as a phone or a DAW writes it."""
    return sounds.write_m4a(tmp_path / "phone.m4a", sounds.noise(2.0, level=0.1))


def test_an_m4a_is_stamped_handed_back_and_proves_itself(db: None, m4a: Path, tmp_path: Path) -> None:
    client = people.owner().api
    made = client.post("/api/stamp", {"file": m4a.open("rb"), "title": "From the phone"})
    assert made.status_code == 201, made.content
    certificate = made.json()["certificate_id"]
    assert made.json()["renditions"][0]["kind"] == "mp4-stream"
    address = f"/api/certificates/{certificate}/file/"
    answer = client.post(address, {"file": m4a.open("rb")})
    assert answer.status_code == 200, answer.content
    path = tmp_path / "signed.m4a"
    path.write_bytes(b"".join(answer.streaming_content))
    verdict = verify_file(path)
    assert (verdict.state, verdict.certificate.pk if verdict.certificate else None) == (
        State.INTACT,
        certificate,
    )
    assert seen_by_others(path, keys.trust().claim_roots)[0] == "Trusted"
    assert people.stranger().post(address, {"file": m4a.open("rb")}).status_code in (401, 403)
    pristine, chosen = path.read_bytes(), random.Random(4)
    for at in [9, 20, *(chosen.randrange(len(pristine)) for _ in range(14))]:
        data = bytearray(pristine)
        data[at] ^= 1
        path.write_bytes(data)
        assert check.check_file(path, keys.trust()).exit_code != 0, at


def test_the_hash_of_an_m4a_counts_what_is_heard_and_not_where_it_lies(m4a: Path) -> None:
    from provenance import streams

    kind, before = streams.identity(m4a)
    data = m4a.read_bytes()
    free = len(b"x" * 8).to_bytes(4, "big") + b"free"  # behind everything: nothing moves
    m4a.write_bytes(data + free)
    assert streams.identity(m4a) == (kind, before)
    for box, place in {b"stts": 15, b"stsz": 24, b"mp4a": 24, b"mdhd": 19}.items():
        at = data.index(box) + place
        changed = bytearray(data)
        changed[at] ^= 1
        m4a.write_bytes(changed)
        try:
            assert streams.identity(m4a)[1] != before, box
        except AudioError:
            continue


def test_an_m4a_of_millions_of_empty_chunks_is_refused(tmp_path: Path) -> None:
    """A table of 32 MB cost a gigabyte of memory in the process that serves the page."""
    from provenance import streams

    def box(name: bytes, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return (8 + len(body)).to_bytes(4, "big") + name + body

    def words(*numbers: int) -> bytes:
        return b"".join(number.to_bytes(4, "big") for number in numbers)

    def file(chunks: int) -> bytes:
        tables = (
            box(b"stsd", words(0, 0)),
            box(b"stts", words(0, 0)),
            box(b"stsz", words(0, 4, 1)),
            box(b"stsc", words(0, 2, 1, 1, 1, 2, 0, 1)),  # one sample in the first chunk, none in the others
            box(b"stco", words(0, chunks), bytes(4 * chunks)),
        )
        handler = box(b"hdlr", words(0, 0), b"soun")
        media = box(b"mdia", box(b"mdhd", bytes(24)), handler, box(b"minf", box(b"stbl", *tables)))
        return box(b"ftyp", b"M4A ", words(0)) + box(b"moov", box(b"trak", media))

    path = tmp_path / "chunks.m4a"
    path.write_bytes(file(2))
    assert streams.identity(path)[0] == "mp4-stream"
    path.write_bytes(file(1_000_001))
    with pytest.raises(AudioError) as refused:
        streams.identity(path)
    assert refused.value.code == "damaged"


@pytest.mark.parametrize("name", ["wav", "mp3"])
def test_a_declared_recording_comes_back_with_its_credentials(name: str, db: None, files: Files) -> None:
    client = people.owner().api
    made = client.post(
        "/api/stamp", {"file": files[name].open("rb"), "metadata": '{"type": "human_made"}'}
    ).json()
    address = f"/api/certificates/{made['certificate_id']}/file/"
    answer = client.post(address, {"file": files[name].open("rb")})
    files[name].write_bytes(b"".join(answer.streaming_content))
    assert verify_file(files[name]).state is State.INTACT
    said = seen_by_others(files[name], keys.trust().claim_roots)
    assert said[0] == "Trusted"
    assert [one["action"] for one in assertion(said[1], "c2pa.actions.v2")["actions"]] == ["c2pa.opened"]
    other = client.post(address, {"file": files["flac"].open("rb")}) if name == "mp3" else None
    assert other is None or other.status_code == 400
