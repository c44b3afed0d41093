"""Write a file, or a folder of them, completely or not at all: the content is on the disk before the name is.

Every writer of something that a row will name goes through here. What may not take the place of something that is
there already, such as a key, is linked instead (provenance/signing.py, starforge_site/env.py); what is only kept to
save time is written without waiting for the disk and checked when it is read."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def no_room(error: BaseException) -> bool:
    """Whether this is a full disk, or a used-up quota."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


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
        move(self.part, self.path)

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


def move(draft: Path, path: Path) -> None:
    """Put a finished file in the place of `path`, on the same disk. Its content is flushed first, its name after."""
    flush(draft)
    draft.replace(path)
    flush(path.parent)


def move_folder(draft: Path, path: Path) -> None:
    """Give a folder of finished files its name. Whatever of them is not on the disk yet is flushed first."""
    for place, _, names in os.walk(draft):
        for name in names:
            flush(Path(place) / name)
        flush(Path(place))
    draft.rename(path)
    flush(path.parent)


def flush(path: Path) -> None:
    """Wait until the disk has a file's content, or the names in a folder."""
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
