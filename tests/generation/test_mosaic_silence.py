"""A take does not fall silent: passages that die away are costly, rests in them are played over, plans that do lose."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from generation.engines.base import CorpusTrack
from generation.engines.mosaic.corpus import read_corpus
from generation.engines.mosaic.ears import quietest_second
from generation.engines.mosaic.plan import SAMPLE_RATE, STEMS, Block, Plan
from generation.engines.mosaic.rests import without_rest
from generation.engines.mosaic.search import DEAD_AIR_DB, Candidate
from tests.generation.mosaic_corpus import TRACKS, brief, corpus, foreign, planned, render, song, track

RATE = 22_050
REST = 1.6  # seconds


@cache
def stopping() -> tuple[CorpusTrack, ...]:
    """Tracks that stop for the end of every fourth bar."""
    found = []
    for number, (bpm, tonic, mode, seed) in enumerate(TRACKS[:5]):
        samples = song(bpm, tonic, mode, seed)
        bar = 240.0 / bpm * SAMPLE_RATE
        for at in range(4, 17, 4):
            samples[:, round(at * bar - REST * SAMPLE_RATE) : round(at * bar)] = 0.0
        found.append(foreign(f"stop-{number}", samples))
    return tuple(found)


def stems_of(plan: Plan, resting: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Noise as harmony, which falls silent in the middle of these bars of the take."""
    stems = {name: np.zeros((2, plan.samples), dtype=np.float32) for name in STEMS}
    stems["harmony"] += 0.1 * np.random.default_rng(1).standard_normal((2, plan.samples)).astype(np.float32)
    for bar in resting:
        start = plan.grid.bar(bar) + SAMPLE_RATE // 5
        stems["harmony"][:, start : start + round(REST * SAMPLE_RATE)] = 0.0
    return stems


def whole(plan: Plan) -> Block:
    """A passage of four bars in plain order."""
    return next(b for b in plan.blocks if b.layer == "harmony" and b.order == (0, 1, 2, 3))


def test_the_quietest_second_is_found_wherever_it_begins() -> None:
    sound = np.full((2, 6 * RATE), 0.1, dtype=np.float32)
    assert quietest_second(sound, RATE)[0] == pytest.approx(-20.0, abs=0.01)
    sound[:, int(2.3 * RATE) : int(3.3 * RATE)] = 0.001
    assert quietest_second(sound, RATE) == pytest.approx((-60.0, 2.3), abs=0.1)
    assert quietest_second(sound[:, :1000], RATE) == (0.0, 0.0)


def test_a_passage_without_bars_that_dies_away_is_known_as_one_that_does() -> None:
    one = track(0)
    bars = one.analysis.bars
    level = bars.rms_db.copy()
    level[-3:] = -60.0
    rubato = replace(
        one, analysis=replace(one.analysis, tempo_steady=False, bars=replace(bars, rms_db=level))
    )
    (source,) = read_corpus([rubato], 124.0)
    assert not source.pulse
    dying = [phrase.hole_db > 30.0 for phrase in source.phrases]
    assert (
        dying == [phrase.end > bars.start[-3] for phrase in source.phrases] and any(dying) and not all(dying)
    )


def test_a_candidate_that_falls_silent_gives_way_to_one_that_does_not() -> None:
    plan = planned(brief(), corpus())
    sounding = Candidate(plan, match=0.80, quietest=-30.0)
    silent = Candidate(plan, match=0.82, quietest=-45.0)
    assert sounding.quality > silent.quality
    assert silent.told(sounding)["reason"] == "Falls nearly silent for a second."
    assert Candidate(plan, match=0.80, quietest=-37.0).quality == sounding.quality


def test_a_bar_with_a_rest_gives_way_to_another_of_its_passage() -> None:
    plan = planned(brief(duration_seconds=30.0))
    plan = replace(plan, chords=tuple(f"chord {bar}" for bar in range(plan.bars)))
    block = whole(plan)
    bar = block.bar + 2
    at = plan.grid.bar_seconds * bar + 0.4
    turned = without_rest(plan, stems_of(plan, (bar,)), at)
    assert turned is not None
    orders = {one.layer: one.order for one in turned.blocks if one.bar == block.bar}
    assert orders["harmony"] == orders["bass"] == (0, 1, 0, 3)
    before, after = (
        [one for one in each.blocks if one.layer == "drums" or one.bar != block.bar]
        for each in (plan, turned)
    )
    assert before == after
    assert turned.chords[bar] == turned.chords[block.bar] and turned.chords[bar + 1] == f"chord {bar + 1}"


def test_what_rests_as_well_takes_no_place_and_where_all_do_nothing_changes() -> None:
    plan = planned(brief(duration_seconds=30.0))
    block = whole(plan)
    at = plan.grid.bar_seconds * (block.bar + 2) + 0.4
    turned = without_rest(plan, stems_of(plan, (block.bar, block.bar + 2)), at)
    assert turned is not None and whole(plan).bar == block.bar
    assert next(one.order for one in turned.blocks if one.layer == "harmony" and one.bar == block.bar)[2] in (
        1,
        3,
    )
    assert without_rest(plan, stems_of(plan, tuple(range(plan.bars))), at) is None


def test_no_bar_is_turned_into_a_quotation() -> None:
    plan = planned(brief(duration_seconds=30.0))
    block = whole(plan)
    length = (block.end - block.start) / 4
    # the next block goes on where the bar that would be put in ends
    following = replace(block, bar=block.bar + 4, start=block.start + 2 * length, end=block.end + 2 * length)
    made = replace(plan, blocks=(block, following))
    at = plan.grid.bar_seconds * (block.bar + 3) + 0.4
    turned = without_rest(made, stems_of(plan, (block.bar + 3,)), at)
    assert turned is not None and turned.blocks[0].order[3] != 1


def test_a_take_of_tracks_that_stop_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    request = brief(duration_seconds=30.0, energy=0.2)
    take = render(request, stopping())
    end = round(take.plan["bars"] * 240.0 / 124.0 * SAMPLE_RATE)
    monkeypatch.setattr("generation.engines.mosaic.search.RESTS", 0)
    resting = render(request, stopping())
    assert quietest_second(resting.audio[:, :end], SAMPLE_RATE)[0] < DEAD_AIR_DB
    assert quietest_second(take.audio[:, :end], SAMPLE_RATE)[0] > DEAD_AIR_DB
