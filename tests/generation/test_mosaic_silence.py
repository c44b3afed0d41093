"""A take does not fall silent: passages that die away are costly, and a plan that does is not the one chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from generation.engines.mosaic.corpus import read_corpus
from generation.engines.mosaic.ears import quietest_second
from generation.engines.mosaic.search import Candidate
from tests.generation.mosaic_corpus import brief, corpus, planned, track

RATE = 22_050


def test_the_quietest_second_is_found_wherever_it_begins() -> None:
    sound = np.full((2, 6 * RATE), 0.1, dtype=np.float32)
    assert quietest_second(sound, RATE) == pytest.approx(-20.0, abs=0.01)
    sound[:, int(2.3 * RATE) : int(3.3 * RATE)] = 0.001
    assert quietest_second(sound, RATE) == pytest.approx(-60.0, abs=0.1)
    assert quietest_second(sound[:, :1000], RATE) == 0.0


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
