"""Run the c2pa library on a file, in a child process with hard limits (`provenance.manifest.child`)."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalog.audio.limits import MEBIBYTE, Limits
from catalog.audio.sniff import Located
from provenance.manifest.certificates import TRUSTED_PURPOSES
from provenance.manifest.places import MIME
from provenance.manifest.writing import ASSERTION

logger = logging.getLogger(__name__)

LIMITS = Limits(memory_bytes=512 * MEBIBYTE, cpu_seconds=60, wall_seconds=120.0)
_COPIES = 4  # the library holds a file several times while it writes: 1.2 GB of memory for one of 390 MB
_MODULE = f"{__package__}.child"
_ROOT = Path(__file__).resolve().parents[__name__.count(".")]
_REPORT_BYTES = 1 << 20


class Unavailable(Exception):
    """The library could not be asked. The message is one sentence that says why, and what to do."""


MISSING = "The c2pa package is not installed here. Install it: pip install c2pa-python."


def installed() -> bool:
    return importlib.util.find_spec("c2pa") is not None


class _Child:
    """The library in its process, loading. It is told what to do with the file at `fd` afterwards, once."""

    def __init__(self, fd: int, *others: int) -> None:
        if not installed():
            raise Unavailable(MISSING)
        self._fd = fd
        told, self._tell = os.pipe()
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(told)],
                stdin=fd,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(told, *others),
                env={"LC_ALL": "C.UTF-8", "PYTHONPATH": os.pathsep.join(paths), "MALLOC_ARENA_MAX": "1"},
            )
        except BaseException:
            os.close(self._tell)
            raise
        finally:
            os.close(told)

    def tell(self, job: dict[str, Any]) -> None:
        """Its limits follow from the size that the file has now."""
        room = LIMITS.memory_bytes + _COPIES * os.fstat(self._fd).st_size
        limits = dataclasses.replace(LIMITS, memory_bytes=room)
        os.lseek(self._fd, 0, os.SEEK_SET)
        with os.fdopen(self._tell, "wb") as pipe, contextlib.suppress(BrokenPipeError):  # `answer` says why
            self._tell = -1
            pipe.write(json.dumps({"limits": dataclasses.asdict(limits), **job}).encode())

    def answer(self) -> dict[str, Any]:
        """What it reports. Raises Unavailable."""
        return _answer(self._process)

    def stop(self) -> None:
        """End it, whatever it is doing. Nothing happens when it has ended already."""
        if self._tell >= 0:
            os.close(self._tell)
            self._tell = -1
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


class Reading:
    """The library at work on one file. Started at once, so that the caller can hash the sound meanwhile."""

    def __init__(self, fd: int, located: Located, anchors: str) -> None:
        mime = MIME.get(located.format.name)
        if mime is None and installed():
            raise Unavailable("Content Credentials are not read from files of this format.")
        self._child = _Child(fd)
        job = {"mime": mime, "anchors": anchors, "purposes": TRUSTED_PURPOSES, "assertion": ASSERTION}
        self._child.tell(job)

    def report(self) -> dict[str, Any]:
        """As `child.read` answers. Raises Unavailable."""
        return self._child.answer()

    def stop(self) -> None:
        self._child.stop()


@contextlib.contextmanager
def reading(fd: int, located: Located, anchors: str) -> Iterator[Reading]:
    """A Reading that ends with the block. Raises Unavailable at once when there is no library to ask."""
    started = Reading(fd, located, anchors)
    try:
        yield started
    finally:
        started.stop()


class Writing:
    """The library, loading, which will copy the file at `fd` to `out`: both may still be empty. Raises Unavailable."""

    def __init__(self, fd: int, out: int) -> None:
        self._child, self._out = _Child(fd, out), out

    def write(self, located: Located, definition: dict[str, Any], chain: str, key: str) -> None:
        """Copy, with a manifest that `key` (PEM) signs. Once. Raises Unavailable."""
        mime = MIME[located.format.name]
        self._child.tell(
            {"mime": mime, "definition": definition, "chain": chain, "key": key, "out": self._out}
        )
        self._child.answer()

    def stop(self) -> None:
        self._child.stop()


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    try:
        output, complaints = process.communicate(timeout=LIMITS.wall_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Unavailable("Reading the Content Credentials of this file took longer than it may.") from None
    if process.returncode or not output or len(output) > _REPORT_BYTES:
        if process.returncode > 0:  # Python itself could not start: our fault, not the file's
            raise RuntimeError(f"the c2pa child failed: {complaints[-2000:].decode(errors='replace')}")
        spent = process.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
        logger.warning("c2pa child ended by signal %s", -process.returncode)
        raise Unavailable(
            "Reading the Content Credentials of this file takes more time or memory than it may."
            if spent
            else "The Content Credentials of this file made the program that reads them stop."
        )
    report: dict[str, Any] = json.loads(output)
    if error := report.get("error"):
        if error == "absent":
            raise Unavailable(MISSING)
        logger.warning("the c2pa library refused a file: %s", report.get("detail", error))
        raise Unavailable("The Content Credentials of this file could not be read or written.")
    return report
