"""What a file is, by its content. The name and the extension of an upload are never trusted.

An own table of magic numbers: general sniffers call WebM "video", miss M4A, and disagree with the
decoders about what they saw.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catalog.audio import mpeg
from catalog.audio.errors import AudioError

FormatName = Literal["wav", "flac", "mp3", "aiff", "ogg", "opus", "m4a"]
READABLE = "WAV, FLAC, MP3, AIFF, OGG, Opus and M4A"


@dataclass(frozen=True)
class Format:
    """A kind of sound file: `extension` begins with a dot, `mime` is what browsers understand."""

    name: FormatName
    mime: str
    extension: str


FORMATS: dict[str, Format] = {
    "wav": Format("wav", "audio/wav", ".wav"),
    "flac": Format("flac", "audio/flac", ".flac"),
    "mp3": Format("mp3", "audio/mpeg", ".mp3"),
    "aiff": Format("aiff", "audio/aiff", ".aiff"),
    "ogg": Format("ogg", "audio/ogg", ".ogg"),
    "opus": Format("opus", "audio/ogg", ".opus"),
    "m4a": Format("m4a", "audio/mp4", ".m4a"),
}
MIME_TYPES: dict[str, str] = {name: kind.mime for name, kind in FORMATS.items()}
_MP4_BRANDS = {b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"dash"}
_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"MThd", "a MIDI file, which holds notes and no sound"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM file"),
    (b"\x30\x26\xb2\x75", "a Windows Media file"),
    (b"caff", "a Core Audio file"),
    (b"MAC ", "a Monkey's Audio file"),
    (b"wvpk", "a WavPack file"),
    (b"DSD ", "a DSD file"),
    (b"SQLite format 3", "a database"),
    (b"<?xml", "an XML document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


@dataclass(frozen=True)
class Located:
    """A recognised file: the sound (with its container) lies in the bytes [start, end)."""

    format: Format
    start: int
    end: int


def sniff(path: Path) -> Format:
    """Return the format of the file at `path`, judged by its content only.

    Raises AudioError: "empty" for a file without bytes, "unsupported" for anything that is not one
    of the seven formats, with a sentence that names what was found where that is known.
    """
    fd = open_regular(path)
    try:
        return locate(fd).format
    finally:
        os.close(fd)


def open_regular(path: Path) -> int:
    """Open a regular file for reading and return its descriptor. Pipes and folders are refused."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise AudioError("unsupported", "This is not an ordinary file. Choose a sound file instead.")
    return fd


def locate(fd: int) -> Located:
    """Recognise an open file and say where its sound lies. See `sniff` for the errors."""
    size = os.fstat(fd).st_size
    if size == 0:
        raise AudioError("empty", "This file is empty (0 bytes). Export or copy it again.")
    at = mpeg.end_of_leading_tags(fd, size)
    head = os.pread(fd, 4096, at)
    name = _name(head) if at == 0 or head[:4] == b"fLaC" else None
    if name is not None:
        return Located(FORMATS[name], at, size)
    stranger = _stranger(head)
    if stranger is None:
        end = mpeg.start_of_trailing_tags(fd, at, size)
        sound = mpeg.find_sound(fd, at, end, within=65_536 if at else 4096)
        if sound is not None:
            return Located(FORMATS["mp3"], sound[0], end)
    what = f"This is {stranger}." if stranger else "This is not a sound file that Starforge knows."
    raise AudioError("unsupported", f"{what} Starforge reads {READABLE}.")


def _name(head: bytes) -> FormatName | None:
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS" and len(head) > 27:
        payload = head[27 + head[26] :]
        if payload[:8] == b"OpusHead":
            return "opus"
        if payload[:7] == b"\x01vorbis":
            return "ogg"
    if head[4:8] == b"ftyp":
        length = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[8:12]} | {head[i : i + 4] for i in range(16, length - 3, 4)}
        if brands & _MP4_BRANDS:
            return "m4a"
    return None


def _stranger(head: bytes) -> str | None:
    for magic, what in _STRANGERS:
        if head.startswith(magic):
            return what
    if head[:4] == b"OggS":
        return "an Ogg file with neither Vorbis nor Opus sound in it"
    if head[4:8] == b"ftyp":
        return "a video or another file of the MP4 family"
    if len(head) >= 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "a bare AAC stream"
    if head and not head.strip(b"\0"):
        return "a file that begins with nothing but zeros"
    text = head[:512]
    if text and all(byte >= 32 or byte in (9, 10, 13) for byte in text):
        return "a text file"
    return None
