"""The lowest voice of a phrase, followed: its pitch every ten milliseconds, how clear that is, and how loud.

Normalised autocorrelation of the low band (McLeod and Wyvill, "A smarter way to find pitch", ICMC 2005), where a bass
is mostly alone. At 1.8 kHz it costs a hundredth of a second for four bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from generation.engines.mosaic.kit import Phrase
from generation.engines.mosaic.plan import SAMPLE_RATE

DECIMATION = 24
RATE = SAMPLE_RATE / DECIMATION
LOWEST_HZ, HIGHEST_HZ = 32.0, 180.0
HOP = 18  # samples at RATE: 9.8 ms
FFT = 512
AT_ONCE = 1_024  # frames
WINDOW = 200  # three and a half periods of the lowest pitch
NEAR_BEST = 0.9  # the first peak this near to the highest is the period; later ones are its multiples
SMOOTH = 0.030  # seconds over which the level is taken: a period and a half at the bottom
REACH = 0.022  # seconds around a sixteenth in which its note may begin
FINE = 4  # samples at RATE between the moments tried
STEEP = 2.0  # growth within 40 ms that is a new attack
SHARP = 4.0  # … and that no ducking explains
SOUNDING = 0.22  # level, against a loud note, below which nobody plays
HALF = 0.4  # … and which a new attack under a sounding note reaches
GONE = 0.3  # share of its own loudest at which a note has ended
SHADOW = 0.2  # seconds for which a kick ducks, or is still heard
NEAR_TAIL = 0.8  # semitones
CLEAR = 0.85
MOVED = 0.6  # semitones that are a new note without a new attack
FRAME_SECONDS = HOP / RATE


@dataclass(frozen=True, eq=False)
class Line:
    """midi, clarity (0..1), level: one per frame of FRAME_SECONDS, frame 0 at the first sample. envelope: at RATE."""

    midi: np.ndarray
    clarity: np.ndarray
    level: np.ndarray
    envelope: np.ndarray


@dataclass(frozen=True)
class LowPhrase(Phrase):
    """Harmonic sound of whole bars, and the seconds in it at which kicks strike, where that is known."""

    kicks: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Played:
    """A note that was heard. line: its sixteenth. start: seconds in the samples. steps: how long it is, in sixteenths.

    midi: fractional pitch, NaN where none is clear. force: 0..1, against the loud notes of its track.
    """

    line: int
    start: float
    steps: int
    midi: float
    force: float


def follow(samples: np.ndarray) -> Line:
    """The low voice of (2, n) at 44.1 kHz; of the harmonic half, or kicks are followed too."""
    from scipy.signal import firwin, hilbert, oaconvolve, resample_poly

    low = resample_poly((samples[0] + samples[1]) * np.float32(0.5), 1, DECIMATION)
    kernel = firwin(129, 1.15 * HIGHEST_HZ, fs=RATE).astype(np.float32)
    low = oaconvolve(low, kernel, mode="same").astype(np.float32)
    count = max(1, low.size // HOP)
    padded = np.pad(low, (WINDOW // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    read = [_pitch(frames[at : at + AT_ONCE]) for at in range(0, count, AT_ONCE)]
    midi, clarity, level = (np.concatenate(rows) for rows in zip(*read, strict=True))
    width = round(SMOOTH * RATE)
    window = np.hanning(width + 2)[1:-1].astype(np.float32)
    size = 1 << int(np.ceil(np.log2(max(2, low.size))))
    envelope = np.abs(hilbert(low, size))[: low.size].astype(np.float32)
    envelope = np.convolve(envelope, window / window.sum(), mode="same")
    return Line(midi, clarity, level, envelope)


def _pitch(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) MIDI pitch, clarity and level of (n, WINDOW) frames."""
    from scipy import fft

    frames = frames - frames.mean(axis=1, keepdims=True)
    shortest, longest = int(RATE / HIGHEST_HZ), int(RATE / LOWEST_HZ) + 1
    spectrum = fft.rfft(frames, FFT, axis=1, workers=1)
    same = fft.irfft(np.square(np.abs(spectrum)), axis=1, workers=1)[:, : longest + 2]
    running = np.zeros((len(frames), WINDOW + 1))
    np.cumsum(np.square(frames), axis=1, out=running[:, 1:])
    lags = np.arange(longest + 2)
    energy = running[:, WINDOW - lags] + running[:, [WINDOW]] - running[:, lags]
    likeness = 2.0 * same / np.maximum(energy, 1e-12)
    left, here, right = (likeness[:, shortest - 1 + i : longest + i] for i in range(3))
    peak = (here > left) & (here >= right)
    height = np.where(peak, here, -1.0)
    enough = peak & (height >= NEAR_BEST * height.max(axis=1, keepdims=True))
    row, first = np.arange(len(frames)), enough.argmax(axis=1)
    a, b, c = left[row, first], here[row, first], right[row, first]
    bend = a - 2.0 * b + c
    shift = np.where(bend < 0, 0.5 * (a - c) / np.where(bend < 0, bend, -1.0), 0.0)
    lag = shortest + first + np.clip(shift, -0.5, 0.5)
    clarity = np.where(enough.any(axis=1), np.clip(b - 0.25 * (a - c) * shift, 0.0, 1.0), 0.0)
    return 69.0 + 12.0 * np.log2(RATE / lag / 440.0), clarity, np.sqrt(running[:, -1] / WINDOW)


