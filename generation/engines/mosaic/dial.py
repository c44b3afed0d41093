"""The energy dial: levels of stems that bring a mix to the energy asked for, found by hearing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# The dial. Down to -1 the master is brought to ever less, at last QUIETEST_LUFS: the limiter moves the sound least away
# from the artist's own. From there to -2 all but the drops are turned down, by up to LOWERED dB. Up to 1 the master is
# brought to LOUDER more, and drums and kick come forward. Drums turned down would be another artist's, and the energy
# of dense music does not even fall with them.
DOWN, UP = -2.0, 1.0
LOWERED = 8.0
LOUDER = 2.0
FORWARD: Mapping[str, float] = {"kick": 2.0, "drums": 2.0, "fx": 1.0}
CLOSE = 0.015  # of energy: nearer is not sought
ENOUGH = 0.80  # a match above which more is not worth missing the energy for
WORTH = 1.2  # of match for one of energy
STEPS = 2  # hearings to close in on what lies between two others
QUIETEST_LUFS, LOUDEST_LUFS = -14.0, -9.0
# of energy, beyond the artist's own tracks, for the least and the most that can be asked
CALMER, WILDER = 0.18, 0.14


@dataclass(frozen=True)
class Levels:
    """Where the dial stands: what stems are moved by and all but the drops (dB), and the loudness of the master."""

    trims_db: dict[str, float]
    lufs: float
    quiet_db: float = 0.0


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


def levels_of(dial: float, target_lufs: float) -> Levels:
    """The levels for a dial from DOWN to UP. Rounded, as a plan stores them."""
    if dial > 0.0:
        trims = {name: round(dial * most, 2) for name, most in FORWARD.items()}
        return Levels(trims, round(min(LOUDEST_LUFS, target_lufs + dial * LOUDER), 2))
    down, lowered = min(1.0, -dial), max(0.0, -1.0 - dial)
    return Levels(
        {}, round(target_lufs + down * (QUIETEST_LUFS - target_lufs), 2), round(-lowered * LOWERED, 2) + 0.0
    )


@dataclass(frozen=True)
class Hearing:
    """Of a mix at some levels: its energy, its match where there is a judge, and what a silence in it costs."""

    energy: float
    match: float | None = None
    silence: float = 0.0


def tuned(hear: Callable[[Levels], Hearing], target_lufs: float, wanted: float) -> tuple[Levels, Hearing]:
    """As near to `wanted` as a turn of the dial gets while it stays theirs, and does not fall silent."""
    heard: dict[float, Hearing] = {}

    def energy_at(dial: float) -> float:
        if dial not in heard:
            heard[dial] = hear(levels_of(dial, target_lufs))
        return heard[dial].energy

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
        found = heard[dial]
        fit = min(found.match, ENOUGH) if found.match is not None else 0.0
        return fit - found.silence - WORTH * max(0.0, abs(found.energy - wanted) - CLOSE)

    best = max(heard, key=lambda dial: (round(worth(dial), 6), -abs(dial)))
    return levels_of(best, target_lufs), heard[best]
