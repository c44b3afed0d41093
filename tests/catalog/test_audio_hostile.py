"""Files made to hurt: every one is refused in a sentence, quickly, in little memory, and nothing stays behind.

`HOSTILE` builds each file and names the codes it may be refused with. One process decodes them all, so that
the memory of the decoding children can be measured from outside.
"""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from catalog.audio.decode import Limits, decode, inspect
from catalog.audio.errors import AudioError
from catalog.audio.sniff import sniff
from catalog.audio.tags import read_tags
from tests import sounds
from tests.site import processes

ROOT = Path(__file__).resolve().parents[2]
LOOP = sounds.kick_loop(140, 2.0)


def wav(
    data: bytes = bytes(4 * 88_200),
    *,
    tag: int = 1,
    channels: int = 2,
    rate: int = 44_100,
    bits: int = 16,
    block: int | None = None,
    claimed: int | None = None,
    extra: bytes = b"",
) -> bytes:
    """A WAV file with whatever its header should claim."""
    block = channels * bits // 8 if block is None else block
    fmt = struct.pack(
        "<HHIIHH", tag, channels & 0xFFFF, rate, rate * block & 0xFFFF_FFFF, block & 0xFFFF, bits
    )
    length = len(data) if claimed is None else claimed
    body = b"WAVE" + struct.pack("<4sI", b"fmt ", len(fmt + extra)) + fmt + extra
    body += struct.pack("<4sI", b"data", length) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def made(folder: Path, suffix: str, samples: np.ndarray = LOOP) -> bytearray:
    return bytearray(sounds.write(folder / f"made.{suffix}", samples).read_bytes())


def flac_claiming(folder: Path, frames: int, seconds: float = 2.0, rate: int = 44_100) -> bytes:
    """A FLAC whose header promises `frames` samples (36 bits; 0 means "unknown")."""
    path = folder / "made.flac"
    soundfile.write(path, np.zeros((round(seconds * rate), 1), np.int16), rate, "PCM_16")
    data = bytearray(path.read_bytes())
    data[21] = data[21] & 0xF0 | frames >> 32
    data[22:26] = (frames & 0xFFFF_FFFF).to_bytes(4, "big")
    return bytes(data)


def ogg_claiming(folder: Path, suffix: str, position: int) -> bytes:
    """An Ogg file whose last page says it ends at `position`, with a correct checksum."""
    data = made(folder, suffix)
    at = data.rindex(b"OggS")
    data[at + 6 : at + 14] = position.to_bytes(8, "little")
    data[at + 22 : at + 26] = bytes(4)
    crc = 0
    for byte in data[at:]:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C1_1DB7 if crc & 0x8000_0000 else crc << 1) & 0xFFFF_FFFF
    data[at + 22 : at + 26] = crc.to_bytes(4, "little")
    return bytes(data)


def nan_wav(share: float) -> bytes:
    samples = np.full((88_200, 2), 0.25, "<f4")
    samples.reshape(-1)[: int(share * samples.size)] = np.nan
    return wav(samples.tobytes(), tag=3, bits=32)


def tag_bomb(folder: Path) -> bytes:
    """An MP3 under half a million small frames of one name: quadratic for a reader that keeps lists."""
    frames = b"".join(b"TXXX" + bytes((0, 0, 0, 10, 0, 0)) + b"\x03A\0%07d" % i for i in range(500_000))
    size = len(frames)
    head = b"ID3\x04\0\0" + bytes((size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127))
    return head + frames + bytes(made(folder, "mp3"))


GUID = bytes.fromhex("000000001000800000aa00389b71")
CONCAT = b"ffconcat version 1.0\nfile 'secret.wav'\n"
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 97\n"