def heard(phrases: Sequence[LowPhrase], lines: Sequence[Line]) -> list[list[Played]]:
    """For every phrase the notes of its low voice, each on the sixteenth it is nearest to."""
    read = [_Steps.of(phrase, line) for phrase, line in zip(phrases, lines, strict=True)]
    levels = np.concatenate([steps.level for steps in read]) if read else np.zeros(0)
    full = float(np.percentile(levels, 85)) if levels.size else 0.0
    if full < 1e-4:
        return [[] for _ in phrases]
    tail = _kick_tail(read)
    return [steps.notes(phrase, full, tail) for steps, phrase in zip(read, phrases, strict=True)]


@dataclass(frozen=True, eq=False)
class _Steps:
    """What the low voice does on every sixteenth of a phrase.

    level; pitch: NaN where unclear; ratio: growth at its line, moment: seconds from the line to there; struck: a kick
    lies on it; shadow: a kick lay just before.
    """

    level: np.ndarray
    pitch: np.ndarray
    ratio: np.ndarray
    moment: np.ndarray
    struck: np.ndarray
    shadow: np.ndarray

    @classmethod
    def of(cls, phrase: LowPhrase, line: Line) -> _Steps:
        pitch = np.array([_pitch_after(line, at, phrase.step) for at in phrase.lines])
        struck = _struck(phrase)
        shadow = np.concatenate(([False], struck))[: len(struck)] & ~struck
        if phrase.step < SHADOW / 2:
            shadow |= np.concatenate(([False, False], struck))[: len(struck)] & ~struck
        return cls(_levels(line, phrase), pitch, *_rises(line, phrase), struck, shadow)

    def notes(self, phrase: LowPhrase, full: float, tail: float) -> list[Played]:
        """Notes, where `full` is a loud level and `tail` the pitch at which kicks die away (NaN: they do not)."""
        level = self.level / full
        pitch = self.pitch.copy()
        if np.isfinite(tail):
            ghost = self.shadow & ~(np.abs(pitch - tail) > NEAR_TAIL)
            level[ghost], pitch[ghost] = 0.0, np.nan
        sounding = level > SOUNDING
        before = np.concatenate(([False], sounding[:-1]))
        moved, lasting = _moved(pitch), _lasting(pitch)
        begins = sounding & (~before | (self.ratio > STEEP) & (level > HALF) | moved)
        # what swells after a kick was ducked by it; it began on the kick, or before
        begins &= ~self.shadow | (moved & lasting) | ~before
        swelled = self.shadow & sounding & ~before & lasting & (self.ratio < SHARP)
        begins[:-1] |= swelled[1:] & self.struck[:-1]
        begins[1:] &= ~(begins[:-1] & self.struck[:-1] & self.shadow[1:])
        starts = np.flatnonzero(begins)
        found = []
        for first, limit in zip(starts, [*starts, len(level)][1:], strict=True):
            end = int(first) + 1
            while end < limit and sounding[end] and level[end] >= GONE * level[first:end].max():
                end += 1
            inside = pitch[first:end]
            midi = float(np.nanmedian(inside)) if np.isfinite(inside).any() else float("nan")
            sharp = self.ratio[first] > STEEP and not self.struck[first]
            late = float(self.moment[first]) if sharp else 0.0
            force = float(np.clip(level[first:end].max(), 0.0, 1.0))
            start = float(phrase.lines[first]) + late
            found.append(Played(int(first), start, end - int(first), midi, force))
        return found


