"""What is asked of a hub: repositories with their files, and who accepted which licence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WantedFile:
    """One file of a repository.

    sha256: pinned by us, whole or its first digits; else what the hub names counts. optional: may be absent there.
    """

    path: str
    sha256: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Repository:
    """Files of one repository, and the folder they get under the folder of models.

    repo: "owner/name" on the hub, or the https address of a folder that is no hub's.
    """

    name: str
    repo: str
    files: tuple[WantedFile, ...]
    revision: str = "main"


@dataclass(frozen=True)
class Acceptance:
    """Who accepted which licence, and when (ISO 8601, UTC)."""

    licence: str
    url: str
    by: str
    at: str
