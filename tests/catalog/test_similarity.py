from __future__ import annotations

import json

import numpy as np
import pytest

from catalog.analysis import analyse
from catalog.analysis.model import VECTOR_SIZE
from catalog.similarity import ASPECTS, Background, CatalogModel, neighbours
from catalog.similarity.background import BLOCK_SIZES
from tests.sounds import RATE, kick_loop, silence


@pytest.fixture(scope="module")
def background() -> Background:
    return Background.load()


@pytest.fixture(scope="module")
def artists(background: Background) -> dict[str, np.ndarray]:
    """Three invented artists of 14 tracks: a centre of their own among the background, small deviations."""
    chance = np.random.default_rng(4)
    spread = background.vectors.std(axis=0)
    # Far apart in style: rows of the background by their label, left as they are in the background.
    names = {"dub": "dub", "techno": "techno", "disco": "disco"}
    return {
        artist: background.vectors[background.labels.index(label)]
        + chance.normal(0, 0.25, (14, VECTOR_SIZE)).astype(np.float32) * spread
        for artist, label in names.items()
    }


def model_of(vectors: np.ndarray, background: Background) -> CatalogModel:
    return CatalogModel([f"t{i}" for i in range(len(vectors))], vectors, background)


def test_the_background_is_versioned_and_says_where_each_row_is_from(background: Background) -> None:
    rows = len(background)
    assert rows >= 80
    assert background.vectors.shape == (rows, VECTOR_SIZE) == (rows, sum(BLOCK_SIZES))
    assert len(background.sources) == len(background.licences) == len(background.labels) == rows
    assert all(background.sources)
    assert all(background.licences)
    assert len(set(background.labels)) >= 15
    assert np.isfinite(background.vectors).all()
    assert background.version


def test_exact_member_beats_held_out_own_beats_other_artist(
    artists: dict[str, np.ndarray], background: Background
) -> None:
    own, other = artists["dub"], artists["techno"]
    model = model_of(own[:12], background)
    member, held_out, stranger = (model.match(v).score for v in (own[0], own[13], other[0]))
    assert member > held_out > stranger
    assert member > 0.9
    assert stranger < 0.45


def test_the_middle_own_track_left_out_reads_85(
    artists: dict[str, np.ndarray], background: Background
) -> None:
    for vectors in artists.values():
        model = model_of(vectors, background)
        assert abs(float(np.median(model.own_matches())) - 0.85) < 0.01
        left_out = [model.match(v, exclude={f"t{i}"}).score for i, v in enumerate(vectors)]
        assert abs(float(np.median(left_out)) - 0.85) < 0.05


def test_own_tracks_are_told_from_other_artists(
    artists: dict[str, np.ndarray], background: Background
) -> None:
    for name, vectors in artists.items():
        model = model_of(vectors[:10], background)
        own = np.array([model.match(v).score for v in vectors[10:]])
        others = np.array([model.match(v).score for a, vs in artists.items() if a != name for v in vs])
        assert (own[:, None] > others).mean() >= 0.97
        assert np.median(own) >= 0.75
        assert np.median(others) <= 0.45


def test_the_breakdown_has_every_aspect_between_0_and_1(
    artists: dict[str, np.ndarray], background: Background
) -> None:
    match = model_of(artists["disco"], background).match(artists["techno"][0])
    assert (
        set(match.breakdown) == {"sonic_palette", "rhythm", "harmony", "energy", "dynamics"} == set(ASPECTS)
    )
    assert all(0 <= value <= 1 for value in match.breakdown.values())
    json.dumps(match.to_json(), allow_nan=False)


def test_closest_tracks_come_nearest_first_and_a_copy_is_suspicious(
    artists: dict[str, np.ndarray], background: Background
) -> None:
    model = model_of(artists["dub"], background)
    match = model.match(artists["dub"][5])
    assert match.closest[0][0] == "t5"
    scores = [score for _, score in match.closest]
    assert scores == sorted(scores, reverse=True)
    assert match.nearest_ratio < 0.6
    assert model.match(artists["dub"][5], exclude={"t5"}).nearest_ratio >= 0.6


def test_excluded_tracks_are_neither_compared_nor_named(
    artists: dict[str, np.ndarray], background: Background
) -> None:
    model = model_of(artists["dub"], background)
    without = model.match(artists["dub"][3], exclude={"t3", "t4"})
    assert without.n == 12
    assert not {"t3", "t4"} & {track for track, _ in without.closest}
    with pytest.raises(ValueError, match="every track was excluded"):
        model.match(artists["dub"][3], exclude=set(model.ids))


def test_a_small_catalog_says_that_the_figure_is_not_firm(
    artists: dict[str, np.ndarray], background: Background
) -> None:
    few = model_of(artists["dub"][:4], background).match(artists["dub"][5])
    many = model_of(artists["dub"], background).match(artists["dub"][5])
    assert few.low_confidence
    assert "4 tracks" in few.reasons[0]
    assert not many.low_confidence
    assert few.confidence < many.confidence


