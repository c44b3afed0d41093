"""What must hold of an Audio DNA whatever the catalog: defined, stable, weighted, honest about its footing."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from catalog.analysis.keys import ALL_KEYS, Key
from catalog.analysis.palette import palette_of
from catalog.dna import TrackFacts, build_dna, for_composing
from catalog.dna.coherence import coherence
from catalog.dna.palette import NAMES
from catalog.dna.weighing import effective, quantile
from catalog.similarity import Background
from tests.sounds import RATE, tone

BACKGROUND = Background.load()
STYLES = sorted({label for label in BACKGROUND.labels if not label.startswith("recorded")})


def heard(row: int, **given: Any) -> TrackFacts:
    """A track that sounds as this background recording does."""
    facts = TrackFacts(
        id=f"heard{row}",
        title="Untitled",
        audio_sha256=f"{row:064x}",
        bpm=float(BACKGROUND.bpm[row]) or None,
        key=Key(row % 12, "minor"),
        energy=BACKGROUND.energy_percentile(float(BACKGROUND.energy[row])),
        palette=dict(zip(NAMES, (float(share) for share in BACKGROUND.palette[row]), strict=True)),
        vector=BACKGROUND.vectors[row],
    )
    return replace(facts, **given)


def listed(number: int, **given: Any) -> TrackFacts:
    """A row of a collection, without audio."""
    return replace(TrackFacts(f"listed{number}", "Untitled", bpm=125.0, key=Key(9, "minor")), **given)


def of(style: str) -> list[TrackFacts]:
    return [heard(row) for row, label in enumerate(BACKGROUND.labels) if label == style]


def numbers(text: str) -> set[float]:
    return {float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}


ANYTHING = some.builds(
    replace,
    some.integers(0, len(BACKGROUND) - 1).map(heard),
    bpm=some.none() | some.floats(30, 300),
    key=some.none() | some.sampled_from(ALL_KEYS),
    energy=some.none() | some.floats(0, 1),
    genres=some.lists(some.sampled_from(["dnb", "House", "2019", "", "Other", "Somebody"]), max_size=2).map(
        tuple
    ),
    vector=some.none() | some.just(BACKGROUND.vectors[0]) | some.just(np.zeros(242, np.float32)),
    weight=some.floats(0.4, 8.0),
)


@settings(max_examples=25, deadline=None)
@given(some.lists(ANYTHING, max_size=9))
def test_any_catalog_has_a_whole_document_in_strict_json(tracks: list[TrackFacts]) -> None:
    tracks = [replace(track, id=f"t{number}") for number, track in enumerate(tracks)]
    dna = build_dna(tracks, BACKGROUND)
    assert json.loads(json.dumps(dna, allow_nan=False)) == dna
    assert dna == build_dna(tracks[::-1], BACKGROUND)
    assert dna["taste_coherence"] is None or 0 <= dna["taste_coherence"] <= 1
    for part in ("bpm_profile", "key_profile", "energy_profile", "genre_profile", "sonic_palette_detail"):
        footing = dna[part]
        assert 0 <= footing["confidence"] <= 1 and footing["measured"] <= footing["n"] <= footing[
            "of"
        ] == len(tracks)
    assert all(line.endswith(".") for line in [*dna["sentences"].values(), *dna["footing"].values()])


# --- what the earlier system got wrong -----------------------------------------------------------------------


def test_failure_05_palette_words_tell_catalogs_apart() -> None:
    """It called almost every catalog "complex" and "warm"."""
    words = {style: build_dna(of(style), BACKGROUND)["palette_words"] for style in STYLES}
    used = Counter(word for chosen in words.values() for word in chosen)
    assert len(used) >= 8
    assert max(used.values()) <= len(STYLES) / 2
    assert len({tuple(sorted(chosen)) for chosen in words.values()}) >= len(STYLES) * 0.6


def test_failure_06_a_palette_reads_power_of_whole_tracks_from_20_hz_up() -> None:
    """It heard nothing below 60 Hz or above 11 kHz, and only the first thirty seconds."""
    track = np.concatenate(
        [tone(5000, 31.0, level=0.05), tone(40, 8.0, level=0.4), tone(15_000, 8.0, level=0.4)], axis=1
    )
    palette = palette_of(track, RATE)
    assert palette["sub_bass"] > 0.4 and palette["brilliance"] > 0.4
    assert list(build_dna([], BACKGROUND)["sonic_palette"]) == list(NAMES)


def test_failure_06_a_palette_says_how_much_of_the_catalog_it_heard() -> None:
    """Twenty uploads stood for 3,927 tracks, "with confidence 0.67"."""
    tracks = [heard(row) for row in range(20)] + [listed(number) for number in range(3907)]
    dna = build_dna(tracks, BACKGROUND)
    detail = dna["sonic_palette_detail"]
    assert (detail["n"], detail["of"]) == (20, 3927)
    assert detail["confidence"] < 0.1
    assert dna["footing"]["palette"].startswith("20 of 3,927 tracks measured.")
    assert build_dna(tracks[:20], BACKGROUND)["sonic_palette_detail"]["confidence"] == 1.0


def test_failure_07_a_catalog_in_one_key_has_a_coherence() -> None:
    """It divided by the logarithm of one key, and stored NaN."""
    tracks = [heard(row, key=Key(5, "minor")) for row in range(6)]
    dna = build_dna(tracks, BACKGROUND)
    assert 0 <= dna["taste_coherence"] <= 1
    assert dna["key_profile"]["minor_share"] == 1.0
    assert dna["sentences"]["key"] == "All 6 in F minor."


@pytest.mark.parametrize("count", [0, 1, 2])
def test_failure_07_coherence_is_defined_without_energy_keys_or_tempo(count: int) -> None:
    """Without energy it stored null, and printed "Highly diverse taste"."""
    tracks = [heard(row, energy=None, key=None, bpm=None) for row in range(count)]
    dna = build_dna(tracks, BACKGROUND)
    assert (dna["taste_coherence"] is None) == (dna["distinctiveness"] is None) == (count < 2)
    assert dna["taste_coherence_detail"]["n"] == count
    assert 0 <= dna["taste_coherence_detail"]["confidence"] <= 1
    assert "diverse" not in dna["sentences"]["coherence"]


def test_failure_07_more_keys_is_not_the_same_as_few() -> None:
    """Two keys in equal parts and all 24 in equal parts read the same 0; here each key has its count."""
    two = build_dna([heard(row, key=ALL_KEYS[row % 2]) for row in range(24)], BACKGROUND)
    all_of_them = build_dna([heard(row, key=ALL_KEYS[row]) for row in range(24)], BACKGROUND)
    assert two["key_profile"]["leading"]["count"] == 12
    assert all_of_them["key_profile"]["leading"]["count"] == 1
    assert two["taste_coherence"] == all_of_them["taste_coherence"], (
        "the sound is the same; keys do not change it"
    )


def test_failure_18_sentences_say_measured_figures_and_nothing_where_there_are_none() -> None:
    """Its biographies gave a club catalog 8 % energy."""
    dna = build_dna(of("techno"), BACKGROUND)
    energy = dna["energy_profile"]
    assert {round(100 * energy[name]) for name in ("p10", "p50", "p90")} | {100} == numbers(
        dna["sentences"]["energy"]
    )
    assert energy["p50"] > 0.5 > build_dna(of("ambient"), BACKGROUND)["energy_profile"]["p50"]
    said = numbers(dna["sentences"]["coherence"])
    aspects = dna["taste_coherence_detail"]["aspects"].values()
    assert round(100 * dna["taste_coherence"], 1) in said
    assert said <= {
        dna["analysed_count"],
        *(round(100 * value, 1) for value in [dna["taste_coherence"], *aspects]),
    }
    unheard = build_dna([listed(number, bpm=None, key=None) for number in range(3)], BACKGROUND)
    for part in ("palette", "energy", "coherence", "families", "tempo", "key"):
        assert not numbers(unheard["sentences"][part]), part
        assert part not in unheard["footing"]


def test_failure_19_one_far_off_track_decides_nothing() -> None:
    """It compared collections by their slowest and fastest track."""
    own = [heard(row, bpm=140.0 + row % 3) for row in range(12)]
    collected = [listed(number, bpm=100.0 + number % 5) for number in range(40)]
    plain = build_dna([*own, *collected], BACKGROUND)["collection"]
    assert plain["tempo_overlap"] == 0.0
    outlier = build_dna([*own, heard(50, bpm=60.0), *collected], BACKGROUND)["collection"]
    assert outlier["tempo_overlap"] == 0.0
    assert abs(outlier["own"]["p10"] - plain["own"]["p10"]) <= 1.0
    same = build_dna([*own, *(listed(n, bpm=141.0) for n in range(9))], BACKGROUND)["collection"]
    assert same["tempo_overlap"] == 1.0


# --- coherence -----------------------------------------------------------------------------------------------


def units(rows: Any) -> np.ndarray:
    return np.asarray(BACKGROUND.space().unit(BACKGROUND.vectors[rows]))


def test_coherence_is_one_for_one_track_again_and_again_and_low_for_a_random_draw() -> None:
    assert coherence(np.repeat(units([3]), 5, axis=0)) == pytest.approx(1.0)
    chance = np.random.default_rng(2)
    for count in (5, 10, 20, 50):
        draws = [coherence(units(chance.choice(len(BACKGROUND), count, replace=False))) for _ in range(40)]
        assert np.mean(draws) <= 0.2, "and it does not grow or fall with how many are drawn"


def test_coherence_stays_within_a_tenth_when_half_of_a_style_is_left_out() -> None:
    chance = np.random.default_rng(3)
    moved = []
    for style in STYLES:
        rows = np.array([row for row, label in enumerate(BACKGROUND.labels) if label == style])
        whole = coherence(units(rows))
        assert whole >= 0.2 + 0.2, "one style agrees more than a draw of all"
        for _ in range(10):
            moved.append(abs(coherence(units(chance.choice(rows, len(rows) // 2, replace=False))) - whole))
    assert np.quantile(moved, 0.95) <= 0.1


# --- weights and rows without audio --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    some.lists(some.floats(40, 250), min_size=1, max_size=30), some.floats(0.05, 0.95), some.floats(0.1, 9)
)
def test_equal_weights_weigh_nothing(values: list[float], share: float, weight: float) -> None:
    weights = [weight] * len(values)
    assert quantile(values, weights, share) == pytest.approx(float(np.quantile(values, share)), abs=1e-6)
    assert effective(weights) == pytest.approx(len(values))


@settings(max_examples=60, deadline=None)
@given(some.lists(some.tuples(some.floats(40, 250), some.floats(0.4, 8)), min_size=1, max_size=30))
def test_weighted_quantiles_lie_inside_the_values_and_keep_their_order(
    rows: list[tuple[float, float]],
) -> None:
    values, weights = zip(*rows, strict=True)
    low, middle, high = (quantile(values, weights, share) for share in (0.1, 0.5, 0.9))
    assert min(values) - 1e-6 <= low <= middle + 1e-6 <= high + 2e-6 <= max(values) + 3e-6
    assert effective(weights) <= len(rows) + 1e-6


def test_what_is_played_more_moves_the_tempo_more() -> None:
    slow = [listed(n, bpm=100.0 + n) for n in range(10)]
    fast = [listed(n + 10, bpm=140.0 + n, weight=4.0) for n in range(10)]
    profile = build_dna([*slow, *fast], BACKGROUND)["bpm_profile"]
    even = build_dna([*slow, *(replace(track, weight=1.0) for track in fast)], BACKGROUND)["bpm_profile"]
    assert profile["median"] > 135 > even["median"]
    assert profile["histogram"] == even["histogram"], "the picture counts tracks"
    assert profile["weighted"] and not even["weighted"]
    assert profile["confidence"] < even["confidence"], "uneven weights rest on fewer tracks"


def test_a_collection_without_audio_has_a_dna_of_its_tags() -> None:
    tracks = [listed(n, genres=("dnb",) if n < 20 else (), bpm=174.0) for n in range(60)]
    dna = build_dna(tracks, BACKGROUND)
    assert (dna["track_count"], dna["analysed_count"]) == (60, 0)
    assert dna["bpm_profile"]["n"] == dna["key_profile"]["n"] == 60 and dna["bpm_profile"]["measured"] == 0
    assert dna["genre_profile"]["n"] == 20 and dna["dominant_genres"] == ["Drum and Bass"]
    assert (
        dna["energy_profile"]["n"] == dna["sonic_palette_detail"]["n"] == dna["measured_families"]["n"] == 0
    )
    assert dna["taste_coherence"] is None and dna["from_audio"] is None
    assert dna["footing"]["tempo"] == "60 tracks as tagged. Confidence 100.0%."


def test_the_composer_reads_the_tracks_that_have_audio() -> None:
    own = [heard(row, bpm=140.0, genres=("Dubstep",), key=Key(5, "minor")) for row in range(6)]
    dna = build_dna([*own, *(listed(n, genres=("House",)) for n in range(300))], BACKGROUND)
    assert dna["bpm_profile"]["median"] == 125.0 and dna["dominant_genres"][0] == "House"
    composing = for_composing(dna)
    assert composing["bpm_profile"]["median"] == 140.0 and composing["dominant_genres"] == ["Dubstep"]
    assert composing["key_profile"]["leading"]["name"] == "F minor"
    alone = build_dna(own, BACKGROUND)
    assert for_composing(alone)["bpm_profile"] == alone["bpm_profile"]


def test_a_key_that_is_played_most_is_named_beside_the_one_that_is_counted_most() -> None:
    tracks = [listed(n, key=Key(5, "minor")) for n in range(3)] + [listed(9, key=Key(0, "major"), weight=5.0)]
    dna = build_dna(tracks, BACKGROUND)
    assert dna["key_profile"]["leading"]["name"] == "F minor"
    assert dna["key_profile"]["played_most"]["name"] == "C major"
