"""Where the files of a certificate lie, asked of whoever keeps them: provenance keeps none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from provenance.models import Certificate

Keeper = Callable[[Certificate], Mapping[str, Path]]
_keepers: dict[str, Keeper] = {}


def register(name: str, keeper: Keeper) -> None:
    """`keeper` answers the files it has of a certificate by rendition name, {} for none. Called in `ready()`."""
    _keepers[name] = keeper


def file_of(certificate: Certificate, rendition: str) -> Path | None:
    """The file of this rendition, if somebody still has it."""
    if certificate.track is not None and certificate.track.path and certificate.track.file.is_file():
        return certificate.track.file
    for keeper in _keepers.values():
        path = keeper(certificate).get(rendition)
        if path is not None and path.is_file():
            return path
    return None
