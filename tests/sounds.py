"""Small deterministic sounds for tests, and ways to write them in every format Starforge reads.

All sounds are float32 arrays of shape (channels, samples), 44100 Hz unless told otherwise. Files
are made where a test runs; no recorded or binary fixture is kept.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

RATE = 44_100
PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def stereo(mono: np.ndarray) -> np.ndarray:
    """A mono signal (samples,) on two equal channels, float32."""
    return np.ascontiguousarray(np.stack([mono, mono]), np.float32)


def silence(seconds: float = 2.0, *, rate: int = RATE) -> np.ndarray:
    """Two channels of nothing."""
    return np.zeros((2, round(seconds * rate)), np.float32)


def noise(seconds: float = 2.0, *, seed: int = 0, level: float = 0.1, rate: int = RATE) -> np.ndarray:
    """White noise, different on both channels."""
    samples = np.random.default_rng(seed).standard_normal((2, round(seconds * rate))) * level
    return np.clip(samples, -1, 1).astype(np.float32)


def tone(
    frequency: float = 440.0, seconds: float = 2.0, *, level: float = 0.5, rate: int = RATE
) -> np.ndarray:
    """A sine."""
    times = np.arange(round(seconds * rate)) / rate
    return stereo(level * np.sin(2 * np.pi * frequency * times))


def chord(
    tonic: int = 9, mode: str = "minor", seconds: float = 2.0, *, level: float = 0.4, rate: int = RATE
) -> np.ndarray:
    """A triad with a few overtones; `tonic` is a pitch class, 0 = C, in the octave of middle C."""
    times = np.arange(round(seconds * rate)) / rate
    mono = np.zeros_like(times)
    for step in (0, 3 if mode == "minor" else 4, 7):
        frequency = 440.0 * 2 ** ((60 + tonic + step - 69) / 12)
        for overtone in range(1, 6):
            mono += np.sin(2 * np.pi * frequency * overtone * times) / overtone**1.5
    return stereo(level * mono / np.abs(mono).max())


def click_track(
    bpm: float = 120.0, seconds: float = 8.0, *, first: float = 0.0, rate: int = RATE
) -> np.ndarray:
    """A short click on every beat, the first of four higher; `first` is the time of the first downbeat."""
    mono = np.zeros(round(seconds * rate))
    times = np.arange(round(0.03 * rate)) / rate
    for beat in range(int((seconds - first) * bpm / 60) + 1):
        pitch = 2000.0 if beat % 4 == 0 else 1200.0
        _add(
            mono,
            np.sin(2 * np.pi * pitch * times) * np.exp(-times / 0.006) * 0.8,
            first + beat * 60 / bpm,
            rate,
        )
    return stereo(mono)


def kick_loop(bpm: float = 120.0, seconds: float = 8.0, *, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """Kick on every beat, snare on two and four, hats between, a bass note per bar."""
    rng = np.random.default_rng(seed)
    mono = np.zeros(round(seconds * rate))
    times = np.arange(round(0.25 * rate)) / rate
    kick = np.sin(2 * np.pi * (50 * times + 6 * (1 - np.exp(-times / 0.03)))) * np.exp(-times / 0.09)
    snare = rng.standard_normal(len(times)) * np.exp(-times / 0.05) * 0.4
    hat = np.diff(rng.standard_normal(len(times)), prepend=0) * np.exp(-times / 0.015) * 0.15
    beat = 60 / bpm
    for index in range(int(seconds / beat) + 1):
        _add(mono, kick, index * beat, rate)
        _add(mono, hat, (index + 0.5) * beat, rate)
        if index % 2:
            _add(mono, snare, index * beat, rate)
        if index % 4 == 0:
            bar = np.arange(round(4 * beat * rate)) / rate
            pitch = 55.0 * 2 ** (int(rng.integers(0, 5)) / 12)
            _add(mono, 0.3 * np.sin(2 * np.pi * pitch * bar) * np.exp(-bar / beat), index * beat, rate)
    return stereo(0.7 * mono / max(1e-9, float(np.abs(mono).max())))


def _add(mono: np.ndarray, hit: np.ndarray, at: float, rate: int) -> None:
    start = round(at * rate)
    piece = hit[: max(0, len(mono) - start)]
    mono[start : start + len(piece)] += piece


def write(path: Path, samples: np.ndarray, *, rate: int = RATE, bits: int = 16) -> Path:
    """Write `samples` (channels, n) to `path` in the format its suffix names; returns the path.

    .wav .flac .aiff with `bits` per sample (16 or 24), .mp3 .ogg .opus by libsndfile, .m4a (AAC) by
    PyAV. Opus wants 48000, 24000, 16000, 12000 or 8000 Hz and is resampled to 48000 where needed.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind == "m4a":
        return write_m4a(path, samples, rate=rate)
    if kind == "opus" and rate not in (48_000, 24_000, 16_000, 12_000, 8_000):
        import soxr

        samples, rate = soxr.resample(samples.T, rate, 48_000).T, 48_000
    container, subtype = {
        "wav": ("WAV", f"PCM_{bits}"),
        "flac": ("FLAC", f"PCM_{bits}"),
        "aiff": ("AIFF", f"PCM_{bits}"),
        "aif": ("AIFF", f"PCM_{bits}"),
        "mp3": ("MP3", "MPEG_LAYER_III"),
        "ogg": ("OGG", "VORBIS"),
        "opus": ("OGG", "OPUS"),
    }[kind]
    frames = np.ascontiguousarray(samples.T)
    with soundfile.SoundFile(path, "w", rate, frames.shape[1], subtype, format=container) as file:
        for start in range(0, len(frames), 65_536):  # libsndfile crashes on Vorbis written in one piece
            file.write(frames[start : start + 65_536])
    return path


