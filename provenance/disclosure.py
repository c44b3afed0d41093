"""Private parts of a statement: signed as salted hashes, opened later to whom the owner chooses. Pure.

A prompt, a title or a note stands in the statement as SHA-256 over the canonical JSON of [salt, name, value]. The
salt is 16 random bytes as hex: without it nobody can find a short prompt by trying words. Whoever is handed salt
and value (a *disclosure*) computes the same hash and knows that this, and nothing else, was signed at the time.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provenance.canonical import CanonicalError, canonical, normalise

DISCLOSURE_TYPE = "https://starforge.audio/disclosure/v1"
BLOCK = "private"  # where the hashes stand in the provenance
SCHEME = "sha256(jcs([salt, name, value]))"
MAX_PARTS = 16
MAX_BYTES = 64_000  # of a disclosure file

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SALT = re.compile(r"[0-9a-f]{32}")


class DisclosureError(ValueError):
    """A disclosure that cannot be read. The message is one sentence for whoever handed it in."""


@dataclass(frozen=True)
class Opening:
    """One part, opened: what was said, and the salt that ties it to the signed hash."""

    name: str
    salt: str
    value: Any

    @property
    def sha256(self) -> str:
        return hashlib.sha256(canonical([self.salt, self.name, self.value])).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "salt": self.salt, "value": self.value}


@dataclass(frozen=True)
class Disclosure:
    """Opened parts of one certificate."""

    certificate_id: str
    openings: tuple[Opening, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "type": DISCLOSURE_TYPE,
            "certificate_id": self.certificate_id,
            "parts": [one.to_json() for one in self.openings],
        }

    @classmethod
    def from_json(cls, value: Any) -> Disclosure:
        """Read a parsed disclosure file. Raises DisclosureError; says nothing yet about whether it is true."""
        try:
            if value["type"] != DISCLOSURE_TYPE:
                raise DisclosureError("This is not a disclosure file.")
            parts = [_opening(part) for part in value["parts"]]
            identity = value["certificate_id"]
        except (KeyError, TypeError, AttributeError) as error:
            raise DisclosureError("The disclosure file is incomplete.") from error
        if not isinstance(identity, str) or not 0 < len(parts) <= MAX_PARTS:
            raise DisclosureError("The disclosure file names no certificate, or no part of it.")
        return cls(identity, tuple(parts))


def parse(raw: bytes | str) -> Disclosure:
    """Read a disclosure file. Raises DisclosureError."""
    if len(raw) > MAX_BYTES:
        raise DisclosureError("The disclosure file is longer than any can be.")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DisclosureError("The disclosure file is not readable JSON.") from error
    return Disclosure.from_json(value)


def close(parts: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Opening, ...]]:
    """(the block that goes into the statement, the openings that stay with the owner).

    Parts that say nothing (None, empty text) are left out: there is nothing to hide or to open.
    """
    openings = []
    for name, value in parts.items():
        if value is None or value == "":
            continue
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a private part.")
        openings.append(Opening(name, secrets.token_hex(16), normalise(value)))
    if len(openings) > MAX_PARTS:
        raise ValueError(f"A statement has at most {MAX_PARTS} private parts.")
    block = {"scheme": SCHEME, "parts": {one.name: one.sha256 for one in openings}}
    return (block if openings else {}), tuple(openings)


def names(provenance: Mapping[str, Any]) -> list[str]:
    """Which parts of a statement are private; [] for one that has none."""
    return list(_signed(provenance))


def fits(provenance: Mapping[str, Any], openings: Sequence[Opening]) -> list[str]:
    """The names of the openings that are not what was signed; [] when all of them are."""
    signed = _signed(provenance)
    wrong = []
    for one in openings:
        try:
            matches = signed.get(one.name) == one.sha256
        except CanonicalError:
            matches = False
        if not matches:
            wrong.append(one.name)
    return wrong


def _signed(provenance: Mapping[str, Any]) -> dict[str, str]:
    block = provenance.get(BLOCK)
    parts = block.get("parts") if isinstance(block, Mapping) and block.get("scheme") == SCHEME else None
    if not isinstance(parts, Mapping):
        return {}
    return {name: value for name, value in parts.items() if isinstance(value, str)}


def _opening(part: Any) -> Opening:
    name, salt = part["name"], part["salt"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DisclosureError("The disclosure file names a part that cannot be.")
    if not isinstance(salt, str) or not _SALT.fullmatch(salt):
        raise DisclosureError(f"The disclosure's salt of {name} is not 16 bytes as hexadecimal digits.")
    return Opening(name, salt, part["value"])
