from __future__ import annotations

import numpy as np
import pytest

from catalog.analysis.palette import palette_of
from tests.sounds import RATE, noise, silence, tone


@pytest.mark.parametrize(
    ("hertz", "band"),
    [
        (40, "sub_bass"),
        (110, "bass"),
        (350, "low_mid"),
        (1000, "mid"),
        (3000, "high_mid"),
        (5000, "presence"),
        (12000, "brilliance"),
    ],
)
def test_a_tone_lands_in_its_band(hertz: float, band: str) -> None:
    palette = palette_of(tone(hertz, 3.0), RATE)
    assert palette[band] > 0.97


def test_shares_sum_to_one_and_ignore_gain() -> None:
    loud = noise(3, level=0.2)
    palette, quiet = palette_of(loud, RATE), palette_of(loud * np.float32(0.01), RATE)
    assert abs(sum(palette.values()) - 1) < 1e-6
    assert all(abs(palette[band] - quiet[band]) < 1e-5 for band in palette)


def test_it_reads_power_so_white_noise_fills_bands_by_their_width() -> None:
    palette = palette_of(noise(5), RATE)
    assert abs(palette["brilliance"] - 14_000 / 19_980) < 0.02
    assert abs(palette["high_mid"] - 2000 / 19_980) < 0.01


def test_sound_above_11_khz_counts() -> None:
    """The earlier system resampled to 22 kHz and labelled the result 20 kHz."""
    assert palette_of(tone(15_000, 2), RATE)["brilliance"] > 0.97


def test_the_whole_track_counts_not_its_intro() -> None:
    intro, rest = tone(5000, 10.0, level=0.1), tone(50, 30.0, level=0.5)
    assert palette_of(np.concatenate([intro, rest], axis=1), RATE)["sub_bass"] > 0.9


def test_a_wide_sound_out_of_phase_still_counts() -> None:
    wide = tone(1000, 2.0)
    wide[1] *= -1
    assert palette_of(wide, RATE)["mid"] > 0.97


def test_silence_has_zero_shares() -> None:
    assert set(palette_of(silence(1), RATE).values()) == {0.0}
