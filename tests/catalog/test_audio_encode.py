"""What is written is what was meant: values, lengths, rates, and nothing half done."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from catalog.audio import mpeg
from catalog.audio.decode import decode
from catalog.audio.encode import write_flac, write_mp3, write_wav
from catalog.audio.hashing import file_sha256, pcm_sha256
from catalog.audio.peaks import peaks
from tests import sounds

LOOP = sounds.kick_loop(140, 3)


def test_wav_and_flac_hold_the_same_integers(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", LOOP, sounds.RATE)
    write_flac(tmp_path / "a.flac", LOOP, sounds.RATE)
    assert pcm_sha256(tmp_path / "a.wav") == pcm_sha256(tmp_path / "a.flac")
    assert soundfile.info(tmp_path / "a.wav").subtype == "PCM_24"
    assert soundfile.info(tmp_path / "a.flac").subtype == "PCM_24"


def test_twenty_four_bits_come_back_within_half_a_step(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", LOOP, sounds.RATE)
    back = decode(tmp_path / "a.wav").samples
    assert back.shape == LOOP.shape
    assert np.abs(back - LOOP).max() <= 0.5 / 2**23


def test_sixteen_bits_are_dithered_and_the_same_every_time(tmp_path: Path) -> None:
    quiet = np.full((2, 44_100), 0.3 / 32_768, np.float32)
    for name in ("a.wav", "b.wav"):
        write_wav(tmp_path / name, quiet, sounds.RATE, bits=16)
    assert file_sha256(tmp_path / "a.wav") == file_sha256(tmp_path / "b.wav")
    back = decode(tmp_path / "a.wav").samples
    assert back.mean() * 32_768 == pytest.approx(0.3, abs=0.02)


def test_too_loud_samples_are_clipped_and_do_not_wrap(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", sounds.tone(level=1.0) * 3, sounds.RATE)
    write_mp3(tmp_path / "a.mp3", sounds.tone(level=1.0) * 3, sounds.RATE)
    back = decode(tmp_path / "a.wav").samples
    assert back.max() == pytest.approx(1.0, abs=1e-6)
    assert back.min() == -1.0
    loud = sounds.tone(level=1.0)[0] > 0.5
    assert back[0][loud].min() > 0.99


@pytest.mark.parametrize("kbps", [128, 320])
def test_mp3_has_the_constant_rate_that_was_asked_for(tmp_path: Path, kbps: int) -> None:
    path = tmp_path / "a.mp3"
    write_mp3(path, LOOP, sounds.RATE, kbps)  # type: ignore[arg-type]
    with path.open("rb") as file:
        found = mpeg.find_sound(file.fileno(), 0, path.stat().st_size)
        assert found is not None
        frames = list(mpeg._frames_at(file.fileno(), found[0], path.stat().st_size))
    average = sum(frame.length for frame in frames) / len(frames) * 8 * 44_100 / 1152 / 1000
    assert average == pytest.approx(kbps, abs=0.7)
    assert decode(path).samples.shape == LOOP.shape


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    for write, name in ((write_wav, "wav"), (write_flac, "flac"), (write_mp3, "mp3")):
        write(tmp_path / f"a.{name}", LOOP, sounds.RATE)
        write(tmp_path / f"b.{name}", LOOP, sounds.RATE)
        assert file_sha256(tmp_path / f"a.{name}") == file_sha256(tmp_path / f"b.{name}")


def test_bad_samples_leave_no_file_behind(tmp_path: Path) -> None:
    bad = LOOP.copy()
    bad[1, -1] = np.nan
    for write in (write_wav, write_flac, write_mp3):
        with pytest.raises(ValueError, match="finite"):
            write(tmp_path / "a.out", bad, sounds.RATE)
        with pytest.raises(ValueError, match="transposed"):
            write(tmp_path / "a.out", LOOP.T, sounds.RATE)
    assert list(tmp_path.iterdir()) == []


def test_mp3_refuses_rates_it_cannot_keep(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="MP3 wants"):
        write_mp3(tmp_path / "a.mp3", LOOP, 22_050)


def test_an_overwritten_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_wav(path, LOOP, sounds.RATE)
    assert os.stat(path).st_mode & 0o777 == 0o640


def test_peaks_are_the_outline_of_both_channels() -> None:
    sound = np.zeros((2, 1000), np.float32)
    sound[0, 150], sound[1, 850] = -1.0, 0.5
    outline = peaks(sound, 10)
    assert outline == [0, 127, 0, 0, 0, 0, 0, 0, 64, 0]


def test_peaks_are_always_as_many_as_asked_for() -> None:
    assert len(peaks(LOOP)) == 1000
    assert peaks(np.zeros((2, 0), np.float32), 5) == [0] * 5
    assert peaks(np.ones((1, 3), np.float32), 7) == [127] * 7
