"""Write a file completely or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


class Replacement:
    """A new, empty file `part` beside `path`, which takes its place with `commit`.

    The content reaches the disk before the name does (fsync, then rename), so a crash leaves either
    the old file or the new one. The mode of an existing file is kept; a new one gets what the
    process's umask allows.
    """

    def __init__(self, path: Path) -> None:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        os.close(handle)
        self.path, self.part = path, Path(name)

    def commit(self) -> None:
        if self.path.exists():
            shutil.copymode(self.path, self.part)
        else:
            self.part.chmod(0o666 & ~_umask())
        _flush(self.part)
        self.part.replace(self.path)
        _flush(self.path.parent)

    def discard(self) -> None:
        """Nothing happens after `commit`."""
        self.part.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a new, empty file beside `path`; on success it takes the place of `path` (`Replacement`).

    After an error the new file is removed and `path` is untouched.
    """
    new = Replacement(path)
    try:
        yield new.part
        new.commit()
    except BaseException:
        new.discard()
        raise


def _flush(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _umask() -> int:
    """The process's umask, read without changing it (changing it would race with other threads)."""
    with contextlib.suppress(OSError), Path("/proc/self/status").open() as status:
        for line in status:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o077
