"""Stems as they are stored and packed: they add up, they do not clip, and their names say what they are."""

from __future__ import annotations

import io
import wave
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from generation.exports.readme import readme
from generation.exports.stems import common_gain, write_archive, write_stems
from tests.generation.exports_of import project, rendering
from tests.generation.mosaic_corpus import RATE

FLOOR = 10 ** (-90 / 20)


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float64", always_2d=True)[0].T


def in_24_bits(samples: np.ndarray) -> np.ndarray:
    """The master as its own 24-bit file has it."""
    return np.clip(np.rint(samples.astype(np.float64) * 2**23), -(2**23), 2**23 - 1) / 2**23


def test_the_stored_stems_of_a_real_take_null_against_its_master() -> None:
    stems = [read(stem.path) for stem in project().stems]
    assert len(stems) >= 3
    left = np.abs(project().makeup * sum(stems) - in_24_bits(rendering().audio)).max()
    assert 20 * np.log10(left) <= -90, left


def test_stems_that_would_clip_are_turned_down_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    loud = rng.uniform(-1.9, 1.9, (2, 5000)).astype(np.float32)
    quiet = rng.uniform(-0.2, 0.2, (2, 5000)).astype(np.float32)
    stems = {"bass": loud, "drums": quiet - loud}
    known = write_stems(stems, tmp_path, RATE)
    gain = known[0]["gain"]
    assert gain == known[1]["gain"] < 1
    files = [read(tmp_path / f"{one['name']}.flac") for one in known]
    assert max(np.abs(one).max() for one in files) < 1
    assert np.abs(sum(files) / gain - quiet).max() <= FLOOR
    assert common_gain([quiet]) == 1.0


def test_stems_stand_in_the_order_of_a_score_and_know_their_outline(tmp_path: Path) -> None:
    stems = {name: np.full((2, 900), 0.5, np.float32) for name in ("fx", "bass", "vox", "kick", "drums")}
    known = write_stems(stems, tmp_path, RATE)
    assert [one["label"] for one in known] == ["Kick", "Drums", "Bass", "Effects", "Vox"]
    assert all(one["peak_dbfs"] == pytest.approx(-6.02) and set(one["peaks"]) == {64} for one in known)
    assert all(one["size_bytes"] == (tmp_path / f"{one['name']}.flac").stat().st_size for one in known)
    assert write_stems({}, tmp_path / "none", RATE) == [] and not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["../drums", "", "Kick", "a/b", "x" * 40])
def test_a_stem_whose_name_is_no_file_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="named"):
        write_stems({name: np.zeros((2, 100), np.float32)}, tmp_path, RATE)


def test_the_archive_holds_equal_wavs_with_names_that_say_tempo_and_key() -> None:
    out = io.BytesIO()
    write_archive(project(), out, {"README.txt": b"hello"})
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        wavs = [name for name in archive.namelist() if name.endswith(".wav")]
        assert wavs[:2] == ["stems/01_Kick_124bpm_8A.wav", "stems/02_Drums_124bpm_8A.wav"]
        total = np.zeros_like(rendering().audio, dtype=np.float64)
        for name in wavs:
            with archive.open(name) as file, wave.open(file) as sound:
                shape = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate(), sound.getnframes())
                assert shape == (2, 3, RATE, rendering().audio.shape[1])
            data, rate = soundfile.read(io.BytesIO(archive.read(name)), dtype="float64")
            assert rate == RATE
            total += data.T
        assert np.abs(total - in_24_bits(rendering().audio)).max() <= FLOOR
        assert archive.read("README.txt") == b"hello"


def test_an_archive_made_again_is_the_same_to_the_byte() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    for out in (first, second):
        write_archive(project(), out, {"README.txt": b"hello"})
    assert first.getvalue() == second.getvalue()


def test_a_name_says_only_what_is_known() -> None:
    stem = project().stems[0]
    assert project().wav_name(1, stem) == "01_Kick_124bpm_8A.wav"
    assert replace(project(), key=None, bpm=127.5).wav_name(12, stem) == "12_Kick_127.5bpm.wav"


def test_the_readme_says_how_the_stems_make_the_master_and_that_no_notes_were_guessed() -> None:
    text = readme(project()).decode()
    assert "124 BPM" in text and "A minor (8A)" in text and "01_Kick_124bpm_8A.wav" in text
    assert "Played together, untouched, they are the master." in text
    assert "There are no notes for Kick, Drums, Bass, Harmony" in text
    assert "certificate" not in text
    down = replace(project(), stems=tuple(replace(stem, gain=0.5) for stem in project().stems))
    assert "together and 6.02 dB up, they are the master" in readme(down).decode()
    scored = readme(project(scored=True), has_certificate=True).decode()
    assert (
        "really played: Kick." in scored and "no notes for Drums" in scored and "certificate.json" in scored
    )
