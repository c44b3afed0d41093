"""A sound held against a tempo: what keeps it is confirmed, what does not is refused, what does not tell is neither."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import soxr

from catalog.analysis.pulse import Pulse, pulse_of, surest

RATE = 44_100
BPM = 111.5
SECONDS = 40.0


@cache
def band(bpm: float = BPM, *, lean: float = 0.0, jump: float = 0.0) -> np.ndarray:
    """(1, n): a kick, a snare and hats on sixteenths that are not all played; loud dotted chords that lean off them.

    lean: seconds by which the chords come late at the end, growing from 0. jump: seconds that the drums of the second
    half come late.
    """
    rng = np.random.default_rng(3)
    out = rng.standard_normal(round(SECONDS * RATE)) * 1e-3
    step = 15.0 / bpm
    hat = rng.standard_normal(1500) * np.exp(-np.arange(1500) / 300.0)
    time = np.arange(8000) / RATE
    kick = np.sin(2 * np.pi * (55 * time + 3 * (1 - np.exp(-60 * time)))) * np.exp(-14 * time)
    for number in range(int((SECONDS - 1.0) / step)):
        at = number * step + (jump if number * step > SECONDS / 2 else 0.0)
        place = number % 16
        if place % 4 == 0:
            _add(out, at, 0.8 * kick)
        if place in (4, 12):
            _add(out, at, 0.5 * hat)
        if place % 2 == 0 or rng.random() < 0.4:
            _add(out, at, 0.2 * hat * rng.uniform(0.5, 1.0))
        if place in (0, 3, 6, 10):
            chord = sum(np.sin(2 * np.pi * f * time * (1 + 0.3 * (number % 5))) for f in (220, 331, 442))
            _add(out, at + lean * number * step / SECONDS, 0.25 * chord * np.exp(-6 * time))
    return out[None].astype(np.float32)


def _add(out: np.ndarray, seconds: float, sound: np.ndarray) -> None:
    at = round(seconds * RATE)
    out[at : at + sound.size] += sound[: out.size - at]


def faster(samples: np.ndarray, by: float) -> np.ndarray:
    return soxr.resample(samples.T, RATE * (1.0 + by), RATE).T


def test_what_lies_on_the_grid_keeps_it_whatever_leans_off_it() -> None:
    for sound in (band(), band(lean=0.15)):
        found = pulse_of(sound, RATE, BPM)
        assert found.kept and found.error == pytest.approx(0.0, abs=2e-4)
        assert found.margin is not None and found.margin < 2.5e-4


@pytest.mark.parametrize("by", [-0.008, -0.002, 0.002, 0.008])
def test_a_sound_that_was_stretched_afterwards_is_refused_and_read(by: float) -> None:
    found = pulse_of(faster(band(), by), RATE, BPM)
    assert not found.kept and found.error == pytest.approx(by, abs=2e-4)


@pytest.mark.parametrize("wrong", [4 / 5, 5 / 4, 2 / 3, 3 / 4, 4 / 3, 3 / 2, 1.13, 0.96, 0.997])
def test_another_tempo_is_not_confirmed_even_where_it_shares_the_grid(wrong: float) -> None:
    found = pulse_of(band(), RATE, wrong * BPM)
    assert not found.kept
    if found.why == "metre":
        assert found.rival is not None and found.bpm is None


def test_what_has_no_pulse_says_nothing() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 30 * RATE)).astype(np.float32)
    for sound in (noise, np.zeros((2, 30 * RATE), np.float32), band()[:, : 5 * RATE]):
        found = pulse_of(sound, RATE, BPM)
        assert (found.bpm, found.error, found.kept, found.why) == (None, None, False, "faint")


def test_drums_that_fall_off_their_grid_halfway_are_not_confirmed() -> None:
    assert not pulse_of(band(jump=0.06), RATE, BPM).kept


def test_a_tempo_must_be_one() -> None:
    with pytest.raises(ValueError, match="positive"):
        pulse_of(band(), RATE, 0.0)


def test_the_surest_reading_is_taken_whatever_it_says() -> None:
    mix, drums, none = Pulse(120.0, 120.1, 2e-4), Pulse(120.0, 120.0, 1e-4), Pulse(120.0, why="faint")
    assert surest({"mix": mix, "drums": drums}) == "drums"
    assert surest({"mix": mix, "drums": none}) == "mix"
    assert surest({"mix": none, "drums": mix}) == "drums"
    assert surest({"mix": none, "drums": none}) == "mix"
