"""A track that lies off its measured bars, or slides off them, is cut where it really lies."""

from __future__ import annotations

import numpy as np
import pytest

from generation.engines.mosaic.phase import Lie, lie_of

RATE = 44_100
BPM = 120.0
BAR = 240.0 / BPM


def struck(
    bpm: float, *, late: float = 0.0, bars: int = 20, steps: tuple[int, ...] = (0, 4, 6, 8, 12)
) -> np.ndarray:
    """(2, n): a short noise on these sixteenths of every bar, `late` seconds behind."""
    rng = np.random.default_rng(1)
    burst = rng.standard_normal(1500) * np.exp(-np.arange(1500) / 300.0)
    out = rng.standard_normal(round((bars * 240.0 / bpm + 1.0) * RATE)) * 1e-4
    for bar in range(bars):
        for step in steps:
            at = round(((bar + step / 16.0) * 240.0 / bpm + 0.2 + late) * RATE)
            out[at : at + burst.size] += burst
    return np.tile(out, (2, 1)).astype(np.float32)


def bars(count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    starts = 0.2 + BAR * np.arange(count)
    return starts, starts + BAR


@pytest.mark.parametrize("late", [-0.05, -0.012, 0.0, 0.01, 0.03, 0.044])
def test_attacks_are_found_wherever_they_lie_between_the_sixteenths(late: float) -> None:
    lie = lie_of(struck(BPM, late=late), *bars())
    assert lie.slip == 0.0
    assert lie.at(0.2) / RATE == lie.at(30.0) / RATE == pytest.approx(late, abs=0.003)


@pytest.mark.parametrize("away", [-3e-4, 4e-4])
def test_a_tempo_that_was_measured_a_little_wrong_is_followed_from_end_to_end(away: float) -> None:
    lie = lie_of(struck(BPM / (1.0 + away), bars=40), *bars(40))
    for bar in (0, 20, 39):
        assert lie.at(0.2 + bar * BAR) / RATE == pytest.approx(bar * BAR * away, abs=0.003)


def test_what_agrees_on_nothing_or_is_too_little_moves_nothing() -> None:
    rng = np.random.default_rng(2)
    burst = rng.standard_normal(1500) * np.exp(-np.arange(1500) / 300.0)
    out = np.zeros(41 * RATE)
    for at in rng.uniform(0.3, 40.0, 120):
        out[round(at * RATE) : round(at * RATE) + burst.size] += burst
    anywhere = lie_of(np.tile(out, (2, 1)).astype(np.float32), *bars())
    assert abs(anywhere.at(20.0)) <= 0.035 * RATE and anywhere.slip == 0.0
    few = lie_of(struck(BPM, late=0.044, bars=20, steps=(0,)), *bars())
    assert abs(few.at(20.0)) <= 0.035 * RATE
    assert lie_of(out[None].repeat(2, 0), *bars(0)) == Lie()
