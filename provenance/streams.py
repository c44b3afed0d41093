"""The hash of a recording's sound from the bytes of its container alone: no decoder, no packages.

What a WAV or AIFF, an MP3, a FLAC and an M4A are identified by is written down in docs/audio-hash.md, so that any
language can compute it. `kind` says which of them it is:

* `pcm` (WAV, AIFF with whole-number samples): "<rate>:<channels>:" and the samples as little-endian int32;
* `mpeg-stream` (MP3): the file without the tags before and behind it;
* `flac-stream` (FLAC): the 34 bytes of STREAMINFO, then everything behind the last metadata block;
* `mp4-stream` (M4A): how the samples of the sound track are to be heard, then the samples in their order.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from catalog.audio import headers, mpeg, vorbis
from catalog.audio.errors import AudioError
from catalog.audio.sniff import Located, locate, open_regular
from provenance import mp4

PCM, MPEG, FLAC, MP4 = "pcm", "mpeg-stream", "flac-stream", "mp4-stream"
_BLOCK = 1 << 20
_FLIP = bytes(byte ^ 0x80 for byte in range(256))


def identity(path: Path) -> tuple[str, str]:
    """(kind, SHA-256 as hex) of the sound in the file. Raises AudioError for what cannot be read so."""
    fd = open_regular(path)
    try:
        located = locate(fd)
        name = located.format.name
        if name == "mp3":
            return MPEG, _mpeg(fd)
        if name == "flac":
            return FLAC, _flac(fd, located)
        if name == "m4a":
            return MP4, _mp4(fd)
        if name in ("wav", "aiff"):
            return PCM, _pcm(fd, headers.read_wav(fd) if name == "wav" else headers.read_aiff(fd))
    finally:
        os.close(fd)
    raise AudioError("unsupported", f"The sound of {name.upper()} files is only known once it is decoded.")


def flac_stream_sha256(path: Path) -> str:
    """The `flac-stream` of a FLAC file. Raises AudioError("damaged") when its metadata cannot be walked."""
    fd = open_regular(path)
    try:
        return _flac(fd, locate(fd))
    finally:
        os.close(fd)


def sound_sha256(path: Path) -> str:
    """Of the bytes that hold the sound, as they lie there: the same before and after a change of tags, and quick.

    Only good for that comparison; what is signed is `identity` or the decoded sound. Raises AudioError.
    """
    fd = open_regular(path)
    try:
        located = locate(fd)
        name = located.format.name
        if name == "m4a":
            return _mp4(fd)
        if name not in ("wav", "aiff"):
            return _flac(fd, located) if name == "flac" else _mpeg(fd)
        sound = headers.read_wav(fd) if name == "wav" else headers.read_aiff(fd)
        head = hashlib.sha256(f"{sound.sample_rate}:{sound.channels}:{sound.dtype}:".encode())
        return _hashed(fd, sound.offset, sound.offset + sound.length, head)
    finally:
        os.close(fd)


def _mpeg(fd: int) -> str:
    size = os.fstat(fd).st_size
    start = mpeg.end_of_leading_tags(fd, size)
    return _hashed(fd, start, mpeg.start_of_trailing_tags(fd, start, size))


def _flac(fd: int, located: Located) -> str:
    found = vorbis.blocks(fd, located.start)
    if found is None or not found[0] or found[0][0].kind != 0 or found[0][0].length != 34:
        raise headers.damaged("flac")
    info, audio = found[0][0], found[1]
    digest = hashlib.sha256(os.pread(fd, 34, info.offset))
    return _hashed(fd, audio, located.end, digest)


def _mp4(fd: int) -> str:
    sound, digest = mp4.read(fd), hashlib.sha256()
    for part in sound.parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    for at, length in sound.runs:
        _hashed(fd, at, at + length, digest)
    return digest.hexdigest()


def _pcm(fd: int, sound: headers.Pcm) -> str:
    widen = _WIDEN.get(sound.dtype)
    if widen is None:
        raise AudioError(
            "unsupported", "This file holds floating-point samples. Export it as 24-bit PCM to check it."
        )
    digest = hashlib.sha256(f"{sound.sample_rate}:{sound.channels}:".encode())
    step = _BLOCK // (sound.sample_bytes * 12) * sound.sample_bytes * 12
    at, end = sound.offset, sound.offset + sound.length
    while at < end and (data := os.pread(fd, min(step, end - at), at)):
        digest.update(widen(data))
        at += len(data)
    return digest.hexdigest()


def _hashed(fd: int, at: int, end: int, digest: hashlib._Hash | None = None) -> str:
    digest = digest or hashlib.sha256()
    while at < end and (data := os.pread(fd, min(_BLOCK, end - at), at)):
        digest.update(data)
        at += len(data)
    return digest.hexdigest()


def _wide(width: int, *, big_endian: bool = False) -> Callable[[bytes], bytes]:
    """From packed samples of `width` bytes to int32 at full scale: the low bytes are zero."""

    def widen(data: bytes) -> bytes:
        out = bytearray(len(data) // width * 4)
        for place in range(width):
            source = width - 1 - place if big_endian else place
            out[4 - width + place :: 4] = data[source::width]
        return bytes(out)

    return widen


_WIDEN: dict[str, Callable[[bytes], bytes]] = {
    "|u1": lambda data: _wide(1)(data.translate(_FLIP)),  # unsigned in WAV
    "|i1": _wide(1),
    **{f"<i{width}": _wide(width) for width in (2, 3, 4)},
    **{f">i{width}": _wide(width, big_endian=True) for width in (2, 3, 4)},
}
