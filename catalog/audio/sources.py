"""Open a recognised file and yield its sound in blocks. Runs inside the decoding child only.

WAV and AIFF are read by numpy; FLAC, MP3, Ogg Vorbis and Opus by libsndfile; M4A (AAC, ALAC) by
FFmpeg through PyAV, whose demuxer and decoders are fixed beforehand: left to probe, FFmpeg follows
playlists to other files and opens network sockets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.audio import headers, mpeg
from catalog.audio.errors import AudioError
from catalog.audio.limits import Limits
from catalog.audio.slices import buffered
from catalog.audio.sniff import FormatName, Located

BLOCK_SAMPLES = 131_072  # samples of all channels together in one block
FULL_SCALE = 2.0**31


@dataclass
class Source:
    """Sound about to be decoded.

    `blocks` yields arrays (frames, channels): int32 at full scale for lossless integer sound,
    float32 or float64 otherwise. `promised` is the number of frames the header announces, if it
    does; `slack` is by how many the sound may fall short of that before it counts as cut off.
    """

    sample_rate: int
    channels: int
    blocks: Iterator[np.ndarray]
    promised: int | None
    slack: int


def open_source(fd: int, located: Located, limits: Limits) -> Source:
    """Open the sound that `located` describes and check its header against `limits`.

    Raises AudioError for a header outside the limits or one that contradicts itself.
    """
    name = located.format.name
    if name in ("wav", "aiff"):
        source = _uncompressed(fd, located)
    elif name == "m4a":
        source = _mp4(fd, located)
    else:
        source = _sndfile(fd, located)
    _check(source, limits)
    return source


def _check(source: Source, limits: Limits) -> None:
    if not 1 <= source.channels <= limits.max_channels:
        raise AudioError(
            "too_many_channels",
            f"This file has {source.channels} channels; Starforge reads up to {limits.max_channels}. "
            "Export a stereo version.",
        )
    if not limits.min_sample_rate <= source.sample_rate <= limits.max_sample_rate:
        raise AudioError(
            "sample_rate",
            f"This file has a sample rate of {source.sample_rate} Hz; Starforge reads "
            f"{limits.min_sample_rate} to {limits.max_sample_rate} Hz. Export it at 44100 Hz.",
        )
    if source.promised is not None and source.promised > limits.max_seconds * source.sample_rate:
        raise too_long(source.promised / source.sample_rate, limits)


def too_long(seconds: float | None, limits: Limits) -> AudioError:
    """The refusal of a file that lasts longer than the limit; `seconds` where its header says how long."""
    limit = headers.clock(limits.max_seconds)
    lasts = (
        f"{headers.clock(seconds)}; the limit is {limit}" if seconds else f"longer than {limit}, the limit"
    )
    return AudioError("too_long", f"This file lasts {lasts}. Split it into tracks.")


def _uncompressed(fd: int, located: Located) -> Source:
    pcm = headers.read_wav(fd) if located.format.name == "wav" else headers.read_aiff(fd)
    return Source(pcm.sample_rate, pcm.channels, _pcm_blocks(fd, pcm), pcm.frames, pcm.sample_rate // 10)


def _pcm_blocks(fd: int, pcm: headers.Pcm) -> Iterator[np.ndarray]:
    step = max(1, BLOCK_SAMPLES // pcm.channels) * pcm.channels * pcm.sample_bytes
    for offset in range(0, pcm.length, step):
        data = os.pread(fd, min(step, pcm.length - offset), pcm.offset + offset)
        whole = len(data) // (pcm.channels * pcm.sample_bytes) * pcm.channels * pcm.sample_bytes
        if whole:
            yield _samples(data[:whole], pcm.dtype).reshape(-1, pcm.channels)


def _samples(data: bytes, dtype: str) -> np.ndarray:
    """Raw little or big endian samples as int32 at full scale, or as native floats."""
    if dtype[1:] == "i3":
        packed = np.frombuffer(data, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(packed), 4), np.uint8)
        wide[:, 1:] = packed if dtype[0] == "<" else packed[:, ::-1]
        return wide.view("<i4")[:, 0]
    raw = np.frombuffer(data, dtype)
    if raw.dtype.kind == "f":
        return raw.astype(raw.dtype.newbyteorder("="))
    wide32 = raw.astype(np.int32)
    if dtype == "|u1":
        wide32 -= 128
    return wide32 << (32 - 8 * raw.dtype.itemsize)


def _sndfile(fd: int, located: Located) -> Source:
    import soundfile

    name = located.format.name
    file = buffered(fd, located.start, located.end)
    try:
        sound = soundfile.SoundFile(file)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise headers.damaged(name) from error
    expected = {"flac": ("FLAC",), "mp3": ("MP3", "MPEG"), "ogg": ("OGG",), "opus": ("OGG",)}[name]
    if sound.format not in expected:
        raise headers.damaged(name)
    rate, channels = sound.samplerate, sound.channels
    promised: int | None = sound.frames if 0 < sound.frames < 2**62 else None
    slack = rate // 10
    if name == "mp3":
        found = mpeg.find_sound(fd, located.start, located.end)
        frames = mpeg.promised_frames(fd, *found) if found else None
        # Editors that cut MP3s often leave the old count behind, so only a large gap means damage.
        promised = frames * found[1].samples if found and frames else None
        slack = max(2 * rate, (promised or 0) // 10)
    lossless = name == "flac"
    return Source(rate, channels, _sndfile_blocks(sound, name, lossless), promised, slack)


def _sndfile_blocks(sound: Any, name: FormatName, lossless: bool) -> Iterator[np.ndarray]:
    import soundfile

    step = max(1, BLOCK_SAMPLES // sound.channels)
    while True:
        try:
            block = sound.read(step, dtype="int32" if lossless else "float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise headers.damaged(name) from error
        if not len(block):
            return
        yield block


def _mp4(fd: int, located: Located) -> Source:
    import av
    import av.error

    try:
        container = av.open(
            buffered(fd, located.start, located.end),
            mode="r",
            format="mp4",
            options={
                "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2",
                "protocol_whitelist": "",
                "codec_whitelist": "aac,alac",
                "enable_drefs": "0",
            },
            metadata_errors="replace",
        )
        cover = av.stream.Disposition.attached_pic
        if any(not film.disposition & cover for film in container.streams.video):
            raise AudioError("video", "This is a video. Export its sound as M4A, MP3 or WAV first.")
        if not container.streams.audio:
            raise AudioError("unsupported", "There is no sound in this M4A file.")
        stream = container.streams.audio[0]
        codec = stream.codec_context.name if stream.codec_context else ""  # none: FFmpeg knows no decoder
        if codec not in ("aac", "alac"):
            raise AudioError(
                "unsupported",
                f"This M4A file holds sound in {codec or 'an unknown encoding'}; Starforge reads AAC and "
                "ALAC. Export it again, for example as WAV.",
            )
        stream.codec_context.thread_count = 1
        stream.codec_context.thread_type = "NONE"
        blocks = _mp4_blocks(container, stream)
        # HE-AAC tells its true rate and channels only in the first decoded frame.
        rate, first = next(blocks, (0, np.zeros((0, 1), np.float32)))
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise headers.damaged("m4a") from error
    if not len(first):
        raise AudioError("empty", "There is no sound in this M4A file. Export it again.")
    seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
    promised = int(seconds * rate) if seconds is not None else None
    return Source(rate, first.shape[1], _same_shape(rate, first, blocks), promised, rate)


def _mp4_blocks(container: Any, stream: Any) -> Iterator[tuple[int, np.ndarray]]:
    """(rate, block) per decoded frame. Planar and packed, integer and float all become one shape."""
    for frame in container.decode(stream):
        samples = frame.to_ndarray()
        block = samples.T if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)
        if block.dtype.kind == "i":
            block = block.astype(np.int32) << (32 - 8 * block.dtype.itemsize)
        yield frame.sample_rate, block


def _same_shape(rate: int, first: np.ndarray, rest: Iterator[tuple[int, np.ndarray]]) -> Iterator[np.ndarray]:
    import av.error

    pending, held = [first], len(first)
    try:
        for other_rate, block in rest:
            if other_rate != rate or block.shape[1] != first.shape[1] or block.dtype != first.dtype:
                raise headers.damaged("m4a")
            pending.append(block)
            held += len(block)
            if held * first.shape[1] >= BLOCK_SAMPLES:
                yield np.concatenate(pending)
                pending, held = [], 0
    except av.error.FFmpegError as error:
        raise headers.damaged("m4a") from error
    if pending:
        yield np.concatenate(pending)
