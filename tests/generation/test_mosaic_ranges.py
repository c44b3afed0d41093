"""Of a track that some bars are named of for a role, that role has nothing from its other bars."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from generation.brief import Brief, Edit, Reference
from generation.engines.mosaic import Plan, ranges, source_map
from generation.engines.mosaic.compose import open_session
from generation.engines.mosaic.corpus import read_corpus
from generation.engines.mosaic.material import Desk, all_anew
from generation.engines.mosaic.plan import Voice
from generation.engines.mosaic.workshop import Workshop
from generation.engines.neural.references import excerpt
from tests.generation.mosaic_corpus import RATE, brief, corpus, planned, track
from tests.generation.test_mosaic_passages import BAR, MUDDY, muddy

TRACK, FIRST, END = "track-4", 4, 12


def asked(role: str, start: int | None = FIRST, end: int | None = END, **changes: Any) -> Brief:
    return brief(references=(Reference(TRACK, role, start, end),), duration_seconds=60.0, **changes)


def bars_of(plan: Plan, layer: str) -> list[int]:
    """Every bar of the track that a layer plays, also where a voice lifts sounds from it."""
    found = [e["source_bar"] for e in source_map(plan) if e["layer"] == layer and e["track_id"] == TRACK]
    (source,) = [one for one in read_corpus(corpus(), plan.bpm) if one.id == TRACK]
    starts = source.track.analysis.bars.start
    for voice in plan.voices:
        if voice.layer == layer and voice.track_id == TRACK:
            for start, end, beats in voice.cuts:
                first = int(np.argmin(np.abs(starts - start)))
                assert end > start
                found += range(first, first + beats // 4)
    return found


@pytest.mark.parametrize("role", ["drums", "bass", "harmony", "lead", "all"])
def test_a_role_stays_within_the_bars_that_were_named_for_it(role: str) -> None:
    free, held = planned(asked(role, None, None)), planned(asked(role))
    for layer in ("drums", "harmony") if role == "all" else (role,):
        wide, narrow = bars_of(free, layer), bars_of(held, layer)
        assert wide and not set(wide) <= set(range(FIRST, END)), layer
        assert narrow and set(narrow) <= set(range(FIRST, END)), layer


def test_a_bass_that_follows_the_harmony_keeps_to_its_bars() -> None:
    assert set(bars_of(planned(asked("harmony")), "bass")) <= set(range(FIRST, END))


def test_two_ranges_of_one_track_are_both_played_and_nothing_between_them() -> None:
    both = (Reference(TRACK, "drums", 0, 4), Reference(TRACK, "drums", 12, 16))
    found = set(bars_of(planned(brief(references=both, duration_seconds=90.0)), "drums"))
    assert found & set(range(4)) and found & set(range(12, 16)) and not found & set(range(4, 12))


def test_bars_that_hold_no_phrase_are_left_out_and_the_artist_is_told() -> None:
    session = open_session(asked("drums", 4, 6), corpus(), 1)
    assert TRACK not in {part.source.id for part in session.cast.drums if part.asked}
    assert any("name more of its bars" in note for note in session.notes)


def test_a_section_composed_anew_keeps_to_them_too() -> None:
    request, plan = asked("harmony", edit=Edit("take_x", "section", section=1)), planned(asked("harmony"))
    desk = Desk.of(plan, corpus(), request, np.random.default_rng(3))
    blocks = [b for b in all_anew(desk, plan.sections, range(plan.bars)) if b.track_id == TRACK]
    inside = [b.source_bar for b in blocks if b.layer == "harmony"]
    assert inside and all(bar >= FIRST and bar + 4 <= END for bar in inside if bar is not None)


def test_single_notes_are_lifted_from_them_alone() -> None:
    bars = muddy().analysis.bars
    drop = (float(bars.start[1]), float(bars.end[4]), 16)
    voice = Voice("bass", 0, 4, "muddy", (drop,), "seed", within=((0.0, MUDDY * BAR),))
    bass = Workshop([muddy()], lambda: None).bass(voice)
    assert bass is None or all(end <= MUDDY * BAR + 0.1 for _, end in bass.voice.sources)


def test_a_plan_knows_where_its_voices_may_lift_from_and_reads_older_ones() -> None:
    plan = planned(asked("bass"))
    stored = json.loads(json.dumps(plan.to_json()))
    assert Plan.from_json(stored) == plan
    voices = [voice for voice in plan.voices if voice.track_id == TRACK and voice.layer == "bass"]
    starts = track(4).analysis.bars.start
    assert all(voice.within[0][0] == pytest.approx(starts[FIRST]) for voice in voices)
    assert all("within" not in voice.to_json() for voice in planned(brief(duration_seconds=60.0)).voices)


def test_which_ranges_count_for_a_layer() -> None:
    a, b, whole = Reference("t", "harmony", 0, 8), Reference("t", "all", 8, None), Reference("t", "bass")
    assert ranges.named([a], "harmony", "t") == ((0, 8),) == ranges.named([a], "bass", "t")
    assert ranges.named([a], "drums", "t") == () == ranges.named([a], "harmony", "other")
    assert ranges.named([a, b], "harmony", "t") == ((0, 8), (8, None))
    assert ranges.named([a, whole], "bass", "t") == ()


def test_a_model_hears_the_named_bars_of_a_reference_and_nothing_else() -> None:
    song, bars = track(4), track(4).analysis.bars
    request = asked("all", 4, 8, bpm=float(song.analysis.bpm or 0))
    heard = excerpt(request, [song], seconds=60.0, melodic=False, tick=lambda: None)
    assert heard is not None
    (source,) = heard.sources
    assert (source["first_bar"], source["bars"], source["shift"]) == (4, 4, 0)
    first, last = (round(float(second) * RATE) for second in (bars.start[4], bars.end[7]))
    assert np.array_equal(heard.sound, song.load()[:, first:last])
