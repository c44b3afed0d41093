"""What every authority is: it takes a declaration, is asked for it later, and says when it will not have it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

PHASES = ("composition", "arrangement", "production", "mixing", "mastering")


class Refused(Exception):
    """The authority will not have this declaration, now or later. The message is its reason, for the artist."""


class Unreachable(Exception):
    """No usable answer: try again later. `perhaps_heard`: it may have been taken in before the answer was lost."""

    def __init__(self, reason: str, *, perhaps_heard: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.perhaps_heard = reason, perhaps_heard


class Search(Enum):
    """What a search can say when it finds nothing."""

    NOT_THERE = "not there"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Parent:
    """A certificate this one came from, and what the authority calls it, where it was declared there."""

    certificate_id: str
    relation: str
    file_sha256: str = ""
    title: str = ""
    remote_id: str = ""


@dataclass(frozen=True)
class Declaration:
    """Everything an authority may be told of a certificate: only what anybody may read of it."""

    certificate_id: str
    url: str
    signature: str
    artist: str
    title: str  # "" while it is private
    prompt: str  # "" unless its owner opened it
    created: str  # RFC 3339, UTC, whole seconds, Z
    file_format: str  # wav, flac, mp3 …: the rendition that is declared
    file_sha256: str
    audio_sha256: str
    duration: float | None  # seconds
    provenance: Mapping[str, Any]  # as signed
    statement_sha256: str
    parents: Sequence[Parent] = ()
    file: Path | None = None  # where the rendition lies, if it still does

    @property
    def generated(self) -> bool:
        return self.provenance.get("type") == "ai_generated"

    def block(self, name: str) -> Mapping[str, Any]:
        value = self.provenance.get(name)
        return value if isinstance(value, Mapping) else {}

    def share(self, phase: str) -> int:
        """How much of a phase a machine did, 0 to 100, from the signed credits.

        A phase nobody is credited with counts as the machine's in a generated recording, as a person's elsewhere.
        """
        who = self.block("credits").get(phase)
        if isinstance(who, str) and who.strip():
            return 100 if who.strip().lower().startswith(("machine", "ai")) else 0
        return 100 if self.generated else 0

    @property
    def model(self) -> str:
        """Mosaic 1.0; "" when no model is named."""
        generator = self.block("generator")
        name = str(generator.get("label") or generator.get("model") or "").strip()
        version = str(generator.get("version") or "").strip()
        return f"{name} {version}".strip() if version and version not in name else name

    def granted(self, right: str) -> bool:
        """Whether the artist said yes to training, derivatives or remixes. Silence is a no."""
        return self.block("rights").get(right) in ("granted", True)


@dataclass(frozen=True)
class Receipt:
    """What an authority answered when it took a declaration in."""

    remote_id: str
    url: str = ""
    signature: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """A field that is no longer what was sent."""

    name: str
    sent: Any
    found: Any

    def to_json(self) -> dict[str, Any]:
        return {"field": self.name, "sent": self.sent, "found": self.found}


class ProvenanceAuthority(Protocol):
    """One place where a stamp can be declared."""

    @property
    def kind(self) -> str: ...

    @property
    def label(self) -> str:
        """As the artist reads it: o8."""
        ...

    @property
    def base_url(self) -> str: ...

    @property
    def idempotent(self) -> bool:
        """Whether declaring twice under one certificate id makes one declaration."""
        ...

    def fields(self, declaration: Declaration) -> dict[str, Any]:
        """What will be sent, as JSON: kept, and held against what is there later. Raises Refused."""
        ...

    def declare(self, declaration: Declaration, fields: Mapping[str, Any]) -> Receipt:
        """Raises Refused or Unreachable."""
        ...

    def find(self, fields: Mapping[str, Any], since: datetime) -> Receipt | Search:
        """A declaration of these fields that was sent after `since` and never answered. Raises Unreachable."""
        ...

    def look(self, remote_id: str, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What stands there now; None when there is nothing. Raises Refused or Unreachable."""
        ...

    def differences(self, fields: Mapping[str, Any], found: Mapping[str, Any]) -> list[Difference]: ...


def same(sent: Any, found: Any) -> bool:
    """Whether two JSON values mean the same. Nothing said and said empty are the same; 1 and true are not."""
    if sent in (None, "", []) and found in (None, "", []):
        return True
    if isinstance(sent, bool) or isinstance(found, bool):
        return sent is found
    if isinstance(sent, (int, float)) and isinstance(found, (int, float)):
        return math.isclose(sent, found, abs_tol=1e-9)
    return bool(sent == found)
