"""Drift: what moved is said, and what chance does is not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from catalog.analysis.keys import Key
from catalog.dna import TrackFacts
from catalog.dna.drift import MOST_WINDOWS, drift_profile
from catalog.dna.narration import drift
from catalog.similarity import Background

BACKGROUND = Background.load()
BEGAN, TURNED = date(2024, 1, 1), date(2025, 1, 1)


def catalog(
    seed: int, count: int, *, tempo: float = 124.0, after: float | None = None, **fixed: object
) -> list[TrackFacts]:
    """Tracks over two years; from 2025 on at another tempo when `after` is given."""
    chance = np.random.default_rng(seed)
    tracks = []
    for number in range(count):
        day = BEGAN + timedelta(days=int(chance.integers(0, 700)))
        middle = after if after is not None and day >= TURNED else tempo
        facts = {
            "bpm": float(chance.normal(middle, 5)),
            "key": Key(int(chance.integers(12)), "minor" if chance.random() < 0.7 else "major"),
            "energy": float(chance.random()),
            "vector": BACKGROUND.vectors[int(chance.integers(len(BACKGROUND)))],
            "added_on": day,
        }
        tracks.append(TrackFacts(f"t{number}", "x", **(facts | fixed)))  # type: ignore[arg-type]
    return tracks


def test_a_move_is_found_and_told_with_its_figures() -> None:
    profile = drift_profile(catalog(1, 60, after=140.0), BACKGROUND)
    (change,) = profile["changes"]
    assert change["what"] == "tempo" and change["since"] == "2025-01-01" and change["p"] <= 0.02
    assert abs(change["before"] - 124) < 3 and abs(change["after"] - 140) < 3
    assert change["n_before"] + change["n_after"] == 60
    said = drift(profile)
    assert said.startswith(
        f"From the first quarter of 2025 on, your tempo moved from {change['before']:.0f} to {change['after']:.0f} BPM"
    )


def test_a_catalog_that_did_not_move_is_seldom_said_to_have() -> None:
    said = [
        drift_profile(catalog(seed, 48, vector=None, energy=None), BACKGROUND)["changes"]
        for seed in range(40)
    ]
    assert sum(bool(changes) for changes in said) <= 5, "two questions at .02 each: about 1.6 of 40"


def test_failure_19_an_outlier_is_no_drift() -> None:
    tracks = catalog(3, 30)
    last = max(tracks, key=lambda track: track.added_on or BEGAN)
    far = [*tracks, TrackFacts("far", "x", bpm=290.0, added_on=last.added_on)]
    assert [c["what"] for c in drift_profile(far, BACKGROUND)["changes"]] == [
        c["what"] for c in drift_profile(tracks, BACKGROUND)["changes"]
    ]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_too_few_tracks_say_nothing(count: int) -> None:
    profile = drift_profile(catalog(5, count), BACKGROUND)
    assert profile["changes"] == [] and profile["n"] == count
    assert drift(profile).endswith(".")


def test_tracks_of_one_month_or_without_a_date_make_no_drift() -> None:
    together = catalog(6, 20, added_on=date(2025, 3, 3))
    assert drift(drift_profile(together, BACKGROUND)) == (
        "All 20 tracks arrived in March 2025. Drift needs tracks from more than one month."
    )
    undated = catalog(6, 20, added_on=None)
    assert drift_profile(undated, BACKGROUND)["windows"] == []
    assert drift_profile(undated, BACKGROUND)["of"] == 20


def test_the_sound_of_a_period_is_held_against_random_draws_of_as_many() -> None:
    rows = [row for row, label in enumerate(BACKGROUND.labels) if label == "house"]
    other = [row for row, label in enumerate(BACKGROUND.labels) if label == "ambient"]
    tracks = [
        TrackFacts(f"h{i}{n}", "x", vector=BACKGROUND.vectors[row], added_on=date(2025, 1 + n, 5))
        for n in range(3)
        for i, row in enumerate(rows)
    ]
    quiet = [
        TrackFacts(f"a{i}", "x", vector=BACKGROUND.vectors[r], added_on=date(2025, 4, 5))
        for i, r in enumerate(other)
    ]
    windows = drift_profile([*tracks, *quiet], BACKGROUND)["windows"]
    assert (
        windows[-1]["sound"]["moved"]
        and windows[-1]["sound"]["distance"] > 1.5 * windows[-1]["sound"]["null95"]
    )
    assert not any(one["sound"]["moved"] for one in drift_profile(tracks, BACKGROUND)["windows"])


def test_long_collections_are_read_by_quarters_and_very_long_ones_by_years() -> None:
    one = TrackFacts("a", "x", bpm=120.0, added_on=date(2015, 2, 3))
    until = [
        TrackFacts("b", "x", bpm=120.0, added_on=day)
        for day in (date(2015, 9, 1), date(2024, 9, 1), date(2026, 9, 1))
    ]
    assert [drift_profile([one, last], BACKGROUND)["period"] for last in until] == [
        "month",
        "quarter",
        "year",
    ]
    assert MOST_WINDOWS * 3 >= 117
