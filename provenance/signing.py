"""Ed25519 signatures in DSSE envelopes, and the keys that make them; ES256 keys for Content Credentials.

DSSE (https://github.com/secure-systems-lab/dsse): what is signed is the pre-authentication encoding (PAE) of
payload type and payload, so that a signature can never be replayed over another kind of document. The private
key sits behind `Signer`; the file-backed one here can give way to an HSM without the callers noticing.

The length of a raw public key says its kind: 32 bytes Ed25519, 65 bytes (an uncompressed point) ECDSA on P-256 with
SHA-256, "ES256". Signatures of both are 64 raw bytes.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provenance.canonical import canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
EVENT_TYPE = "application/vnd.starforge.log-event+json"
PURPOSES = (
    "stamp",
    "log",
    "c2pa",
    "c2pa-root",
)  # one key per purpose: a leaked log key must not be able to stamp
CLAIM_PURPOSES = ("c2pa", "c2pa-root")  # ES256: what every reader of Content Credentials understands
MAX_ENVELOPE_BYTES = 64_000

_PURPOSE = re.compile(r"[a-z][a-z0-9-]{0,31}")


class SigningError(Exception):
    """A key or an envelope that cannot be used. The message is one plain sentence."""


class Signer(Protocol):
    """Anything that can sign: a file, an HSM, a remote key service."""

    @property
    def public_key(self) -> bytes: ...  # 32 raw bytes; 65 for the purposes c2pa and c2pa-root
    @property
    def key_id(self) -> str: ...
    def sign(self, message: bytes) -> bytes: ...  # 64 raw bytes


def key_id(public_key: bytes) -> str:
    """The first 16 bytes of the key's SHA-256, as hex: long enough that nobody can aim for it."""
    return hashlib.sha256(public_key).hexdigest()[:32]


@dataclass(frozen=True)
class FileSigner:
    """A private key held in this process, read from an owner-only PEM file (PKCS#8)."""

    private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey

    @property
    def public_key(self) -> bytes:
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.public_key().public_bytes_raw()
        return self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @property
    def key_id(self) -> str:
        return key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(message)
        r, s = utils.decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    @classmethod
    def load_or_create(cls, folder: Path, purpose: str) -> FileSigner:
        """The key for `purpose` in `folder`, made on first use: folder 0700, file 0600.

        Safe when several processes start at once: the first complete file wins (link(2) never overwrites),
        the others read it. Raises SigningError when the file is not a key of the kind the purpose needs.
        """
        path = _path(folder, purpose)
        if not path.exists():
            _create(folder, path, purpose)
        return cls._read(path, purpose)

    @classmethod
    def successor(cls, folder: Path, purpose: str) -> FileSigner:
        """The key that `promote` will put in the place of the present one, made on the first call."""
        path = _path(folder, purpose, ".next")
        if not path.exists():
            _create(folder, path, purpose)
        return cls._read(path, purpose)

    @classmethod
    def waiting(cls, folder: Path, purpose: str) -> FileSigner | None:
        """The successor, if one was made and not yet promoted."""
        path = _path(folder, purpose, ".next")
        return cls._read(path, purpose) if path.exists() else None

    @staticmethod
    def promote(folder: Path, purpose: str) -> None:
        """Put the successor in place, in one step. The key it replaces is gone: nothing needs it any more."""
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            _path(folder, purpose, ".next").replace(_path(folder, purpose))
            _settle(folder)

    @classmethod
    def _read(cls, path: Path, purpose: str) -> FileSigner:
        try:
            private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (ValueError, TypeError) as error:
            raise SigningError(
                f"The key file {path.name} cannot be read. Restore it from a backup, or move it"
                " away to start with a new key."
            ) from error
        if purpose not in CLAIM_PURPOSES:
            if isinstance(private, Ed25519PrivateKey):
                return cls(private)
            raise SigningError(f"The key file {path.name} does not hold an Ed25519 key.")
        if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
            return cls(private)
        raise SigningError(f"The key file {path.name} does not hold a key on the curve P-256.")


