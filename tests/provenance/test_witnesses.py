"""Who else bears witness to a stamp: the timestamp and the anchor in a bundle, checked offline by strangers."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from provenance import timestamp_proof
from provenance.standalone import cli
from provenance.standalone.check import Bundle, NotReadable, Outcome, check_bundle
from provenance.trust import Trust, TrustError
from provenance.witnesses import Believed

VECTORS = Path(__file__).parents[1] / "vectors" / "bundles"
CASES = json.loads((VECTORS / "cases.json").read_text())
DOCUMENT = json.loads((VECTORS / "trust.json").read_text())
TRUST = Trust.from_json(DOCUMENT)


def outcome(name: str, believed: Believed | None = None, trust: Trust = TRUST) -> Outcome:
    return check_bundle(Bundle.read(VECTORS / name), trust, believed=believed or Believed())


def said(found: Outcome, name: str) -> Any:
    return next((check for check in found.checks if check.name == name), None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
def test_a_bundle_is_judged_as_it_must_be(case: dict[str, Any]) -> None:
    found = outcome(case["file"])
    failed = next((one.name for one in found.checks if one.ok is False), None)
    assert (found.state, failed) == (case["state"], case["failed"]), found.sentence
    if "timestamp" in case and failed != "signature":
        assert said(found, "timestamp").ok is case["timestamp"]


def test_openssl_believes_the_same_timestamps(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    cases = [case for case in CASES if "timestamp" in case and case["failed"] != "signature"]
    for case in cases:
        with zipfile.ZipFile(VECTORS / case["file"]) as archive:
            for name in ("timestamp.tsr", "envelope.json"):
                (tmp_path / name).write_bytes(archive.read(f"cert_vector/{name}"))
        command = ["openssl", "ts", "-verify", "-in", "timestamp.tsr", "-data", "envelope.json", "-CAfile",
                   VECTORS / "roots.pem"]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode == 0) is (case["timestamp"] is True), case["file"]
    assert {case["timestamp"] for case in cases} == {True, False, None}


def test_whose_word_counts_is_up_to_whoever_checks() -> None:
    stranger = Believed(roots=(VECTORS / "stranger.pem").read_bytes())
    name = "timestamp-by-a-stranger-of-the-same-name.zip"
    assert said(outcome(name), "timestamp").ok is None
    assert "of yours signed" in said(outcome(name, stranger), "timestamp").sentence
    assert (
        said(outcome("timestamp-rsa.zip", stranger), "timestamp").ok is None
    )  # the trust file's count no more
    nobody = Trust.from_json({**DOCUMENT, "timestamp_authorities": []})
    alone = outcome("timestamp-rsa.zip", trust=nobody)
    assert alone.state == "intact" and "--tsa-root" in said(alone, "timestamp").sentence
    with pytest.raises(TrustError):
        Trust.from_json({**DOCUMENT, "timestamp_authorities": ["-----BEGIN CERTIFICATE-----\n"]})


def test_what_a_node_answered_is_held_against_the_log() -> None:
    with zipfile.ZipFile(VECTORS / "timestamp-ec.zip") as archive:
        head = archive.read("cert_vector/chain-proof.txt").decode().partition("\n\n")[2].split("\n")
    root = base64.b64decode(head[2])
    found = said(outcome("timestamp-ec.zip", Believed(chain_root=root)), "anchor")
    assert found.ok is True and "its node answered that root" in found.sentence
    unlisted = "anchor-in-a-contract-nobody-lists.zip"
    assert said(outcome(unlisted, Believed(chain_root=root)), "anchor").ok is None
    other = outcome("timestamp-ec.zip", Believed(chain_root=bytes(31) + b"\1"))
    assert other.state == "altered" and "not that of the log" in other.sentence


def test_what_was_not_checked_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trust = ["--trust", str(VECTORS / "trust.json")]
    assert cli.main([*trust, str(VECTORS / "plain.zip")]) == 0
    told = capsys.readouterr().out
    for words in ("none was given", "the bundle holds none", "the bundle names none", "after the trust file"):
        assert words in told.partition("Not checked here:")[2]
    assert cli.main([*trust, str(VECTORS / "timestamp-ec.zip")]) == 0
    told, _, rest = capsys.readouterr().out.partition("Not checked here:")
    assert "yes  timestamp" in told and " -   anchor" in told and "The chain was not asked" in told
    assert "holds none" not in rest
    recording = VECTORS.parent / "provenance" / "intact.wav"
    assert cli.main([*trust, str(recording)]) == 0
    assert "lies in the certificate's bundle" in capsys.readouterr().out
    bundle = ["--bundle", str(VECTORS / "timestamp-ec.zip")]
    assert cli.main([*trust, *bundle, "--json", str(recording)]) == 0
    body = json.loads(capsys.readouterr().out)
    assert [one["ok"] for one in body["checks"] if one["name"] in ("timestamp", "anchor")] == [True, None]
    assert "checked by the bundle" in body["not_checked"][0]
    (tmp_path / "no.pem").write_text("no certificate")
    plain = str(VECTORS / "plain.zip")
    assert cli.main([*trust, "--tsa-root", str(tmp_path / "no.pem"), plain]) == 65
    with pytest.raises(SystemExit, match="64"):  # a contract answers zeros for what it does not hold
        cli.main([*trust, "--chain-root", "0x" + "00" * 32, plain])


def test_without_what_reads_timestamps_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rfc3161_client", None)
    found = outcome("timestamp-rsa.zip")
    assert found.state == "intact" and said(found, "timestamp").ok is None
    assert "was not checked" in said(found, "timestamp").sentence
    with pytest.raises(timestamp_proof.Unavailable):
        timestamp_proof.check(b"", b"", ())


def test_a_folder_counts_as_a_bundle_and_a_doubled_file_does_not(tmp_path: Path) -> None:
    with zipfile.ZipFile(VECTORS / "timestamp-rsa.zip") as archive:
        archive.extractall(tmp_path)
    assert said(check_bundle(Bundle.read(tmp_path / "cert_vector"), TRUST), "timestamp").ok is True
    doubled = tmp_path / "doubled.zip"
    doubled.write_bytes((VECTORS / "timestamp-rsa.zip").read_bytes())
    with zipfile.ZipFile(doubled, "a") as archive:
        archive.writestr("other/timestamp.tsr", b"another")
    with pytest.raises(NotReadable):
        Bundle.read(doubled)
