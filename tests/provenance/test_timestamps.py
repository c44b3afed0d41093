"""Timestamps (RFC 3161) by an authority of the tests' own: OpenSSL signs, behind a real socket."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.utils import timezone

from provenance import retries, timestamps
from provenance.models import Certificate, Timestamp
from provenance.proof import Check
from provenance.signing import open_envelope
from provenance.standalone.check import Bundle, check_bundle
from provenance.trust import Trust
from provenance.verification import State, verify_certificate, verify_file
from tests import people
from tests.provenance.o8_server import reply

pytestmark = pytest.mark.django_db
Certify = Callable[..., Certificate]
Files = dict[str, Path]

CONFIG = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa-key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Authority:
    """Its root, and a server that answers requests. `answer`: what to do instead of signing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.asked: list[bytes] = []
        self.answer: Callable[[BaseHTTPRequestHandler], Any] | None = None
        folder.mkdir()
        root = _key()
        self.root = folder / "root.pem"
        self.root.write_bytes(_certificate("Root", root, None, root))
        key = _key()
        issuer = x509.load_pem_x509_certificate(self.root.read_bytes())
        (folder / "tsa.pem").write_bytes(_certificate("Authority", key, issuer, root))
        (folder / "tsa-key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))

    def sign(self, query: bytes) -> bytes:
        (self.folder / "query.tsq").write_bytes(query)
        command = [
            "openssl",
            "ts",
            "-reply",
            "-config",
            "tsa.cnf",
            "-section",
            "tsa",
            "-queryfile",
            "query.tsq",
        ]
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=True).stdout


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None, signer: Any
) -> bytes:
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(issuer.subject if issuer else named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        built = built.add_extension(usage, critical=True)
    return built.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def authority(tmp_path: Path, settings: Any) -> Iterator[Authority]:
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    held = Authority(tmp_path / "authority")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            held.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            if held.answer is not None:
                held.answer(self)
            else:
                reply(self, 200, held.sign(held.asked[-1]))

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held.url = f"http://127.0.0.1:{server.server_address[1]}/tsr"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    settings.STARFORGE_TSA_URL = held.url
    settings.STARFORGE_TSA_ROOTS = str(held.root)
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def made(authority: Authority, certify: Certify, files: Files) -> Certificate:
    return certify({"wav": files["wav"]})


def row_of(certificate: Certificate) -> Timestamp:
    return Timestamp.objects.get(certificate=certificate)


def again(certificate: Certificate) -> str:
    row = row_of(certificate)
    Timestamp.objects.filter(pk=row.pk).update(next_try_at=None)
    return timestamps.run(row.pk)


def test_nobody_is_asked_by_default(certify: Certify, files: Files) -> None:
    made = certify({"wav": files["wav"]})
    assert not Timestamp.objects.exists() and timestamps.recover() == 0
    assert verify_certificate(made.pk).check("timestamp") is None


def test_a_stamp_is_timestamped_and_the_timestamp_verifies_offline(
    authority: Authority, made: Certificate, files: Files, settings: Any
) -> None:
    assert row_of(made).status == "queued" and not authority.asked  # the stamp waited for nothing
    assert timestamps.run(row_of(made).pk) == "stamped"
    said = row_of(made).said
    assert said is not None and abs(said - timezone.now()) < timedelta(minutes=1)
    assert made.pk.encode() not in authority.asked[0] and len(authority.asked[0]) < 200  # a hash, and no more
    settings.STARFORGE_TSA_URL = "http://127.0.0.1:9/"  # gone; what is kept holds without it
    verdict = verify_file(files["wav"])
    check = verdict.check("timestamp")
    assert verdict.state is State.INTACT and check is not None and check.ok is True
    assert "127.0.0.1" in check.sentence and len(authority.asked) == 1
    assert people.stranger().get(f"/api/verify/{made.pk}").json()["valid"]
    page = people.stranger().get(made.get_absolute_url()).content.decode()
    assert "Timestamped by 127.0.0.1" in page


def test_openssl_agrees_with_the_bundle(authority: Authority, made: Certificate, tmp_path: Path) -> None:
    again(made)
    answer = people.stranger().get(f"/api/certificates/{made.pk}/bundle/")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    command = [
        "openssl",
        "ts",
        "-verify",
        "-in",
        "timestamp.tsr",
        "-data",
        "envelope.json",
        "-CAfile",
        authority.root,
    ]
    folder = tmp_path / made.pk
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    trusted = people.stranger().get("/.well-known/starforge-trust.json").json()  # names the authority's root
    found = check_bundle(Bundle.read(folder), Trust.from_json(trusted))
    assert [one.ok for one in found.checks if one.name == "timestamp"] == [True]
    (folder / "envelope.json").write_bytes((folder / "envelope.json").read_bytes() + b" ")
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0


def test_an_authority_that_is_down_costs_nothing_but_time(authority: Authority, made: Certificate) -> None:
    authority.answer = lambda handler: reply(handler, 503, b"")
    for attempt in range(1, retries.TRIES + 1):
        assert again(made) == ("given up" if attempt == retries.TRIES else "later")
    assert "503" in row_of(made).error and verify_certificate(made.pk).state is State.INTACT


@pytest.mark.parametrize("what", ["another", "older", "stranger", "nonsense", "refused", "endless"])
def test_an_answer_that_is_no_timestamp_of_this_is_not_kept(
    authority: Authority, made: Certificate, certify: Certify, files: Files, tmp_path: Path, what: str
) -> None:
    if what == "another":  # of another stamp
        other = certify({"mp3": files["mp3"]})
        again(other)
        held = bytes(row_of(other).answer)
        reason = "of something else"
    elif what == "older":  # a replay: of this stamp, and of an earlier request
        again(made)
        held = bytes(row_of(made).answer)
        Timestamp.objects.update(status="queued", answer=b"")
        reason = "another request"
    else:
        held = b"\0" * (600 * 2**10) if what == "endless" else b"hello"
        reason = {"nonsense": "no timestamp", "refused": "It refused", "endless": "longer than"}.get(
            what, "not by an authority"
        )
    stranger = Authority(tmp_path / "stranger")
    authority.answer = lambda handler: reply(
        handler,
        403 if what == "refused" else 200,
        stranger.sign(authority.asked[-1]) if what == "stranger" else held,
    )
    assert again(made) == "later" and reason in row_of(made).error
    assert verify_certificate(made.pk).check("timestamp") is None
    authority.answer = None
    assert again(made) == "stamped"


def test_a_timestamp_changed_or_exchanged_later_is_noticed(
    authority: Authority, made: Certificate, certify: Certify, files: Files, settings: Any
) -> None:
    other = certify({"mp3": files["mp3"]})
    again(made), again(other)
    good = bytes(row_of(made).answer)

    def seen(answer: bytes) -> Check:
        Timestamp.objects.filter(certificate=made).update(answer=answer)
        check = verify_certificate(made.pk).check("timestamp")
        assert check is not None
        return check

    whole = seen(good)
    assert whole.ok is True and seen(bytes(row_of(other).answer)).ok is False
    time, said = row_of(made).said, open_envelope(made.envelope).leaf()
    assert time is not None
    parts = (hashlib.sha512(said).digest(), time.strftime("%Y%m%d%H%M%S").encode())
    signed = [at for part in parts for at in range(good.index(part), good.index(part) + len(part), 5)]
    for at in signed:  # what was stamped, and when
        assert seen(_flipped(good, at)).ok is not True, at
    for at in range(
        9, len(good), 41
    ):  # a name of an algorithm that nobody reads may differ: the time may not
        changed = seen(_flipped(good, at))
        assert changed.ok is not True or changed == whole, at
    settings.STARFORGE_TSA_ROOTS = ""
    assert seen(good).ok is None  # nobody is believed


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