HOSTILE: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "nothing": ("empty", lambda _: b""),
    "text.wav": ("unsupported", lambda _: b"This is my new song, I promise.\n" * 50),
    "page.mp3": ("unsupported", lambda _: b"<!doctype html><html><body>404</body></html>"),
    "zip.wav": ("unsupported", lambda _: b"PK\x03\x04" + bytes(500)),
    "zeros.wav": ("unsupported", lambda _: bytes(100_000)),
    "noise.mp3": ("unsupported", lambda _: random.Random(1).randbytes(200_000)),
    "one byte": ("unsupported", lambda _: b"R"),
    "riff only": ("damaged", lambda _: b"RIFF\x04\0\0\0WAVE"),
    "header only.wav": ("empty", lambda _: wav(b"")),
    "concat.mp3": ("unsupported", lambda _: CONCAT),
    "radio.m4a": ("unsupported", lambda _: SDP),
    "playlist.m4a": ("unsupported", lambda _: b"#EXTM3U\n#EXTINF:1,\nsecret.wav\n"),
    "adpcm.wav": ("unsupported", lambda _: wav(tag=0x11, bits=4, block=1024, extra=b"\x02\0\xf9\x07")),
    "ms adpcm.wav": ("unsupported", lambda _: wav(tag=2, bits=4, block=1024)),
    "mp3 in.wav": ("unsupported", lambda _: wav(tag=0x55)),
    "gsm.wav": ("unsupported", lambda _: wav(tag=0x31)),
    "private guid.wav": ("unsupported", lambda _: wav(tag=0xFFFE, extra=b"\x16\0\x10\0" + bytes(20))),
    "adpcm guid.wav": (
        "unsupported",
        lambda _: wav(tag=0xFFFE, extra=b"\x16\0\x10\0" + bytes(4) + b"\x11\0" + GUID),
    ),
    "second fmt.wav": ("damaged", lambda _: wav() + wav(tag=0x11)[12:36]),
    "1000 channels.wav": ("too_many_channels", lambda _: wav(channels=1000)),
    "no channel.wav": ("damaged", lambda _: wav(channels=0)),
    "1 hertz.wav": ("sample_rate", lambda _: wav(rate=1)),
    "slow.wav": ("sample_rate", lambda _: wav(rate=4000)),
    "fast.wav": ("sample_rate", lambda _: wav(bytes(4_000_000), rate=4_000_000)),
    "wrong block.wav": ("damaged", lambda _: wav(block=1)),
    "13 bits.wav": ("damaged", lambda _: wav(bits=13, block=4)),
    "4 gigabytes.wav": ("truncated", lambda _: wav(claimed=0xFFFF_FF00)),
    "cut.wav": ("truncated", lambda d: bytes(made(d, "wav")[:-100_000])),
    "cut.aiff": ("truncated", lambda d: bytes(made(d, "aiff")[:-100_000])),
    "cut.flac": ("truncated damaged", lambda d: bytes(made(d, "flac")[:-60_000])),
    "cut.m4a": ("damaged", lambda d: bytes(made(d, "m4a")[:-20_000])),
    "cut.mp3": ("truncated", lambda d: bytes(made(d, "mp3", sounds.kick_loop(140, 12))[:60_000])),
    "only head.flac": ("damaged truncated empty", lambda d: bytes(made(d, "flac")[:60])),
    "only head.ogg": ("damaged empty", lambda d: bytes(made(d, "ogg")[:120])),
    "claims 19 days.flac": ("too_long", lambda d: flac_claiming(d, 2**36 - 1)),
    "claims 3 s more.flac": ("truncated damaged", lambda d: flac_claiming(d, 5 * 44_100)),
    "hour, unknown length.flac": ("too_long", lambda d: flac_claiming(d, 0, 3600, 8000)),
    "claims 10 h.opus": ("too_long damaged", lambda d: ogg_claiming(d, "opus", 36_000 * 48_000)),
    "claims 10 h.ogg": ("too_long damaged", lambda d: ogg_claiming(d, "ogg", 36_000 * 44_100)),
    "nan.wav": ("damaged", lambda _: nan_wav(0.5)),
    "absurdly loud.wav": ("damaged", lambda _: wav(np.full(176_400, 1e30, "<f4").tobytes(), tag=3, bits=32)),
    "huge aiff rate": (
        "damaged sample_rate",
        lambda d: bytes(made(d, "aiff")).replace(b"\x40\x0e\xac\x44", b"\x7f\xff\xac\x44", 1),
    ),
    "garbage.flac": (
        "damaged truncated",
        lambda d: bytes(made(d, "flac")[:200]) + random.Random(2).randbytes(90_000),
    ),
    "garbage.m4a": (
        "damaged",
        lambda _: b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42" + random.Random(3).randbytes(90_000),
    ),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, work = tmp_path_factory.mktemp("hostile"), tmp_path_factory.mktemp("work")
    for name, (_, build) in HOSTILE.items():
        (folder / name).write_bytes(build(work))
    (folder / "film.m4a").write_bytes(sounds.write_m4a(work / "film.mp4", LOOP, video=True).read_bytes())
    (folder / "tag bomb.mp3").write_bytes(tag_bomb(work))
    (folder / "secret.wav").write_bytes(wav())
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(folder / "half an hour.flac", "w", 8000, 1, "PCM_16") as file:
        for _ in range(179):
            file.write(rng.integers(-3000, 3000, 80_000).astype(np.int16))
    return folder


SCRIPT = """
import json, resource, sys, time
from pathlib import Path
from catalog.audio.decode import decode
from catalog.audio.errors import AudioError
results = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    began = time.monotonic()
    try:
        decode(path, sample_rate=8000, directory=Path(sys.argv[2]))
        code, reason = "accepted", "It was read."
    except AudioError as error:
        code, reason = error.code, error.reason
    results[path.name] = [code, reason, time.monotonic() - began]
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"results": results, "megabytes": peak / 1024}))
"""


