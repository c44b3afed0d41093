"""An artist's own drum kit: one-shots lifted from their drums, and how they play them.

From the percussive half of a few phrases: for kick, snare (or clap) and hat, the cleanest hit as a sound, how often and
how strongly each is struck on each sixteenth of a bar, and how far behind the grid. What is not there is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generation.engines.mosaic.align import attacks
from generation.engines.mosaic.plan import SAMPLE_RATE
from generation.engines.mosaic.separate import low_passed

STEPS = 16  # to a bar
NAMES = ("kick", "snare", "hat")
KICK_HZ, SNARE_HZ, HAT_HZ = 170.0, 2_500.0, 6_000.0
SECONDS = {"kick": 0.30, "snare": 0.26, "hat": 0.10}  # of a one-shot
WINDOW = {"kick": 0.020, "snare": 0.010, "hat": 0.006}  # before and after an attack, for its rise
# percentile of all sixteenths that is a strong hit: a kick may come once a bar, and a bright snare is no strong hat
TOP = {"kick": 97.0, "snare": 97.0, "hat": 90.0}
SNARE_LEFT = 0.15  # of the middle band's rises that kick and hat do not explain, or there is no snare
REACH = 0.022  # seconds around a grid line in which its hit may lie
FINE = 0.001
STRUCK = 0.35  # of a strong hit's rise: below it nothing was played
LEAST_HITS = 3
OWN = 0.030  # seconds of a one-shot in which every rise is its own
FOREIGN = 0.2  # strength of a rise that is another stroke
LET_GO = 96  # samples before the next attack at which it has died away
LATEST = 0.018  # seconds behind or before the grid that is still groove, not error


@dataclass(frozen=True)
class Phrase:
    """Percussive sound of whole bars: samples (2, n), its first beat at `first` seconds, a sixteenth every `step`."""

    samples: np.ndarray
    first: float
    step: float
    source_start: float  # seconds in the track at which the samples begin

    @property
    def lines(self) -> np.ndarray:
        """Seconds of every sixteenth that lies wholly inside, from the first beat on."""
        seconds = self.samples.shape[1] / SAMPLE_RATE - max(SECONDS.values())
        return self.first + self.step * np.arange(
            max(0, int((seconds - self.first) / self.step)) // STEPS * STEPS
        )


@dataclass(frozen=True)
class Shot:
    """A hit as a sound: (2, n) float32, and its place in its track in seconds."""

    samples: np.ndarray
    start: float
    end: float


@dataclass(frozen=True)
class Kit:
    """shots: by name. chance, force: (16,) by name, how often each sixteenth is struck and how strongly (0..1).

    late: (16,) seconds in the source that hits lie behind each sixteenth.
    """

    shots: dict[str, Shot]
    chance: dict[str, np.ndarray]
    force: dict[str, np.ndarray]
    late: np.ndarray


def read_kit(phrases: Sequence[Phrase]) -> Kit | None:
    """The kit that plays in these phrases of one track; None without a kick and one more voice."""
    rises, moments = _struck(phrases)
    if not rises["kick"].size:
        return None
    shots: dict[str, Shot] = {}
    chance: dict[str, np.ndarray] = {}
    force: dict[str, np.ndarray] = {}
    for name in NAMES:
        hit = rises[name] > STRUCK
        if np.count_nonzero(hit) < LEAST_HITS:
            continue
        others = sum(rises[other] for other in NAMES if other != name)
        following = np.append(np.sum([rises[other] for other in NAMES], axis=0)[1:], 0.0)
        best = int(np.argmax(np.where(hit, rises[name] - 0.4 * others - 0.2 * following, -np.inf)))
        shots[name] = _lifted(name, phrases, best, float(moments[name][best]))
        by_step = hit.reshape(-1, STEPS)
        chance[name] = by_step.mean(axis=0)
        loud = np.where(by_step, rises[name].reshape(-1, STEPS), 0.0).sum(axis=0)
        force[name] = np.clip(loud / np.maximum(by_step.sum(axis=0), 1), 0.0, 1.0)
    if "kick" not in shots or len(shots) < 2:
        return None
    return Kit(shots, chance, force, _lateness(rises, moments))


def _struck(phrases: Sequence[Phrase]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """For every sixteenth of all phrases: how strongly each voice rises there (1 = a strong hit), and when after it."""
    rises: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
    moments: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
    for phrase in phrases:
        for name, band in _bands(phrase.samples).items():
            rise, moment = _rises(band, phrase.lines, WINDOW[name])
            rises[name].append(rise)
            moments[name].append(moment)
        # the body of a kick swells for milliseconds; its beater says when
        moments["kick"][-1] = moments["snare"][-1]
    joined = {name: np.concatenate(found) if found else np.zeros(0) for name, found in rises.items()}
    when = {name: np.concatenate(found) if found else np.zeros(0) for name, found in moments.items()}
    struck = {name: _scaled(found, TOP[name]) for name, found in joined.items()}
    if joined["snare"].size:
        struck["snare"] = _snares(joined["snare"], struck)
    return struck, when


def _snares(middle: np.ndarray, struck: Mapping[str, np.ndarray]) -> np.ndarray:
    """The rises of the middle band without what kicks and hats always leave there; zeros when that is all there is."""
    left = middle
    for other in ("kick", "hat"):
        there = struck[other] > 0.15
        if there.any():
            left = left - struck[other] * float(np.percentile(left[there] / struck[other][there], 25))
    left = np.maximum(0.0, left)
    present = np.percentile(left, TOP["snare"]) > SNARE_LEFT * np.percentile(middle, TOP["snare"])
    return _scaled(left, TOP["snare"]) if present else np.zeros_like(left)


def _bands(samples: np.ndarray) -> dict[str, np.ndarray]:
    """(n,) magnitude of each voice's band."""
    low = low_passed(samples, KICK_HZ, 513)
    dull = low_passed(samples, SNARE_HZ, 129)
    bright = samples - low_passed(samples, HAT_HZ, 129)
    bands = {"kick": low, "snare": dull - low, "hat": bright}
    return {name: np.abs(band).sum(axis=0, dtype=np.float64) for name, band in bands.items()}