def write_m4a(
    path: Path,
    samples: np.ndarray,
    *,
    rate: int = RATE,
    codec: str = "aac",
    video: bool = False,
    cover: bool = False,
) -> Path:
    """Write AAC or ALAC in an MP4 container, on request with a real video stream or a cover beside it."""
    import av

    options = {"movflags": "+faststart"}
    with av.open(str(path), "w", format="mp4" if video or cover else "ipod", options=options) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.codec_context.layout = "stereo" if len(samples) == 2 else "mono"
        stream.codec_context.format = "s16p" if codec == "alac" else "fltp"
        film = None
        if video or cover:
            film = container.add_stream("mjpeg" if cover else "mpeg4", rate=10)
            film.width = film.height = 64
            film.pix_fmt = "yuvj420p" if cover else "yuv420p"
            if cover:
                film.disposition = av.stream.Disposition.attached_pic
        data = samples if codec == "aac" else np.round(np.clip(samples, -1, 32767 / 32768) * 32768)
        layout, form, dtype = stream.codec_context.layout.name, stream.codec_context.format.name, None
        dtype = np.float32 if codec == "aac" else np.int16
        for start in range(0, data.shape[1], 4096):
            block = np.ascontiguousarray(data[:, start : start + 4096], dtype)
            frame = av.AudioFrame.from_ndarray(block, format=form, layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if film is not None:
            for index in range(1 if cover else 10):
                picture = av.VideoFrame.from_ndarray(
                    np.full((64, 64, 3), 20 * index, np.uint8), format="rgb24"
                )
                picture.pts = index
                container.mux(film.encode(picture))
            container.mux(film.encode(None))
    return path


def groove(seconds: float = 60.0, seed: int = 0, *, rate: int = RATE) -> np.ndarray:
    """Sawtooth notes and struck noise in changing colours on every eighth at 120 BPM: dense as music is."""
    rng = np.random.default_rng(seed)
    step = rate // 4
    out = np.zeros((2, round(seconds * rate) + 8 * step))
    times = np.arange(4 * step) / rate
    for at in range(0, round(seconds * rate), step):
        pitch = 110.0 * 2 ** (rng.choice([0, 3, 5, 7, 10, 12, 15]) / 12)
        note = 2.0 * ((pitch * times + rng.random()) % 1.0) - 1.0
        out[:, at : at + len(times)] += 0.3 * note * np.exp(-times * rng.uniform(3, 9))
        hit = rng.standard_normal((2, len(times))) * np.exp(-times * rng.uniform(8, 40))
        hit[:, 1:] -= rng.uniform(-0.9, 0.9) * hit[:, :-1]
        out[:, at : at + len(times)] += rng.uniform(0.05, 0.4) * hit
    return (0.5 * out[:, : round(seconds * rate)] / np.abs(out).max()).astype(np.float32)
