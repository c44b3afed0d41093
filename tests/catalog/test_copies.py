"""Copies are found among many at any place, level, format and nearby speed; other music is not."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
import soxr

from catalog.audio.copies import SPEEDS, Shared, Shelf, shared_with
from catalog.audio.decode import decode
from catalog.audio.encode import write_mp3
from catalog.audio.fingerprint import fingerprint, fingerprints_at
from tests import sounds
from tests.catalog.test_audio_fingerprint import music

RATE = sounds.RATE
ASKED = "t4"


@functools.cache
def shelf() -> Shelf:
    return Shelf.of((f"t{seed}", fingerprint(music(seed), RATE)) for seed in range(1, 7))


def found(samples: np.ndarray) -> list[Shared]:
    return shared_with([fingerprint(samples, RATE)], shelf())


def test_exact_quiet_and_cut_copies_are_found_where_they_lie() -> None:
    sound = music(4)
    assert found(sound)[0].id == ASKED
    assert found(sound)[0].covered == 1.0
    (quiet, *_) = found(sound * np.float32(0.1))
    assert (quiet.id, quiet.of_other) == (ASKED, 1.0)
    (rest, *_) = found(sound[:, 4 * RATE :])
    assert (rest.id, round(rest.at_other)) == (ASKED, 4)
    assert rest.of_other == pytest.approx(0.75, abs=0.05)


def test_an_mp3_is_found(tmp_path: Path) -> None:
    write_mp3(tmp_path / "a.mp3", music(4), RATE, 128)
    (copy, *_) = found(decode(tmp_path / "a.mp3").samples)
    assert copy.id == ASKED
    assert copy.covered > 0.9


@pytest.mark.parametrize("speed", [0.97, 0.9862, 1.0213, 1.03])
def test_another_speed_is_found_and_told(speed: float) -> None:
    changed = np.ascontiguousarray(soxr.resample(music(4).T, RATE * speed, RATE).T)
    marks = fingerprints_at(changed, RATE, SPEEDS)
    (copy, *others) = shared_with(marks, shelf(), speeds=SPEEDS)
    assert copy.id == ASKED
    assert copy.covered > 0.8
    assert copy.speed == pytest.approx(speed, abs=0.003)
    assert not [one for one in others if one.seconds > 8]


def test_speed_one_is_the_plain_fingerprint_but_for_a_few_bits() -> None:
    plain = fingerprint(music(4), RATE)
    (same,) = fingerprints_at(music(4), RATE, [1.0])
    assert len(plain) == len(same)
    assert np.bitwise_count(plain ^ same).sum() <= 8


def test_other_music_and_silence_are_no_copies() -> None:
    for sound in (music(77), sounds.noise(16, seed=3), sounds.silence(16)):
        at_speeds = shared_with(fingerprints_at(sound, RATE, SPEEDS), shelf(), speeds=SPEEDS)
        assert not [one for one in (*found(sound), *at_speeds) if one.seconds >= 4]


def test_nothing_asked_and_nothing_there_share_nothing() -> None:
    empty = np.zeros(0, np.uint32)
    assert shared_with([empty], shelf()) == []
    assert shared_with([fingerprint(music(4), RATE)], Shelf.of([])) == []