@dataclass(frozen=True)
class ExternalSigner:
    """A private key that lives elsewhere (PKCS#11 token, cloud key service): only `ask` can use it.

    `ask` gets the message and answers the 64 raw bytes of a signature (Ed25519; for the purposes c2pa and c2pa-root
    r and s of ECDSA on P-256 over the message's SHA-256). What it answers is checked
    before anything relies on it, so that a misconfigured service never leaves a stamp that does not hold.
    """

    public_key: bytes
    ask: Callable[[bytes], bytes]

    @property
    def key_id(self) -> str:
        return key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        signature = self.ask(message)
        if not signature_holds(self.public_key, signature, message):
            raise SigningError("The key service answered with a signature that does not hold.")
        return signature


def _path(folder: Path, purpose: str, suffix: str = "") -> Path:
    if not _PURPOSE.fullmatch(purpose):
        raise SigningError(f"{purpose!r} is not a key purpose.")
    return folder / f"{purpose}{suffix}.pem"


def _create(folder: Path, path: Path, purpose: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = (
        ec.generate_private_key(ec.SECP256R1()) if purpose in CLAIM_PURPOSES else Ed25519PrivateKey.generate()
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = folder / f".{path.name}.{secrets.token_hex(8)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(pem)
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        _settle(folder)
    finally:
        draft.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)  # a lost key would orphan everything it signed
    finally:
        os.close(directory)


def public_pem(public_key: bytes) -> str:
    """The SubjectPublicKeyInfo PEM of a raw Ed25519 public key, as openssl reads it."""
    return (
        Ed25519PublicKey.from_public_bytes(public_key)
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii")
    )


def signature_holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` was made by the holder of `public_key` (32 or 65 bytes)."""
    try:
        if len(public_key) == 65:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
            point.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
            return len(signature) == 64
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# --- DSSE -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Envelope:
    """A DSSE envelope taken apart. One signature only: none can hide unchecked behind another."""

    payload_type: str
    payload: bytes
    key_id: str
    signature: bytes

    @property
    def pae(self) -> bytes:
        return pae(self.payload_type, self.payload)

    @property
    def hex_signature(self) -> str:
        """The signature in the `0x…` form of the plan's `o8_signature`."""
        return "0x" + self.signature.hex()

    def to_json(self) -> dict[str, Any]:
        return {
            "payloadType": self.payload_type,
            "payload": base64.b64encode(self.payload).decode("ascii"),
            "signatures": [{"keyid": self.key_id, "sig": base64.b64encode(self.signature).decode("ascii")}],
        }

    def leaf(self) -> bytes:
        """The bytes that go into the transparency log: the canonical form of the whole envelope."""
        return canonical(self.to_json())


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding: "DSSEv1" SP len SP type SP len SP payload."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, signer: Signer, *, payload_type: str = PAYLOAD_TYPE) -> Envelope:
    """Sign `payload` and put it in an envelope."""
    return Envelope(payload_type, payload, signer.key_id, signer.sign(pae(payload_type, payload)))


def open_envelope(value: Any, *, payload_type: str = PAYLOAD_TYPE) -> Envelope:
    """Read a parsed JSON envelope strictly. Raises SigningError naming what is wrong; checks no signature."""
    if not isinstance(value, Mapping):
        raise SigningError("The stamp is not a signature envelope.")
    kind, signatures = value.get("payloadType"), value.get("signatures")
    if kind != payload_type:
        raise SigningError("The stamp's payload is of another type than a provenance statement.")
    if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], Mapping):
        raise SigningError("The stamp must carry exactly one signature.")
    keyid = signatures[0].get("keyid")
    if not isinstance(keyid, str) or not 0 < len(keyid) <= 128:
        raise SigningError("The stamp does not name the key that signed it.")
    payload = _decode(value.get("payload"), "payload")
    signature = _decode(signatures[0].get("sig"), "signature")
    if len(signature) != 64:
        raise SigningError("The stamp's signature is not 64 bytes long.")
    return Envelope(payload_type, payload, keyid, signature)


def _decode(text: Any, what: str) -> bytes:
    if not isinstance(text, str) or len(text) > MAX_ENVELOPE_BYTES:
        raise SigningError(f"The stamp's {what} is missing or too long.")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SigningError(f"The stamp's {what} is not valid base64.") from error
    if base64.b64encode(raw).decode("ascii") != text:
        raise SigningError(f"The stamp's {what} is not in its one base64 form.")  # loose trailing bits
    return raw
