"""SHA-256 of weights, worked out once for each state of a file: gigabytes are not read again for every take."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from generation.engines.neural.places import Place, models_folder

REMEMBERED = ".sha256.json"
BLOCK = 4 * 2**20


def weights_sha256(place: Place, on_block: Callable[[], None] = lambda: None) -> str:
    """One hash for all files of a model: SHA-256 over `name sha256` lines in the catalogue's order."""
    lines = [
        f"{name} {file_sha256(place.file(name), on_block)}\n"
        for name in place.model.files
        if place.file(name).is_file()
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_sha256(file: Path, on_block: Callable[[], None] = lambda: None) -> str:
    """SHA-256 of a file, remembered by its real path, size and time of change. on_block may raise to stop."""
    file = file.resolve()
    stat = file.stat()
    state = [stat.st_size, stat.st_mtime_ns]
    store = models_folder() / REMEMBERED
    known = _read(store)
    if (before := known.get(str(file))) and before[:2] == state:
        return str(before[2])
    digest = hashlib.sha256()
    with file.open("rb") as handle:
        while block := handle.read(BLOCK):
            digest.update(block)
            on_block()
    _write(store, _read(store) | {str(file): [*state, digest.hexdigest()]})
    return digest.hexdigest()


def _read(store: Path) -> dict[str, list[int | str]]:
    try:
        found = json.loads(store.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(store: Path, known: dict[str, list[int | str]]) -> None:
    """Whole or not at all. A folder that cannot be written only means that it is worked out again."""
    with contextlib.suppress(OSError):
        store.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=".sha256-", dir=store.parent)
        with os.fdopen(descriptor, "w") as handle:
            json.dump(known, handle)
        Path(draft).replace(store)
