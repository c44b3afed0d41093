"""Mosaic with two artists: their share of the bars is the weight, and the limits of tempo and key stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from generation.blending import share
from generation.brief import Blending, Brief, Reference
from generation.engines.base import CorpusTrack
from generation.engines.mosaic import Plan, source_map
from generation.engines.mosaic.compose import compose, open_session
from generation.engines.mosaic.search import drafts
from tests.generation import mosaic_corpus

TOLERANCE = 0.05  # of all bars of all layers
WEIGHTS = (0.25, 0.5, 0.75)


def both() -> tuple[CorpusTrack, ...]:
    """The small catalog as that of two artists: every other track is the other one's."""
    return tuple(replace(one, theirs=number % 2 == 1) for number, one in enumerate(mosaic_corpus.corpus()))


THEIRS = {f"track-{number}" for number in range(7) if number % 2 == 1}


def blend(weight: float, **changes: object) -> Brief:
    return mosaic_corpus.brief(blend=Blending("bld_x", weight), **changes)


def shared(plan: Plan) -> float:
    theirs, cells = share(source_map(plan), THEIRS)
    return theirs / cells


@pytest.mark.parametrize("seconds", [15.0, 60.0, 150.0])
def test_the_share_of_bars_follows_the_weight(seconds: float) -> None:
    found = {}
    for weight in WEIGHTS:
        session = open_session(blend(weight, duration_seconds=seconds), both(), 1)
        shares = [shared(plan) for plan, _ in drafts(session, lambda: None)]
        assert shares == pytest.approx([weight] * len(shares), abs=TOLERANCE)
        found[weight] = float(np.mean(shares))
    assert found[0.25] < found[0.5] < found[0.75]


def test_all_of_them_alone_and_half_of_them_beside_the_others() -> None:
    assert shared(compose(open_session(blend(1.0), both(), 1), style="hard", variant=0)) == 1.0
    half = compose(open_session(blend(0.5, duration_seconds=60.0), both(), 1), style="hard", variant=0)
    assert len({block.track_id for block in half.blocks} - THEIRS) >= 2
    # Both sound at once in some of the sections, not one after the other.
    heard = [
        {
            block.track_id in THEIRS
            for block in half.blocks
            if section.first_bar <= block.bar < section.end_bar
        }
        for section in half.sections
    ]
    assert heard.count({True, False}) >= 2


def test_a_rendered_take_keeps_the_share_where_parts_are_played_anew() -> None:
    material = replace(mosaic_corpus.material(), corpus=_warm(both()))
    from generation.engines.mosaic import Mosaic

    made = Mosaic().render(blend(0.5), material, take=1, on_progress=lambda fraction, words: None)
    theirs, cells = share(made.built_from, THEIRS)
    assert theirs / cells == pytest.approx(0.5, abs=TOLERANCE)
    assert np.isfinite(made.audio).all() and np.abs(made.audio).max() > 0.1


def _warm(tracks: tuple[CorpusTrack, ...]) -> tuple[CorpusTrack, ...]:
    return tuple(replace(one, digest=f"sound of {one.id}") for one in tracks)


def test_who_is_out_of_reach_of_the_tempo_does_not_play_and_it_is_said() -> None:
    """At 160 BPM nothing that was written at 121 to 126 can be stretched; the others were written there."""
    fast = tuple(replace(one, analysis=_at(one, 160.0 / 124.0)) if not one.theirs else one for one in both())
    session = open_session(blend(0.5, bpm=160.0), fast, 1)
    plan = compose(session, style="hard", variant=0)
    assert shared(plan) == 0.0
    assert any(
        "None of the other artist’s recordings is within 12 % of 160 BPM" in note for note in session.notes
    )


def _at(track: CorpusTrack, factor: float) -> object:
    """The analysis of the track played faster: the same bars, closer together."""
    bars = track.analysis.bars
    quicker = replace(bars, start=bars.start / factor, end=bars.end / factor)
    bpm = None if track.analysis.bpm is None else track.analysis.bpm * factor
    return replace(track.analysis, bars=quicker, bpm=bpm, duration=track.analysis.duration / factor)


def test_a_reference_of_ones_own_plays_in_ones_own_part() -> None:
    asked = blend(0.5, duration_seconds=60.0, references=(Reference("track-0", "drums"),))
    plan = compose(open_session(asked, both(), 1), style="hard", variant=0)
    drums = {block.track_id for block in plan.blocks if block.layer == "drums"}
    assert "track-0" in drums and shared(plan) == pytest.approx(0.5, abs=TOLERANCE)


def test_the_target_of_the_equaliser_is_the_weighted_mean_of_the_two() -> None:
    """Third-octave levels in dB, centred: at a half they lie in the middle of the ends."""
    spectra = []
    for weight in (0.01, 0.5, 0.99):
        session = open_session(blend(weight), both(), 1)
        spectra.append(np.array(compose(session, style="hard", variant=0).spectrum))
    assert np.abs(spectra[1] - (spectra[0] + spectra[2]) / 2).max() < 0.05
    assert np.abs(spectra[2] - spectra[0]).max() > 0.2