def _kick_tail(read: Sequence[_Steps]) -> float:
    """The pitch that sounds after most kicks and seldom elsewhere, NaN when there is none: what is left of them."""
    after = np.concatenate([steps.pitch[steps.shadow] for steps in read])
    others = np.concatenate([steps.pitch[~steps.shadow] for steps in read])
    clear, others = after[np.isfinite(after)], others[np.isfinite(others)]
    if clear.size < 4:
        return float("nan")
    middle = float(np.median(clear))
    there = float(np.mean(np.abs(clear - middle) < NEAR_TAIL))
    elsewhere = float(np.mean(np.abs(others - middle) < NEAR_TAIL)) if others.size else 0.0
    return middle if there > 0.6 and elsewhere < 0.5 * there else float("nan")


def _struck(phrase: LowPhrase) -> np.ndarray:
    """Which sixteenths a kick lies on."""
    struck = np.zeros(len(phrase.lines) + 1, dtype=bool)
    nearest = np.round((np.asarray(phrase.kicks) - phrase.first) / phrase.step).astype(int)
    struck[nearest[(nearest >= 0) & (nearest < len(phrase.lines))]] = True
    return struck[:-1]


def _moved(pitch: np.ndarray) -> np.ndarray:
    """Where the pitch leaves the last clear one."""
    moved = np.zeros(len(pitch), dtype=bool)
    last = float("nan")
    for number, here in enumerate(pitch):
        if np.isfinite(here):
            moved[number] = abs(here - last) > MOVED
            last = here
    return moved


def _lasting(pitch: np.ndarray) -> np.ndarray:
    """Where a pitch stays for three sixteenths."""
    ahead = np.full((2, len(pitch)), np.nan)
    ahead[0, :-1], ahead[1, :-2] = pitch[1:], pitch[2:]
    away = np.abs(ahead - pitch)
    return np.asarray((away < MOVED).all(axis=0))


def _rises(line: Line, phrase: Phrase) -> tuple[np.ndarray, np.ndarray]:
    """The most by which the level is multiplied around each sixteenth, and the seconds from the sixteenth to there."""
    width = round(0.040 * RATE)
    running = np.concatenate(([0.0], np.cumsum(line.envelope, dtype=np.float64)))
    shifts = np.arange(-round(REACH * RATE), round(REACH * RATE) + 1, FINE)
    at = np.round(phrase.lines * RATE).astype(int)[:, None] + shifts[None, :]
    at = np.clip(at, width, max(width, line.envelope.size - width))
    after, before = (
        running[np.minimum(at + width, len(running) - 1)] - running[at],
        running[at] - running[at - width],
    )
    if not len(at):
        return np.zeros(0), np.zeros(0)
    best = (after - before).argmax(axis=1)
    row = np.arange(len(at))
    floor = 0.02 * width * max(float(line.envelope.max(initial=0.0)), 1e-6)
    return (after[row, best] + floor) / (before[row, best] + floor), shifts[best] / RATE


def _levels(line: Line, phrase: Phrase) -> np.ndarray:
    """Mean level of each sixteenth."""
    running = np.concatenate(([0.0], np.cumsum(line.envelope, dtype=np.float64)))
    at = np.clip(np.round(phrase.lines * RATE).astype(int), 0, line.envelope.size)
    after = np.clip(at + round(phrase.step * RATE), 0, line.envelope.size)
    return np.asarray((running[after] - running[at]) / np.maximum(after - at, 1))


def _pitch_after(line: Line, at: float, step: float) -> float:
    """Median pitch of the clear frames within a sixteenth; NaN where there are too few."""
    first, last = round((at + 0.35 * step) / FRAME_SECONDS), round((at + 1.05 * step) / FRAME_SECONDS)
    inside = slice(first, last + 1)
    clear = line.clarity[inside] > CLEAR
    if np.count_nonzero(clear) < 3:
        return float("nan")
    return float(np.median(line.midi[inside][clear]))