def _rises(level: np.ndarray, lines: np.ndarray, window: float) -> tuple[np.ndarray, np.ndarray]:
    """Largest rise of a level around each line (mean after minus mean before), and the seconds from line to it."""
    width = round(window * SAMPLE_RATE)
    running = np.concatenate(([0.0], np.cumsum(level)))
    shifts = np.arange(-round(REACH / FINE), round(REACH / FINE) + 1) * FINE
    at = np.round((lines[:, None] + shifts[None, :]) * SAMPLE_RATE).astype(int)
    at = np.clip(at, width, level.size - width)
    rise = np.maximum(0.0, running[at + width] - 2.0 * running[at] + running[at - width]) / width
    best = rise.argmax(axis=1)
    return rise[np.arange(len(lines)), best], shifts[best]


def _scaled(rise: np.ndarray, percentile: float) -> np.ndarray:
    """Rises with the strong ones at one."""
    top = float(np.percentile(rise, percentile)) if rise.size else 0.0
    return np.clip(rise / top, 0.0, 1.2) if top > 1e-4 else np.zeros_like(rise)


def _lifted(name: str, phrases: Sequence[Phrase], number: int, moment: float) -> Shot:
    """The hit on sixteenth `number` of all phrases as a sound of its own, filtered to its voice and faded out."""
    for phrase in phrases:
        if number < len(phrase.lines):
            break
        number -= len(phrase.lines)
    seconds = float(phrase.lines[number]) + moment - 0.002
    start = max(0, round(seconds * SAMPLE_RATE))
    count = round(SECONDS[name] * SAMPLE_RATE)
    margin = 2048
    lead = min(margin, start)
    piece = phrase.samples[:, start - lead : start + count + margin]
    if name == "kick":
        piece = low_passed(piece, 3_000.0, 129)
    else:
        piece = piece - low_passed(piece, 180.0 if name == "snare" else 5_000.0, 513)
    piece = piece[:, lead : lead + count].copy()
    if name != "kick":  # what follows in the track would be heard at the track's tempo
        # with silence before it, so that its own attack is the measure of the others
        struck, strength = attacks(np.pad(piece, ((0, 0), (margin, 0))))
        later = struck[(struck > margin + OWN * SAMPLE_RATE) & (strength > FOREIGN)] - margin
        if later.size:
            piece = piece[:, : int(later[0]) - LET_GO]
    edge = 48
    piece[:, :edge] *= np.linspace(0.0, 1.0, edge, dtype=np.float32)
    tail = int(0.5 * piece.shape[1])
    piece[:, piece.shape[1] - tail :] *= np.cos(np.linspace(0.0, np.pi / 2, tail, dtype=np.float32))
    begin = phrase.source_start + start / SAMPLE_RATE
    return Shot(
        np.ascontiguousarray(piece, dtype=np.float32),
        round(begin, 4),
        round(begin + piece.shape[1] / SAMPLE_RATE, 4),
    )


def _lateness(rises: dict[str, np.ndarray], moments: dict[str, np.ndarray]) -> np.ndarray:
    """(16,) seconds behind the grid on each sixteenth, the downbeats' own offset taken away."""
    weight = np.concatenate([np.where(rises[n] > STRUCK, rises[n], 0.0).reshape(-1, STEPS) for n in NAMES])
    moved = np.concatenate([moments[n].reshape(-1, STEPS) for n in NAMES])
    total = weight.sum(axis=0)
    late = np.where(total > 0, (weight * moved).sum(axis=0) / np.maximum(total, 1e-9), 0.0)
    beats = total[::4] > 0
    return np.clip(late - (float(np.median(late[::4][beats])) if beats.any() else 0.0), -LATEST, LATEST)
