"""What earlier takes were cut from is told to the next one, and it plays something else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation.brief import AVOIDED, played_in
from generation.engines.mosaic.compose import open_session
from generation.engines.mosaic.corpus import Phrase, Source, read_corpus
from generation.engines.mosaic.lineage import source_map
from generation.engines.mosaic.used import Used
from tests.generation.mosaic_corpus import brief, corpus, planned


def entry(bar: int | None, start: float = 0.0, **changes: object) -> dict[str, object]:
    return {"track_id": "a", "source_bar": bar, "source_start": start, "source_end": start + 2.5} | changes


def first(bpm: float = 124.0) -> tuple[Source, Phrase]:
    source = read_corpus(corpus(1), bpm)[0]
    return source, source.phrases[2]


def test_bars_of_source_maps_are_named_once_and_seconds_where_there_are_none() -> None:
    maps = [
        [entry(4), entry(5), entry(4)],
        [entry(None, 10.2, track_id="b"), entry(None, shots={"kick": [0, 1]})],
    ]
    assert played_in(maps) == (("a", 4), ("a", 5), ("b", 10), ("b", 11), ("b", 12))
    assert len(played_in([[entry(bar) for bar in range(2 * AVOIDED)]])) == AVOIDED


def test_what_this_request_played_is_avoided_before_what_others_did() -> None:
    long_ago = tuple(("old", bar) for bar in range(AVOIDED))
    avoid = brief(avoid=long_ago).avoiding([[entry(7)]]).avoid
    assert avoid[0] == ("a", 7) and avoid[1:] == long_ago[:-1]


def test_a_phrase_counts_as_used_by_the_bars_it_shares() -> None:
    source, phrase = first()
    assert (phrase.first_bar, phrase.bars) == (2, 4)
    assert Used.of_bars([(source.id, 4), (source.id, 5), (source.id, 6)]).share(source, phrase) == 0.5
    assert Used.of_bars([("another", 4)]).share(source, phrase) == 0.0
    # at twice the tempo a bar of the take is two of the track's, of which the source map names the first
    source, phrase = first(62.0)
    assert phrase.bars == 8
    assert Used.of_bars((source.id, phrase.first_bar + n) for n in (0, 2, 4, 6)).share(source, phrase) == 1.0


def test_a_phrase_without_bars_counts_by_its_seconds() -> None:
    source, _ = first()
    phrase = replace(source.phrases[0], first_bar=0, bars=0, start=8.4, end=16.2)
    assert Used.of_bars([(source.id, 8), (source.id, 9)]).share(source, phrase) == pytest.approx(2 / 8)


def test_what_a_plan_plays_is_used_whole() -> None:
    plan = planned(brief())
    used = Used.of_blocks(plan.blocks)
    assert {(name, bar) for name, bars in used.places.items() for bar in bars} >= set(
        played_in([source_map(plan)])
    )


def test_a_track_that_is_used_up_plays_no_more_where_others_are_left() -> None:
    played = {part.source.id for part in open_session(brief(), corpus(), 1).cast.harmony}
    spent = tuple((name, bar) for name in sorted(played) for bar in range(16))
    again = {part.source.id for part in open_session(brief(avoid=spent), corpus(), 1).cast.harmony}
    assert not played & again
