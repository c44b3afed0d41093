"""Which reading of a rhythm is its tempo: octaves, and the ratios that beat trackers fall for.

A comb finds the family; which member people would tap is a matter of where its beats, half-beats and
bars carry onsets, of how many onsets a beat holds, and of habit. Each reading is weighed by a
logistic model of those signs; what is known beforehand adds to the reading it agrees with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.analysis.context import Evidence, TempoContext

RATIOS = (1.0, 2.0, 0.5, 1.5, 2 / 3, 4 / 3, 0.75, 3.0, 1 / 3)
OCTAVES = (1.0, 2.0, 0.5)
SLOWEST, FASTEST = 42.0, 225.0
AGREES = 0.04
# Log-odds that a source adds to the reading it names. A grid that somebody checked outweighs any preference of
# the sound; a file's name settles what the sound leaves open.
TRUST: dict[Evidence, float] = {"collection": 14.0, "tag": 10.0, "artist range": 8.0, "file name": 3.0}
# How much of the best comb score a reading must have to be one at all (true octaves .5 and more, 3/2 and 4/3 .5 to .9).
OCTAVE_SUPPORT, RATIO_SUPPORT = 0.2, 0.4
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Signs:
    """What the weighing looks at, over one file. Each autocorrelation is by frame lag, 1 at lag 0.

    overall, low: of onsets in all bands, in the lowest; snare: of cracks at 1-4 kHz; long: overall, further.
    events: clear onsets per second. hardness: log2 of the strong onsets against those of a drummed track.
    """

    frames_per_second: float
    overall: Array
    low: Array
    snare: Array
    long: Array
    events: float
    hardness: float


@dataclass(frozen=True)
class Reading:
    """One tempo the sound may have. share: its comb score against the best. ratio: to the first found."""

    bpm: float
    share: float
    ratio: float


# Weights of `features`, fitted by `python -m bench.labelled.fit` on the half of the labelled music that may be
# looked at: 61 MIDI renderings, 48 synthesised tracks, 33 loops and clicks, and the 36 demo tracks.
WEIGHTS = np.array(
    [
        2.616,
        -0.284,
        -3.703,
        2.227,
        0.165,
        -0.444,
        0.802,
        2.987,
        -3.364,
        3.914,
        1.549,
        0.354,
        -3.703,
        2.144,
        -3.468,
        3.428,
        1.047,
        -1.058,
        1.809,
        2.097,
        1.876,
    ]
)


def features(signs: Signs, reading: Reading) -> Array:
    """(21,) what speaks for and against a reading; only differences between readings count."""
    beat = 60 * signs.frames_per_second / reading.bpm
    around = np.arange(-1, 2, 0.5)

    def at(acf: Array, beats: float) -> float:
        return float(np.interp(beat * beats + around, np.arange(len(acf)), acf).max())

    pace = np.log2(reading.bpm / 120)
    filled = np.log2(max(60 * signs.events / reading.bpm, 0.05))
    return np.array(
        [
            np.log(max(reading.share, 1e-3)),
            *(pace, pace * pace, pace * signs.hardness),
            *(filled, filled * filled),
            *(at(acf, k) for acf in (signs.overall, signs.low, signs.snare) for k in (0.5, 1, 2, 3, 4)),
        ]
    )


def chosen(signs: Signs, readings: Sequence[Reading], context: TempoContext) -> tuple[int, float, Evidence]:
    """The index of the likeliest reading, its probability, and what decided.

    That is "audio" where the sound alone reads the same, whoever agrees with it; else the most credible source
    that asked for this reading.
    """
    claims = _claims(context)
    odds = np.array([features(signs, reading) @ WEIGHTS for reading in readings])
    alone = int(np.argmax(odds))
    agreeing = [
        [source for source, low, high in claims if low <= reading.bpm <= high and _may_claim(source, reading)]
        for reading in readings
    ]
    odds += [sum(TRUST[source] for source in dict.fromkeys(sources)) for sources in agreeing]
    best = int(np.argmax(odds))
    probability = float(1 / np.exp(odds - odds[best]).sum())
    return best, probability, "audio" if best == alone else agreeing[best][0]


def _claims(context: TempoContext) -> list[tuple[Evidence, float, float]]:
    """(source, lowest, highest BPM it agrees with), the most credible first."""
    found: list[tuple[Evidence, float, float]] = [
        (source, bpm * (1 - AGREES), bpm * (1 + AGREES)) for source, bpm in context.claims
    ]
    if context.artist_range:
        found.append(("artist range", 0.97 * context.artist_range[0], 1.03 * context.artist_range[1]))
    if context.filename_bpm:
        found.append(("file name", context.filename_bpm * (1 - AGREES), context.filename_bpm * (1 + AGREES)))
    return found


def _may_claim(source: Evidence, reading: Reading) -> bool:
    """Weak evidence chooses between octaves only."""
    return source != "file name" or reading.ratio in OCTAVES
