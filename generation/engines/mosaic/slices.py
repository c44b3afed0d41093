"""Drums at another tempo without stretching: cut into strokes, each laid on its new place with its attack whole.

A stretcher smears attacks (it keeps about two thirds of their rise). Percussive sound decays between hits, so it can
be cut there, before every sixteenth and before every stroke between sixteenths: what lies on the grid of its track lies
on that of the take. Slices are shortened at their ends when the take is faster; when it is slower, their last
milliseconds are repeated under a crossfade, as far down as the sound fell meanwhile: a jump back up would be a stroke
that nobody played.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from generation.engines.mosaic.align import attacks
from generation.engines.mosaic.plan import SAMPLE_RATE

BEFORE = 0.020  # seconds before a grid line in which the quietest moment is cut
WINDOW = 132  # samples (3 ms) whose level decides which moment is quietest
FADE = 160  # samples
HEARD = 256  # samples that tell how loud a moment is
SHORTEST = 1024  # samples of a slice
NEAR = 0.025  # seconds an attack may lie off a line and still belong to it
GROOVE = 0.020  # … and as far off it may stay
LEAST = 0.25  # gain of what is not struck: ghost notes too weak to be found stay
BETWEEN = 0.5  # strength of an attack between lines that is cut and laid by itself


@dataclass(frozen=True)
class Slices:
    """Where a sound is cut (`edges`, samples in the source) and where each slice begins in the take (`places`).

    gains: of each slice. fallen: for each slice, the gain on top at which its end is repeated to make it longer.
    """

    edges: tuple[int, ...]
    places: tuple[int, ...]
    gains: tuple[float, ...]
    fallen: tuple[float, ...]

    def moved(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Samples of the source -> (their samples in the take, for each the index of the one it was).

        One that is cut away has none; one in a stretch that is played twice has two.
        """
        found: list[tuple[int, int]] = []
        for index, position in enumerate(at.tolist()):
            number = bisect_right(self.edges, position) - 1
            if not 0 <= number < len(self.edges) - 1:
                continue
            start, place = self.edges[number], self.places[number]
            own, wanted = self.edges[number + 1] - start, self.places[number + 1] - place
            inside, missing = position - start, wanted - own
            join = max(0, own - missing - FADE)
            if missing <= 0:
                if inside < wanted:
                    found.append((place + inside, index))
                continue
            if inside < join + missing + FADE // 2:
                found.append((place + inside, index))
            if inside >= join + FADE // 2:
                found.append((place + inside + missing, index))
        moved = np.array(found, dtype=np.int64).reshape(-1, 2)
        return moved[:, 0], moved[:, 1]


def slices(
    samples: np.ndarray, *, factor: float, first: float, step: float, known: np.ndarray | None = None
) -> Slices:
    """Where (channels, n) is cut to be played `factor` times as fast: shortly before each line of a grid, and before
    each attack between the lines.

    first: seconds of one grid line, step: seconds between lines (a sixteenth), both in the source. What lies on a line
    in the source does so in the take; what leans before or after it, by a groove of up to GROOVE, leans as far.
    known: samples of strokes, besides those that are heard.
    """
    count = samples.shape[1]
    level = np.abs(samples).sum(axis=0, dtype=np.float32)
    running = np.concatenate(([0.0], np.cumsum(level, dtype=np.float64)))
    edges, places, fresh = [0], [0], [True]
    for before, at, wanted, new in _marks(*attacks(samples), count, factor, first, step):
        edge = _quietest(running, round(before * SAMPLE_RATE), edges[-1] + SHORTEST)
        if edge is None:
            continue
        place = round(wanted * SAMPLE_RATE) - (round(at * SAMPLE_RATE) - edge)
        if place > places[-1]:
            edges.append(edge)
            places.append(place)
            fresh.append(new)
    length = round(count / factor)
    while places[-1] >= length:
        for row in (edges, places, fresh):
            row.pop()
    edges.append(count)
    places.append(length)
    for at in () if known is None else known.tolist():
        fresh[min(bisect_right(edges, at), len(fresh)) - 1] = True
    fallen = _fallen(level, edges, places)
    gains = [1.0]
    for new, before in zip(fresh[1:], fallen[:-1], strict=True):
        # where nothing is struck the sound goes on from where it was brought down to
        gains.append(1.0 if new else max(LEAST, round(gains[-1] * before, 4)))
    return Slices(tuple(edges), tuple(places), tuple(gains), fallen)


