"""Where every bar comes from: the edit list of a real take, its passages, the API and the picture."""

from __future__ import annotations

import re
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from generation.engines.mosaic import Plan
from generation.pictures import SLIM, WIDE, score
from generation.sources import bar_by_bar, layers_of, passages, recordings
from generation.templatetags.takes import moment, shifted, stretched
from tests.generation.exports_of import rendering
from tests.people import owner
from tests.rows import ready_track, take_of


def entry(
    bar: int, layer: str = "drums", track: str = "a", start: float = 0.0, **more: Any
) -> dict[str, Any]:
    said = {"source_bar": 0, "source_start": start, "source_end": start + 2.0, "stretch": 1.0, "shift": 0}
    return {"bar": bar, "layer": layer, "track_id": track, "gain": 1.0, **said, **more}


def test_every_bar_of_a_real_take_names_its_recording_place_stretch_and_shift() -> None:
    made = rendering()
    plan = Plan.from_json({name: value for name, value in made.plan.items() if name != "candidates"})
    rows = bar_by_bar(made.built_from, made.sections, plan.bpm)
    assert [row["bar"] for row in rows] == list(range(plan.bars))
    assert [row["start"] for row in rows] == pytest.approx(
        [plan.grid.bar(bar) / 44_100 for bar in range(plan.bars)], abs=1e-4
    )
    cells = {(row["bar"], one["layer"]): one for row in rows for one in row["layers"]}
    assert len(cells) == len(made.built_from) == sum(block.bars for block in plan.blocks)
    for block in plan.blocks:
        for offset in range(block.bars):
            cell = cells[block.bar + offset, block.layer]
            assert (cell["track_id"], cell["shift"]) == (block.track_id, block.shift)
            assert cell["stretch"] == pytest.approx(block.stretch, abs=1e-5)
            seconds = plan.grid.bar_seconds * block.stretch
            assert cell["source_end"] - cell["source_start"] == pytest.approx(seconds, abs=2e-4)
            assert block.start - 1e-3 <= cell["source_start"] <= block.end
    assert {row["section"] for row in rows} == {one["name"] for one in made.sections}


def test_passages_of_a_real_take_cover_each_bar_once() -> None:
    made = rendering()
    found = passages(made.built_from)
    covered = [(one.layer, bar) for one in found for bar in range(one.bar, one.bar + one.bars)]
    assert sorted(covered) == sorted((one["layer"], one["bar"]) for one in made.built_from)
    assert len(found) < len(covered)
    assert list(dict.fromkeys(one.layer for one in found)) == layers_of(made.built_from)


def test_only_what_goes_on_in_the_same_way_is_one_passage() -> None:
    on = [entry(0, start=0.0), entry(1, start=2.0), entry(2, start=4.01)]
    assert [(one.bar, one.bars, one.start, one.end) for one in passages(on)] == [(0, 3, 0.0, 6.01)]
    for broken in ({"start": 2.1}, {"track": "b"}, {"shift": 1}, {"stretch": 1.1}, {"layer": "bass"}):
        assert len(passages([entry(0), entry(1, **{"start": 2.0, **broken})])) == 2, broken
    assert len(passages([entry(0), entry(2, start=2.0)])) == 2


def test_recordings_are_numbered_by_what_they_gave() -> None:
    built = [entry(0, track="b"), entry(1, track="a"), entry(1, "bass", "a"), entry(2, "fx", "")]
    assert recordings(built, {"a": "Night"}) == [
        {"number": 1, "id": "a", "title": "Night", "bars": 2, "share": 0.6667},
        {"number": 2, "id": "b", "title": "", "bars": 1, "share": 0.3333},
    ]


def test_an_engine_that_cuts_nothing_has_bars_without_layers() -> None:
    rows = bar_by_bar([], [{"name": "drop", "first_bar": 0, "bars": 2}], 120.0)
    assert [(row["start"], row["section"], row["layers"]) for row in rows] == [
        (0, "drop", []),
        (2, "drop", []),
    ]
    assert passages([]) == [] and recordings([], {}) == [] and score([], [], {}, 8) == ""


def test_the_picture_has_few_lines_of_whole_phrases_and_names_nothing_raw() -> None:
    built = [entry(bar, start=2.0 * (bar % 4), track="b" if bar > 35 else "a") for bar in range(40)]
    parts = [{"name": "<b>drop", "first_bar": 0, "bars": 40}]
    drawn = str(score(passages(built), parts, {"a": 1, "b": 2}, 40))
    assert "<b>" not in drawn and ">1 &lt;b&gt;drop<" in drawn
    root = fromstring(f"<div>{drawn}</div>")
    wide, slim = root
    assert [len(wide), len(slim)] == [-(-40 // WIDE), -(-40 // SLIM)] == [2, 3]
    titles = [title.text or "" for title in root.iter() if title.tag.endswith("title")]
    assert titles[:2] == [
        f"Bars {a} to {b}: which recording plays in each layer. The table below says the same."
        for a, b in ((1, 20), (21, 40))
    ]
    # ten passages of four bars; the last is of the second recording
    numbers = [text.text for text in wide.iter() if text.tag.endswith("text") and (text.text or "").isdigit()]
    assert numbers == ["1"] * 9 + ["2"]
    assert all(0 <= float(x) <= 100 for x in re.findall(r'x="([\d.]+)%"', drawn))


@pytest.mark.parametrize(
    ("given", "said"),
    [(1.031, "3.1% faster"), (0.94, "6.0% slower"), (1.0001, "as it is"), (None, "")],
)
def test_stretch_is_said_as_a_change_of_tempo(given: float | None, said: str) -> None:
    assert stretched(given) == said


def test_shifts_and_moments_are_said_in_words() -> None:
    assert [shifted(one) for one in (0, 1, -2, None)] == [
        "as it is",
        "1 semitone up",
        "2 semitones down",
        "as it is",
    ]
    assert [moment(one) for one in (63.24, 59.97, None)] == ["1:03.2", "1:00.0", ""]


@pytest.mark.django_db
def test_the_api_says_it_with_the_recordings_of_then_and_now() -> None:
    person = owner()
    kept = ready_track(person.artist, "Kept")
    take = take_of(
        person.artist,
        built_from=[
            entry(0, track=kept.pk),
            entry(1, track=kept.pk, start=2.0),
            entry(1, "bass", "trk_gone", shift=-2),
        ],
        novelty={"bars_by_source": [{"id": "trk_gone", "title": "Gone", "bars": 1}]},
        sections=[{"name": "drop", "first_bar": 0, "bars": 2, "start": 0.0, "end": 3.4}],
    )
    body = person.api.get(f"/api/generated-tracks/{take.pk}/sources/").json()
    assert (body["take"], body["bpm"], body["layers"]) == (take.pk, 140.0, ["drums", "bass"])
    assert [(one["number"], one["in_catalog"], one["title"]) for one in body["recordings"]] == [
        (1, True, ""),
        (2, False, "Gone"),
    ]
    assert [len(bar["layers"]) for bar in body["bars"]] == [1, 2]
    assert body["bars"][1]["start"] == pytest.approx(4 * 60 / 140, abs=1e-4)
    assert body["bars"][1]["layers"][1] == {
        name: value for name, value in entry(1, "bass", "trk_gone", shift=-2).items() if name != "bar"
    }
    assert [(one["layer"], one["bar"], one["bars"]) for one in body["passages"]] == [
        ("drums", 0, 2),
        ("bass", 1, 1),
    ]
