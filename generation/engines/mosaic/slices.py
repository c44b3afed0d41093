"""Drums at another tempo without stretching: cut into sixteenths, each laid on its new place with its attack whole.

A stretcher smears attacks (it keeps about two thirds of their rise). Percussive sound decays between hits, so it can
be cut there: slices are shortened at their ends when the take is faster, and their last milliseconds are repeated
under a crossfade when it is slower.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from generation.engines.mosaic.plan import SAMPLE_RATE

BEFORE = 0.020  # seconds before a grid line in which the quietest moment is cut
FADE = 160  # samples


@dataclass(frozen=True)
class Slices:
    """Where a sound is cut (`edges`, samples in the source) and where each slice begins in the take (`places`)."""

    edges: tuple[int, ...]
    places: tuple[int, ...]

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


def slices(samples: np.ndarray, *, factor: float, first: float, step: float) -> Slices:
    """Where (channels, n) is cut to be played `factor` times as fast: shortly before each line of a grid.

    first: seconds of one grid line, step: seconds between lines (a sixteenth), both in the source.
    """
    edges = _edges(samples, first, step)
    return Slices(tuple(edges), tuple(round(edge / factor) for edge in edges))


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
        piece = _lengthened(samples[:, start : min(count, end + FADE)], end - start, upto - at, rise)
        piece = piece[:, : length - at]
        # in over the same samples in which the one before goes out: where nothing moved, nothing changes
        size = piece.shape[1]
        if number:
            piece[:, : min(FADE, size)] *= rise[:size]
        tail = max(0, min(FADE, size - (upto - at)))
        if tail:
            piece[:, size - tail :] *= 1.0 - rise[:tail]
        out[:, at : at + size] += piece
    return out


def _lengthened(piece: np.ndarray, own: int, wanted: int, rise: np.ndarray) -> np.ndarray:
    """A slice of `own` samples (and up to FADE more) as `wanted` samples and FADE more."""
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
    lead = again.copy()
    if fade:
        lead[:, :fade] *= rise[:fade]
    size = min(lead.shape[1], out.shape[1] - start)
    out[:, start : start + size] += lead[:, :size]
    return out


def _edges(samples: np.ndarray, first: float, step: float) -> list[int]:
    """Where to cut: 0, the quietest moment shortly before each grid line, and the end."""
    count = samples.shape[1]
    level = np.abs(samples).sum(axis=0, dtype=np.float32)
    window = 132  # 3 ms
    running = np.concatenate(([0.0], np.cumsum(level, dtype=np.float64)))
    lines = np.arange(first % step, count / SAMPLE_RATE, step) * SAMPLE_RATE
    found = [0]
    for line in lines:
        high = int(line) - window // 2
        low = high - int(BEFORE * SAMPLE_RATE)
        if low <= found[-1] + window or high + window >= count:
            continue
        sums = (
            running[low + window // 2 : high + window // 2] - running[low - window // 2 : high - window // 2]
        )
        # later moments win ties: nearer to the attack means less of the slice before is lost
        found.append(low + int(sums.size - 1 - np.argmin(sums[::-1])))
    found.append(count)
    return found
