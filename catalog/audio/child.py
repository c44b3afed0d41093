"""The decoding child: one untrusted file in, plain samples and a short report out.

Started by `catalog.audio.decode` as `python -m catalog.audio.child '<job as JSON>'` with the file
on standard input, the report expected on standard output and, unless only hashes are wanted, an
anonymous file to fill on descriptor `out`. It limits itself (address space, processor time, file
size, open files) before it looks at the first byte, knows no path, inherits no environment, and
imports neither Django nor anything it does not need: it starts in about a tenth of a second.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from catalog.audio import headers, sources
from catalog.audio.confinement import confine
from catalog.audio.errors import AudioError
from catalog.audio.limits import Limits
from catalog.audio.planes import Planes
from catalog.audio.slices import buffered
from catalog.audio.sniff import locate

INPUT = 0
_BROKEN_SHARE = 0.01
_LOUDEST = 128.0  # +42 dB over full scale: more than any real mix, so garbage
_HALF = 0.7071


def main(job: dict[str, Any], fd: int = INPUT) -> dict[str, Any]:
    """Decode the file at `fd` as `job` says and return the report."""
    limits = Limits(**job["limits"])
    located = locate(fd)
    source = sources.open_source(fd, located, limits)
    meter = _Meter(source.sample_rate, source.channels, heard=job["out"] is not None)
    if job["out"] is None:
        for block in _bounded(source, limits):
            meter.take(block)
        frames, channels, rate = meter.frames, source.channels, source.sample_rate
    else:
        frames, channels, rate = _decode(source, meter, job, limits)
    meter.finish(source, located.format.name, limits)
    return {
        "format": located.format.name,
        "frames": frames,
        "channels": channels,
        "sample_rate": rate,
        "source_sample_rate": source.sample_rate,
        "source_channels": source.channels,
        "source_frames": meter.frames,
        "pcm_sha256": meter.digest.hexdigest(),
        "notes": meter.notes(),
        **({} if job["out"] is None else {"peak": meter.peak, "tags": _tags(fd)}),
    }


def _tags(fd: int) -> dict[str, Any]:
    from catalog.audio import tags

    return tags.read_from(buffered(fd, 0, os.fstat(fd).st_size))


class _Meter:
    """Hashes, measures and cleans every block exactly once. heard: somebody wants the samples, not only their hash."""

    def __init__(self, rate: int, channels: int, *, heard: bool) -> None:
        self._heard = heard
        self.digest = hashlib.sha256(f"{rate}:{channels}:".encode())
        self.frames = 0
        self.peak = 0.0
        self._samples = 0
        self._broken = 0

    def take(self, block: np.ndarray) -> np.ndarray:
        """Account for one block (frames, channels) and return it as finite float32."""
        self.frames += len(block)
        self._samples += block.size
        if block.dtype == np.int32:
            whole = np.ascontiguousarray(block, "<i4")
            if not self._heard:
                self.digest.update(whole.data)
                return block
            # A power of two scales exactly, so that one rounding to float32 comes out as it would by way of float64.
            sound = np.multiply(whole, np.float32(1 / sources.FULL_SCALE), dtype=np.float32, casting="unsafe")
        else:
            with np.errstate(invalid="ignore"):
                broken = ~(np.abs(block) <= _LOUDEST)  # true for NaN as well
            count = int(np.count_nonzero(broken))
            if count:
                self._broken += count
                block = np.where(broken, block.dtype.type(0), block)
            scaled = np.rint(block.astype(np.float64) * sources.FULL_SCALE)
            clipped = np.clip(scaled, -sources.FULL_SCALE, sources.FULL_SCALE - 1)
            whole = np.ascontiguousarray(clipped, "<i4")
            sound = np.ascontiguousarray(block, np.float32)
        self.digest.update(whole.data)
        if sound.size:
            self.peak = max(self.peak, float(sound.max()), float(-sound.min()))
        return sound

    def notes(self) -> list[str]:
        if not self._broken:
            return []
        return [f"{self._broken} samples of this file were not valid numbers and were silenced."]

    def finish(self, source: sources.Source, name: Any, limits: Limits) -> None:
        """Judge the whole: empty, cut off, too short, or full of invalid numbers."""
        rate = source.sample_rate
        if not self.frames:
            raise AudioError("empty", "There is no sound in this file, only its header. Export it again.")
        if source.promised is not None and self.frames < source.promised - source.slack:
            raise headers.truncated(source.promised / rate, self.frames / rate)
        if self._broken > self._samples * _BROKEN_SHARE:
            raise headers.damaged(name)
        if self.frames < limits.min_seconds * rate:
            raise AudioError(
                "too_short",
                f"This file lasts {headers.clock(self.frames / rate)}; Starforge needs at least "
                f"{headers.clock(limits.min_seconds)} of sound.",
            )


def _bounded(source: sources.Source, limits: Limits) -> Iterator[np.ndarray]:
    """The blocks of a source, stopped as soon as they are longer than the limit, whatever a header said."""
    most, frames = int(limits.max_seconds * source.sample_rate), 0
    for block in source.blocks:
        frames += len(block)
        if frames > most + source.sample_rate:
            raise sources.too_long(None, limits)
        yield block


def _decode(
    source: sources.Source, meter: _Meter, job: dict[str, Any], limits: Limits
) -> tuple[int, int, int]:
    """Fill the caller's file; returns (frames, channels, sample rate) of what lies there."""
    import soxr

    rate = job["sample_rate"] or source.sample_rate
    mix = _mixing(source.channels) if job["stereo"] else None
    channels = 2 if job["stereo"] else source.channels
    planes = Planes(job["out"], channels, int((limits.max_seconds + 2) * rate))
    stream = None
    if rate != source.sample_rate:
        stream = soxr.ResampleStream(source.sample_rate, rate, channels, dtype="float32", quality="HQ")
    for block in _bounded(source, limits):
        sound = meter.take(block)
        if mix is not None:
            sound = np.repeat(sound, 2, axis=1) if source.channels == 1 else sound @ mix
        planes.write(stream.resample_chunk(np.ascontiguousarray(sound)) if stream else sound)
    if stream:
        planes.write(stream.resample_chunk(np.zeros((0, channels), np.float32), last=True))
    planes.close()
    return planes.frames, channels, rate


