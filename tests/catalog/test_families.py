"""Measured patterns: right where they speak, silent where they do not know."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from catalog.analysis import analyse
from catalog.demo import render_style
from catalog.dna import TrackFacts
from catalog.dna.families import WORDS, Placed, family_of, family_profile
from catalog.similarity import Background

# The pattern each style of the synthesiser plays. Styles that are not named play none of the families.
PLAYED = {
    "house": "four-on-the-floor",
    "techno": "four-on-the-floor",
    "disco": "four-on-the-floor",
    "dubstep": "half-time",
    "trap": "half-time",
    "drum-and-bass": "breakbeat",
    "uk-garage": "broken-beat",
    "breakbeat": "broken-beat",
    "electro": "broken-beat",
    "ambient": "beatless",
    "acoustic": "beatless",
}


def of_background(background: Background) -> list[tuple[str, Placed]]:
    """(style, what was heard) of the procedural background tracks; it keeps no felt tempo, so without half-time."""
    rows = [i for i, source in enumerate(background.sources) if source.startswith("procedural:")]
    return [
        (
            background.labels[i],
            family_of(
                TrackFacts(str(i), "x", bpm=float(background.bpm[i]) or None, vector=background.vectors[i])
            ),
        )
        for i in rows
        if background.labels[i] not in ("dubstep", "trap")
    ]


def test_failure_10_what_is_said_is_right_and_the_rest_is_left_unplaced() -> None:
    """Precision before recall, on every artist of every style of the synthesiser."""
    heard = of_background(Background.load())
    said = [(style, found.family) for style, found in heard if found.family is not None]
    right = sum(PLAYED.get(style) == family for style, family in said)
    could = sum(style in PLAYED for style, _ in heard)
    assert right / len(said) >= 0.9
    assert right / could >= 0.5
    assert len(said) < len(heard)


def test_failure_10_a_guess_by_the_commonest_pattern_is_beaten() -> None:
    heard = of_background(Background.load())
    truth = [PLAYED.get(style) for style, _ in heard]
    always = Counter(truth).most_common(1)[0][1] / len(truth)
    right = sum(found.family == played for (_, found), played in zip(heard, truth, strict=True)) / len(truth)
    assert right > always + 0.2


@pytest.mark.parametrize(
    ("style", "family"),
    [
        ("house", "four-on-the-floor"),
        ("drum-and-bass", "breakbeat"),
        ("trap", "half-time"),
        ("ambient", "beatless"),
    ],
)
def test_the_pattern_is_heard_in_artists_nobody_has_heard(style: str, family: str) -> None:
    made = render_style(style, 640, 641, 32.0)
    found = analyse(made.samples, made.sample_rate)
    track = TrackFacts("t", "x", bpm=found.bpm, vector=found.vector, felt=found.felt)
    assert family_of(track).family == family


def test_a_track_that_was_not_heard_is_unplaced_whatever_its_tags_say() -> None:
    assert family_of(TrackFacts("t", "x", bpm=140.0, genres=("Dubstep",))) == Placed(None, 0.0)
    silent = TrackFacts("t", "x", bpm=124.0, vector=np.zeros(242, np.float32))
    assert family_of(silent).family is None


def test_a_catalog_is_told_by_its_patterns_with_their_tempo_and_their_weight() -> None:
    background = Background.load()
    rows = [i for i, label in enumerate(background.labels) if label in ("house", "hip-hop")]
    sub = {"sub_bass": 0.95, "bass": 0.05}
    tracks = [
        TrackFacts(str(i), "x", bpm=float(background.bpm[i]), vector=background.vectors[i], palette=sub)
        for i in rows
    ]
    profile = family_profile(tracks, background)
    first = profile["families"][0]
    assert first["family"] == "four-on-the-floor" and 118 <= first["bpm"] <= 127 and first["sub_heavy"]
    assert first["words"] == f"Four-on-the-floor near {first['bpm']}, sub-heavy"
    assert profile["n"] == len(rows) == sum(one["count"] for one in profile["families"]) + profile["unplaced"]
    assert all(0.6 <= one["confidence"] <= 1 for one in profile["families"])


def test_no_tracks_no_patterns() -> None:
    assert family_profile([], Background.load()) == {"n": 0, "families": [], "unplaced": 0}
    assert all("genre" not in words.lower() for words in WORDS.values())