def test_a_short_sound_says_so(artists: dict[str, np.ndarray], background: Background) -> None:
    model = model_of(artists["dub"], background)
    short, long = (
        model.match(artists["techno"][0], duration=30),
        model.match(artists["techno"][0], duration=90),
    )
    assert short.low_confidence
    assert not long.low_confidence
    assert short.score == long.score


def test_a_mixed_catalog_is_of_low_confidence(background: Background) -> None:
    rng = np.random.default_rng(0)
    mixed = background.vectors[rng.choice(len(background), 12, replace=False)]
    mixed = mixed + rng.normal(0, 0.3, mixed.shape).astype(np.float32) * background.vectors.std(axis=0)
    assert model_of(mixed, background).match(mixed[0]).low_confidence


def test_a_catalog_of_one_answers(artists: dict[str, np.ndarray], background: Background) -> None:
    model = model_of(artists["dub"][:1], background)
    itself, other = model.match(artists["dub"][0]), model.match(artists["techno"][0])
    assert itself.score > other.score
    assert itself.low_confidence
    assert all(np.isfinite([itself.score, itself.confidence, itself.nearest_ratio, model.auc]))


def test_a_background_row_among_the_own_tracks_changes_little(background: Background) -> None:
    """A catalog may hold a recording the background was made from: it must not collapse the local scale."""
    own = np.flatnonzero([label == "house" for label in background.labels])
    model = CatalogModel([int(i) for i in own], background.vectors[own], background)
    assert np.isfinite(model.own_matches()).all()
    assert 0.5 < model.match(background.vectors[own[0]], exclude={int(own[0])}).score < 0.99


def test_a_silent_file_gets_a_finite_low_answer(
    artists: dict[str, np.ndarray], background: Background
) -> None:
    match = model_of(artists["dub"], background).match(analyse(silence(4), RATE).vector)
    assert 0 <= match.score < 0.6
    assert all(np.isfinite(v) for v in match.breakdown.values())


def test_gain_and_leading_silence_hardly_move_a_track(background: Background) -> None:
    loop = kick_loop(128, 30)
    padded = np.concatenate([silence(5), loop * np.float32(0.25)], axis=1)
    space = background.space()
    a, b = (space.unit(analyse(x, RATE).vector) for x in (loop, padded))
    assert float(np.linalg.norm(a - b)) < 0.12


def test_energy_percentile_rises_and_never_reaches_its_ends(background: Background) -> None:
    values = [background.energy_percentile(x) for x in np.linspace(-30, 30, 61)]
    assert values == sorted(values)
    assert len(set(values)) == len(values)
    assert 0 < values[0] < 0.05
    assert 0.95 < values[-1] < 1


def test_energy_percentile_of_the_background_itself_is_spread_evenly(background: Background) -> None:
    values = np.array([background.energy_percentile(float(e)) for e in background.energy])
    assert abs(float(np.median(values)) - 0.5) < 0.06
    assert np.percentile(values, 90) > 0.8
    assert np.percentile(values, 10) < 0.2


def test_neighbours_grow_with_the_catalog() -> None:
    assert [neighbours(n) for n in (1, 4, 10, 20, 400)] == [1, 1, 2, 5, 5]


def test_wrongly_shaped_vectors_are_refused(background: Background) -> None:
    with pytest.raises(ValueError, match="242"):
        CatalogModel(["a"], np.zeros((1, 100), np.float32), background)
    with pytest.raises(ValueError, match="one vector"):
        CatalogModel([], np.zeros((0, VECTOR_SIZE), np.float32), background)


def test_a_background_survives_its_file(background: Background, tmp_path) -> None:
    background.save(tmp_path / "copy.npz")
    copy = Background.load(tmp_path / "copy.npz")
    assert copy.version == background.version
    assert np.array_equal(copy.vectors, background.vectors)
    assert copy.sources == background.sources


@pytest.mark.parametrize("equal", [0, 300])
def test_a_large_catalog_is_measured_as_exactly_as_a_small_one(
    background: Background, equal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = np.random.default_rng(9)
    rows = background.vectors[chance.integers(0, len(background), 600)]
    rows = rows + chance.normal(0, 0.3, rows.shape).astype(np.float32) * background.vectors.std(axis=0)
    rows[:equal] = rows[0]  # hundreds of copies are all each other's nearest
    fast = model_of(rows, background)
    monkeypatch.setattr("catalog.similarity.model._Aspect._few_gaps", lambda *_: None)
    slow = model_of(rows, background)
    np.testing.assert_allclose(fast.own_matches(), slow.own_matches(), atol=1e-9)
    assert fast.auc == pytest.approx(slow.auc, abs=1e-9)
    assert fast.match(rows[-1]).to_json() == slow.match(rows[-1]).to_json()