def _mixing(channels: int) -> np.ndarray | None:
    """Matrix (channels, 2) that folds down to stereo, or None for mono and stereo.

    Channels in the order of WAVE_EXTENSIBLE: 3.0, 4.0, 5.0, 5.1, 6.1, 7.1. Centre and surrounds at
    -3 dB, no low-frequency effects (ITU-R BS.775), then scaled so that nothing can clip.
    """
    if channels < 3:
        return None if channels == 2 else np.ones((1, 2), np.float32)
    left, right, both, none = (1.0, 0.0), (0.0, 1.0), (_HALF, _HALF), (0.0, 0.0)
    back_left, back_right = (_HALF, 0.0), (0.0, _HALF)
    rows = {
        3: [left, right, both],
        4: [left, right, back_left, back_right],
        5: [left, right, both, back_left, back_right],
        6: [left, right, both, none, back_left, back_right],
        7: [left, right, both, none, both, back_left, back_right],
        8: [left, right, both, none, back_left, back_right, back_left, back_right],
    }.get(channels) or [left if i % 2 == 0 else right for i in range(channels)]
    matrix = np.array(rows, np.float32)
    return np.asarray(matrix / matrix.sum(axis=0), np.float32)


def largest_output(job: dict[str, Any], limits: Limits) -> int:
    """How many bytes of samples the job may write at most."""
    if job["out"] is None:
        return 0
    rate = max(job["sample_rate"] or limits.max_sample_rate, 1)
    channels = 2 if job["stereo"] else limits.max_channels
    return int((limits.max_seconds + 4) * rate * channels * 4)


def run(argument: str) -> None:
    """Do one job and write its report, always one JSON object, to the caller."""
    report_to = os.dup(1)
    job = json.loads(argument)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # native decoders print whatever a hostile file makes them print
    os.dup2(nothing, 2)
    try:
        limits = Limits(**job["limits"])
        confine(limits, output_bytes=largest_output(job, limits))
        report = main(job)
    except AudioError as error:
        report = {"error": {"code": error.code, "reason": error.reason}}
    except MemoryError:
        report = {"error": {"code": "too_expensive"}}
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        report = {"error": {"code": "no_space" if full else "damaged", "detail": repr(error)}}
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises, the parent must learn of it
        report = {"error": {"code": "damaged", "detail": repr(error)[:500]}}
    data = json.dumps(report).encode()
    while data:
        data = data[os.write(report_to, data) :]
    os._exit(0)  # no destructor of a native library runs on hostile state


if __name__ == "__main__":
    run(sys.argv[1])
