"""The mark in the sound: what it survives, what it leaves alone, and that nobody reads it who has no secret."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from django.db import connection

from catalog.audio.decode import decode
from catalog.audio.encode import quantise, write_mp3
from generation.engines.base import Rendering
from generation.loudness import integrated_loudness
from generation.marking import marked
from generation.truepeak import true_peak_dbtp
from provenance import watermarks
from provenance.reading import claims
from provenance.watermark import SERIALS, Pattern, code, plan, read, readable
from tests.sounds import groove

RATE = 44_100
PATTERN = Pattern(b"of the tests")
SERIAL = 4_021_337_001


@pytest.fixture(scope="module")
def take() -> Rendering:
    """A minute in three stems, loud up to the ceiling, with five silent seconds in the middle."""
    drums, bass, pad = (groove(60.0, seed) for seed in (1, 2, 3))
    stems = {"drums": drums, "bass": 0.5 * bass, "harmony": 0.5 * pad}
    for one in stems.values():
        one[:, 30 * RATE : 35 * RATE] = 0.0
    loudest = float(10 ** (true_peak_dbtp(sum(stems.values())) / 20))  # type: ignore[arg-type]
    stems = {name: (one * (0.87 / loudest)).astype(np.float32) for name, one in stems.items()}
    audio = np.sum(list(stems.values()), axis=0, dtype=np.float32)
    return Rendering(audio, RATE, stems, {})


@pytest.fixture(scope="module")
def done(take: Rendering) -> Rendering:
    return marked(take, SERIAL, PATTERN).rendering


def test_a_serial_comes_back_through_many_wrong_bits() -> None:
    rng = np.random.default_rng(1)
    serials = [0, 1, SERIAL, SERIALS - 1]
    sent = np.array([code.encode(one) for one in serials])
    heard = sent + rng.normal(0.0, 1.1, sent.shape)
    assert ((heard * sent) < 0).sum(axis=1).min() > 20
    assert code.decode(heard) == serials
    assert code.decode(rng.normal(size=(50, code.CODED))).count(None) >= 48  # the check refuses what is none
    with pytest.raises(ValueError, match="not 4294967296"):
        code.encode(SERIALS)


def test_a_number_that_was_given_is_told_from_all_others_where_the_code_fails() -> None:
    rng = np.random.default_rng(3)
    numbers = [1, 4_095, 4_096, 9_999]
    sent = np.array([code.encode(one) for one in numbers])
    heard = sent + rng.normal(0.0, 1.9, sent.shape)
    assert code.decode(heard) != numbers
    scores, found = code.nearest(heard, 10_000)
    assert found.tolist() == numbers
    assert np.allclose(scores, (heard * sent).sum(axis=1), atol=1e-2)
    assert 9_999 not in code.nearest(heard, 9_998)[1]  # nobody has that one yet


def test_a_mark_too_weak_for_the_code_is_read_among_the_numbers_that_were_given(take: Rendering) -> None:
    serial, short = 812, take.audio[:, : 30 * RATE]
    copy = plan(short, RATE, serial, PATTERN).apply(short)
    noise = np.random.default_rng(5).normal(size=copy.shape).astype(np.float32)
    level = next(  # as much noise as the code alone does not bear any more
        one for one in np.geomspace(0.003, 0.3, 24) if read(copy + one * noise, RATE, PATTERN) is None
    )
    found = read(copy + level * noise, RATE, PATTERN, given=1_000)
    assert found is not None and found.serial == serial and found.false_positive <= 1e-6
    assert read(short + level * noise, RATE, PATTERN, given=1_000) is None


def test_a_mark_that_cannot_be_read_back_is_said(take: Rendering, done: Rendering) -> None:
    assert readable(done.audio, RATE, PATTERN, SERIAL) and not readable(take.audio, RATE, PATTERN, SERIAL)
    tone = np.tile(0.3 * np.sin(2 * np.pi * 440.0 * np.arange(12 * RATE) / RATE), (2, 1)).astype(np.float32)
    stated = marked(Rendering(tone, RATE, {}, {}), SERIAL, PATTERN).stated
    assert stated["readable"] is False
    rows = dict(claims({"watermark": stated}, {}))
    assert rows["Watermark"].endswith("not readable in this recording")
    assert dict(claims({"watermark": {**stated, "readable": True}}, {}))["Watermark"].endswith("001")


def test_a_coded_cropped_quieter_copy_still_carries_its_serial(done: Rendering, tmp_path: Path) -> None:
    found = read(done.audio, RATE, PATTERN)
    assert found is not None and found.serial == SERIAL and found.false_positive < 1e-12
    copy = done.audio[:, 13 * RATE + 777 : 49 * RATE] * np.float32(0.25)
    write_mp3(tmp_path / "copy.mp3", copy, RATE, kbps=128)
    decoded = decode(tmp_path / "copy.mp3", sample_rate=48_000)
    found = read(decoded.samples, 48_000, PATTERN)
    assert found is not None and found.serial == SERIAL and found.false_positive <= 1e-6


def test_without_a_mark_or_without_the_secret_nothing_is_read(take: Rendering, done: Rendering) -> None:
    assert read(take.audio, RATE, PATTERN) is None
    assert read(done.audio, RATE, Pattern(b"another one")) is None
    assert read(done.audio[:, : 2 * RATE], RATE, PATTERN) is None  # too short to say
    assert read(np.zeros((2, 20 * RATE), np.float32), RATE, PATTERN) is None


def test_marked_stems_add_up_to_the_marked_master(done: Rendering) -> None:
    total = sum(quantise(one, 24).astype(np.int64) for one in done.stems.values())
    rest = np.abs(total - quantise(done.audio, 24)).max() / 2**31
    assert rest <= 10 ** (-90 / 20)


def test_it_is_masked_as_loud_as_before_and_under_the_ceiling(take: Rendering, done: Rendering) -> None:
    mark = plan(take.audio, RATE, SERIAL, PATTERN)
    assert mark.audibility.mean_db < -10.0 and mark.audibility.worst_db < 0.0
    assert 0.1 < mark.audibility.strength_db <= 0.5
    before, after = (integrated_loudness(one, RATE) for one in (take.audio, done.audio))
    assert before is not None and after is not None and abs(after - before) <= 0.05
    assert true_peak_dbtp(done.audio) <= -1.0
    assert 10 * np.log10(np.mean(take.audio**2) / np.mean((done.audio - take.audio) ** 2)) > 20.0


def test_silence_and_what_is_too_quiet_stay_to_the_bit(take: Rendering, done: Rendering) -> None:
    silent = slice(30 * RATE + 4096, 35 * RATE - 4096)
    assert not done.audio[:, silent].any()
    quiet = take.audio * np.float32(10 ** (-80 / 20))
    assert np.array_equal(plan(quiet, RATE, SERIAL, PATTERN).apply(quiet), quiet)


@pytest.mark.django_db(transaction=True)
def test_serials_never_collide_and_a_second_attempt_gets_its_own_again() -> None:
    names = [f"take_{number % 6}" for number in range(24)]

    def given(name: str) -> int:
        try:
            return watermarks.serial_for(name)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        serials = list(pool.map(given, names))
    assert len(set(serials)) == 6
    assert all(serials[at] == serials[at % 6] for at in range(24))
