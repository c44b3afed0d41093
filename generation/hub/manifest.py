"""What was fetched, as a file beside it: every file's size and hash, the commit, and who accepted the licence."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from catalog.audio.atomic import replacing
from catalog.audio.hashing import file_sha256
from generation.hub.wanted import Acceptance

NAME = "manifest.json"
CHUNK = 4 * 2**20


@dataclass(frozen=True)
class Kept:
    """A file that came. checked: "pinned" | "hub" (against the hash the hub names) | "size" (it names none)."""

    size: int
    sha256: str
    checked: str


@dataclass(frozen=True)
class Manifest:
    """files: by path under the folder. commit: what `revision` was when it came."""

    name: str
    repo: str
    revision: str
    commit: str
    endpoint: str
    fetched_at: str
    files: dict[str, Kept]
    licence: Acceptance | None

    def accepted(self, acceptance: Acceptance | None) -> Manifest:
        return replace(self, licence=acceptance)

    def write(self, folder: Path) -> None:
        """Whole or not at all."""
        with replacing(folder / NAME) as draft:
            draft.write_text(json.dumps({"version": 1, **asdict(self)}, indent=1) + "\n")

    def damage(self, folder: Path, *, hashes: bool = False) -> str:
        """A sentence on what is not as it was when it came; "" when all is. hashes: read every byte."""
        for path, kept in self.files.items():
            file = folder / path
            if not file.is_file():
                return f"{path} is missing."
            if file.stat().st_size != kept.size:
                return f"{path} has {file.stat().st_size} bytes instead of {kept.size}."
            if hashes and file_sha256(file) != kept.sha256:
                return f"{path} was changed: its hash is another."
        return ""


def manifest_in(folder: Path) -> Manifest | None:
    """The manifest of a folder, or None where there is none that can be read."""
    try:
        data: dict[str, Any] = json.loads((folder / NAME).read_text())
        data.pop("version", None)
        data["files"] = {path: Kept(**said) for path, said in data["files"].items()}
        data["licence"] = Acceptance(**data["licence"]) if data["licence"] else None
        return Manifest(**data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def blob_sha1_of(file: Path) -> str:
    """The name Git gives the content: what the hub names for files that are not in its large file storage."""
    digest = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as handle:
        while piece := handle.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()
