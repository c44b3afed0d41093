from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from catalog import svg
from catalog.dna.facts import TrackFacts
from catalog.dna.lineage import genealogy
from catalog.svg.profiles import decibel_height

PALETTE = {
    name: share for (name, _, _), share in zip(svg.BANDS, (0.4, 0.3, 0.1, 0.1, 0.05, 0.03, 0.02), strict=True)
}


def tagged(**counts: int) -> dict[str, Any]:
    """The genealogy of tracks with these tags."""
    tracks = [
        TrackFacts(f"{tag} {n}", "Untitled", genres=(tag.replace("_", " "),))
        for tag, count in counts.items()
        for n in range(count)
    ]
    return genealogy(tracks)


GENEALOGY = tagged(dubstep=12, jungle=3)
DRIFT: dict[str, Any] = {
    "period": "quarter",
    "windows": [
        {
            "start": f"2025-0{month}-01",
            "n": 9,
            "bpm": bpm,
            "bpm_p10": bpm - 4,
            "bpm_p90": bpm + 3,
            "energy": 0.5,
        }
        | {"minor_share": 0.7, "sound": None}
        for month, bpm in ((1, 124.0), (4, 140.0))
    ],
    "changes": [{"what": "tempo", "since": "2025-04-01"}],
}


def drawings(text: str) -> list[ElementTree.Element]:
    """The pictures in a piece of HTML, parsed strictly."""
    return list(ElementTree.fromstring(f"<all>{text}</all>"))  # noqa: S314  our own output


def test_a_waveform_has_a_bar_for_each_stretch_and_the_loud_ones_are_taller() -> None:
    quiet, loud = svg.levels([10] * 50 + [120] * 50, 2)
    assert quiet < 0.1 * loud
    path = svg.wave([10] * 50 + [120] * 50, count=10, height=100)
    assert path.count("M") == 10


def test_a_waveform_of_limited_music_still_shows_its_form() -> None:
    # Peaks between 100 and 126 of 127: linear, the picture would be a block between .79 and .99.
    low, high = svg.levels([100] * 40 + [126] * 60, 100)[0], svg.levels([100] * 40 + [126] * 60, 100)[-1]
    assert low < 0.6 * high


def test_an_empty_waveform_is_an_empty_picture() -> None:
    assert svg.levels([], 10) == []
    assert drawings(svg.waves([]))


def test_silence_is_a_thin_line() -> None:
    assert set(svg.levels([0] * 100, 10)) == {0.0}
    assert "v2h-3z" in svg.wave([0] * 100, 10, 60)


def test_sections_stand_at_their_place_and_speak() -> None:
    picture = svg.sections(
        [{"name": "intro", "start": 0, "end": 15}, {"name": "drop", "start": 15, "end": 60}], 60
    )
    assert 'x="25.00%" width="75.00%"' in picture
    assert "<title>Intro at 0:00, Drop at 0:15</title>" in picture


def test_words_from_outside_cannot_become_markup() -> None:
    evil = '<script>alert("x")</script>'
    for picture in (
        svg.sections([{"name": evil, "start": 0, "end": 1}], 1),
        svg.key_wheel([], evil),
        svg.built_from([{"bar": 0, "layer": evil, "track_id": "t"}], 1, ["t"]),
    ):
        assert "<script" not in picture
        assert drawings(picture)


@pytest.mark.parametrize(
    "picture",
    [
        svg.palette(PALETTE, {**PALETTE, "sub_bass": 0.2}),
        svg.palette({}, None),
        svg.tempo([{"bpm": 138, "count": 2}, {"bpm": 174, "count": 1}], 138, 140),
        svg.key_wheel([{"name": "F minor", "count": 3}, {"name": "Ab major", "count": 1}], "F minor"),
        svg.key_wheel([], ""),
        svg.energy([{"from": 0, "to": 0.1, "count": 3}], 0.1, 0.2, 0.3),
        svg.energy([1, 0, 2], None, None, None),
        svg.built_from([{"bar": 3, "layer": "drums", "track_id": "a"}], 4, ["a"]),
        svg.genealogy(GENEALOGY, 15),
        svg.drift(DRIFT),
        svg.beside({k: {"p10": 120, "median": 124, "p90": 128} for k in ("own", "collected")}),
        svg.agreement(0.73, 0.04),
    ],
)
def test_every_picture_is_well_formed_has_a_title_and_no_inline_style(picture: str) -> None:
    found = drawings(picture)
    assert found
    for one in found:
        assert one.get("role") == "img"
        assert one.find("title") is not None
    assert "style=" not in picture
    assert not re.search(r'="[^"]*(NaN|nan|inf)', picture)