@pytest.fixture(scope="module")
def verdicts(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    scratch = tmp_path_factory.mktemp("scratch")
    command = [sys.executable, "-c", SCRIPT, str(hostile), str(scratch)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert list(scratch.iterdir()) == []
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", [*HOSTILE, "film.m4a"])
def test_it_is_refused_for_the_right_reason(verdicts: dict[str, dict[str, list[str]]], name: str) -> None:
    code, reason, _ = verdicts["results"][name]
    assert code in (HOSTILE[name][0] if name in HOSTILE else "video").split(), reason


def test_every_refusal_is_a_sentence_for_an_artist(verdicts: dict[str, dict[str, list[str]]]) -> None:
    for name, (code, reason, _) in verdicts["results"].items():
        assert reason[0].isupper() or reason[0].isdigit(), name
        assert reason.endswith("."), name
        assert len(reason) < 250, name
        assert "Error" not in reason and "/" not in reason and "None" not in reason, (name, code, reason)


def test_no_child_needs_more_than_300_megabytes_or_many_seconds(
    verdicts: dict[str, dict[str, list[str]]],
) -> None:
    assert float(verdicts["megabytes"]) < 300  # type: ignore[arg-type]
    slowest = max(verdicts["results"].items(), key=lambda item: float(item[1][2]))
    assert float(slowest[1][2]) < 30, slowest


def test_a_tag_bomb_costs_its_tags_and_not_the_track(
    hostile: Path, verdicts: dict[str, dict[str, list[str]]]
) -> None:
    assert verdicts["results"]["tag bomb.mp3"][0] == "accepted"
    began = time.process_time()
    read_tags(hostile / "tag bomb.mp3")
    assert time.process_time() - began < 2


def test_a_few_invalid_samples_are_silenced_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(nan_wav(0.0005))
    found = decode(path)
    assert np.isfinite(found.samples).all()
    assert found.notes == ("88 samples of this file were not valid numbers and were silenced.",)


def test_a_recorder_that_crashed_leaves_a_readable_file(tmp_path: Path) -> None:
    for claimed in (0, 0xFFFF_FFFF):
        (tmp_path / "a.wav").write_bytes(wav(claimed=claimed))
        assert decode(tmp_path / "a.wav").duration == pytest.approx(2.0)


def test_an_m4a_with_a_cover_is_no_video(tmp_path: Path) -> None:
    path = sounds.write_m4a(tmp_path / "a.m4a", LOOP, cover=True)
    assert decode(path).duration == pytest.approx(2.0, abs=0.05)


def test_a_child_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.wav", LOOP)
    before = set(processes.children(os.getpid()))
    with pytest.raises(AudioError, match="far more time") as caught:
        decode(path, limits=Limits(wall_seconds=0.01))
    assert caught.value.code == "too_expensive"
    # Nothing runs on, nothing waits to be buried.
    assert set(processes.children(os.getpid())) <= before


def test_a_child_that_computes_too_long_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros((1700 * 8000, 1), np.int16), 8000, "PCM_16")
    with pytest.raises(AudioError) as caught:
        decode(path, sample_rate=192_000, limits=Limits(cpu_seconds=1))
    assert caught.value.code == "too_expensive"


def test_a_large_file_is_refused_unopened(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.wav", LOOP)
    with pytest.raises(AudioError, match="the limit is 0 MB") as caught:
        decode(path, limits=Limits(max_bytes=1000))
    assert caught.value.code == "too_big"


CONFINED = """
import os, socket, subprocess
from catalog.audio.confinement import confine
from catalog.audio.limits import Limits
confine(Limits(), output_bytes=0)
for escape in (socket.socket, lambda: subprocess.run(["true"]), lambda: os.kill(1, 0)):
    try:
        escape()
    except PermissionError:
        print("refused")
try:
    bytearray(2**30)
except MemoryError:
    print("refused")
"""


@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="the filter knows two machines")
def test_a_captured_decoder_reaches_no_network_and_starts_no_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CONFINED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["refused"] * 4, done


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_only_ordinary_files_are_opened(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "odd")
    for read in (decode, inspect, sniff, read_tags):
        with pytest.raises(AudioError, match="not an ordinary file"):
            read(tmp_path / "odd")


def test_the_longest_allowed_track_is_read_like_any_other(hostile: Path) -> None:
    found = decode(hostile / "half an hour.flac", sample_rate=8000)
    assert found.duration == 1790
    assert found.samples.shape == (2, 1790 * 8000)


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "aiff", "ogg", "opus", "m4a"])
def test_damage_anywhere_is_a_refusal_or_a_track_and_never_a_crash(tmp_path: Path, kind: str) -> None:
    rng = random.Random(kind)
    whole = bytes(made(tmp_path, kind))
    path = tmp_path / "damaged"
    for _ in range(4):
        data = bytearray(whole)
        for _ in range(rng.choice([1, 10, 200])):
            data[min(int(rng.expovariate(1 / 300)), len(data) - 1)] = rng.randrange(256)
        path.write_bytes(data[: rng.randrange(len(data)) if rng.random() < 0.3 else len(data)])
        try:
            assert np.isfinite(decode(path).samples).all()
        except AudioError as error:
            assert error.reason.endswith(".")
