from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly

from catalog.analysis.loudness import measure, true_peak
from tests.sounds import RATE, kick_loop, noise, silence, tone


def test_a_full_scale_1_khz_sine_on_one_channel_reads_minus_3_lufs() -> None:
    """The calibration point of ITU-R BS.1770: -3.01 LKFS."""
    sine = tone(997.0, 20.0, level=1.0)
    sine[1] = 0
    lufs = measure(sine, RATE).lufs
    assert lufs is not None
    assert abs(lufs - -3.01) < 0.02


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_integrated_loudness_agrees_with_pyloudnorm_at_any_rate(rate: int) -> None:
    rng = np.random.default_rng(rate)
    swell = np.sin(np.linspace(0, 9, rate * 12)) ** 2 + 0.001
    samples = (rng.standard_normal((2, rate * 12)) * swell * 0.1).astype(np.float32)
    ours = measure(samples, rate).lufs
    theirs = pyloudnorm.Meter(rate).integrated_loudness(samples.T.astype(np.float64))
    assert ours is not None
    # Below 0.1 LU: pyloudnorm rounds its 400 ms blocks to samples differently.
    assert abs(ours - theirs) < 0.1


def test_turning_down_by_6_db_reads_6_lu_less() -> None:
    loop = kick_loop(seconds=6)
    loud, soft = measure(loop, RATE), measure(loop * np.float32(0.5), RATE)
    assert loud.lufs is not None
    assert soft.lufs is not None
    assert loud.peak_dbfs is not None
    assert soft.peak_dbfs is not None
    assert abs(loud.lufs - soft.lufs - 6.02) < 0.05
    assert abs(loud.peak_dbfs - soft.peak_dbfs - 6.02) < 0.01


def test_loudness_range_grows_with_contrast() -> None:
    flat = noise(20, level=0.1)
    steps = flat.copy()
    steps[:, : RATE * 10] *= 0.2
    even, contrasted = measure(flat, RATE).range, measure(steps, RATE).range
    assert even is not None
    assert contrasted is not None
    assert even < 0.5
    assert 12 < contrasted < 15


@pytest.mark.parametrize("samples", [silence(3), np.zeros((1, 10), np.float32), np.zeros((2, 0), np.float32)])
def test_silence_and_scraps_have_no_loudness_and_raise_nothing(samples: np.ndarray) -> None:
    assert measure(samples, RATE).lufs is None


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_the_true_peak_of_a_sine_that_peaks_between_its_samples(rate: int) -> None:
    """A quarter of the sampling rate, 45 degrees off: every sample stands at -3.01 dBFS, the wave reaches 0 dBTP."""
    at = np.arange(rate) / 4
    samples = np.sin(2 * np.pi * at + np.pi / 4)[None].astype(np.float32)
    loud = measure(samples, rate)
    assert loud.peak_dbfs == pytest.approx(-3.01, abs=0.01)
    # EBU Tech 3341 allows +0.2 and -0.4 dB.
    assert -0.4 <= (true_peak(samples, rate) or -99) <= 0.2


def test_the_true_peak_is_that_of_the_whole_file_though_only_loud_places_are_interpolated() -> None:
    sound = kick_loop(seconds=3)
    sound[:, 50_000] = 0.9  # a lone sample overshoots on its way
    full = max(
        float(np.abs(resample_poly(channel.astype(np.float64), 4, 1, window=("kaiser", 8.0))).max())
        for channel in sound
    )
    assert true_peak(sound, RATE) == pytest.approx(20 * np.log10(full), abs=0.3)
    assert true_peak(silence(1), RATE) is None
    assert true_peak(np.zeros((2, 0), np.float32), RATE) is None
