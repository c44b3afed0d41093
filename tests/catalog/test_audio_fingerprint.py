"""Copies are recognised after coding and cutting; other music, and silence, is not."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from catalog.audio.decode import decode
from catalog.audio.fingerprint import FRAME_SECONDS, fingerprint, longest_run
from tests import sounds


@functools.cache
def music(seed: int, seconds: float = 16) -> np.ndarray:
    """Drums and bass under short chords in a random order."""
    rng = np.random.default_rng(seed)
    step = round(0.43 * sounds.RATE)
    decay = np.exp(-np.arange(step) / step * 4)
    played = [sounds.chord(int(rng.integers(12)), "minor", 1)[:, :step] * decay for _ in range(40)]
    chords = np.concatenate(played, axis=1)[:, : round(seconds * sounds.RATE)]
    return (sounds.kick_loop(140, seconds, seed=seed) * 0.6 + chords * 0.6).astype(np.float32)


ONE = music(1)


@pytest.fixture(scope="module")
def one() -> np.ndarray:
    return fingerprint(ONE, sounds.RATE)


def test_a_second_is_about_twenty_one_numbers(one: np.ndarray) -> None:
    assert one.dtype == np.uint32
    assert len(one) * FRAME_SECONDS == pytest.approx(16, abs=0.5)


def test_a_track_shares_all_of_itself(one: np.ndarray) -> None:
    run = longest_run(one, one)
    assert run.share == 1.0
    assert run.seconds == pytest.approx(16, abs=0.5)
    assert run.at_a == run.at_b == 0.0


@pytest.mark.parametrize("kind", ["mp3", "m4a", "opus"])
def test_a_lossy_copy_is_recognised(one: np.ndarray, tmp_path: Path, kind: str) -> None:
    copy = decode(sounds.write(tmp_path / f"a.{kind}", ONE))
    assert longest_run(fingerprint(copy.samples, copy.sample_rate), one).share > 0.95


def test_an_excerpt_is_found_where_it_was_cut(one: np.ndarray) -> None:
    start = 4 * sounds.RATE + 77
    other = sounds.noise(3, seed=5, level=0.2)
    cut = np.concatenate([other, ONE[:, start : start + 6 * sounds.RATE], other], axis=1)
    run = longest_run(fingerprint(cut, sounds.RATE), one)
    assert run.seconds == pytest.approx(6, abs=1.0)
    assert run.at_b - run.at_a == pytest.approx(1.0, abs=FRAME_SECONDS)


def test_the_rate_of_the_file_does_not_matter(one: np.ndarray, tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.wav", ONE)
    low = decode(path, sample_rate=22_050)
    assert longest_run(fingerprint(low.samples, 22_050), one).share > 0.95


def test_other_music_shares_nothing(one: np.ndarray) -> None:
    for seed in range(2, 6):
        assert longest_run(fingerprint(music(seed), sounds.RATE), one).seconds == 0.0
        assert longest_run(fingerprint(sounds.noise(16, seed=seed), sounds.RATE), one).seconds == 0.0


def test_silence_is_no_evidence() -> None:
    quiet = np.concatenate([sounds.silence(6), sounds.noise(4, seed=1)], axis=1)
    also = np.concatenate([sounds.silence(6), sounds.noise(4, seed=2)], axis=1)
    assert longest_run(fingerprint(quiet, sounds.RATE), fingerprint(also, sounds.RATE)).seconds == 0.0


def test_a_sound_too_short_has_no_fingerprint_and_shares_nothing(one: np.ndarray) -> None:
    short = fingerprint(sounds.tone(seconds=0.3), sounds.RATE)
    assert len(short) == 0
    assert longest_run(short, one).seconds == longest_run(one, short).seconds == 0.0
