from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from catalog.analysis import TrackAnalysis, analyse
from catalog.analysis.correction import with_bpm
from catalog.analysis.model import Felt
from tests.sounds import RATE, kick_loop


@pytest.fixture(scope="module")
def measured() -> TrackAnalysis:
    return analyse(kick_loop(124.0, 40), RATE)


def test_half_the_tempo_joins_bars_on_the_same_grid(measured: TrackAnalysis) -> None:
    half = with_bpm(measured, 62.0)
    assert half.bpm == pytest.approx(62.0, abs=0.05)
    assert half.beat_period == pytest.approx(2 * (measured.beat_period or 0))
    assert len(half.bars) == len(measured.bars) // 2
    assert half.bars.start[0] == measured.bars.start[0]
    assert np.allclose(half.bars.end - half.bars.start, 4 * (half.beat_period or 0), atol=1e-3)
    assert len(half.energy_curve) == len(half.bars)
    assert half.first_downbeat == measured.first_downbeat


def test_twice_the_tempo_splits_bars_on_the_same_grid(measured: TrackAnalysis) -> None:
    double = with_bpm(measured, 248.0)
    assert len(double.bars) == 2 * len(measured.bars)
    assert np.allclose(double.bars.end[:-1], double.bars.start[1:])
    assert np.allclose(double.bars.start[::2], measured.bars.start)
    assert sum(s.bars for s in double.sections) == len(double.bars)


def test_there_and_back_again_is_the_same_grid(measured: TrackAnalysis) -> None:
    again = with_bpm(with_bpm(measured, 248.0), 124.0)
    assert np.allclose(again.bars.start, measured.bars.start)
    assert np.allclose(again.bars.rms_db, measured.bars.rms_db, atol=1e-3)


def test_the_typed_tempo_does_not_blur_the_measured_one(measured: TrackAnalysis) -> None:
    same = with_bpm(measured, 125.0)
    assert same.bpm == measured.bpm
    assert same.bpm_evidence == "artist"


def test_a_tempo_that_contradicts_the_grid_drops_it(measured: TrackAnalysis) -> None:
    other = with_bpm(measured, 93.0)
    assert other.bpm == 93.0
    assert other.first_downbeat is None
    assert len(other.bars) == 0
    assert not other.tempo_steady


@pytest.mark.parametrize(
    ("felt", "bpm", "after"),
    [
        ("half-time", 62.0, "straight"),
        ("straight", 248.0, "half-time"),
        ("straight", 62.0, "double-time"),
        ("double-time", 248.0, "straight"),
        ("half-time", 125.0, "half-time"),
        ("half-time", 248.0, "straight"),
        ("half-time", 93.0, "straight"),
    ],
)
def test_failure_02_the_felt_tempo_follows_from_the_corrected_one(
    measured: TrackAnalysis, felt: Felt, bpm: float, after: str
) -> None:
    """The earlier system's fix scripts wrote the tempo and left the half-time flag: the two then disagreed."""
    corrected = with_bpm(replace(measured, felt=felt, felt_confidence=0.8), bpm)
    assert corrected.felt == after
    assert corrected.bpm is not None
    assert corrected.half_time_bpm == (corrected.bpm / 2 if after == "half-time" else None)
    assert corrected.double_time_bpm == (corrected.bpm * 2 if after == "double-time" else None)


def test_a_corrected_analysis_is_still_strict_json(measured: TrackAnalysis) -> None:
    for bpm in (62.0, 93.0, 124.0, 248.0):
        json.dumps(with_bpm(measured, bpm).to_json(), allow_nan=False)
