"""Content Credentials as this installation gives them: whether, with which key, and what they say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

from django.conf import settings

from catalog.audio.marking import MARKABLE
from catalog.audio.sniff import sniff
from provenance import keys, statement
from provenance.credentials import Credentials, embed
from provenance.manifest import limited, places
from provenance.manifest.attaching import Attaching
from provenance.manifest.writing import definition
from provenance.models import Certificate


def state() -> str:
    """Why files are issued without Content Credentials, as one sentence; "" when they get them."""
    if not settings.STARFORGE_C2PA:
        return "Content Credentials are switched off (STARFORGE_C2PA)."
    return "" if limited.installed() else limited.MISSING


def reason(path: Path) -> str:
    """As `state`, for one file."""
    if said := state():
        return said
    name = sniff(path).name
    return "" if name in places.MIME else f"{name.upper()} files cannot carry Content Credentials."


@contextlib.contextmanager
def begun(paths: Iterable[Path]) -> Iterator[dict[Path, Attaching]]:
    """Begin with files that will get credentials: what can be made ready while they are hashed and signed.

    Those that cannot have any are left out. What is not finished in the block leaves nothing behind.
    """
    with contextlib.ExitStack() as stack:
        out = {}
        for path in paths:
            if not reason(path) and (ready := _ready(path)) is not None:
                stack.callback(ready.stop)
                out[path] = ready
        yield out


def _ready(path: Path) -> Attaching | None:
    with contextlib.suppress(limited.Unavailable):  # said again, and why, when its turn comes
        return Attaching(path, tags=sniff(path).name in MARKABLE)
    return None


def attach(
    path: Path, certificate: Certificate, carried: Credentials, ready: Attaching | None = None
) -> None:
    """Write tags and manifest of a stamped file. ready: what was `begun` for it.

    Raises SigningError when the claim key does not answer, and limited.Unavailable when the c2pa library cannot
    cope with the file. Nothing is lost then: stamping again finishes what is missing.
    """
    signer, key = keys.signer("c2pa")
    tags = sniff(path).name in MARKABLE
    said = definition(
        statement.read(certificate.statement),
        carried.to_json(),
        format_name=sniff(path).name,
        version=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
    )
    work = ready or Attaching(path, tags=tags)
    try:
        tag = partial(_tag, path, carried) if tags else None
        work.finish(said, certificate=key.certificate, signer=signer, tag=tag)
    finally:
        work.stop()


def _tag(path: Path, carried: Credentials, to: IO[bytes]) -> None:
    embed(path, carried, to=to)
