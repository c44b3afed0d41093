"""What people say about a finished take, and what the take allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation.brief import EDIT_KINDS, Edit
from generation.changes import UNDERSTOOD, in_words, tempo
from generation.edits import Change, NoSuchEdit, Part, Shape, decided

# intro 8, drop 16, break 8, drop 16, outro 4: 52 bars, 89 seconds at 140 BPM, and one second that rings on
BAR = 4 * 60 / 140
SECTIONS = (("intro", 8), ("drop", 16), ("break", 8), ("drop", 16), ("outro", 4))


def shape() -> Shape:
    parts, bar = [], 0
    for name, bars in SECTIONS:
        parts.append(Part(name, bar, bars))
        bar += bars
    return Shape("take_1", 140.0, 0.6, tuple(parts), ("kick", "drums", "bass", "harmony", "fx"), 52 * BAR + 1)


def edit(kind: str, **fields: object) -> Edit:
    return Edit("take_1", kind, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "expected", "title"),
    [
        ("different drums", edit("replace", layer="drums"), "different drums"),
        ("Another bassline", edit("replace", layer="bass"), "different bass"),
        ("change the chords", edit("replace", layer="harmony"), "different harmony"),
        ("new kick", edit("replace", layer="kick"), "different kick"),
        ("longer break", edit("longer", section=2, bars=4), "longer break"),
        ("Make the break longer.", edit("longer", section=2, bars=4), "longer break"),
        ("longer second drop by 16 bars", edit("longer", section=3, bars=16), "longer second drop"),
        ("the last drop 8 bars longer", edit("longer", section=3, bars=8), "longer second drop"),
        ("longer drop", edit("longer", section=1, bars=8), "longer first drop"),
        ("shorter intro", edit("shorter", section=0, bars=4), "shorter intro"),
        ("a shorter breakdown by 2 bars", edit("shorter", section=2, bars=2), "shorter break"),
        ("another drop", edit("section", section=1), "new first drop"),
        ("regenerate the second drop", edit("section", section=3), "new second drop"),
        ("compose drop 2 anew", edit("section", section=3), "new second drop"),
        ("different intro", edit("section", section=0), "new intro"),
        ("extend", edit("extend", bars=16), "16 bars longer"),
        ("extend by 8 bars", edit("extend", bars=8), "8 bars longer"),
        ("make it longer", edit("extend", bars=16), "16 bars longer"),
        ("32 more bars", edit("extend", bars=32), "32 bars longer"),
        ("without drums", edit("mute", layers=("drums",)), "without drums"),
        ("no kick, drums & bass", edit("mute", layers=("kick", "drums", "bass")), "only harmony and effects"),
        ("only drums and bass", edit("mute", layers=("kick", "harmony", "fx")), "only drums and bass"),
        ("crop to bars 9-24", edit("crop", first_bar=8, end_bar=24), "bars 9-24"),
        ("crop bars 9–24", edit("crop", first_bar=8, end_bar=24), "bars 9-24"),
        ("keep bars 1 to 20", edit("crop", first_bar=0, end_bar=20), "bars 1-20"),
    ],
)
def test_words_become_an_edit(words: str, expected: Edit, title: str) -> None:
    change = in_words(words, shape())
    assert (change.edit, change.title) == (expected, title)


@pytest.mark.parametrize(
    ("words", "energy", "title"),
    [
        ("more energetic", 0.8, "more energetic"),
        ("Make it calmer", 0.4, "calmer"),
        ("energy 0.9", 0.9, "more energetic"),
        ("energy to 30%", 0.3, "calmer"),
    ],
)
def test_words_about_energy_are_a_step_or_a_level(words: str, energy: float, title: str) -> None:
    change = in_words(words, shape())
    assert (change.edit.kind, change.energy, change.title) == ("energy", energy, title)


@pytest.mark.parametrize(
    "words", ["keep the vibe but 150 BPM", "150 bpm", "same vibe, 150BPM", "at 150 BPM, please"]
)
def test_a_tempo_keeps_the_bars_and_changes_the_length(words: str) -> None:
    change = in_words(words, shape())
    assert (change.edit.kind, change.bpm, change.title) == ("tempo", 150.0, "150 BPM")
    assert change.seconds == pytest.approx((52 * BAR + 1) * 140 / 150, abs=0.001)


def test_a_tempo_beside_another_wish_is_not_taken_for_the_wish() -> None:
    assert tempo("longer break at 150 BPM") is None
    with pytest.raises(NoSuchEdit, match="not a change that is understood"):
        in_words("longer break at 150 BPM", shape())


@pytest.mark.parametrize(
    "words", ["make it pop", "different", "shorter", "another violin", "bars", "without"]
)
def test_what_is_not_understood_is_answered_with_what_is(words: str) -> None:
    with pytest.raises(NoSuchEdit) as error:
        in_words(words, shape())
    assert all(one in str(error.value) for one in UNDERSTOOD)


@pytest.mark.parametrize("example", UNDERSTOOD)
def test_every_example_of_the_answer_is_understood(example: str) -> None:
    if example == "regenerate":
        return  # a new take, not an edit
    words = example.partition(" (")[0]
    assert in_words(words, shape()).edit.kind in EDIT_KINDS


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("different lead", "kick, drums, bass and harmony"),
        ("without lead", "This take has no lead"),
        ("regenerate the third drop", "has 2 drops"),
        ("crop to bars 40-80", "It has 52 bars"),
        ("crop to bars 1-52", "nothing to crop"),
        ("crop to bars 9-12", "it would last 8 seconds"),
        ("shorter outro", "cannot be 4 bars shorter"),
        ("extend by 200 bars", "from 1 to 64"),
        ("only kick, drums, bass, harmony and effects", "nothing to leave out"),
        ("without kick, drums, bass, harmony and fx", "leaves silence"),
        ("140 BPM", "plays at 140 BPM already"),
        ("at 39 BPM", "from 40 to 220"),
    ],
)
def test_what_the_take_does_not_allow_is_said_with_what_it_has(words: str, sentence: str) -> None:
    with pytest.raises(NoSuchEdit, match=sentence):
        in_words(words, shape())


def test_more_energy_than_all_of_it_is_refused() -> None:
    full = replace(shape(), energy=1.0)
    with pytest.raises(NoSuchEdit, match="already"):
        in_words("more energetic", full)
    assert in_words("more energetic", replace(full, energy=0.9)).energy == 1.0


def test_a_take_stays_within_what_takes_last() -> None:
    long = replace(shape(), bpm=45.0, duration=278.0)
    with pytest.raises(NoSuchEdit, match="it would last 363 seconds"):
        decided(edit("extend", bars=16), long)
    assert decided(edit("extend", bars=8), long).seconds == pytest.approx(278 + 8 * 4 * 60 / 45, abs=0.001)


@pytest.mark.parametrize(
    "wrong",
    [
        edit("louder"),
        edit("energy"),
        edit("tempo"),
        edit("replace"),
        edit("replace", layer="fx"),
        edit("section"),
        edit("section", section=9),
        edit("longer", section=-1),
        edit("shorter", section=0, bars=0),
        edit("mute"),
        edit("mute", layers=("strings",)),
        edit("crop", first_bar=20, end_bar=4),
    ],
)
def test_fields_that_make_no_edit_are_answered_with_a_sentence(wrong: Edit) -> None:
    with pytest.raises(NoSuchEdit) as error:
        decided(wrong, shape())
    assert str(error.value).endswith(".")


def test_only_what_is_composed_anew_asks_for_a_new_seed() -> None:
    anew = {"replace", "section", "longer", "extend"}
    made: dict[str, Change] = {
        one.edit.kind: one
        for one in (
            decided(edit("energy"), shape(), energy=0.9),
            decided(edit("tempo"), shape(), bpm=150),
            decided(edit("replace", layer="bass"), shape()),
            decided(edit("section", section=0), shape()),
            decided(edit("longer", section=0), shape()),
            decided(edit("shorter", section=0), shape()),
            decided(edit("extend"), shape()),
            decided(edit("crop", end_bar=20), shape()),
            decided(edit("mute", layers=("bass",)), shape()),
        )
    }
    assert set(made) == set(EDIT_KINDS)
    assert {kind for kind, one in made.items() if one.anew} == anew
