"""The parts of a take: stored once as 24-bit FLAC, given out as WAV."""

from __future__ import annotations

import re
import wave
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from catalog.audio.encode import write_flac
from catalog.audio.peaks import peaks
from generation.exports.project import LABELS, Project, StemFile

BITS: Literal[24] = 24
FULLEST = 10.0 ** (-0.1 / 20.0)  # a stem's highest sample when it would not fit otherwise
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_BLOCK = 65_536


def write_stems(stems: Mapping[str, np.ndarray], folder: Path, sample_rate: int) -> list[dict[str, Any]]:
    """Write each stem to `folder` as `<name>.flac` and return what is known of it, in the order of a score.

    stems: (channels, n) float arrays that add up to the master. All are turned down by one common `gain` when any of
    them would clip, so that their sum over that gain is still the master. Raises ValueError for a name that cannot be
    a file name and for samples that are not finite.
    """
    if not stems:
        return []
    bad = [name for name in stems if not _NAME.fullmatch(name)]
    if bad:
        raise ValueError(f"these stems cannot be named so: {bad}")
    gain = common_gain(stems.values())
    folder.mkdir(parents=True, exist_ok=True)
    order = list(LABELS)
    found = []
    for name in sorted(stems, key=lambda one: (order.index(one) if one in order else len(order), one)):
        samples = stems[name] if gain == 1.0 else stems[name] * np.float32(gain)
        path = folder / f"{name}.flac"
        write_flac(path, samples, sample_rate, bits=BITS)
        highest = float(np.abs(samples).max(initial=0.0))
        found.append(
            {
                "name": name,
                "label": StemFile(name, path).label,
                "gain": gain,
                "peak_dbfs": round(20.0 * float(np.log10(highest)), 2) if highest > 0 else None,
                "size_bytes": path.stat().st_size,
                "peaks": peaks(samples, 400),
            }
        )
    return found


def common_gain(stems: Iterable[np.ndarray]) -> float:
    """The linear gain, at most 1, at which no sample of any stem exceeds what 24 bits can hold."""
    highest = max((float(np.abs(samples).max(initial=0.0)) for samples in stems), default=0.0)
    return 1.0 if highest <= 1.0 - 2.0 ** (1 - BITS) else FULLEST / highest


def write_archive(project: Project, out: IO[bytes], extra: Mapping[str, bytes]) -> None:
    """A zip with every stem as WAV under `stems/`, and the files of `extra` beside them."""
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in extra.items():
            add_bytes(archive, project, name, data)
        add_stems(archive, project, "stems")


def add_stems(archive: zipfile.ZipFile, project: Project, folder: str) -> list[str]:
    """Add the stems as WAV to `folder` of an archive, a block at a time. Returns their paths in it, in order."""
    names = []
    for number, stem in enumerate(project.stems, start=1):
        names.append(f"{folder}/{project.wav_name(number, stem)}")
        with archive.open(_entry(project, names[-1], zipfile.ZIP_STORED), "w", force_zip64=True) as file:
            write_wav(stem.path, file)
    return names


def add_bytes(archive: zipfile.ZipFile, project: Project, name: str, data: bytes) -> None:
    archive.writestr(_entry(project, name, zipfile.ZIP_DEFLATED), data)


def write_wav(flac: Path, out: IO[bytes]) -> None:
    """The integers of a 24-bit FLAC as a 24-bit WAV, in constant memory; `out` need not be seekable."""
    import soundfile

    with soundfile.SoundFile(flac) as source, wave.open(out, "wb") as target:
        target.setnchannels(source.channels)
        target.setsampwidth(BITS // 8)
        target.setframerate(source.samplerate)
        target.setnframes(source.frames)  # known beforehand, so that the header needs no correction
        for block in source.blocks(_BLOCK, dtype="int32", always_2d=True):
            # little-endian int32 with the value in its upper three bytes
            raw = np.ascontiguousarray(block, dtype="<i4").view(np.uint8).reshape(-1, 4)
            target.writeframesraw(raw[:, 1:].tobytes())


def _entry(project: Project, name: str, compression: int) -> zipfile.ZipInfo:
    """Dated by the take, so that an archive made again is the same to the byte and a download can be taken up."""
    entry = zipfile.ZipInfo(name, date_time=project.created.timetuple()[:6])
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    return entry
