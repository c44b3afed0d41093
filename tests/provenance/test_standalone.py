"""The stand-alone verifier: a wheel without Django, offline, that says what the server says."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rfc3161_client
import soundfile

from catalog.audio.errors import AudioError
from catalog.audio.hashing import audio_digest
from provenance import disclosure, streams
from provenance.standalone import build, check
from provenance.trust import Trust

VECTORS = Path(__file__).parents[1] / "vectors" / "provenance"
CASES = json.loads((VECTORS / "cases.json").read_text())
TRUST = Trust.from_json(json.loads((VECTORS / "trust.json").read_text()))
# Runs `starforge-verify` as its wheel installs it; any socket, and any module of ours or of Django, ends it.
RUNNER = """
import importlib.util, sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(99)
sys.addaudithook(refuse)
for name in ("django", "catalog", "provenance", "numpy"):
    assert importlib.util.find_spec(name) is None, name
from starforge_verify.cli import main
sys.exit(main(sys.argv[1:]))
"""


def outcome_of(case: dict) -> check.Outcome:
    shown = disclosure.Disclosure.from_json(case["disclosure"]) if "disclosure" in case else None
    return check.check_file(VECTORS / case["file"], TRUST, shown=shown)


def names(case: dict) -> str:
    return case["file"]


@pytest.mark.parametrize("case", CASES, ids=names)
def test_a_vector_is_judged_as_it_must_be(case):
    outcome = outcome_of(case)
    failed = next((one.name for one in outcome.checks if one.ok is False), None)
    assert (outcome.state, failed) == (case["state"], case["failed"]), outcome.sentence


def test_the_vectors_have_every_state_and_every_check_that_can_fail():
    # sound_only needs a manifest, which the verifier in the browser does not look at: test_content_credentials
    assert {case["state"] for case in CASES} == set(check.EXIT_CODES) - {check.SOUND_ONLY}
    assert {case["failed"] for case in CASES} == {
        None, "audio", "credentials", "disclosure", "form", "identity", "log", "signature",
    }  # fmt: skip


@pytest.mark.parametrize("suffix", ["wav", "aiff"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32"])
def test_samples_widen_without_a_decoder_to_the_hash_of_the_decoded_sound(suffix, subtype, tmp_path):
    sound = np.random.default_rng(7).uniform(-1, 1, (5_000, 3))
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, sound, 44_100, subtype=subtype)
    assert streams.identity(path) == audio_digest(path)


@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "PCM_U8"), ("aiff", "PCM_S8")])
def test_eight_bits_widen_too(suffix, subtype, tmp_path):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.random.default_rng(7).uniform(-1, 1, (5_000, 1)), 8_000, subtype=subtype)
    assert streams.identity(path) == audio_digest(path)


def test_what_needs_a_decoder_is_said_not_guessed(tmp_path):
    sound = np.zeros((1_000, 1))
    for name, options in {"f.wav": {"subtype": "FLOAT"}, "o.ogg": {}}.items():
        soundfile.write(tmp_path / name, sound, 44_100, **options)
        with pytest.raises(AudioError):
            streams.identity(tmp_path / name)
        assert check.check_file(tmp_path / name, TRUST).exit_code == 65


def test_a_flac_stream_survives_new_tags_and_not_one_changed_bit(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes((VECTORS / "intact.flac").read_bytes())
    plain = streams.flac_stream_sha256(path)
    assert plain == streams.flac_stream_sha256(VECTORS / "retagged.flac")
    assert plain != streams.flac_stream_sha256(VECTORS / "audio-changed.flac")
    path.write_bytes(path.read_bytes() + b"\0")
    assert streams.flac_stream_sha256(path) != plain


# --- the wheel -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed by pip without an index, beside its two dependencies and nothing else."""
    folder = tmp_path_factory.mktemp("standalone")
    wheel = folder / build.FILENAME
    wheel.write_bytes(build.wheel())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]
    subprocess.run([*pip, str(folder / "site"), str(wheel)], check=True, capture_output=True)
    for name in ("cryptography", "rfc8785", "cffi", "pycparser"):
        for file in importlib.metadata.files(name) or ():
            top = file.parts[0]
            link = folder / "site" / top
            if top != ".." and not link.exists():
                link.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 2] if len(file.parts) > 1
                                else Path(str(file.locate())))  # fmt: skip
    return folder / "site"


def verify(installed: Path | str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", "-s", "-c", RUNNER, *map(str, arguments)],
        env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def test_the_wheel_checks_every_vector_without_django_and_without_a_socket(installed):
    plain = [case for case in CASES if "disclosure" not in case]
    done = verify(
        installed, "--trust", VECTORS / "trust.json", "--json", *(VECTORS / c["file"] for c in plain)
    )
    assert done.returncode == 65, done.stderr  # the highest of all
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["state"] for one in said] == [case["state"] for case in plain]


