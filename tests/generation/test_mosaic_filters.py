"""Filters that act after the arrangement stay local, and the matching filter is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import firwin, oaconvolve

from catalog.analysis.frontend import to_mono
from generation.engines.mosaic.eq import (
    filtered,
    gains_db,
    kernel_of,
    spectrum_of,
)
from generation.engines.mosaic.fir import SIZE, convolved
from generation.engines.mosaic.separate import low_passed
from tests.generation.mosaic_corpus import RATE


def noise(seed: int = 1, count: int = 5 * RATE) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, count)).astype(np.float32) * np.float32(0.2)


@pytest.mark.parametrize("count", [1, 300, 3074, 3075, 50_000])
@pytest.mark.parametrize("taps", [65, 1023])
def test_it_is_the_convolution(count: int, taps: int) -> None:
    sound = noise(count=count)
    kernel = firwin(taps, 900.0, fs=RATE).astype(np.float32)
    whole = oaconvolve(sound.astype(np.float64), kernel[None, :].astype(np.float64), axes=1)
    heard = convolved(sound, kernel)
    assert heard.dtype == np.float32 and heard.shape == sound.shape
    np.testing.assert_allclose(heard, whole[:, taps // 2 :][:, :count], atol=1e-7)


@pytest.mark.parametrize("first", [70_000, 73_777, 100_001])
def test_a_change_is_heard_within_half_the_filter_and_nowhere_else(first: int) -> None:
    one, last = noise(), first + 20_000
    other = one.copy()
    other[:, first:last] = noise(2)[:, first:last] * 9.0
    kernel = kernel_of(np.linspace(-6.0, 6.0, 64), RATE)
    changed = np.flatnonzero((filtered(one, kernel) != filtered(other, kernel)).any(axis=0))
    assert first - 511 <= changed[0] and changed[-1] < last + 511


def test_silence_stays_silence_beside_sound() -> None:
    sound = noise()
    sound[:, 2 * SIZE : 60_000] = 0.0
    heard = low_passed(sound, 170.0, 1025)
    assert not heard[:, 2 * SIZE + 512 + SIZE : 60_000 - 512 - SIZE].any()
    assert heard[:, :8_000].any() and heard[:, 61_000:].any()


def test_it_brings_a_spectrum_to_another_and_its_levels_can_be_kept() -> None:
    have, tilt = spectrum_of(to_mono(noise(), RATE)), np.linspace(4.0, -4.0, 64)
    want = tuple(float(level) for level in have + tilt)
    reached = spectrum_of(to_mono(filtered(noise(), kernel_of(gains_db(have, want), RATE)), RATE))
    # the lowest bands are narrower than the filter can tell apart
    assert np.abs(reached - np.asarray(want))[8:-2].max() < 1.0
    levels = gains_db(have, want)
    assert np.abs(np.asarray(levels) - tilt).max() < 1.0
    assert (
        kernel_of(gains_db(have, want), RATE).tobytes()
        == kernel_of([float(f"{level}") for level in levels], RATE).tobytes()
    )
    assert max(np.abs(gains_db(have, tuple(have + 40 * tilt)))) <= 18.0
