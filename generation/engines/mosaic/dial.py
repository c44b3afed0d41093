"""The energy dial: levels of stems that bring a mix to the energy asked for, found by hearing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

# dB for one turn of the dial down, and up: of the loudness that the master is brought to, and of stems. Energy is
# how hard and how often something is struck and how little the music lets up. The limiter decides the last, and moves
# the sound least away from the artist's own; drums turned down far would be another artist's.
TURN: Mapping[str, tuple[float, float]] = {
    "lufs": (-3.0, 2.0),
    "kick": (-2.0, 2.0),
    "drums": (-2.5, 2.0),
    "fx": (-3.0, 1.0),
}
DOWN, UP = -2.0, 1.0  # how far it turns
CLOSE = 0.015  # of energy: nearer is not sought
ENOUGH = 0.85  # a match above which more is not worth missing the energy for
WORTH = 0.9  # of match for one of energy
STEPS = 2  # hearings to close in on what lies between two others
QUIETEST_LUFS, LOUDEST_LUFS = -14.0, -9.0
# of energy, beyond the artist's own tracks, for the least and the most that can be asked
CALMER, WILDER = 0.22, 0.14


def wanted_energy(asked: float, own: Sequence[float]) -> float:
    """The energy to aim at, 0..1: what was asked for within the artist's own range, drawn towards it outside.

    A house artist's calmest take is no lullaby; but each step that is asked for is a step that is heard.
    """
    if not own:
        return asked
    low, high = (float(np.percentile(own, q)) for q in (10, 90))
    least, most = max(0.02, low - CALMER), min(0.98, high + WILDER)
    return round(
        float(
            np.interp(
                asked,
                [0.0, max(low, 1e-3), max(high, low + 1e-3), 1.0],
                [min(least, low), low, high, max(most, high)],
            )
        ),
        4,
    )


def levels_of(dial: float, target_lufs: float) -> tuple[dict[str, float], float]:
    """(dB by stem, LUFS of the master) for a dial from DOWN to UP. Rounded, as a plan stores them."""
    side = 0 if dial < 0 else 1
    turn = {name: abs(dial) * both[side] for name, both in TURN.items()}
    trims = {name: round(turn[name], 2) for name in TURN if name != "lufs" and turn[name]}
    louder = float(np.clip(target_lufs + turn["lufs"], QUIETEST_LUFS, LOUDEST_LUFS))
    return trims, round(louder, 2)


def tuned(
    hear: Callable[[dict[str, float], float], tuple[float, float | None]], target_lufs: float, wanted: float
) -> tuple[dict[str, float], float, float, float | None]:
    """(dB by stem, LUFS, energy, match): as near to `wanted` as a turn of the dial gets while it stays theirs.

    hear: (energy, match or None) of the mix with given levels and loudness.
    """
    heard: dict[float, tuple[float, float | None]] = {}

    def energy_at(dial: float) -> float:
        if dial not in heard:
            heard[dial] = hear(*levels_of(dial, target_lufs))
        return heard[dial][0]

    near, far = 0.0, UP if energy_at(0.0) < wanted else DOWN
    if abs(energy_at(0.0) - wanted) > CLOSE:
        if far == DOWN and energy_at(DOWN / 2.0) > wanted:
            near = DOWN / 2.0
        elif far == DOWN:
            far = DOWN / 2.0
        for _ in range(STEPS):
            moved = energy_at(far) - energy_at(near)
            share = (wanted - energy_at(near)) / moved if abs(moved) > 0.01 else 0.5
            between = round(near + (far - near) * (share if 0.0 < share < 1.0 else 0.5), 2)
            if abs(energy_at(between) - wanted) <= CLOSE or not 0.0 < share < 1.0:
                break
            if (energy_at(between) < wanted) == (energy_at(near) < wanted):
                near = between
            else:
                far = between

    def worth(dial: float) -> float:
        energy, match = heard[dial]
        fit = min(match, ENOUGH) if match is not None else 0.0
        return fit - WORTH * max(0.0, abs(energy - wanted) - CLOSE)

    best = max(heard, key=lambda dial: (round(worth(dial), 6), -abs(dial)))
    return (*levels_of(best, target_lufs), *heard[best])