@pytest.mark.parametrize(
    ("file", "code", "words"),
    [
        ("intact.flac", 0, "“Untitled 03” was composed on 7 February 2026 by Mosaic 1.0 from 127 recordings"),
        ("audio-changed.mp3", 1, "not the recording that was certified"),
        ("no-credentials.wav", 2, "carries no stamp"),
        ("certificate-revoked.wav", 4, "A sample was not cleared"),
    ],
)
def test_the_exit_status_says_it(installed, file, code, words):
    done = verify(installed, "--trust", VECTORS / "trust.json", VECTORS / file)
    assert (done.returncode, words in done.stdout) == (code, True), done


def test_the_wheel_reads_a_timestamp_where_the_library_is_and_says_so_where_it_is_not(installed, tmp_path):
    bundles = VECTORS.parent / "bundles"
    call = ("--trust", bundles / "trust.json", bundles / "timestamp-ec.zip")
    done = verify(installed, *call)
    assert done.returncode == 0 and "rfc3161-client package is not installed" in done.stdout, done
    (tmp_path / "rfc3161_client").symlink_to(Path(rfc3161_client.__file__).parent)
    done = verify(f"{installed}:{tmp_path}", *call)
    assert done.returncode == 0 and "yes  timestamp" in done.stdout, done


def test_wrong_calls_are_no_verdicts(installed, tmp_path):
    (tmp_path / "a.txt").write_text("text " * 100)
    (tmp_path / "trust.json").write_text("{}")
    trust = ("--trust", VECTORS / "trust.json")
    assert verify(installed).returncode == 64
    assert verify(installed, VECTORS / "intact.wav").returncode == 64  # no trust file: nothing to believe
    assert verify(installed, *trust, tmp_path / "none.wav").returncode == 66
    assert verify(installed, *trust, tmp_path / "a.txt").returncode == 65
    assert verify(installed, "--trust", tmp_path / "trust.json", VECTORS / "intact.wav").returncode == 65
    assert verify(installed, *trust, "--bundle", tmp_path / "a.txt", VECTORS / "intact.wav").returncode == 65


def test_the_wheel_is_the_same_from_the_same_sources_and_lists_what_it_holds():
    first = build.wheel()
    assert first == build.wheel()
    import base64
    import hashlib
    import io

    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        record = archive.read(f"{build.DISTRIBUTION}.dist-info/RECORD").decode().splitlines()
        for line in record:
            name, digest, _ = line.split(",")
            if digest:
                found = hashlib.sha256(archive.read(name)).digest()
                assert digest == "sha256=" + base64.urlsafe_b64encode(found).rstrip(b"=").decode()
        assert len(record) == len(archive.namelist())


def test_a_module_that_reaches_for_the_server_stops_the_build(tmp_path, monkeypatch):
    reaching = {f"{build.PACKAGE}/proof.py": b"from starforge_verify import keys\n"}
    with pytest.raises(build.BuildError, match="keys"):
        build._stands_alone(reaching)
    with pytest.raises(build.BuildError, match="django"):
        build._stands_alone({f"{build.PACKAGE}/proof.py": b"import django\n"})


# --- with the server -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_file_and_a_bundle_from_the_server_verify_on_a_machine_that_never_heard_of_it(
    installed, certify, files, tmp_path
):
    from django.test import Client

    made = certify(files, private={"prompt": "Quiet", "title": "Night bus"})
    (tmp_path / "trust.json").write_bytes(Client().get("/.well-known/starforge-trust.json").content)
    trust = ("--trust", tmp_path / "trust.json")
    done = verify(installed, *trust, *files.values())
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.pk in done.stdout
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(Client().get(f"/api/certificates/{made.pk}/bundle/").content)
    assert verify(installed, *trust, bundle).returncode == 0
    stripped = tmp_path / "stripped.wav"
    sound, rate = soundfile.read(files["wav"], dtype="int32")
    soundfile.write(stripped, sound, rate, subtype=soundfile.info(files["wav"]).subtype)
    assert verify(installed, *trust, stripped).returncode == 2
    assert verify(installed, *trust, "--bundle", bundle, stripped).returncode == 0
    shown = tmp_path / "d.json"
    from provenance import opening

    everything = opening.disclosure(made, everything=True)
    assert everything is not None
    shown.write_text(json.dumps(everything.to_json()))
    done = verify(installed, *trust, "--disclosure", shown, files["flac"])
    assert "“Night bus” was composed" in done.stdout


@pytest.mark.django_db
def test_the_site_hands_out_the_wheel():
    from django.test import Client

    answer = Client().get(f"/verify/{build.FILENAME}")
    assert answer.status_code == 200
    assert answer.content == build.wheel()
    assert build.FILENAME in Client().get("/verify/").content.decode()
