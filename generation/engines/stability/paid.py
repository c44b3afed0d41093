"""What was paid for is kept for a week: a worker that dies afterwards, or a retry, does not pay for it again."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from catalog.audio.atomic import move
from generation.engines.stability.client import Order

KEPT_SECONDS = 7 * 86_400.0


class Paid:
    """Sounds by what was ordered, in a folder of this machine that only its owner reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, order: Order, owner: str, buy: Callable[[IO[bytes]], int]) -> tuple[Path, bool]:
        """(the file of this order for this owner, whether it was bought now). `buy(file)` writes it."""
        self._sweep()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self.folder / f"{self._name(order, owner)}.wav"
        # A retry of a cancelled take may come while its sound is still on the way: it waits for that one.
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if file.is_file():
                return file, False
            return self._bought(file, buy), True

    def _bought(self, file: Path, buy: Callable[[IO[bytes]], int]) -> Path:
        descriptor, draft = tempfile.mkstemp(prefix=".coming-", dir=self.folder)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                buy(handle)
            move(Path(draft), file)
        finally:
            Path(draft).unlink(missing_ok=True)
        return file

    def _name(self, order: Order, owner: str) -> str:
        audio = hashlib.sha256(order.audio).hexdigest()
        said = "\n".join([owner, audio, *(f"{name}={value}" for name, value in sorted(order.form().items()))])
        return hashlib.sha256(said.encode()).hexdigest()

    def _sweep(self) -> None:
        old = time.time() - KEPT_SECONDS
        # Drafts too: a worker that is killed while a sound comes leaves its own behind.
        for file in (*self.folder.glob("*.[wl]*"), *self.folder.glob(".coming-*")):
            try:
                if file.stat().st_mtime < old:
                    file.unlink()
            except FileNotFoundError:  # another worker was first
                continue
