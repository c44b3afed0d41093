from __future__ import annotations

import json

import numpy as np
import pytest

from catalog.analysis.keys import Key, parse_key
from catalog.dna import TrackFacts, build_dna, catalog_hash
from catalog.dna.genres import canonical, line_of
from catalog.dna.palette import NAMES, palette_words
from catalog.similarity import ASPECTS, Background


@pytest.fixture(scope="module")
def background() -> Background:
    return Background.load()


def track(number: int, background: Background, *, row: int | None = None, **given: object) -> TrackFacts:
    """Facts of a made-up track whose sound is near a row of the background."""
    chance = np.random.default_rng(number)
    base = background.vectors[(row if row is not None else number) % len(background)]
    noise = chance.normal(0, 0.2, base.shape).astype(np.float32) * background.vectors.std(axis=0)
    facts: dict[str, object] = {
        "id": f"t{number}",
        "title": f"Track {number}",
        "audio_sha256": f"{number:064x}",
        "bpm": 140.0,
        "key": Key(5, "minor"),
        "energy": 0.2 + 0.05 * number % 0.7,
        "genres": ("Dubstep",),
        "palette": dict(zip(NAMES, chance.dirichlet(np.ones(7)), strict=True)),
        "vector": base + noise,
        "duration": 90.0,
    }
    return TrackFacts(**(facts | given))  # type: ignore[arg-type]


KEYS = {
    "version", "background_version", "track_count", "analysed_count", "generated_count", "generated_share",
    "catalog_hash", "sonic_palette", "sonic_palette_reference", "palette_words", "taste_coherence",
    "taste_coherence_detail", "distinctiveness", "bpm_profile", "key_profile", "energy_profile",
    "dominant_genres", "genres", "influence_genealogy", "sentences",
}  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 3, 12])
def test_the_document_is_whole_and_strict_json_for_any_number_of_tracks(
    count: int, background: Background
) -> None:
    dna = build_dna([track(i, background) for i in range(count)], background)
    assert dna.keys() >= KEYS
    assert json.loads(json.dumps(dna, allow_nan=False)) == dna
    assert dna["track_count"] == count
    assert set(dna["sonic_palette"]) == set(NAMES)
    assert set(dna["sentences"]) >= {"palette", "tempo", "key", "energy", "coherence", "genres"}
    assert all(isinstance(s, str) and s.endswith(".") for s in dna["sentences"].values())


def test_coherence_of_one_key_catalogs_is_a_number(background: Background) -> None:
    """The earlier system divided by log2(1) and stored NaN."""
    dna = build_dna([track(i, background) for i in range(5)], background)
    assert 0 <= dna["taste_coherence"] <= 1
    assert dna["key_profile"]["leading"]["count"] == 5


def test_coherence_without_energy_is_a_number(background: Background) -> None:
    """The earlier system stored null and printed "Highly diverse taste"."""
    dna = build_dna([track(i, background, energy=None, bpm=None, key=None) for i in range(4)], background)
    assert isinstance(dna["taste_coherence"], float)
    assert dna["energy_profile"]["average"] is None


def test_identical_tracks_cohere_at_one(background: Background) -> None:
    one = background.vectors[0]
    dna = build_dna([track(i, background, vector=one) for i in range(4)], background)
    assert dna["taste_coherence"] == 1.0


def test_one_style_coheres_more_than_a_random_mix(background: Background) -> None:
    mixed = build_dna([track(i, background, row=i * 9) for i in range(13)], background)
    style = build_dna([track(i, background, row=3) for i in range(13)], background)
    assert mixed["taste_coherence"] <= 0.35
    assert style["taste_coherence"] >= mixed["taste_coherence"] + 0.2


def test_coherence_stays_when_the_catalog_is_halved(background: Background) -> None:
    tracks = [track(i, background, row=3) for i in range(24)]
    whole = build_dna(tracks, background)["taste_coherence"]
    assert abs(whole - build_dna(tracks[::2], background)["taste_coherence"]) < 0.1


def test_coherence_of_fewer_than_two_tracks_is_not_made_up(background: Background) -> None:
    for count in (0, 1):
        dna = build_dna([track(i, background) for i in range(count)], background)
        assert dna["taste_coherence"] is None
        assert dna["distinctiveness"] is None
        assert dna["taste_coherence_detail"]["aspects"] == dict.fromkeys(ASPECTS)


def test_the_catalog_hash_ignores_order_and_repetition() -> None:
    a, b = "a" * 64, "b" * 64
    assert catalog_hash([a, b]) == catalog_hash([b, a, b]) == catalog_hash([b, a, ""])
    assert catalog_hash([a]) != catalog_hash([a, b])
    assert catalog_hash([]).startswith("sha256:")


def test_the_order_of_tracks_changes_nothing(background: Background) -> None:
    tracks = [track(i, background, bpm=120.0 + i) for i in range(7)]
    assert build_dna(tracks, background) == build_dna(tracks[::-1], background)


def test_a_track_without_sound_counts_by_its_tags_only(background: Background) -> None:
    bare = TrackFacts("x", "Bare", bpm=128.0, genres=("House",), key=parse_key("Am"))
    dna = build_dna([bare, track(1, background)], background)
    assert (dna["track_count"], dna["analysed_count"]) == (2, 1)
    assert dna["bpm_profile"]["n"] == 2
    assert dna["taste_coherence_detail"]["n"] == 1
    assert {"name": "House", "count": 1, "share": 0.5} in dna["genres"]


