"""The target between two artists' DNA, and the match with both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from catalog.dna.blending import blended
from catalog.similarity import Background, BlendedModel, CatalogModel


def dna(bpm: float, energy: float, bass: float, keys: dict[str, int], **more: Any) -> dict[str, Any]:
    return {
        "sonic_palette": {"bass": bass, "mid": round(1 - bass, 5)},
        "bpm_profile": {"p10": bpm * 0.98, "median": bpm, "p90": bpm * 1.02},
        "key_profile": {
            "counts": [
                {"name": name, "mode": name.split()[1], "count": count} for name, count in keys.items()
            ]
        },
        "energy_profile": {"p10": energy - 0.1, "p50": energy, "p90": energy + 0.1},
        "dominant_genres": ["House"],
        "genres": [{"name": "House", "count": 8, "share": 0.8}],
        **more,
    }


OSSA = dna(124.0, 0.4, 0.3, {"A minor": 9, "C major": 1})
CLEO = dna(
    140.0,
    0.8,
    0.5,
    {"F minor": 40, "A minor": 10},
    dominant_genres=["Dubstep"],
    genres=[{"name": "Dubstep", "count": 30, "share": 0.6}],
)


def test_the_ends_are_the_two_and_between_them_every_figure_rises() -> None:
    ends = blended(OSSA, CLEO, 0.0), blended(OSSA, CLEO, 1.0)
    for one, whole in zip(ends, (OSSA, CLEO), strict=True):
        assert one["sonic_palette"] == whole["sonic_palette"]
        assert one["bpm_profile"]["median"] == whole["bpm_profile"]["median"]
        assert one["energy_profile"]["p50"] == whole["energy_profile"]["p50"]
        assert one["dominant_genres"][0] == whole["dominant_genres"][0]
    steps = [blended(OSSA, CLEO, weight / 10) for weight in range(11)]
    for read in (
        lambda one: one["sonic_palette"]["bass"],
        lambda one: one["bpm_profile"]["median"],
        lambda one: one["energy_profile"]["p50"],
    ):
        values = [read(one) for one in steps]
        assert values == sorted(values) and len(set(values)) == len(values)


def test_shares_are_mixed_and_tempo_is_averaged_as_a_ratio() -> None:
    half = blended(OSSA, CLEO, 0.5)
    assert half["sonic_palette"] == {"bass": 0.4, "mid": 0.6}
    assert half["bpm_profile"]["median"] == pytest.approx((124 * 140) ** 0.5, abs=0.01)
    assert half["energy_profile"]["p50"] == 0.6
    shares = {row["name"]: row["count"] for row in half["key_profile"]["counts"]}
    # Of shares, not of counts: fifty tracks of the one weigh no more than ten of the other.
    assert shares == pytest.approx({"A minor": 0.55, "C major": 0.05, "F minor": 0.4})
    assert blended(OSSA, CLEO, 0.25)["dominant_genres"] == ["House", "Dubstep"]


def test_half_and_double_tempo_are_one_tempo() -> None:
    slow, fast = dna(87.0, 0.5, 0.3, {}), dna(174.0, 0.5, 0.3, {})
    assert blended(slow, fast, 0.5)["bpm_profile"]["median"] == 87.0
    assert blended(fast, slow, 0.5)["bpm_profile"]["median"] == 174.0


def test_what_only_one_of_them_knows_is_taken_as_it_is() -> None:
    nothing: dict[str, Any] = {}
    for found in (blended(OSSA, nothing, 0.7), blended(nothing, OSSA, 0.3)):
        assert found["sonic_palette"] == OSSA["sonic_palette"]
        assert found["bpm_profile"]["median"] == 124.0 and found["energy_profile"]["p50"] == 0.4
        assert sum(row["count"] for row in found["key_profile"]["counts"]) == pytest.approx(1.0)
    assert blended(nothing, nothing, 0.5)["bpm_profile"]["median"] is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        blended(OSSA, CLEO, 1.5)


def test_the_match_with_a_blend_lies_between_the_two_by_its_weight() -> None:
    background = Background.load()
    rng = np.random.default_rng(3)
    near = background.vectors[:1] + 0.01 * rng.standard_normal((12, background.vectors.shape[1]))
    far = background.vectors[-1:] + 0.01 * rng.standard_normal((12, background.vectors.shape[1]))
    own = CatalogModel([f"own{n}" for n in range(12)], near, background)
    theirs = CatalogModel([f"theirs{n}" for n in range(12)], far, background)
    sound = near[0] + 0.01 * rng.standard_normal(near.shape[1])
    scores = [BlendedModel(own, theirs, weight).match(sound).score for weight in (0.0, 0.25, 0.5, 0.75, 1.0)]
    one, other = BlendedModel(own, theirs, 0.5).apart(sound)
    assert scores[0] == pytest.approx(one.score) and scores[-1] == pytest.approx(other.score)
    assert scores == sorted(scores, reverse=True) and scores[0] > scores[-1] + 0.3
    assert scores[2] == pytest.approx((one.score + other.score) / 2)
    both = BlendedModel(own, theirs, 0.5).match(sound, exclude=[f"own{n}" for n in range(12)], duration=90.0)
    assert both.n == 24  # a catalog of which nothing would be left is compared with as a whole
    assert next(str(pk) for pk, _ in both.closest).startswith("own")
