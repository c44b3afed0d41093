"""Manifests in test files: where they lie, how to take them out, how a stranger signs others."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from catalog.audio.errors import AudioError
from catalog.audio.sniff import locate
from provenance.manifest import attaching, certificates, places
from provenance.signing import FileSigner


def place(path: Path) -> places.Place | None:
    """Where the manifest store lies in the file."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return places.find(fd, locate(fd))
    finally:
        os.close(fd)


def without(path: Path) -> bytes:
    """Every byte of a file but those of its manifest store, whatever file it is."""
    data = path.read_bytes()
    try:
        found = place(path)
    except AudioError:
        return data
    return data if found is None else data[: found.start] + data[found.end :]


def take_out(path: Path) -> None:
    """Remove the manifest and what it is wrapped in; every other byte of sound and tags stays."""
    found, data = place(path), path.read_bytes()
    assert found is not None
    if data[:4] == b"RIFF":
        data = data[: found.begin]
        path.write_bytes(b"RIFF" + (len(data) - 8).to_bytes(4, "little") + data[8:])
        return
    frame = data.rfind(b"GEOB", 0, found.start)
    tag_end = 10 + _syncsafe(data[6:10])
    kept = data[10:frame] + data[found.end : tag_end]
    size = bytes(len(kept) >> shift & 127 for shift in (21, 14, 7, 0))
    path.write_bytes((data[:6] + size + kept if kept else b"") + data[tag_end:])


def _syncsafe(raw: bytes) -> int:
    return raw[0] << 21 | raw[1] << 14 | raw[2] << 7 | raw[3]


def stranger() -> tuple[FileSigner, str]:
    """A claim key and its certificate, from an authority that nobody knows but that has our names."""
    root, leaf = (FileSigner(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
    now = datetime.now(UTC)
    anchor = certificates.root(root, "starforge.local", now)
    return leaf, certificates.leaf(leaf.public_key, root, anchor, "starforge.local", now)


def sign_again(path: Path, definition: dict[str, Any], key: tuple[FileSigner, str]) -> None:
    """Put another manifest in the place of the one there is."""
    work = attaching.Attaching(path, tags=False)
    try:
        work.finish(definition, certificate=key[1], signer=key[0])
    finally:
        work.stop()
