from __future__ import annotations

import pytest

from catalog.analysis.keys import ALL_KEYS, Key, compatible, mirex_weight, parse_key

SAME = [
    ("Abm", "G# minor"),
    ("1A", "Ab minor"),
    ("6m", "gis-moll"),
    ("F minor", "4A"),
    ("04A", "Fm"),
    ("F minor (4A)", "9m"),
    ("F♯ minor", "F#m"),
    ("Bb", "A# major"),
    ("h-moll", "Bm"),
    ("Es dur", "D# maj"),
    ("C", "8B"),
    ("key: Eb", "5B"),
    ("D flat", "C sharp"),
    ("Emin", "e minor"),
    ("AB MINOR", "Abm"),
    ("F SHARP MINOR", "F#m"),
    ("BB", "Bb"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_key_are_the_same_key(one: str, other: str) -> None:
    assert parse_key(one).same_as(parse_key(other))


def test_rekordbox_and_analyser_spellings_share_a_label() -> None:
    """The earlier system compared "Abm" with "G# minor" as text and found no key in common."""
    assert parse_key("Abm").name == parse_key("G# minor").name


@pytest.mark.parametrize("text", ["", "o", "All", "12", "13A", "0A", "Unknown", "140", "H2O", "minor", "Cx"])
def test_text_that_names_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a key"):
        parse_key(text)


def test_capital_m_is_major_and_small_m_is_minor() -> None:
    assert (parse_key("CM").mode, parse_key("Cm").mode) == ("major", "minor")


def test_every_key_survives_each_of_its_own_spellings() -> None:
    for key in ALL_KEYS:
        for text in (key.name, key.short, key.camelot, key.open_key):
            assert parse_key(text).same_as(key), text


def test_camelot_and_open_key_numbers_are_those_of_the_wheel() -> None:
    assert [parse_key(k).camelot for k in ("Am", "C", "Fm", "Abm", "B", "E")] == [
        "8A",
        "8B",
        "4A",
        "1A",
        "1B",
        "12B",
    ]
    assert [parse_key(k).open_key for k in ("Am", "C", "Fm", "F")] == ["1m", "1d", "9m", "12d"]
    assert len({key.camelot for key in ALL_KEYS}) == 24


def test_compatible_keys_are_the_wheel_neighbours() -> None:
    assert {k.camelot for k in compatible(parse_key("4A"))} == {"4A", "4B", "3A", "5A"}
    assert {k.camelot for k in compatible(parse_key("12B"))} == {"12B", "12A", "11B", "1B"}


def test_json_gives_the_key_back_with_its_runners_up() -> None:
    key = Key(5, "minor", 0.75, (Key(8, "major", 0.5),))
    assert Key.from_json(key.to_json()) == key
    assert key.to_json()["camelot"] == "4A"


def test_a_tonic_outside_the_octave_is_refused() -> None:
    with pytest.raises(ValueError, match="pitch class"):
        Key(12, "minor")


def test_mirex_weights() -> None:
    truth = parse_key("A minor")
    weights = [mirex_weight(parse_key(k), truth) for k in ("Am", "Em", "Dm", "C", "A", "Bbm")]
    assert weights == [1.0, 0.5, 0.5, 0.3, 0.2, 0.0]
