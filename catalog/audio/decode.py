"""Decode a sound file of unknown origin into samples, safely.

The work happens in a short-lived child process (`catalog.audio.child`) under hard limits, so a
file that makes a decoder run wild, eat memory or crash costs one refusal and nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import mmap
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from catalog.audio import child
from catalog.audio.errors import AudioError
from catalog.audio.limits import Limits
from catalog.audio.sniff import FORMATS, Format, Located, locate, open_regular

__all__ = ["Decoded", "Limits", "decode", "inspect", "require_sound"]

logger = logging.getLogger(__name__)

SCRATCH_VARIABLE = "STARFORGE_SCRATCH"
_ROOT = Path(__file__).resolve().parents[2]
# Samples as they are, behind a header that our own bounded code reads: nothing of it runs away or is native.
UNCODED = ("wav", "aiff")
_REPORT_BYTES = 2**20
_SENTENCES = {
    "too_expensive": "Reading this file takes far more time or memory than music of its length should. "
    "Export it again as WAV or FLAC.",
    "damaged": "This file is damaged and cannot be read. Export it again.",
    "no_space": "There is no room left on the server to read this file. Try again later.",
}
_SILENCE = 10 ** (-80 / 20)


@dataclass(frozen=True)
class Decoded:
    """A decoded file.

    `samples` is float32, shape (channels, samples), C-contiguous, full scale 1.0, at `sample_rate`;
    it is private to the caller and may be changed. `duration` (seconds), `source_sample_rate` and
    `source_channels` describe the file itself. `pcm_sha256` identifies its sound (see
    `catalog.audio.hashing`). `tags` is what `catalog.audio.tags.read_tags` finds. `peak` is the
    largest absolute sample before resampling. `notes` are sentences for the artist about anything
    that was repaired on the way.
    """

    samples: np.ndarray
    sample_rate: int
    source_sample_rate: int
    source_channels: int
    duration: float
    format: Format
    pcm_sha256: str
    tags: dict[str, Any]
    peak: float = 0.0
    notes: tuple[str, ...] = field(default=())


def decode(
    path: Path,
    *,
    sample_rate: int | None = 44_100,
    stereo: bool = True,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    directory: Path | None = None,
) -> Decoded:
    """Decode the file at `path`, resampled to `sample_rate` (None: as it is).

    With `stereo`, mono is doubled and more than two channels are folded down (ITU-R BS.775);
    otherwise the channels stay as they are. The samples live in an anonymous file in `directory`
    (default: the environment's STARFORGE_SCRATCH, else the system's temporary directory), which is
    mapped and vanishes with the array.

    Raises AudioError with a code and a sentence for every file that is refused, OSError when there
    is no file to open.
    """
    with tempfile.TemporaryFile(dir=directory or os.environ.get(SCRATCH_VARIABLE) or None) as out:
        report = _run(path, limits, {"sample_rate": sample_rate, "stereo": stereo}, out)
        samples = _mapped(out, report["channels"], report["frames"])
    return Decoded(
        samples=samples,
        sample_rate=report["sample_rate"],
        source_sample_rate=report["source_sample_rate"],
        source_channels=report["source_channels"],
        duration=report["source_frames"] / report["source_sample_rate"],
        format=FORMATS[report["format"]],
        pcm_sha256=report["pcm_sha256"],
        tags=report["tags"],
        peak=report["peak"],
        notes=tuple(report["notes"]),
    )


def inspect(path: Path, *, limits: Limits = Limits(min_seconds=0.0)) -> dict[str, Any]:  # noqa: B008 - frozen
    """Read the whole file without keeping its samples.

    Returns the child's report: format, source_sample_rate, source_channels, source_frames,
    pcm_sha256, notes. Errors as for `decode`.
    """
    wishes: dict[str, Any] = {"sample_rate": None, "stereo": False}
    fd, located = _opened(path, limits)
    try:
        if located.format.name in UNCODED:
            return child.main({"out": None, "limits": dataclasses.asdict(limits), **wishes}, fd)
    finally:
        os.close(fd)
    return _run(path, limits, wishes, None)


def require_sound(decoded: Decoded) -> None:
    """Raise AudioError("silent") when the file never rises above -80 dBFS."""
    if decoded.peak < _SILENCE:
        raise AudioError(
            "silent", "There is only silence in this file. Check that the right one was exported."
        )


def _run(path: Path, limits: Limits, wishes: dict[str, Any], out: IO[bytes] | None) -> dict[str, Any]:
    fd, _ = _opened(path, limits)
    try:
        handle = None if out is None else out.fileno()
        job = json.dumps({"out": handle, "limits": dataclasses.asdict(limits), **wishes})
        process = subprocess.Popen(
            [sys.executable, "-m", "catalog.audio.child", job],
            stdin=fd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=() if handle is None else (handle,),
            cwd=_ROOT,
            # Nothing of ours: no secrets for hostile code to read, one thread, one memory arena.
            env={"LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
        )
    finally:
        os.close(fd)
    try:
        with process:
            output, complaints = process.communicate(timeout=limits.wall_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AudioError("too_expensive", _SENTENCES["too_expensive"]) from None
    return _judged(process.returncode, output, complaints)


def _opened(path: Path, limits: Limits) -> tuple[int, Located]:
    """The file and what it is. What is too large or no sound file at all needs no child to be refused."""
    fd = open_regular(path)
    try:
        size = os.fstat(fd).st_size
        if size > limits.max_bytes:
            raise AudioError(
                "too_big",
                f"This file is {size / 2**20:.0f} MB; the limit is {limits.max_bytes / 2**20:.0f} MB. "
                "Export it as FLAC or split it.",
            )
        return fd, locate(fd)
    except BaseException:
        os.close(fd)
        raise


def _judged(returncode: int, output: bytes, complaints: bytes) -> dict[str, Any]:
    """The child's report as it is, or its refusal or death as an AudioError."""
    if returncode != 0 or not output or len(output) > _REPORT_BYTES:
        if returncode > 0:  # Python itself could not start: our fault, not the file's
            raise RuntimeError(f"the decoding child failed: {complaints[-2000:].decode(errors='replace')}")
        logger.warning("decoding child ended by signal %s", -returncode)
        spent = returncode in (-signal.SIGXCPU, -signal.SIGKILL)
        code = "too_expensive" if spent else "damaged"
        raise AudioError(code, _SENTENCES[code])
    report: dict[str, Any] = json.loads(output)
    error = report.get("error")
    if error:
        if error.get("detail"):
            logger.warning("a file was refused as %s: %s", error["code"], error["detail"])
        raise AudioError(error["code"], error.get("reason") or _SENTENCES[error["code"]])
    return report


def _mapped(out: IO[bytes], channels: int, frames: int) -> np.ndarray:
    """The child's file as a private, writable array (channels, frames)."""
    length = channels * frames * 4
    if os.fstat(out.fileno()).st_size < length or not length:
        raise AudioError("damaged", _SENTENCES["damaged"])
    memory = mmap.mmap(out.fileno(), length, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    return np.frombuffer(memory, np.float32).reshape(channels, frames)
