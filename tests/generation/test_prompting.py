"""What a prompt is read into, and who decides when several speak."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.brief import Brief, Reference
from generation.prompting import BadWishes, Known, Wishes, compose, read

DNA = {
    "bpm_profile": {"median": 139.0, "p10": 136.0, "p90": 143.0},
    "key_profile": {
        "counts": [
            {"name": "F minor", "mode": "minor", "count": 5},
            {"name": "Ab major", "mode": "major", "count": 6},
        ]
    },
    "energy_profile": {"p50": 0.6},
    "dominant_genres": ["Dubstep"],
}


def test_it_reads_the_prompt_of_the_plan() -> None:
    found = read("Dark dubstep with ethnic percussion, 140 BPM")
    assert found.words == ("140 BPM", "half-time", "dark", "hand percussion", "Dubstep")


@pytest.mark.parametrize(
    ("prompt", "bpm"),
    [
        ("house at 124", 124),
        ("174bpm roller", 174),
        ("techno, 132.5 BPM", 132.5),
        ("140-BPM dub", 140),
        ("at 90 seconds long", None),
        ("track 140 of many", None),
        ("9999 bpm", None),
    ],
)
def test_it_reads_a_tempo_only_where_one_is_spoken_of(prompt: str, bpm: float | None) -> None:
    assert read(prompt).bpm == bpm


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("pads in F# minor", "F# minor"),
        ("in the key of D", "D major"),
        ("in 4A please", "F minor"),
        ("in e flat minor", "Eb minor"),
        ("something Am and slow", "A minor"),
        ("in a dark room", None),
        ("in a major way in a minor city", "A major"),
        ("I am sad", None),
    ],
)
def test_it_reads_a_key_and_not_an_article(prompt: str, key: str | None) -> None:
    found = read(prompt).key
    if key is None:
        assert found is None
    else:
        from catalog.analysis.keys import parse_key

        wanted = parse_key(key)
        assert found is not None and wanted is not None
        assert (found.tonic, found.mode) == (wanted.tonic, wanted.mode)


def test_sub_bass_is_not_also_bass_and_deep_house_is_not_deep_and_house() -> None:
    found = read("deep house with sub bass")
    assert found.style is not None and found.style.name == "Deep House"
    assert found.instruments == ("sub bass",)
    assert found.moods == ()


def test_it_reads_lengths() -> None:
    assert read("two drops, 1:30").duration_seconds == 90
    assert read("90 seconds of dub").duration_seconds == 90
    assert read("2 minutes").duration_seconds == 120


def test_an_explicit_field_beats_the_prompt_and_the_prompt_beats_the_catalog() -> None:
    brief = compose(Wishes(prompt="dark house, 124 BPM", bpm=128, seed=1), DNA)
    assert (brief.bpm, brief.evidence["bpm"]) == (128, "asked")
    brief = compose(Wishes(prompt="dark house, 124 BPM", seed=1), DNA)
    assert (brief.bpm, brief.evidence["bpm"]) == (124, "prompt")
    brief = compose(Wishes(prompt="", seed=1), DNA)
    assert (brief.bpm, brief.evidence["bpm"]) == (139, "catalog")
    assert (brief.genre, brief.evidence["genre"]) == ("Dubstep", "catalog")


def test_a_genre_brings_its_own_tempo_when_nobody_names_one() -> None:
    assert 120 <= compose(Wishes(prompt="warm house", seed=1), DNA).bpm <= 126


def test_moods_choose_among_the_artists_own_keys() -> None:
    assert compose(Wishes(prompt="dark", seed=1), DNA).key.name == "F minor"  # type: ignore[union-attr]
    assert compose(Wishes(prompt="happy", seed=1), DNA).key.mode == "major"  # type: ignore[union-attr]


def test_energy_words_move_energy_from_where_the_catalog_is() -> None:
    levels = [compose(Wishes(prompt=word, seed=1), DNA).energy for word in ("calm", "", "aggressive")]
    assert levels[0] < levels[1] < levels[2]
    assert compose(Wishes(prompt="calm", energy=0.9, seed=1), DNA).energy == 0.9


def test_references_decide_what_nobody_said() -> None:
    known = [Known("trk_a", 122.0, None, 0.4)]
    brief = compose(Wishes(references=(Reference("trk_a"),), seed=1), DNA, known)
    assert (brief.bpm, brief.energy) == (122, 0.4)


def test_without_a_seed_every_brief_differs() -> None:
    assert compose(Wishes(), DNA).seed != compose(Wishes(), DNA).seed


def test_all_that_is_wrong_is_said_at_once() -> None:
    wishes = Wishes(bpm=900, energy=2, key="loud", duration_seconds=5, takes=9, seed=-1, temperature=99)
    with pytest.raises(BadWishes) as error:
        compose(wishes, DNA)
    assert set(error.value.errors) == {
        "bpm",
        "energy",
        "key",
        "duration_seconds",
        "takes",
        "seed",
        "temperature",
    }


def test_an_empty_catalog_still_gives_a_brief() -> None:
    brief = compose(Wishes(seed=1), {})
    assert (brief.bpm, brief.key) == (120, None)


@given(st.text(max_size=300))
def test_no_prompt_breaks_it_and_every_brief_survives_json(prompt: str) -> None:
    brief = compose(Wishes(prompt=prompt, seed=2**63 - 1), DNA)
    assert Brief.from_json(brief.to_json()) == brief
    assert 40 <= brief.bpm <= 220
    assert 15 <= brief.duration_seconds <= 360
    assert 0 <= brief.energy <= 1
