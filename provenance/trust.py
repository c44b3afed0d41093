"""Whom a verifier believes: public keys with their purpose and lifetime, as an object and as a trust file.

The trust file is published at `/.well-known/starforge-trust.json`. A verifier that fetched it once needs
nothing else from us, today or after we are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from provenance.log.notes import vkey
from provenance.manifest import certificates
from provenance.signing import key_id, public_pem
from provenance.statement import PREDICATE_TYPE, utc_text

TRUST_VERSION = 1


class TrustError(ValueError):
    """A trust file that cannot be read."""


@dataclass(frozen=True)
class TrustedKey:
    """One published key. `public_key`: 32 raw Ed25519 bytes, or the 65 of a c2pa key, which has a `certificate`."""

    key_id: str
    purpose: str
    name: str
    public_key: bytes
    valid_from: datetime
    retired_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_because: str = ""
    revoked_from: int = 0
    certificate: str = ""  # PEM

    def revokes(self, index: int | None) -> bool:
        """Whether this key's stamp at log entry `index` (None: not known) no longer counts."""
        return self.revoked_at is not None and (index is None or index >= self.revoked_from)

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "keyid": self.key_id,
            "purpose": self.purpose,
            "name": self.name,
            "algorithm": "ES256" if self.certificate else "Ed25519",
            "public_key": self.public_key.hex(),
            **(
                {"certificate_pem": self.certificate}
                if self.certificate
                else {"public_key_pem": public_pem(self.public_key)}
            ),
            "valid_from": utc_text(self.valid_from),
            "retired_at": utc_text(self.retired_at) if self.retired_at else None,
            "revoked_at": utc_text(self.revoked_at) if self.revoked_at else None,
        }
        if self.revoked_at:
            out |= {"revoked_because": self.revoked_because, "revoked_from_entry": self.revoked_from}
        if self.purpose == "log":
            out["vkey"] = vkey(self.name, self.public_key)
        return out


@dataclass(frozen=True)
class Revoked:
    """A certificate that was taken back. Named by its log entry: the list tells nobody which exist."""

    entry: int
    at: datetime
    because: str

    def to_json(self) -> dict[str, Any]:
        return {"entry": self.entry, "revoked_at": utc_text(self.at), "because": self.because}


@dataclass(frozen=True)
class Trust:
    """Every key a verifier accepts, and the log entries of certificates that no longer count."""

    keys: tuple[TrustedKey, ...]
    revoked: Mapping[int, Revoked] = field(default_factory=dict)
    claim_keys: tuple[TrustedKey, ...] = ()  # of Content Credentials: roots and what they certified

    @property
    def claim_roots(self) -> str:
        """The root certificates that Content Credentials may lead to, as one PEM text. A revoked one is none."""
        return "".join(
            key.certificate for key in self.claim_keys if key.purpose == "c2pa-root" and not key.revoked_at
        )

    def stamp_key(self, wanted: str) -> TrustedKey | None:
        return next((k for k in self.keys if k.purpose == "stamp" and k.key_id == wanted), None)

    @property
    def log_keys(self) -> Mapping[str, Sequence[bytes]]:
        """Log origin -> public keys that may sign its checkpoints. A revoked key signs nothing."""
        out: dict[str, list[bytes]] = {}
        for key in self.keys:
            if key.purpose == "log" and key.revoked_at is None:
                out.setdefault(key.name, []).append(key.public_key)
        return out

    @property
    def log_keys_ever(self) -> Mapping[str, Sequence[bytes]]:
        """As `log_keys`, revoked ones included: an auditor also reads what was signed before a revocation."""
        out: dict[str, list[bytes]] = {}
        for key in self.keys:
            if key.purpose == "log":
                out.setdefault(key.name, []).append(key.public_key)
        return out

    def to_json(self) -> dict[str, Any]:
        return {
            "version": TRUST_VERSION,
            "predicate_type": PREDICATE_TYPE,
            "keys": [key.to_json() for key in self.keys],
            "content_credentials": [key.to_json() for key in self.claim_keys],
            "revoked_certificates": [one.to_json() for one in self.revoked.values()],
        }

    @classmethod
    def from_json(cls, value: Any) -> Trust:
        """Read a trust file. A key that is not the one its id names is refused. Raises TrustError."""
        try:
            if value["version"] != TRUST_VERSION:
                raise TrustError("The trust file is of a version this program does not read.")
            keys = tuple(_key(item) for item in value["keys"])
            taken_back = [_revoked(item) for item in value.get("revoked_certificates", [])]
            claim_keys = tuple(_claim_key(item) for item in value.get("content_credentials", []))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            if isinstance(error, TrustError):
                raise
            raise TrustError("The trust file is incomplete.") from error
        return cls(keys, {one.entry: one for one in taken_back}, claim_keys)


def _claim_key(item: Mapping[str, Any]) -> TrustedKey:
    pem = str(item["certificate_pem"])
    if certificates.public_key(pem).hex() != item["public_key"]:
        raise TrustError("The trust file holds a certificate of another key than it names.")
    return replace(_key(item, length=65), certificate=pem)


def _key(item: Mapping[str, Any], *, length: int = 32) -> TrustedKey:
    raw = bytes.fromhex(item["public_key"])
    if len(raw) != length or key_id(raw) != item["keyid"]:
        raise TrustError("The trust file holds a key that does not match its own id.")
    return TrustedKey(
        item["keyid"],
        str(item["purpose"]),
        str(item["name"]),
        raw,
        datetime.fromisoformat(item["valid_from"]),
        _moment(item.get("retired_at")),
        _moment(item.get("revoked_at")),
        str(item.get("revoked_because", "")),
        int(item.get("revoked_from_entry", 0)),
    )


def _revoked(item: Mapping[str, Any]) -> Revoked:
    return Revoked(int(item["entry"]), datetime.fromisoformat(item["revoked_at"]), str(item["because"]))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
