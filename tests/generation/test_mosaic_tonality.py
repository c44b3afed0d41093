"""What a take will be heard in is told from its plan: phrases and plans in another key are dearer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pytest

from catalog.analysis.key import Chroma, key_scores, scores_of
from catalog.analysis.keys import Key
from generation.engines.base import CorpusTrack
from generation.engines.mosaic.cast import Part
from generation.engines.mosaic.choose import choose_line, slots
from generation.engines.mosaic.compose import open_session, total_cost
from generation.engines.mosaic.corpus import read_corpus
from generation.engines.mosaic.plan import Section, generator
from generation.engines.mosaic.search import drafts
from generation.engines.mosaic.tonality import AHEAD, ASTRAY, PRICE, Tonality, strangeness
from tests.generation.mosaic_corpus import brief, corpus, planned, track

C_MAJOR, A_MINOR, F_SHARP = Key(0, "major"), Key(9, "minor"), Key(6, "major")
SCALE = np.array([1.0, 0.0, 0.5, 0.0, 0.6, 0.4, 0.0, 0.9, 0.0, 0.4, 0.0, 0.3])


def in_two_keys(number: int = 0, own: Collection[int] = range(8)) -> CorpusTrack:
    """A track said to be in C major, of which these bars are and the others in F sharp."""
    one = track(number)
    bars = one.analysis.bars
    rows = np.array([SCALE if n in own else np.roll(SCALE, 6) for n in range(len(bars))], dtype=np.float32)
    return replace(one, analysis=replace(one.analysis, key=C_MAJOR, bars=replace(bars, chroma=rows)))


def first_bars(key: Key | None, **of: int) -> set[int]:
    """Where a line of four blocks is cut from, over several draws."""
    (source,) = read_corpus([in_two_keys()], 124.0)
    wanted = slots([Section("drop", 0, 16, 0.6, {"harmony": 1.0})], "harmony")
    parts = [Part(source, 0, **of)] * len(wanted)  # type: ignore[arg-type]
    return {
        choice.phrase.first_bar
        for draw in range(4)
        for choice in choose_line(wanted, parts, generator(draw), layer="harmony", key=key)[0][:2]
    }


def test_summed_chroma_is_scored_as_the_analysis_scores_a_file() -> None:
    frames = np.random.default_rng(1).random((40, 12)).astype(np.float32)
    alone = key_scores(Chroma(frames, np.zeros_like(frames), 0.0))
    assert scores_of(frames.mean(axis=0, dtype=np.float64))[0] == pytest.approx(alone, abs=1e-6)
    assert scores_of(frames).shape == (40, 24)
    assert not scores_of(np.full((2, 12), 0.4)).any() and not scores_of(np.zeros(12)).any()


def test_bars_of_the_key_or_its_relative_are_not_strange() -> None:
    near, relative, far = (float(strangeness(SCALE[None], key)[0]) for key in (C_MAJOR, A_MINOR, F_SHARP))
    assert near < relative < 0.3 and far > 1.0
    assert not strangeness(SCALE[None], None).any() and not strangeness(np.zeros((0, 12)), C_MAJOR).size


def test_a_line_is_cut_where_its_track_is_in_the_key_of_the_take() -> None:
    assert first_bars(C_MAJOR) <= set(range(6))
    assert first_bars(F_SHARP) <= set(range(7, 13))
    assert first_bars(C_MAJOR, low=4, high=14) <= set(
        range(4, 6)
    )  # some bars of it, as a reference names them


def test_a_plan_in_another_key_than_its_own_is_dearer() -> None:
    plan = planned(brief(key=A_MINOR))
    by_id = {source.id: source for source in read_corpus(corpus(), 124.0)}
    heard = Tonality.of(plan.blocks, plan.sections, by_id)
    assert plan.costs["key"] == heard.cost(A_MINOR)
    assert heard.cost(Key(3, "minor")) > heard.cost(A_MINOR) + PRICE * AHEAD
    assert heard.cost(None) == Tonality(np.zeros(24)).cost(A_MINOR) == 0.0


def test_a_block_counts_as_loud_as_it_plays() -> None:
    (source,) = read_corpus([in_two_keys()], 124.0)
    blocks = [replace(b, track_id=source.id, shift=0, bars=4) for b in planned(brief()).blocks]
    one = next(b for b in blocks if b.layer == "harmony")
    both = [replace(one, bar=0, source_bar=0), replace(one, bar=4, source_bar=10)]
    made = [Section("drop", 0, 4, 0.6, {"harmony": 1.0}), Section("break", 4, 4, 0.3, {"harmony": 0.1})]
    heard = Tonality.of(both, made, {source.id: source})
    assert heard.lead(C_MAJOR) > AHEAD and heard.lead(F_SHARP) < 0
    turned = [
        replace(section, gains={"harmony": gain}) for section, gain in zip(made, (0.1, 1.0), strict=True)
    ]
    assert Tonality.of(both, turned, {source.id: source}).lead(F_SHARP) > 0


def test_plans_that_would_be_heard_in_another_key_are_drawn_anew_near_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quiet = {*range(4), *range(12, 16)}  # what is full, and so likely to play, is in the other key
    tracks = tuple(in_two_keys(number, quiet) for number in range(6))
    session = open_session(brief(key=C_MAJOR, duration_seconds=30.0), tracks, 1)
    near = [plan for plan, _ in drafts(session, lambda: None)]
    monkeypatch.setattr("generation.engines.mosaic.search.ASTRAY", np.inf)
    astray = [plan for plan, _ in drafts(session, lambda: None)]
    assert near[0].costs["key"] < ASTRAY <= astray[0].costs["key"]
    assert total_cost(near[0]) <= total_cost(near[2])


def test_plans_that_are_in_their_key_are_left_as_they_were_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    session = open_session(brief(key=A_MINOR), corpus(), 1)
    first, *_ = (plan for plan, _ in drafts(session, lambda: None))
    assert first.costs["key"] < ASTRAY
    monkeypatch.setattr("generation.engines.mosaic.search.ASTRAY", np.inf)
    assert drafts(session, lambda: None)[0][0].blocks == first.blocks
