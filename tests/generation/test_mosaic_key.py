"""Where no key is asked for, a take is in the key of those who play it."""

from __future__ import annotations

from dataclasses import replace

from catalog.analysis.keys import Key, parse_key
from generation.engines.base import CorpusTrack
from generation.engines.mosaic.cast import Cast, Part
from generation.engines.mosaic.compose import at_home, open_session
from generation.engines.mosaic.corpus import read_corpus
from tests.generation.mosaic_corpus import brief, track


def keyed(*names: str) -> tuple[CorpusTrack, ...]:
    return tuple(
        replace(track(n), analysis=replace(track(n).analysis, key=parse_key(name)))
        for n, name in enumerate(names)
    )


def played(key: str, *names: str) -> Cast:
    target = parse_key(key)
    harmony = tuple(
        Part(source, source.shift(target).semitones) for source in read_corpus(keyed(*names), 124.0)
    )
    return Cast(target, (), harmony, bass=harmony[:1])


def said(cast: Cast) -> tuple[str, list[int], list[int]]:
    assert cast.key is not None
    return cast.key.name, [part.shift for part in cast.harmony], [part.shift for part in cast.bass]


def test_two_of_three_a_fifth_away_take_the_take_with_them() -> None:
    cast = played("E minor", "C major", "F minor", "C major")
    assert [part.source.shift(cast.key).relation for part in cast.harmony] == [
        "neighbour",
        "same",
        "neighbour",
    ]
    assert said(at_home(cast)) == ("C major", [0, -1, 0], [0])


def test_a_cast_that_is_at_home_stays_where_it_is() -> None:
    for names in (("E minor", "G major", "C major"), ("E minor", "D minor", "Eb minor")):
        cast = played("E minor", *names)
        assert at_home(cast) is cast
    nobody = Cast(None, (), played("E minor", "C major").harmony)
    assert at_home(nobody) is nobody


def test_a_key_that_is_asked_for_is_kept() -> None:
    tracks = keyed("C major", "C major", "C major", "C major", "C major", "C major", "C major")
    asked = open_session(brief(key=Key(4, "minor")), tracks, 1)
    assert asked.key == asked.cast.key == Key(4, "minor")
    assert open_session(brief(), tracks, 1).key == Key(0, "major")
