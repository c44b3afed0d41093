"""Make the vectors of certificate bundles: what else bears witness to a stamp, and what every verifier must say of it.

    python -m tests.vectors.make_bundles

The timestamps are signed by OpenSSL (`openssl ts`) with authorities made here and thrown away; the answers are kept.
`cases.json` is read by the tests of the Python verifier, of the one in the browser, and of OpenSSL itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance import credentials
from provenance.canonical import canonical
from provenance.signing import open_envelope
from tests.vectors import make

HERE = Path(__file__).parent / "bundles"
CONTRACT = "0x" + "5f" * 20
NOW = datetime(2026, 11, 1, tzinfo=UTC)
CONFIG = """
[tsa]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa-key.pem
signer_digest = sha384
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""
Key = Any  # an RSA or EC private key


@dataclass(frozen=True)
class Issued:
    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def issue(
    name: str,
    key: Key,
    by: Issued | None = None,
    *,
    purpose: x509.ObjectIdentifier | None = None,
    authority: bool = True,
    years: tuple[int, int] = (-1, 40),
    serial: int | None = None,
) -> Issued:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    built = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(by.certificate.subject if by else named(name))
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=365 * years[0]))
        .not_valid_after(NOW + timedelta(days=365 * years[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if purpose is not None:
        built = built.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    return Issued(built.sign(by.key if by else key, hashes.SHA256()), key)


def stamped(message: bytes, signer: Issued, *between: Issued, digest: str = "sha512") -> bytes:
    """OpenSSL's answer to a request for a timestamp of `message`.

    OpenSSL writes the certificates as they come, DER wants them in order: the signer's must be the shortest.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "message").write_bytes(message)
        (folder / "tsa.pem").write_bytes(signer.pem)
        (folder / "tsa-key.pem").write_bytes(
            signer.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (folder / "serial").write_text("01\n")
        config = CONFIG
        if between:
            (folder / "between.pem").write_bytes(b"".join(one.pem for one in between))
            config += "certs = between.pem\n"
        (folder / "tsa.cnf").write_text(config)
        for arguments in (
            ["-query", "-data", "message", f"-{digest}", "-cert", "-out", "query.tsq"],
            [
                "-reply",
                "-config",
                "tsa.cnf",
                "-section",
                "tsa",
                "-queryfile",
                "query.tsq",
                "-out",
                "answer.tsr",
            ],
        ):
            subprocess.run(["openssl", "ts", *arguments], cwd=folder, check=True, capture_output=True)
        return (folder / "answer.tsr").read_bytes()


def anchor(proof: str, **changes: Any) -> dict[str, Any]:
    """What a bundle says of the place where the log of `proof` is anchored."""
    head = proof.partition("\n\n")[2].split("\n")
    root = "0x" + base64.b64decode(head[2]).hex()
    place = {"chain_id": 1, "contract": CONTRACT, "tx": "0x" + "ab" * 32, "block": 23_456_789}
    return {**place, "size": int(head[1]), "root": root, "call": {"to": CONTRACT, "data": "0x"}, **changes}


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for old in HERE.glob("*"):
        old.unlink()
    carried = credentials.extract(make.HERE / "intact.wav")
    revoked = credentials.extract(make.HERE / "certificate-revoked.wav")
    edited = credentials.extract(make.HERE / "statement-edited.wav")
    other = credentials.extract(make.HERE / "intact.flac")
    assert carried and revoked and edited and other
    stamp = open_envelope(carried.envelope)
    leaf, proof = stamp.leaf(), carried.proof
    rsa_key = lambda: rsa.generate_private_key(65537, 2048)  # noqa: E731
    stamping = ExtendedKeyUsageOID.TIME_STAMPING
    root = issue("Root of the vectors", ec.generate_private_key(ec.SECP384R1()))
    old_root = issue("Older root of the vectors", rsa_key())
    middle = issue("Between", ec.generate_private_key(ec.SECP384R1()), root)
    plain = issue("No authority", rsa_key(), root, authority=False)
    by_rsa = issue("RSA", rsa_key(), old_root, purpose=stamping, authority=False)
    by_ec = issue("EC", ec.generate_private_key(ec.SECP256R1()), middle, purpose=stamping, authority=False)
    expired = issue("Expired", rsa_key(), old_root, purpose=stamping, authority=False, years=(-3, -1))
    under_plain = issue(
        "Under none", ec.generate_private_key(ec.SECP256R1()), plain, purpose=stamping, authority=False
    )
    same_name = issue("Root of the vectors", ec.generate_private_key(ec.SECP384R1()))
    stranger = issue("Stranger", rsa_key(), same_name, purpose=stamping, authority=False)
    mail = issue("RSA", by_rsa.key, old_root, purpose=ExtendedKeyUsageOID.EMAIL_PROTECTION, authority=False,
                 serial=by_rsa.certificate.serial_number)  # fmt: skip
    good = stamped(leaf, by_rsa)
    year = good.index(f"{datetime.now(UTC):%Y%m%d}".encode())
    cases: list[dict[str, Any]] = []

    def case(name: str, state: str = "intact", failed: str | None = None, *, of: Any = carried,
             timestamp: bytes = b"", holds: bool | None = None, chain: Any = None,
             chain_proof: str = "") -> None:  # fmt: skip
        files = {"envelope.json": canonical(of.envelope), "proof.txt": of.proof.encode()}
        if timestamp:
            files["timestamp.tsr"] = timestamp
        if chain is not None:
            files["chain.json"] = json.dumps(chain).encode()
        if chain_proof:
            files["chain-proof.txt"] = chain_proof.encode()
        with zipfile.ZipFile(HERE / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file, data in files.items():
                archive.writestr(zipfile.ZipInfo(f"cert_vector/{file}", (2026, 11, 1, 0, 0, 0)), data,
                                 zipfile.ZIP_STORED if file == "proof.txt" else zipfile.ZIP_DEFLATED)  # fmt: skip
        cases.append({"file": f"{name}.zip", "state": state, "failed": failed})
        if timestamp:
            cases[-1]["timestamp"] = holds

    case("plain")
    case("timestamp-rsa", timestamp=good, holds=True)
    case("timestamp-ec", timestamp=stamped(leaf, by_ec, middle, digest="sha384"), holds=True,
         chain={"anchor": anchor(proof)}, chain_proof=proof)  # fmt: skip
    case("timestamp-sha256", timestamp=stamped(leaf, by_rsa, digest="sha256"), holds=True)
    case(
        "revoked",
        "revoked",
        of=revoked,
        timestamp=stamped(open_envelope(revoked.envelope).leaf(), by_rsa),
        holds=True,
    )
    case("statement-edited", "altered", "signature", of=edited, timestamp=good)
    case("timestamp-of-another", "altered", "timestamp", timestamp=stamped(b"another", by_rsa), holds=False)
    case("timestamp-cut-off", "altered", "timestamp", timestamp=good[:-9], holds=False)
    case("timestamp-by-a-stranger-of-the-same-name", timestamp=stamped(leaf, stranger))
    case("timestamp-time-edited", timestamp=good[: year + 3] + b"0" + good[year + 4 :])
    case("timestamp-signature-edited", timestamp=good[:-1] + bytes([good[-1] ^ 1]))
    case("timestamp-without-what-lies-between", timestamp=stamped(leaf, by_ec))
    case("timestamp-by-an-expired-authority", timestamp=stamped(leaf, expired))
    case("timestamp-under-no-authority", timestamp=stamped(leaf, under_plain, plain))
    assert len(mail.der) == len(by_rsa.der)
    case("timestamp-by-a-certificate-for-mail", timestamp=good.replace(by_rsa.der, mail.der))
    case("anchor-of-another-root", "altered", "anchor",
         chain={"anchor": anchor(proof, root="0x" + "00" * 32)}, chain_proof=proof)  # fmt: skip
    case(
        "anchor-of-another-size",
        "altered",
        "anchor",
        chain={"anchor": anchor(proof, size=7)},
        chain_proof=proof,
    )
    case("anchor-with-a-proof-of-another", "altered", "anchor",
         chain={"anchor": anchor(other.proof)}, chain_proof=other.proof)  # fmt: skip
    case("anchor-without-its-proof", "altered", "anchor", chain={"anchor": anchor(proof)})
    case("anchor-in-a-contract-nobody-lists", chain={"anchor": anchor(proof, contract="0x" + "66" * 20)},
         chain_proof=proof)  # fmt: skip
    token = {**anchor(proof), "id": "0x" + hashlib.sha256(stamp.payload).hexdigest()}
    case("token", chain={"token": token})
    case("token-of-another", "altered", "anchor", chain={"token": {**token, "id": "0x" + "11" * 32}})
    case("anchor-that-is-no-object", "altered", "anchor", chain={"anchor": 5})
    case("chain-that-is-a-list", "altered", "anchor", chain=[])
    trust = {**json.loads((make.HERE / "trust.json").read_text()),
             "timestamp_authorities": [root.pem.decode(), old_root.pem.decode()],
             "blockchain": [{"chain_id": 1, "contract": CONTRACT}]}  # fmt: skip
    (HERE / "trust.json").write_text(json.dumps(trust, indent=1) + "\n")
    (HERE / "roots.pem").write_bytes(root.pem + old_root.pem)
    (HERE / "stranger.pem").write_bytes(same_name.pem)
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
