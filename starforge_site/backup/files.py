"""Files copied with their hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE = 2**20


@dataclass(frozen=True)
class Listed:
    """A file of a backup. path: below media/. changed: nanoseconds, of the original."""

    path: str
    bytes: int
    sha256: str
    changed: int


def sha256_of(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(PIECE):
            hasher.update(piece)
    return hasher.hexdigest()


def copy(source: Path, target: Path) -> str:
    """Copy a file, owner-only and with its date. Returns its SHA-256."""
    hasher = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as incoming:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            while piece := incoming.read(PIECE):
                hasher.update(piece)
                out.write(piece)
        stat = os.fstat(incoming.fileno())
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return hasher.hexdigest()


def below(folder: Path) -> Iterator[Path]:
    """Every file in a folder, in order."""
    yield from sorted(one for one in folder.rglob("*") if one.is_file())
