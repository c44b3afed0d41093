"""Keys are made once and kept close; an envelope holds only for the bytes that were signed."""

from __future__ import annotations

import base64
import concurrent.futures
import shutil
import stat
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance import signing
from provenance.signing import FileSigner, SigningError


@pytest.fixture(scope="module")
def signer():
    return FileSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def test_the_pre_authentication_encoding_is_the_one_of_the_dsse_protocol():
    assert signing.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    folder = tmp_path / "keys"
    first = FileSigner.load_or_create(folder, "stamp")
    assert FileSigner.load_or_create(folder, "stamp").public_key == first.public_key
    assert FileSigner.load_or_create(folder, "log").public_key != first.public_key
    assert stat.S_IMODE((folder / "stamp.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(p.name for p in folder.iterdir()) == ["log.pem", "stamp.pem"]


def test_processes_that_start_together_end_up_with_one_key(tmp_path):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: FileSigner.load_or_create(tmp_path, "stamp").public_key, range(48)))
    assert len(keys) == 1


def test_a_broken_key_file_is_named_not_replaced(tmp_path):
    (tmp_path / "stamp.pem").write_text("not a key")
    with pytest.raises(SigningError, match=r"stamp\.pem"):
        FileSigner.load_or_create(tmp_path, "stamp")
    assert (tmp_path / "stamp.pem").read_text() == "not a key"


def test_a_key_purpose_cannot_leave_the_folder(tmp_path):
    with pytest.raises(SigningError):
        FileSigner.load_or_create(tmp_path, "../stamp")


def test_an_envelope_opens_and_its_signature_holds(signer):
    sealed = signing.seal(b'{"a":1}', signer)
    again = signing.open_envelope(sealed.to_json())
    assert again == sealed
    assert signing.signature_holds(signer.public_key, again.signature, again.pae)
    assert again.hex_signature.startswith("0x")
    assert len(again.hex_signature) == 2 + 128


def test_a_changed_payload_type_or_key_breaks_the_signature(signer):
    sealed = signing.seal(b'{"a":1}', signer)
    assert not signing.signature_holds(
        signer.public_key, sealed.signature, signing.pae(sealed.payload_type, b'{"a":2}')
    )
    assert not signing.signature_holds(
        signer.public_key, sealed.signature, signing.pae("text/plain", b'{"a":1}')
    )
    other = FileSigner(Ed25519PrivateKey.generate())
    assert not signing.signature_holds(other.public_key, sealed.signature, sealed.pae)


def _edits():
    def sig(**changes):
        return lambda e: {**e, "signatures": [{**e["signatures"][0], **changes}]}

    return {
        "not an object": lambda e: [e],
        "other payload type": lambda e: {**e, "payloadType": "text/plain"},
        "no signature": lambda e: {**e, "signatures": []},
        "two signatures": lambda e: {**e, "signatures": e["signatures"] * 2},
        "payload that is not base64": lambda e: {**e, "payload": "***"},
        "payload that is not text": lambda e: {**e, "payload": 7},
        "short signature": sig(sig=base64.b64encode(bytes(63)).decode()),
        "no key id": sig(keyid=""),
        "loose base64": lambda e: {**e, "payload": "YR=="},
    }


@pytest.mark.parametrize("edit", _edits().values(), ids=_edits().keys())
def test_a_malformed_envelope_is_refused(edit, signer):
    good = signing.seal(b"a", signer).to_json()
    assert signing.open_envelope(good)
    with pytest.raises(SigningError):
        signing.open_envelope(edit(good))


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_openssl_agrees_that_the_signature_holds(signer, tmp_path):
    sealed = signing.seal(b'{"a":1}', signer)
    (tmp_path / "key.pem").write_text(signing.public_pem(signer.public_key))
    (tmp_path / "signed.bin").write_bytes(sealed.pae)
    (tmp_path / "signature.bin").write_bytes(sealed.signature)
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "key.pem",
        "-rawin",
        "-in",
        "signed.bin",
        "-sigfile",
        "signature.bin",
    ]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "signed.bin").write_bytes(sealed.pae + b" ")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0