def resliced(samples: np.ndarray, cut: Slices) -> np.ndarray:
    """(channels, n) -> (channels, length): each slice on its place in the take, shortened or lengthened to fill it.

    Linear in the samples: parts of a sound cut by the same slices add up to the sound cut by them.
    """
    channels, count = samples.shape
    length = cut.places[-1]
    out = np.zeros((channels, length), dtype=np.float32)
    rise = np.linspace(0.0, 1.0, FADE, endpoint=False, dtype=np.float32)
    for number, start in enumerate(cut.edges[:-1]):
        end = cut.edges[number + 1]
        at, upto = cut.places[number], cut.places[number + 1]
        piece = _lengthened(
            samples[:, start : min(count, end + FADE)],
            end - start,
            upto - at,
            rise,
            np.float32(cut.fallen[number]),
        )
        piece = piece[:, : length - at] * np.float32(cut.gains[number])
        # in over the same samples in which the one before goes out: where nothing moved, nothing changes
        size = piece.shape[1]
        if number:
            piece[:, : min(FADE, size)] *= rise[:size]
        tail = max(0, min(FADE, size - (upto - at)))
        if tail:
            piece[:, size - tail :] *= 1.0 - rise[:tail]
        out[:, at : at + size] += piece
    return out


def _lengthened(piece: np.ndarray, own: int, wanted: int, rise: np.ndarray, fallen: np.float32) -> np.ndarray:
    """A slice of `own` samples (and up to FADE more) as `wanted` samples and FADE more.

    fallen: gain of what is repeated, so that a sound that dies away goes on dying.
    """
    if own >= wanted:
        return piece[:, : wanted + FADE].copy()
    missing = wanted - own
    # read the end of the slice again from `missing` samples earlier, joined by a crossfade
    join = max(0, own - missing - FADE)
    again = piece[:, join:own]
    out = np.zeros((piece.shape[0], wanted + FADE), dtype=np.float32)
    body = min(own, out.shape[1])
    out[:, :body] = piece[:, :body]
    start = join + missing
    fade = min(FADE, max(0, own - start))
    if fade:
        out[:, start : start + fade] *= 1.0 - rise[:fade]
    out[:, start + fade : own] = 0.0
    lead = again * fallen
    if fade:
        lead[:, :fade] *= rise[:fade]
    size = min(lead.shape[1], out.shape[1] - start)
    out[:, start : start + size] += lead[:, :size]
    return out


def _marks(
    at: np.ndarray, strength: np.ndarray, count: int, factor: float, first: float, step: float
) -> list[tuple[float, float, float, bool]]:
    """(cut before, what is at, is to be at, whether struck), for each line and each attack between lines.

    In seconds, the third in the take. at, strength: attacks, in samples. count: samples of the source.
    """
    struck, seconds = at / SAMPLE_RATE, count / SAMPLE_RATE
    number = np.rint((struck - first) / step)
    lean = struck - first - number * step
    near = np.abs(lean) <= min(NEAR, 0.3 * step)
    order = np.flatnonzero(near)[np.argsort(strength[near], kind="stable")]  # of several the strongest
    leaning = dict(zip(number[order].astype(int).tolist(), lean[order].tolist(), strict=True))
    found = [(one, one, one / factor, True) for one in struck[~near & (strength >= BETWEEN)].tolist()]
    lowest = int(np.ceil(-first / step))
    for line in range(lowest, lowest + int(seconds / step) + 1):
        on, by = first + line * step, leaning.get(line, 0.0)
        wanted = on / factor + float(np.clip(by, -GROOVE, GROOVE))
        found.append((min(on, on + by), on + by, wanted, line in leaning))
    return sorted(found)


def _quietest(running: np.ndarray, before: int, least: int) -> int | None:
    """The quietest moment in the 20 ms before a sample, not before sample `least`; None where there is none."""
    half = WINDOW // 2
    high = before - half
    low = max(high - int(BEFORE * SAMPLE_RATE), least, half)
    if high <= low or high + half >= running.size:
        return None
    sums = running[low + half : high + half] - running[low - half : high - half]
    # later moments win ties: nearer to the attack means less of the slice before is lost
    return low + int(sums.size - 1 - np.argmin(sums[::-1]))


def _fallen(level: np.ndarray, edges: Sequence[int], places: Sequence[int]) -> tuple[float, ...]:
    """For each slice, what its end is repeated at: as far under where it is taken from as that fell until the end."""
    found = []
    for (start, end), (at, upto) in zip(pairwise(edges), pairwise(places), strict=True):
        missing = upto - at - (end - start)
        join = max(start, end - missing - FADE)
        if missing <= 0 or end - start < 2 * HEARD:
            found.append(1.0)
            continue
        last, then = (float(level[a : a + HEARD].mean()) for a in (end - HEARD, min(join, end - HEARD)))
        found.append(round(min(1.0, last / max(then, 1e-9)), 4))
    return tuple(found)
