"""Every format an artist has comes out as the same plain samples, with the facts of its file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from catalog.audio import hashing
from catalog.audio.decode import Decoded, Limits, decode, inspect, require_sound
from catalog.audio.errors import AudioError
from catalog.audio.sniff import FORMATS, sniff
from catalog.audio.tags import read_tags
from tests import sounds

LOOP = sounds.kick_loop(140, 2.5)
EVERY = ("wav", "flac", "mp3", "aiff", "ogg", "opus", "m4a")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("formats")
    return {kind: sounds.write(folder / f"a.{kind}", LOOP) for kind in EVERY}


@pytest.mark.parametrize("kind", EVERY)
def test_every_format_is_read_and_lies_where_it_lay(files: dict[str, Path], kind: str) -> None:
    found = decode(files[kind])
    assert found.format == FORMATS[kind] == sniff(files[kind])
    assert found.samples.dtype == np.float32
    assert found.samples.flags.c_contiguous
    assert found.sample_rate == sounds.RATE
    assert found.duration == pytest.approx(2.5, abs=0.03)
    n = LOOP.shape[1]
    both = np.fft.rfft(found.samples[0], 2 * n) * np.conj(np.fft.rfft(LOOP[0], 2 * n))
    assert int(np.argmax(np.fft.irfft(both))) == 0, "shifted in time"
    assert np.corrcoef(found.samples[0][:n], LOOP[0])[0, 1] > 0.98


@pytest.mark.parametrize("kind", EVERY)
def test_the_name_of_a_file_means_nothing(files: dict[str, Path], tmp_path: Path, kind: str) -> None:
    odd = tmp_path / "-rf \n‘ünïcode’ %00.txt"
    odd.write_bytes(files[kind].read_bytes())
    assert decode(odd).format.name == kind


def test_a_name_that_is_no_text_at_all_is_read(files: dict[str, Path], tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.wav"))
    odd.write_bytes(files["wav"].read_bytes())
    assert decode(odd).format.name == "wav"


@pytest.mark.parametrize(
    ("suffix", "subtype", "step"),
    [
        ("wav", "PCM_U8", 2**-7),
        ("wav", "PCM_16", 2**-15),
        ("wav", "PCM_24", 2**-23),
        ("wav", "PCM_32", 2**-24),
        ("wav", "FLOAT", 2**-24),
        ("wav", "DOUBLE", 2**-24),
        ("aiff", "PCM_S8", 2**-7),
        ("aiff", "PCM_16", 2**-15),
        ("aiff", "PCM_24", 2**-23),
        ("aiff", "PCM_32", 2**-24),
        ("aiff", "FLOAT", 2**-24),
        ("rf64", "PCM_24", 2**-23),
        ("flac", "PCM_S8", 2**-7),
        ("flac", "PCM_24", 2**-23),
    ],
)
def test_every_width_of_sample_is_read_as_libsndfile_reads_it(
    tmp_path: Path, suffix: str, subtype: str, step: float
) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, LOOP.T, sounds.RATE, subtype, format=suffix.upper())
    found = decode(path, sample_rate=None).samples
    reference = soundfile.read(path, dtype="float32")[0].T
    assert np.array_equal(found, reference)
    assert np.abs(found - LOOP).max() <= 2 * step


def test_little_endian_aiff_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.aifc"
    soundfile.write(path, LOOP.T, sounds.RATE, "PCM_16", endian="LITTLE", format="AIFF")
    assert b"sowt" in path.read_bytes()[:100]
    assert np.array_equal(decode(path).samples, soundfile.read(path, dtype="float32")[0].T)


def test_mono_becomes_two_equal_channels_or_stays_one(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.wav", LOOP[:1])
    found = decode(path)
    assert np.array_equal(found.samples[0], found.samples[1])
    assert found.source_channels == 1
    assert decode(path, stereo=False).samples.shape == (1, LOOP.shape[1])


def test_surround_is_folded_down_without_clipping_and_without_the_lfe(tmp_path: Path) -> None:
    surround = np.zeros((6, sounds.RATE * 2), np.float32)
    surround[2] = 0.9  # centre
    surround[3] = 0.9  # low-frequency effects
    path = sounds.write(tmp_path / "a.wav", surround)
    found = decode(path).samples
    assert found.shape == (2, sounds.RATE * 2)
    assert np.allclose(found[0], found[1])
    assert found[0, 1000] == pytest.approx(0.9 * 0.7071 / (1 + 2 * 0.7071), abs=1e-3)
    assert decode(path, stereo=False).samples.shape[0] == 6


def test_resampling_keeps_pitch_length_and_level(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.flac", sounds.tone(1000, 3, rate=96_000), rate=96_000, bits=24)
    found = decode(path)
    assert found.source_sample_rate == 96_000
    assert found.samples.shape == (2, 3 * 44_100)
    middle = found.samples[0, 44_100:88_200]
    spectrum = np.abs(np.fft.rfft(middle))
    assert int(np.argmax(spectrum)) == 1000
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.005)


def test_the_hash_of_the_sound_ignores_container_and_tags_and_nothing_else(tmp_path: Path) -> None:
    wav = sounds.write(tmp_path / "a.wav", LOOP)
    flac, other = tmp_path / "a.flac", tmp_path / "b.flac"
    sound, rate = soundfile.read(wav, dtype="int16")
    with soundfile.SoundFile(flac, "w", rate, 2, "PCM_16") as file:
        file.title = "Tagged"
        file.write(sound)
    sound[5000, 1] += 1
    soundfile.write(other, sound, rate, "PCM_16")
    assert hashing.pcm_sha256(wav) == hashing.pcm_sha256(flac) == decode(wav, sample_rate=8000).pcm_sha256
    assert hashing.audio_digest(wav) == ("pcm", hashing.pcm_sha256(wav))
    assert hashing.pcm_sha256(other) != hashing.pcm_sha256(wav)


def test_the_hash_is_what_the_documentation_says(tmp_path: Path) -> None:
    import hashlib

    wav = sounds.write(tmp_path / "a.wav", LOOP, bits=24)
    sound = soundfile.read(wav, dtype="int32")[0]
    assert hashing.pcm_sha256(wav) == hashlib.sha256(b"44100:2:" + sound.astype("<i4").tobytes()).hexdigest()


def test_alac_and_wav_of_one_sound_share_their_hash(tmp_path: Path) -> None:
    wav, m4a = tmp_path / "a.wav", sounds.write_m4a(tmp_path / "a.m4a", LOOP, codec="alac")
    soundfile.write(wav, np.round(LOOP.T * 32768).astype(np.int16), sounds.RATE, "PCM_16")
    assert hashing.pcm_sha256(m4a) == hashing.pcm_sha256(wav)


def test_the_stream_of_an_mp3_is_the_same_under_any_tags(files: dict[str, Path], tmp_path: Path) -> None:
    mp3 = files["mp3"].read_bytes()
    bare = hashing.mpeg_stream_sha256(files["mp3"])
    assert hashing.audio_digest(files["mp3"]) == ("mpeg-stream", bare)
    front = b"ID3\x04\0\0\0\0\x01\0" + bytes(128)
    ape = b"APETAGEX" + (2000).to_bytes(4, "little") + (32).to_bytes(4, "little") + bytes(4) + bytes(12)
    v1 = b"TAG" + bytes(125)
    path = tmp_path / "a.mp3"
    for content in (front + mp3, front + front + mp3, mp3 + v1, mp3 + ape, front + mp3 + ape + v1):
        path.write_bytes(content)
        assert hashing.mpeg_stream_sha256(path) == bare
    flipped = bytearray(mp3)
    flipped[len(mp3) // 2] ^= 1
    path.write_bytes(flipped)
    assert hashing.mpeg_stream_sha256(path) != bare


def test_sound_cannot_hide_in_a_huge_tag_behind_an_mp3(files: dict[str, Path], tmp_path: Path) -> None:
    mp3 = files["mp3"].read_bytes()
    hidden = mp3 * (2**21 // len(mp3))
    footer = b"APETAGEX" + (2000).to_bytes(4, "little") + (len(hidden) + 32).to_bytes(4, "little") + bytes(16)
    path = tmp_path / "a.mp3"
    path.write_bytes(mp3 + hidden + footer)
    assert hashing.mpeg_stream_sha256(path) != hashing.mpeg_stream_sha256(files["mp3"])


def test_samples_belong_to_the_caller(files: dict[str, Path]) -> None:
    first = decode(files["wav"])
    first.samples[:] = 0
    assert decode(files["wav"]).peak > 0.5


def test_nothing_is_left_in_the_scratch_folder(files: dict[str, Path], tmp_path: Path) -> None:
    found = decode(files["wav"], directory=tmp_path)
    assert found.samples.size
    assert list(tmp_path.iterdir()) == []


def test_the_scratch_folder_comes_from_the_environment(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STARFORGE_SCRATCH", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError):
        decode(files["wav"])


def test_silence_and_short_sounds_are_named(tmp_path: Path) -> None:
    quiet: Decoded = decode(sounds.write(tmp_path / "quiet.flac", sounds.silence()))
    with pytest.raises(AudioError, match="only silence"):
        require_sound(quiet)
    require_sound(decode(sounds.write(tmp_path / "loud.flac", sounds.tone())))
    short = sounds.write(tmp_path / "short.wav", sounds.tone(seconds=0.4))
    with pytest.raises(AudioError, match=r"lasts 0\.4 s") as caught:
        decode(short)
    assert caught.value.code == "too_short"
    assert decode(short, limits=Limits(min_seconds=0)).duration == pytest.approx(0.4)
    assert inspect(short)["source_channels"] == 2


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        decode(tmp_path / "gone.wav")


def test_tags_come_with_the_sound_and_are_cleaned(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", 44_100, 2, "PCM_16") as file:
        file.title, file.artist, file.genre = "  Deep\n\tOne \x07", "é", "Dub"
        file.date, file.comment = "2024-05-01", "c" * 5000
        file.write(LOOP.T)
    expected = {"title": "Deep One", "artist": "é", "genre": "Dub", "comment": "c" * 1000, "year": 2024}
    assert decode(path).tags == read_tags(path) == expected


@pytest.mark.parametrize(
    ("text", "bpm"),
    [("140", 140.0), ("139,97", 139.97), ("0", None), ("1e9", None), ("fast", None), ("5000", None)],
)
def test_only_a_sensible_tempo_is_taken_from_tags(tmp_path: Path, text: str, bpm: float | None) -> None:
    from catalog.audio.marking import write_fields

    path = sounds.write(tmp_path / "a.mp3", LOOP)
    write_fields(path, text={"bpm": text}, custom={})
    assert read_tags(path).get("bpm") == bpm


def test_the_child_starts_fast_enough_for_a_folder_of_files(files: dict[str, Path]) -> None:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        inspect(files["wav"])
        times.append(time.perf_counter() - began)
    assert min(times) < 1.0  # about 0.1 s on an idle machine


def test_the_child_imports_neither_django_nor_the_heavy_libraries() -> None:
    import subprocess
    import sys

    heavy = ("django", "scipy", "av", "librosa")
    code = f"import sys, catalog.audio.child; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
