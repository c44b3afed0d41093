"""Our own certificate authority for Content Credentials: one root, and the leaf that signs manifests.

The profile is what C2PA readers accept everywhere (C2PA 2.2, "X.509 certificates"): v3, ECDSA on P-256, an
AuthorityKeyIdentifier, and the two purposes emailProtection and c2pa-kp-claimSigning. The leaf lives for ten years
and is replaced by `rotate_key`: without a time stamp a manifest holds only as long as the certificate that signed it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from provenance.signing import Signer

CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"
TRUSTED_PURPOSES = f"{ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string}\n{CLAIM_SIGNING}"
ROOT_LIFE, LEAF_LIFE = timedelta(days=30 * 365), timedelta(days=10 * 365)
_SKEW = timedelta(minutes=10)  # clocks of those who check run behind ours


def root(signer: Signer, host: str, now: datetime) -> str:
    """The self-signed certificate (PEM) of the root key behind `signer`."""
    name = _name(f"Starforge Content Credentials root, {host}", signer.key_id)
    draft = _draft(name, name, signer.public_key, now, ROOT_LIFE)
    draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    draft = draft.add_extension(_usage(certificates=True), critical=True)
    return _signed(draft, signer)


def leaf(public_key: bytes, signer: Signer, root_pem: str, host: str, now: datetime) -> str:
    """The certificate (PEM) of the claim key `public_key` (65 bytes), given by the root behind `signer`."""
    authority = x509.load_pem_x509_certificate(root_pem.encode())
    draft = _draft(_name(f"Starforge, {host}"), authority.subject, public_key, now, LEAF_LIFE)
    identity = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    known = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identity)
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, ObjectIdentifier(CLAIM_SIGNING)])
    draft = draft.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    draft = draft.add_extension(_usage(certificates=False), critical=True)
    draft = draft.add_extension(purposes, critical=False)
    draft = draft.add_extension(known, critical=False)
    return _signed(draft, signer)


def public_key(pem: str) -> bytes:
    """The 65 raw bytes of a certificate's key. Raises ValueError for a text that is none, or of another kind."""
    return _raw(x509.load_pem_x509_certificate(pem.encode()))


def public_key_der(der: bytes) -> bytes:
    """As `public_key`, of a certificate in DER."""
    return _raw(x509.load_der_x509_certificate(der))


def _raw(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a key on the curve P-256")
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _draft(
    subject: x509.Name, issuer: x509.Name, raw: bytes, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    key = _point(raw)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common: str, key_id: str = "") -> x509.Name:
    """Two roots never share a name: a reader that finds an issuer by its name must not find the wrong one."""
    parts = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Starforge"),
        x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
    ]
    if key_id:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, key_id[:16]))
    return x509.Name(parts)


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _point(raw: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def _signed(draft: x509.CertificateBuilder, signer: Signer) -> str:
    made = draft.sign(_Elsewhere(signer), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode("ascii")


class _Elsewhere(ec.EllipticCurvePrivateKey):
    """A private key as `cryptography` wants one to sign a certificate with; the signature comes from a `Signer`."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        raw = self._signer.sign(bytes(data))
        return utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return _point(self._signer.public_key)

    @property
    def curve(self) -> ec.EllipticCurve:
        return ec.SECP256R1()

    @property
    def key_size(self) -> int:
        return 256

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        raise NotImplementedError

    def private_numbers(self) -> NoReturn:
        raise NotImplementedError

    def private_bytes(self, encoding: Any, format: Any, encryption_algorithm: Any) -> NoReturn:  # noqa: A002
        raise NotImplementedError

    def __copy__(self) -> _Elsewhere:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> _Elsewhere:
        return self
