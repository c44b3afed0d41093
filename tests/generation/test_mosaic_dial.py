"""The energy that is aimed at, and the dial that brings a mix to it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from generation.engines.mosaic import Mosaic
from generation.engines.mosaic.arrange import quiet_curve
from generation.engines.mosaic.cast import choose_cast
from generation.engines.mosaic.corpus import read_corpus
from generation.engines.mosaic.dial import (
    CLOSE,
    LOUDEST_LUFS,
    QUIETEST_LUFS,
    Hearing,
    Levels,
    tuned,
    wanted_energy,
)
from generation.engines.mosaic.plan import SAMPLE_RATE, generator
from tests.generation.mosaic_corpus import brief, corpus, material, planned, render

ASKED = np.linspace(0.0, 1.0, 21)


@pytest.mark.parametrize("own", [(), (0.9, 0.95, 0.97), (0.05, 0.1), (0.3, 0.35, 0.4, 0.5), (0.4,) * 12])
def test_each_step_that_is_asked_for_is_a_step_that_is_wanted(own: tuple[float, ...]) -> None:
    wanted = [wanted_energy(float(asked), own) for asked in ASKED]
    assert all(0.0 <= energy <= 1.0 for energy in wanted)
    assert np.diff(wanted).min() > 0.0


def heard(levels: Levels) -> float:
    """A mix whose energy bends with the loudness, as a limiter makes it."""
    return float(
        0.4
        + 0.2 * np.tanh(0.7 * (levels.lufs + 11.0))
        + 0.02 * levels.quiet_db
        + 0.03 * sum(levels.trims_db.values())
    )


@pytest.mark.parametrize("wanted", [0.1, 0.25, 0.4, 0.5, 0.6])
def test_the_dial_finds_the_energy_between_its_ends(wanted: float) -> None:
    calls: list[Levels] = []

    def hear(levels: Levels) -> Hearing:
        calls.append(levels)
        return Hearing(heard(levels))

    levels, found = tuned(hear, -11.0, wanted)
    assert found.energy == pytest.approx(wanted, abs=2 * CLOSE)
    assert QUIETEST_LUFS <= levels.lufs <= LOUDEST_LUFS
    assert len(calls) == len({json.dumps(vars(one), sort_keys=True) for one in calls}) <= 5


def test_the_dial_stops_where_the_artist_would_no_longer_be_heard() -> None:
    def hear(levels: Levels) -> Hearing:
        return Hearing(heard(levels), 0.8 if not levels.quiet_db else 0.2)

    levels, found = tuned(hear, -11.0, wanted=0.05)
    assert (levels.lufs, levels.quiet_db, found.match) == (QUIETEST_LUFS, 0.0, 0.8)


def test_the_dial_stops_where_a_second_would_fall_silent() -> None:
    def hear(levels: Levels) -> Hearing:
        return Hearing(heard(levels), 0.8, 0.2 if levels.quiet_db < -2.0 else 0.0)

    levels, _ = tuned(hear, -11.0, wanted=0.05)
    assert levels.lufs == QUIETEST_LUFS and levels.quiet_db >= -2.0
    levels, _ = tuned(lambda levels: Hearing(heard(levels), 0.8), -11.0, wanted=0.05)
    assert levels.quiet_db < -2.0


def test_all_but_the_drops_are_turned_down_and_nothing_jumps() -> None:
    plan = planned(brief(duration_seconds=60.0))
    curve = quiet_curve(plan, -6.0, SAMPLE_RATE, plan.samples)
    for section in plan.sections:
        inside = curve[plan.grid.bar(section.first_bar) : plan.grid.bar(section.end_bar) - SAMPLE_RATE // 10]
        assert inside == pytest.approx(1.0 if section.name == "drop" else 10.0 ** (-6.0 / 20.0))
    assert np.abs(np.diff(curve)).max() < 1e-3


def test_a_take_turned_all_the_way_down_plays_again_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.engines.mosaic.engine.wanted_energy", lambda asked, own: 0.0)
    take = render(brief(energy=0.0))
    assert take.plan["quiet_db"] < 0.0
    again = Mosaic().replay(
        json.loads(json.dumps(take.plan)), material(), on_progress=lambda share, words: None
    )
    assert np.array_equal(take.audio, again.audio)


def test_the_one_track_of_another_energy_does_not_play() -> None:
    tracks = [
        replace(one, analysis=replace(one.analysis, energy=0.05 if one.id == "track-2" else 0.9))
        for one in corpus()
    ]
    sources = read_corpus(tracks, 124.0)
    for seed in range(8):
        cast = choose_cast(sources, brief(energy=0.9, seed=seed), None, generator(seed))
        assert "track-2" not in {source.id for source in cast.sources()}
