"""Walk the headers of WAV and AIFF files ourselves, before any sound is read.

Uncompressed files are decoded by our own code (see `sources`): no native parser ever sees them,
so compressed sound in these containers (ADPCM, GSM, MP3 and the rest, where native decoders had
memory errors, e.g. CVE-2026-37555) cannot reach one. Only PCM and float are accepted.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from catalog.audio.errors import AudioError
from catalog.audio.sniff import FormatName

_MAX_CHUNKS = 4096
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_UNFINISHED = (0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000, 0x8000_0000)


@dataclass(frozen=True)
class Pcm:
    """Where uncompressed samples lie and how they are written.

    `dtype` is a numpy dtype string, or "<i3" / ">i3" for packed 24-bit; `offset` and `length` are
    bytes in the file, `length` a whole number of frames.
    """

    sample_rate: int
    channels: int
    dtype: str
    offset: int
    length: int

    @property
    def sample_bytes(self) -> int:
        return int(self.dtype[-1])

    @property
    def frames(self) -> int:
        return self.length // (self.sample_bytes * self.channels)


@dataclass(frozen=True)
class Chunk:
    """One chunk of a RIFF or IFF file; `offset` is where its content begins."""

    name: bytes
    offset: int
    length: int


def chunks(fd: int, *, big_endian: bool, data_length: int | None = None) -> list[Chunk]:
    """The chunks of a RIFF ("little endian") or IFF file, in order, bounded in number.

    `data_length` replaces the length of a RIFF data chunk that says "look in ds64" (RF64).
    Stops quietly at the first header that does not fit into the file.
    """
    size = os.fstat(fd).st_size
    order = ">" if big_endian else "<"
    found: list[Chunk] = []
    at = 12
    while at + 8 <= size and len(found) < _MAX_CHUNKS:
        name, length = struct.unpack(f"{order}4sI", os.pread(fd, 8, at))
        if name == b"data" and not big_endian:
            if data_length is not None and length == 0xFFFF_FFFF:
                length = data_length
            elif length in _UNFINISHED and not _more_chunks(fd, at + 8 + length, size):
                length = size - at - 8  # the writer never came back to fill in the length
        found.append(Chunk(name, at + 8, length))
        at += 8 + length + (length & 1)
    return found


def _more_chunks(fd: int, at: int, size: int) -> bool:
    """Whether a plausible chunk header (printable name, length that fits) lies at `at`."""
    if at + 8 > size:
        return False
    name, length = struct.unpack("<4sI", os.pread(fd, 8, at))
    return all(32 <= byte < 127 for byte in name) and at + 8 + length <= size + 1


def read_wav(fd: int) -> Pcm:
    """Header of a WAV, WAVE_EXTENSIBLE or RF64 file.

    Raises AudioError: "unsupported" for compressed sound, "damaged" for a header that contradicts
    itself, "truncated" when more than a tenth of a second of the promised sound is missing.
    """
    long_length: int | None = None
    if os.pread(fd, 4, 0) == b"RF64":
        head = os.pread(fd, 36, 12)
        if head[:4] != b"ds64" or len(head) < 36:
            raise _damaged("WAV")
        long_length = struct.unpack("<Q", head[16:24])[0]
    found = chunks(fd, big_endian=False, data_length=long_length)
    fmt = [chunk for chunk in found if chunk.name == b"fmt "]
    data = [chunk for chunk in found if chunk.name == b"data"]
    if len(fmt) != 1 or len(data) != 1 or fmt[0].length < 16:
        raise _damaged("WAV")
    head = os.pread(fd, min(fmt[0].length, 40), fmt[0].offset)
    if len(head) < 16:
        raise _damaged("WAV")
    tag, channels, rate, _, block, bits = struct.unpack("<HHIIHH", head[:16])
    if tag == _EXTENSIBLE:
        if len(head) < 40 or head[26:40] != _GUID_TAIL:
            raise _compressed("WAV", "in a private encoding")
        tag = struct.unpack("<H", head[24:26])[0]
    if tag not in (_PCM, _FLOAT):
        raise _compressed("WAV", f"(encoding {tag:#06x})")
    kinds = {(1, 8): "|u1", (1, 16): "<i2", (1, 24): "<i3", (1, 32): "<i4", (3, 32): "<f4", (3, 64): "<f8"}
    dtype = kinds.get((tag, bits))
    if dtype is None or channels == 0 or block != channels * bits // 8:
        raise _damaged("WAV")
    return _placed(fd, rate, channels, dtype, data[0].offset, data[0].length, data[0].length)


def read_aiff(fd: int) -> Pcm:
    """Header of an AIFF or uncompressed AIFF-C file. Errors as for `read_wav`."""
    found = chunks(fd, big_endian=True)
    comm = [chunk for chunk in found if chunk.name == b"COMM"]
    ssnd = [chunk for chunk in found if chunk.name == b"SSND"]
    if len(comm) != 1 or len(ssnd) != 1 or ssnd[0].length < 8:
        raise _damaged("AIFF")
    head = os.pread(fd, min(comm[0].length, 22), comm[0].offset)
    if len(head) < 18:
        raise _damaged("AIFF")
    channels, frames, bits = struct.unpack(">HIH", head[:8])
    rate = _extended(head[8:18])
    kind = b"NONE"
    if os.pread(fd, 4, 8) == b"AIFC":
        if len(head) < 22:
            raise _damaged("AIFF")
        kind = head[18:22]
    order = {b"none": ">i", b"twos": ">i", b"sowt": "<i", b"fl32": ">f", b"fl64": ">f"}.get(kind.lower())
    if order is None:
        raise _compressed("AIFF", f"(encoding {kind.decode('latin-1', 'replace').strip()!r})")
    width = {b"fl32": 4, b"fl64": 8}.get(kind.lower(), (bits + 7) // 8)
    if channels == 0 or rate == 0 or width not in (1, 2, 3, 4, 8) or (width == 8 and order != ">f"):
        raise _damaged("AIFF")
    skip = int.from_bytes(os.pread(fd, 4, ssnd[0].offset), "big")
    declared = frames * channels * width
    if skip > 65_536:
        raise _damaged("AIFF")
    dtype = "|i1" if width == 1 else f"{order}{width}"
    available = max(0, ssnd[0].length - 8 - skip)
    return _placed(fd, rate, channels, dtype, ssnd[0].offset + 8 + skip, declared, available)


def _placed(fd: int, rate: int, channels: int, dtype: str, offset: int, declared: int, available: int) -> Pcm:
    frame = channels * int(dtype[-1])
    there = min(available, max(0, os.fstat(fd).st_size - offset))
    if declared - there > rate * frame // 10:
        raise truncated(declared / frame / max(rate, 1), there / frame / max(rate, 1))
    length = min(declared, there) // frame * frame
    if length == 0:
        raise AudioError("empty", "There is no sound in this file, only its header. Export it again.")
    return Pcm(rate, channels, dtype, offset, length)


def _extended(data: bytes) -> int:
    """An 80-bit IEEE 754 extended number, as AIFF writes its sample rate, rounded to an integer."""
    exponent, mantissa = struct.unpack(">HQ", data)
    shift = 16_383 + 63 - (exponent & 0x7FFF)
    if exponent & 0x8000 or not 0 <= shift < 64:
        return 0
    return int((mantissa >> shift) + (mantissa >> (shift - 1) & 1 if shift else 0))


def truncated(promised_seconds: float, found_seconds: float) -> AudioError:
    """The refusal of a file that ends before its own header says it should."""
    return AudioError(
        "truncated",
        f"This file ends too early: it promises {clock(promised_seconds)} of sound and holds "
        f"{clock(found_seconds)}. Copy or export it again.",
    )


def clock(seconds: float) -> str:
    """Seconds as people write them: "3:05", "12:00:00", or "0.4 s" below ten seconds."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(min(seconds, 1e9))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def damaged(name: FormatName) -> AudioError:
    """The refusal of a file whose content contradicts itself."""
    label = {"ogg": "OGG", "opus": "Opus"}.get(name, name.upper())
    return _damaged(label)


def _damaged(label: str) -> AudioError:
    return AudioError("damaged", f"This {label} file is damaged and cannot be read. Export it again.")


def _compressed(label: str, what: str) -> AudioError:
    return AudioError(
        "unsupported",
        f"This {label} file holds compressed sound {what} that Starforge does not read. "
        "Export it as ordinary PCM, 16 or 24 bit.",
    )
