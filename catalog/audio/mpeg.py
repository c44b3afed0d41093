"""MPEG audio frames and the tags around them (ISO/IEC 11172-3, 13818-3; id3.org; APEv2).

Only what is needed to recognise an MP3, to find where its sound begins and ends, and to know how
many frames its own header promises. Nothing here decodes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

_BITRATES_V1_L3 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_V2_L3 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_MAX_TAIL = 2**20  # tags behind the sound that are larger than this count as sound


@dataclass(frozen=True)
class Frame:
    """One layer III frame header: `length` bytes hold `samples` samples per channel."""

    version: int  # 3 = MPEG-1, 2 = MPEG-2, 0 = MPEG-2.5, as in the header bits
    sample_rate: int
    channels: int
    length: int
    samples: int
    side_info: int

    def goes_with(self, other: Frame) -> bool:
        return self.version == other.version and self.sample_rate == other.sample_rate


def parse_frame(header: bytes) -> Frame | None:
    """The layer III frame that starts with these four bytes, or None."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate_index, rate_index = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer != 1 or rate_index == 3 or bitrate_index in (0, 15):
        return None
    first = version == 3
    bitrate = (_BITRATES_V1_L3 if first else _BITRATES_V2_L3)[bitrate_index] * 1000
    rate = _RATES[version][rate_index]
    samples = 1152 if first else 576
    mono = header[3] >> 6 == 3
    length = samples // 8 * bitrate // rate + (header[2] >> 1 & 1)
    side_info = (17 if mono else 32) if first else (9 if mono else 17)
    return Frame(version, rate, 1 if mono else 2, length, samples, side_info)


def syncsafe(data: bytes) -> int | None:
    """A 28-bit ID3v2 size, or None when a byte has its top bit set (then it is not a size)."""
    if len(data) != 4 or any(byte & 0x80 for byte in data):
        return None
    return data[0] << 21 | data[1] << 14 | data[2] << 7 | data[3]


def id3v2_length(header: bytes) -> int:
    """Whole length of the ID3v2 tag that starts with these ten bytes; 0 when none does."""
    if len(header) < 10 or header[:3] != b"ID3" or header[3] == 0xFF or header[4] == 0xFF:
        return 0
    size = syncsafe(header[6:10])
    if size is None:
        return 0
    return 10 + size + (10 if header[5] & 0x10 else 0)


def end_of_leading_tags(fd: int, size: int) -> int:
    """Offset of the first byte behind all ID3v2 tags at the beginning of the file."""
    at = 0
    for _ in range(16):
        length = id3v2_length(os.pread(fd, 10, at))
        if not length or at + length > size:
            break
        at += length
    return at


def start_of_trailing_tags(fd: int, start: int, size: int) -> int:
    """Offset where the tags behind the sound begin: ID3v1, APEv2 and appended ID3v2.4.

    Together they may hold at most one mebibyte: anything larger is not a tag to us but part of the
    stream, so that no one can hide other sound in a "tag" of a signed file.
    """
    end = size
    for _ in range(8):
        found = _trailing_tag(fd, start, end)
        if not found or size - (end - found) > _MAX_TAIL:
            break
        end -= found
    return end


def _trailing_tag(fd: int, start: int, end: int) -> int:
    room = end - start
    if room >= 128 and os.pread(fd, 3, end - 128) == b"TAG":
        return 128
    if room >= 32:
        footer = os.pread(fd, 32, end - 32)
        if footer[:8] == b"APETAGEX":
            flags = int.from_bytes(footer[20:24], "little")
            length = int.from_bytes(footer[12:16], "little") + (32 if flags & 0x8000_0000 else 0)
            return length if 32 <= length <= room else 0
    if room >= 20:
        footer = os.pread(fd, 10, end - 10)
        inner = syncsafe(footer[6:10]) if footer[:3] == b"3DI" else None
        if inner is not None and inner + 20 <= room:
            return inner + 20
    return 0


def _frames_at(fd: int, at: int, end: int) -> Iterator[Frame]:
    while at + 4 <= end:
        frame = parse_frame(os.pread(fd, 4, at))
        if frame is None:
            return
        yield frame
        at += frame.length


def find_sound(fd: int, start: int, end: int, *, within: int = 65_536) -> tuple[int, Frame] | None:
    """Offset and header of the first real frame at or behind `start`, or None.

    Real means that it is followed by two more frames of the same version and rate, or that the
    file ends first (after at least one more byte-exact frame).
    """
    window = os.pread(fd, min(within, max(0, end - start)) + 4, start)
    at = window.find(b"\xff")
    while at >= 0:
        first = parse_frame(window[at : at + 4])
        if first is not None:
            position, count = start + at, 0
            for frame in _frames_at(fd, position, end):
                if not frame.goes_with(first):
                    count = 0
                    break
                position += frame.length
                count += 1
                if count == 3:
                    break
            if count == 3 or (count == 2 and position >= end - 4):
                return start + at, first
        at = window.find(b"\xff", at + 1)
    return None


def promised_frames(fd: int, at: int, first: Frame) -> int | None:
    """Number of frames the Xing or Info header in the first frame promises, or None without one."""
    head = os.pread(fd, 12, at + 4 + first.side_info)
    if head[:4] in (b"Xing", b"Info") and len(head) == 12 and head[7] & 1:
        return int.from_bytes(head[8:12], "big")
    return None