def test_a_louder_band_is_a_taller_bar_on_the_decibel_scale() -> None:
    assert decibel_height(0.5, 100) > decibel_height(0.05, 100) > decibel_height(0.0, 100) == 0


def test_a_histogram_without_tracks_is_not_drawn() -> None:
    assert svg.tempo([], None, None) == ""
    assert svg.energy([0, 0], None, None, None) == ""


def test_the_recording_that_gave_most_is_darkest() -> None:
    entries = [
        {"bar": n, "layer": "bass", "track_id": track} for n, track in enumerate(["most", "less", "least"])
    ]
    picture = svg.built_from(entries, 3, ["most", "less", "least"])
    shades = [float(one) for one in re.findall(r'fill-opacity="([\d.]+)"', picture)]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 3


def test_a_style_is_drawn_once_with_all_its_parents_and_the_lines_end_in_the_artist() -> None:
    picture = svg.genealogy(GENEALOGY, 15)
    styles = {style.id: style for style in svg.chosen(GENEALOGY)}
    assert set(styles["dubstep"].parents) == {"uk-garage", "dub"}
    for drawing in drawings(picture):  # across and down say the same
        words = [element.text for element in drawing.iter() if element.tag.endswith("text")]
        assert words.count("Dub") == words.count("You") == 1
        lines = [one for one in drawing.iter() if "line" in one.get("class", "").split()]
        assert len(lines) == sum(len(style.parents) for style in styles.values()) + 2
        assert max(float(one.get("stroke-width", "0")) for one in lines) == 2.6  # 12 of 15 are Dubstep
    assert "Dubstep (Croydon, 2001) from UK Garage and Dub" in picture
    assert svg.genealogy({"from_tags": []}, 0) == ""


def test_the_years_run_forward_across_and_no_words_meet() -> None:
    """The worst a DJ's collection asks for: five styles from far apart."""
    document = tagged(dubstep=9, amapiano=8, baile_funk=7, jersey_club=6, krautrock=5)
    assert len(svg.chosen(document)) == 15
    across = drawings(svg.genealogy(document, 35))[0]
    names = {style.name: style.year for style in svg.chosen(document)}
    texts = [one for one in across.iter() if one.tag.endswith("text")]
    at = {t.text: (float(t.get("x", 0)), float(t.get("y", 0))) for t in texts if t.text in names}
    by_year = sorted(names, key=lambda name: names[name])
    assert [at[name][0] for name in by_year] == sorted(at[name][0] for name in by_year)
    for name, (x, y) in at.items():
        behind = [other for other, (left, line) in at.items() if line == y and left > x]
        assert all(at[other][0] > x + 7 * len(name) for other in behind), name


def test_a_move_is_marked_in_its_own_strip_only() -> None:
    wide = drawings(svg.drift(DRIFT))[0]
    assert sum(one.get("class") == "mark" for one in wide.iter()) == 1
    assert sum(one.get("class") == "past" for one in wide.iter()) == 2  # a spread of tempo for each quarter
    assert svg.drift({"period": "month", "windows": DRIFT["windows"][:1]}) == ""


def test_the_energy_curve_steps_at_the_bars_and_says_where_it_is_fullest() -> None:
    drawn = svg.energy_curve([0.2, 1.0, 0.5], [0.0, 2.0, 4.0], [2.0, 4.0, 6.0], 10.0)
    steps = re.findall(r"L(\d+(?:\.\d)?) (\d+(?:\.\d)?)H(\d+(?:\.\d)?)", drawn)
    assert [(float(left), float(right)) for left, _, right in steps] == [(0, 200), (200, 400), (400, 600)]
    assert float(steps[1][1]) < float(steps[2][1]) < float(steps[0][1])  # fuller is higher on the page
    assert "fullest in bar 2, calmest in bar 1" in drawn
    assert svg.energy_curve([], [], [], 10.0) == svg.energy_curve([1.0], [0.0], [1.0], 0.0) == ""
