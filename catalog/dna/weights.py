"""How much one track counts in a DNA: by how often it was played, and a little by its stars."""

from __future__ import annotations

import math

UNPLAYED = 0.5
MOST_PLAYS = 10_000  # beyond this a counter says more about the counter than about taste
BY_STARS = {1: 0.8, 2: 0.9, 3: 1.0, 4: 1.1, 5: 1.2}


def stars(value: float, highest: float) -> int:
    """A rating on a scale from 0 to `highest` as stars, 0 (not rated) to 5. 255 for Rekordbox, 5 or 100 elsewhere.

    A full star is needed to count as one, as in Rekordbox, where 51 is one star and 50 is none.
    """
    if not math.isfinite(value) or highest <= 0:
        return 0
    return max(0, min(5, int(value * 5 / highest + 1e-9)))


def weight(plays: int | None, rating: int | None, *, last_played: object | None = None) -> float:
    """How much a track counts, 0.4 to about 8.

    plays: how often it was played; None when nobody counted (an upload). rating: stars, 1 to 5; None or 0 when it
    has none. last_played: anything that is not None says that it was played at least once.

    1.0 when nothing is known. For counted tracks half as much when unplayed, then growing with the logarithm of
    the plays: 1 play 1.0, 3 plays 1.5, 61 plays 3.5. Whatever its stars, a track that was never played counts
    less than any that was, and one more play never makes a track count less.
    """
    if plays is not None and last_played is not None:
        plays = max(plays, 1)
    counted = 1.0 if plays is None else UNPLAYED + 0.5 * math.log2(1 + max(0, min(plays, MOST_PLAYS)))
    return counted * BY_STARS.get(rating or 0, 1.0)