def test_generated_tracks_are_counted(background: Background) -> None:
    dna = build_dna([track(i, background, generated=i == 0) for i in range(4)], background)
    assert (dna["generated_count"], dna["generated_share"]) == (1, 0.25)


def test_tempo_centres_and_half_time_are_told(background: Background) -> None:
    tracks = [track(i, background, bpm=140.0, felt="half-time") for i in range(6)]
    tracks += [track(i, background, bpm=172.0) for i in range(6, 10)]
    dna = build_dna(tracks, background)
    profile = dna["bpm_profile"]
    assert [(c["bpm"], c["count"]) for c in profile["centres"]] == [(140, 6), (172, 4)]
    assert sum(b["count"] for b in profile["histogram"]) == 10
    assert profile["half_time_count"] == 6
    assert dna["sentences"]["tempo"] == "Two centres: 140 BPM, felt at 70, in 6 tracks; 172 in 4."


def test_one_outlier_does_not_move_the_tempo_percentiles(background: Background) -> None:
    tracks = [track(i, background, bpm=125.0 + i % 5) for i in range(29)] + [track(30, background, bpm=60.0)]
    profile = build_dna(tracks, background)["bpm_profile"]
    assert profile["min"] == 60.0
    assert profile["p10"] >= 125.0


def test_keys_of_mixed_spelling_count_together(background: Background) -> None:
    spellings = ("Abm", "G# minor", "1A", "Ebm")
    dna = build_dna([track(i, background, key=parse_key(s)) for i, s in enumerate(spellings)], background)
    profile = dna["key_profile"]
    assert (profile["leading"]["camelot"], profile["leading"]["count"]) == ("1A", 3)
    assert profile["minor_share"] == 1.0
    assert sum(row["count"] for row in profile["counts"]) == 4
    assert len(profile["counts"]) == 24
    assert "Ab minor leads with 3" in dna["sentences"]["key"]


def test_energy_profile_spreads(background: Background) -> None:
    dna = build_dna([track(i, background, energy=e) for i, e in enumerate((0.1, 0.5, 0.9))], background)
    profile = dna["energy_profile"]
    assert profile["average"] == 0.5
    assert sum(b["count"] for b in profile["histogram"]) == 3


def test_palette_words_compare_and_do_not_repeat_for_every_catalog(background: Background) -> None:
    """Every catalog was "complex" and "warm" once: a word now needs a band that stands out."""
    middle = dict(zip(NAMES, np.median(background.palette, axis=0), strict=True))
    plain = build_dna([track(0, background, palette=middle, bpm=None)], background)
    assert plain["palette_words"] == []
    sub = dict(zip(NAMES, (0.9, 0.06, 0.01, 0.01, 0.01, 0.005, 0.005), strict=True))
    heavy = build_dna([track(0, background, palette=sub)], background)
    assert "sub-heavy" in heavy["palette_words"]
    assert heavy["sentences"]["palette"].startswith("More sub than ")
    assert palette_words(np.full(7, 0.5)) == []


def test_palette_gives_each_track_the_same_weight(background: Background) -> None:
    low = dict.fromkeys(NAMES, 0.0) | {"sub_bass": 1.0}
    high = dict.fromkeys(NAMES, 0.0) | {"brilliance": 1.0}
    palette = build_dna([track(0, background, palette=low), track(1, background, palette=high)], background)
    assert palette["sonic_palette"]["sub_bass"] == palette["sonic_palette"]["brilliance"] == 0.5


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("dnb", "Drum and Bass"),
        ("D&B", "Drum and Bass"),
        ("Drum & Bass", "Drum and Bass"),
        ("drum'n'bass", "Drum and Bass"),
        ("UKG", "UK Garage"),
        ("hip hop", "Hip Hop"),
        ("uk bass", "UK Bass"),
        ("Gabber", "Gabber"),
        ("2020", None),
        ("https://example.org", None),
        ("", None),
    ],
)
def test_tags_are_canonical_and_junk_is_none(tag: str, name: str | None) -> None:
    assert canonical(tag) == name


def test_lineage_has_several_parents_and_counts_the_unplaced(background: Background) -> None:
    tracks = [track(i, background, genres=("dubstep",)) for i in range(3)]
    tracks.append(track(3, background, genres=("Something Else",)))
    lineage = build_dna(tracks, background)["influence_genealogy"]
    assert lineage["unplaced"] == 1
    assert lineage["from_tags"][0]["name"] == "Dubstep"
    assert {e["from"] for e in lineage["edges"] if e["to"] == "dubstep"} == {"uk-garage", "dub"}
    assert {n["id"] for n in lineage["nodes"]} >= {"dubstep", "uk-garage", "dub", "reggae", "disco"}
    assert all(n["place"] and n["year"] > 1700 and n["pioneers"] for n in lineage["nodes"])


def test_every_line_of_descent_runs_forward_in_time() -> None:
    from catalog.dna.genres import _graph

    nodes, _ = _graph()
    for genre in nodes:
        years = [nodes[i].year for i in line_of(genre)]
        assert years == sorted(years), genre
        assert all(nodes[p].year <= nodes[genre].year for p in nodes[genre].parents), genre


def test_sentences_state_figures_and_never_praise(background: Background) -> None:
    dna = build_dna([track(i, background) for i in range(12)], background)
    text = " ".join(dna["sentences"].values())
    assert "!" not in text
    assert not any(word in text.lower() for word in ("amazing", "unlock", "unique", "great", "highly"))
    assert any(character.isdigit() for character in dna["sentences"]["coherence"])
