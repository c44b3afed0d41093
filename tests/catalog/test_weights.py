from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.dna.weights import stars, weight

PLAYS = st.integers(0, 100_000)
STARS = st.one_of(st.none(), st.integers(0, 5))


def test_failure_09_a_played_track_weighs_more_than_an_unplayed_one() -> None:
    """The earlier system gave 91 % of the played tracks less weight than a track that was never played."""
    assert min(weight(1, rating) for rating in range(6)) > max(weight(0, rating) for rating in range(6))


@given(PLAYS, PLAYS, STARS)
def test_failure_09_weights_never_fall_with_plays(one: int, other: int, rating: int | None) -> None:
    few, many = sorted((one, other))
    assert weight(few, rating) <= weight(many, rating)


def test_failure_09_ratings_of_every_source_are_stars() -> None:
    """Stars from 0 to 5 were divided by 255."""
    assert [stars(value, 255) for value in (0, 50, 51, 77, 102, 153, 204, 255, 300)] == [
        0, 0, 1, 1, 2, 3, 4, 5, 5,
    ]  # fmt: skip
    assert [stars(value, 5) for value in range(6)] == [0, 1, 2, 3, 4, 5]
    assert stars(100, 100) == 5
    assert stars(float("nan"), 5) == 0


def test_what_is_not_known_weighs_one() -> None:
    assert weight(None, None) == weight(None, 0) == 1.0


def test_weights_grow_with_the_logarithm() -> None:
    assert [weight(plays, None) for plays in (0, 1, 3, 7)] == [0.5, 1.0, 1.5, 2.0]


def test_more_stars_weigh_more_and_no_stars_are_not_one_star() -> None:
    rated = [weight(3, rating) for rating in range(1, 6)]
    assert rated == sorted(set(rated))
    assert weight(3, 0) == weight(3, None) > weight(3, 1)


def test_a_track_that_was_played_on_a_day_was_played() -> None:
    assert weight(0, None, last_played="2024-01-01") == weight(1, None)
    assert weight(None, None, last_played="2024-01-01") == 1.0
