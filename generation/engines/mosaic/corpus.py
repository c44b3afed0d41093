"""The artist's tracks as a brief sees them: how far each must be bent to fit, and the phrases it offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from catalog.analysis.keys import Key
from generation.engines.base import CorpusTrack
from generation.engines.mosaic.plan import BEATS

BLOCK_BARS = 4  # a phrase fills at most this many bars of the take
MIN_BARS = 9
UNEVEN = 0.04  # spread of bar lengths, relative, above which bars cannot be cut on a grid
GOOD_RATIO = 0.12
GOOD_SHIFT = 3
LEVEL_LUFS = -14.0  # common level the sources are brought to before they are mixed


@dataclass(frozen=True)
class Shift:
    """semitones that bring a source to the target key, or to a key that goes with it.

    relation: same | relative | neighbour | unknown | far.
    """

    semitones: int
    relation: str

    @property
    def cost(self) -> float:
        extra = {"same": 0.0, "relative": 0.15, "neighbour": 1.0, "unknown": 1.2, "far": 2.5}[self.relation]
        return 0.25 * abs(self.semitones) + extra


@dataclass(frozen=True)
class Phrase:
    """Bars of a source that fill BLOCK_BARS bars of the take.

    first_bar, bars: in the source. start, end: seconds. energy: 0..1 within its track. chroma: (12,) of the phrase as
    it will sound; head, tail, following: chroma of its first bar, its last, and of the bar that follows it.
    drums: percussive share. level_db: mean bar level. hole_db: how far its quietest bar lies under its track's fuller
    bars. phase: its place in the source's own section, modulo 4 bars.
    """

    first_bar: int
    bars: int
    start: float
    end: float
    energy: float
    chroma: np.ndarray
    head: np.ndarray
    tail: np.ndarray
    following: np.ndarray
    drums: float
    level_db: float
    hole_db: float
    phase: int


@dataclass(frozen=True, eq=False)
class Source:
    """One track, bent to a brief's tempo and key.

    fold: bars of the take in one of its own (2 for a 70 BPM track at 140, .5 the other way round). ratio: source
    seconds per second of the take (1.05 = played 5 % faster). pulse: False when it has no usable bars and is cut by
    the clock instead. block_seconds: length of BLOCK_BARS bars of the take.
    """

    track: CorpusTrack
    bpm: float | None
    fold: float
    ratio: float
    pulse: bool
    block_seconds: float

    @property
    def id(self) -> str:
        return self.track.id

    @property
    def bend(self) -> float:
        """How far the tempo is bent: |log2| of the ratio."""
        return abs(float(np.log2(self.ratio)))

    @property
    def fits(self) -> bool:
        """Within the 12 % that stretching survives."""
        return abs(self.ratio - 1.0) <= GOOD_RATIO

    @property
    def doubt(self) -> float:
        """0..1: how unsure its tempo is; a wrong grid cuts between the beats."""
        return 1.0 - min(1.0, max(0.0, self.track.analysis.bpm_confidence) / 0.2)

    @property
    def source_beats(self) -> int:
        """Beats of the source in one whole phrase; 0 without a pulse."""
        return round(BLOCK_BARS * BEATS / self.fold) if self.pulse else 0

    @property
    def gain(self) -> float:
        """Linear gain to the common level."""
        lufs = self.track.analysis.lufs
        return float(
            np.clip(10.0 ** ((LEVEL_LUFS - (LEVEL_LUFS if lufs is None else lufs)) / 20.0), 0.05, 8.0)
        )

    def shift(self, key: Key | None) -> Shift:
        return shift_to(self.track.analysis.key, key)

    @cached_property
    def drums(self) -> float:
        """Mean percussive share of the track's fuller half, 0..1."""
        bars = self.track.analysis.bars
        if not len(bars):
            return 0.0
        return float(np.mean(np.sort(bars.drums)[len(bars) // 2 :]))

    @cached_property
    def phrases(self) -> tuple[Phrase, ...]:
        return _phrases(self) if self.pulse else _windows(self.track, self.block_seconds)


def read_corpus(corpus: Sequence[CorpusTrack], bpm: float) -> list[Source]:
    """The usable tracks at a target tempo, in order of id: the same catalog gives the same list in any order."""
    found = []
    for track in sorted(corpus, key=lambda t: t.id):
        source = _source(track, bpm)
        if source is not None:
            found.append(source)
    return found


def shift_to(key: Key | None, target: Key | None) -> Shift:
    """The least shift that brings `key` to `target`, to its relative, or (dearer) to a neighbour by a fifth."""
    if key is None or target is None:
        return Shift(0, "same" if target is None else "unknown")
    goal = target if key.mode == target.mode else target.relative
    straight = _wrapped(goal.tonic - key.tonic)
    options = [Shift(straight, "same" if goal is target else "relative")]
    options += [Shift(_wrapped(straight + step), "neighbour") for step in (5, 7)]
    near = [option for option in options if abs(option.semitones) <= GOOD_SHIFT]
    return min(near, key=lambda s: (s.cost, s.semitones)) if near else Shift(straight, "far")


def best_key(sources: Sequence[Source]) -> Key | None:
    """The key that most of the sources reach with the least shifting; None when none has a key."""
    keyed = [s for s in sources if s.track.analysis.key is not None]
    if not keyed:
        return None
    candidates = {(k.tonic, k.mode): k for s in keyed if (k := s.track.analysis.key) is not None}
    plain = [Key(tonic, mode) for tonic, mode in sorted((t, m) for t, m in candidates)]

    def price(key: Key) -> float:
        # the nearest few matter: a take is built from a handful of tracks
        costs = sorted(s.shift(key).cost + 4.0 * s.bend for s in keyed)
        return float(np.mean(costs[: max(3, len(costs) // 3)]))

    return min(plain, key=lambda key: (round(price(key), 6), key.tonic, key.mode))


def _source(track: CorpusTrack, bpm: float) -> Source | None:
    analysis = track.analysis
    if analysis.silent or analysis.duration < 4.0:
        return None
    bars = analysis.bars
    seconds = BLOCK_BARS * BEATS * 60.0 / bpm
    if analysis.bpm and len(bars) >= MIN_BARS and analysis.tempo_steady:
        # the bars know their length better than a rounded BPM
        own = 60.0 * BEATS / float(np.median(bars.end - bars.start))
        fold = min((1.0, 2.0, 0.5), key=lambda k: abs(np.log2(bpm / (own * k))))
        source = Source(track, own, fold, bpm / (own * fold), True, seconds)
        if len(source.phrases) >= 2:
            return source
    if analysis.duration < 0.5 * seconds + 1.0:
        return None
    # no steady bars: its texture serves, its rhythm does not
    clocked = Source(track, None, 1.0, 1.0, False, seconds)
    return clocked if clocked.phrases else None


def _windows(track: CorpusTrack, seconds: float) -> tuple[Phrase, ...]:
    duration = track.analysis.duration
    edge = min(1.0, 0.05 * duration)  # files begin and end with silence
    starts = np.arange(edge, max(edge + 0.01, duration - edge - seconds), seconds / 2.0)
    flat = np.full(12, 1.0 / 12.0, dtype=np.float32)
    bars = track.analysis.bars
    full = float(np.percentile(bars.rms_db, 75)) if len(bars) else 0.0
    found = []
    for start in starts:
        inside = (
            (bars.start >= start) & (bars.end <= start + seconds) if len(bars) else np.zeros(0, dtype=bool)
        )
        chroma = bars.chroma[inside].mean(axis=0) if inside.any() else flat
        level = float(bars.rms_db[inside].mean()) if inside.any() else -20.0
        energy = float(np.mean(bars.rms_db <= level)) if inside.any() else 0.5
        touched = bars.rms_db[(bars.start < start + seconds) & (bars.end > start)]
        hole = max(0.0, full - float(touched.min())) if touched.size else 0.0
        end = min(float(start) + seconds, duration)
        found.append(
            Phrase(0, 0, float(start), end, energy, chroma, chroma, chroma, chroma, 0.2, level, hole, 0)
        )
    return tuple(found)


def _phrases(source: Source) -> tuple[Phrase, ...]:
    bars = source.track.analysis.bars
    count = max(1, round(BLOCK_BARS / source.fold))
    if len(bars) < count + 1:
        return ()
    energy = _bar_energy(source)
    phase = _phases(source)
    full = float(np.percentile(bars.rms_db, 75))
    lengths = bars.end - bars.start
    found = []
    for first in range(len(bars) - count + 1):
        inside = slice(first, first + count)
        if float(np.std(lengths[inside]) / np.mean(lengths[inside])) >= UNEVEN:
            continue
        if float(bars.rms_db[inside].min()) < -55.0:
            continue  # silence is nobody's phrase
        following = bars.chroma[min(first + count, len(bars) - 1)]
        found.append(
            Phrase(
                first_bar=first,
                bars=count,
                start=float(bars.start[first]),
                end=float(bars.end[first + count - 1]),
                energy=float(energy[inside].mean()),
                chroma=bars.chroma[inside].mean(axis=0),
                head=bars.chroma[first],
                tail=bars.chroma[first + count - 1],
                following=following,
                drums=float(bars.drums[inside].mean()),
                level_db=float(bars.rms_db[inside].mean()),
                hole_db=max(0.0, full - float(bars.rms_db[inside].min())),
                phase=int(phase[first]),
            )
        )
    return tuple(found)


def _bar_energy(source: Source) -> np.ndarray:
    """(bars,) 0..1: rank of each bar's level plus three times its low end, within the track."""
    bars = source.track.analysis.bars
    raw = bars.rms_db + 3.0 * bars.low + 6.0 * bars.onset / max(float(bars.onset.max()), 1e-6)
    order = np.argsort(np.argsort(raw, kind="stable"), kind="stable")
    rank = order / max(1, len(bars) - 1)
    curve = np.asarray(source.track.analysis.energy_curve, dtype=np.float64)
    return np.asarray(0.5 * rank + 0.5 * np.clip(curve, 0, 1) if curve.size == rank.size else rank)


def _phases(source: Source) -> np.ndarray:
    """(bars,) each bar's distance from the start of the section it lies in, modulo 4."""
    phase = np.arange(len(source.track.analysis.bars)) % BLOCK_BARS
    for section in source.track.analysis.sections:
        inside = np.arange(section.first_bar, min(section.first_bar + section.bars, phase.size))
        phase[inside] = (inside - section.first_bar) % BLOCK_BARS
    return phase


def _wrapped(semitones: int) -> int:
    return (semitones + 6) % 12 - 6
