"""The sound of one track in two halves, percussive and harmonic: separated where it is used, once, and kept.

Work is done in stretches on a fixed grid (1.5 s), each from the sound around it alone. So what a phrase is cut from
does not depend on which phrases were cut before, and a stretch that an earlier take used is read from the cache
instead of decoded and separated. Phrases that were bent to a tempo are kept too: an edit of a take bends nothing
again. All ways give the same samples: also what is not read from a cache was rounded to 16 bits of its own peak, as it
is stored.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import numpy as np

from generation.engines.base import Cache, CorpusTrack
from generation.engines.mosaic.align import FINE_LOOK, alignment
from generation.engines.mosaic.kicks import TOP_HZ, Kicks, find_kicks
from generation.engines.mosaic.passages import clearness
from generation.engines.mosaic.phase import Lie, lie_of
from generation.engines.mosaic.plan import SAMPLE_RATE
from generation.engines.mosaic.recent import Recent
from generation.engines.mosaic.separate import HOP, low_passed, separate, without_rumble
from generation.engines.mosaic.stretch import BYPASS, stretched

VERSION = 4  # of everything that decides what is stored: here, align, kicks, phase, separate, stretch
STRETCH = 128 * HOP  # samples worked on at a time
AROUND = 16 * HOP  # samples on each side that have a say in it, by the medians and the low-pass
FILTER_AROUND = 15 * HOP  # and beyond them, by the filter under 24 Hz
MOST_BYTES = 256 * 2**20  # of stretches in memory, for all tracks
HALVES = ("percussive", "harmonic")


@dataclass(frozen=True)
class Measured:
    """offset: samples by which the attacks of a phrase lie after its beats. share: RMS percussive over harmonic."""

    offset: int
    share: float


@dataclass(frozen=True, eq=False)
class Stored:
    """Sound as it is kept. samples: (2, n) int16; scale: what one step is worth."""

    samples: np.ndarray
    scale: np.float32


Memory = Recent[tuple[str, str, int], Stored]


class Layers:
    """The halves of a track, its kicks, and how its attacks lie against its beats.

    sound: (2, n) float32 of the whole track at 44.1 kHz; asked for only when the cache does not know enough.
    """

    def __init__(
        self,
        track: CorpusTrack,
        sound: Callable[[], np.ndarray],
        cache: Cache | None,
        memory: Memory,
        tick: Callable[[], None],
    ) -> None:
        self._track, self._sound, self._memory, self._tick = track, sound, memory, tick
        self._cache = cache if track.digest else None
        self._digest = f"{track.digest}:{VERSION}:{_makers()}"
        self._kicks: tuple[Kicks | None] | None = None
        self._clear: np.ndarray | None = None
        self._lie: Lie | None = None

    def half(self, name: str, first: int, count: int) -> np.ndarray:
        """(2, count) float32 of a half ("percussive" or "harmonic") from `first` on; silence beyond the track."""
        out = np.zeros((2, count), dtype=np.float32)
        for number in range(first // STRETCH, -(-(first + count) // STRETCH)):
            stored = self._stretch(name, number)
            begin = number * STRETCH
            low, high = max(first, begin), min(first + count, begin + STRETCH)
            np.multiply(
                stored.samples[:, low - begin : high - begin],
                stored.scale,
                out=out[:, low - first : high - first],
            )
        return out

    @property
    def kicks(self) -> Kicks | None:
        if self._kicks is None:
            if (known := self._read("kicks")) is not None:
                self._kicks = (_kicks_from(known),)
            else:
                self._kicks = (find_kicks(self._sound()),)
                self._tick()
                self._write("kicks", _bytes_of_kicks(self._kicks[0]))
        return self._kicks[0]

    @property
    def clear(self) -> np.ndarray:
        """For every quarter of a second, in what share of it a low note is clear: see `passages`."""
        if self._clear is None:
            if (known := self._read("clear")) is not None:
                self._clear = np.frombuffer(known, dtype="<f4")
            else:
                self._clear = clearness(self._sound(), self.kicks)
                self._tick()
                self._write("clear", self._clear.astype("<f4").tobytes())
        return self._clear

    @property
    def lie(self) -> Lie:
        """How the track's attacks lie on its measured bars."""
        if self._lie is None:
            bars = self._track.analysis.bars
            starts, ends = bars.start.astype("<f8"), bars.end.astype("<f8")
            # bars may be measured anew while the sound stays
            name = f"lie-{hashlib.sha256(starts.tobytes() + ends.tobytes()).hexdigest()[:16]}"
            if (known := self._read(name)) is not None:
                self._lie = Lie(*np.frombuffer(known, dtype="<f8").tolist())
            else:
                self._lie = lie_of(self._sound(), starts, ends) if len(bars) else Lie()
                self._tick()
                self._write(
                    name, np.array([self._lie.offset, self._lie.slip, self._lie.first], "<f8").tobytes()
                )
        return self._lie

    def phrase(self, first: int, count: int, beats: np.ndarray) -> Measured:
        """How a phrase of `count` samples lies on its beats (seconds from `first` on; none for a phrase without)."""
        around = self.lie.at((first + count / 2) / SAMPLE_RATE) if len(beats) else 0
        asked = hashlib.sha256(f"{first} {count} {around} ".encode() + beats.tobytes()).hexdigest()
        name = f"phrase-{asked[:24]}"
        if (known := self._read(name)) is not None:
            offset, share = np.frombuffer(known, dtype="<f8")
            return Measured(int(offset), float(share))
        percussive, harmonic = (self.half(half, first, count) for half in HALVES)
        offset = 0
        if len(beats):
            offset = alignment(percussive, beats, look=FINE_LOOK, around=around)
        power = max(float(np.mean(np.square(harmonic))), 1e-12)
        found = Measured(offset, float(np.sqrt(float(np.mean(np.square(percussive))) / power)))
        self._write(name, np.array([found.offset, found.share], dtype="<f8").tobytes())
        return found

    def bent(self, first: int, count: int, *, factor: float, semitones: int) -> np.ndarray:
        """(2, round(count / factor)) float32: the harmonic half of a phrase, stretched and shifted."""
        if abs(factor - 1.0) < BYPASS and semitones == 0:
            return stretched(self.half("harmonic", first, count), factor=factor, semitones=0)
        asked = hashlib.sha256(f"{first} {count} {factor!r} {semitones}".encode()).hexdigest()
        name = f"bent-{asked[:24]}"
        if (known := self._read(name)) is not None:
            stored = _stored_from(known)
        else:
            stored = _rounded(
                stretched(self.half("harmonic", first, count), factor=factor, semitones=semitones)
            )
            self._write(name, _bytes_of(stored))
        return stored.samples * stored.scale

    def _stretch(self, half: str, number: int) -> Stored:
        key = (self._track.id, half, number)
        found = self._memory.get(key)
        if found is not None:
            return found
        if (known := self._read(f"{half}-{number}")) is not None:
            found = _stored_from(known)
            self._memory.put(key, found, found.samples.nbytes)
            return found
        both = dict(zip(HALVES, self._separated(number), strict=True))
        for name, stored in both.items():
            self._memory.put((self._track.id, name, number), stored, stored.samples.nbytes)
            self._write(f"{name}-{number}", _bytes_of(stored))
        self._tick()
        return both[half]

    def _separated(self, number: int) -> tuple[Stored, Stored]:
        kicks = self.kicks
        first, count = number * STRETCH - AROUND, STRETCH + 2 * AROUND
        piece = without_rumble(_between(self._sound(), first - FILTER_AROUND, count + 2 * FILTER_AROUND))
        piece = piece[:, FILTER_AROUND : FILTER_AROUND + count]
        percussive, _ = separate(piece)
        if kicks is not None:
            # the low band of the percussive half is little more than hints of the kick: the kick takes its place
            percussive += kicks.between(first, count) - low_passed(percussive, TOP_HZ, 1025)
        inner = slice(AROUND, AROUND + STRETCH)
        hit = _rounded(percussive[:, inner])
        return hit, _rounded(piece[:, inner] - hit.samples * hit.scale)

    def _read(self, name: str) -> bytes | None:
        return self._cache.get(self._track.id, self._digest, name) if self._cache is not None else None

    def _write(self, name: str, data: bytes) -> None:
        if self._cache is not None:
            self._cache.put(self._track.id, self._digest, name, data)


@cache
def _makers() -> str:
    """The libraries whose arithmetic is in what is stored: others may round otherwise."""
    import bottleneck
    import scipy

    stretch = version("python-stretch")
    return (
        f"numpy {np.__version__}, scipy {scipy.__version__}, bottleneck {bottleneck.__version__}, {stretch}"
    )


def _between(track: np.ndarray, first: int, count: int) -> np.ndarray:
    """(2, count) of a track from sample `first` on, silence where it has none."""
    out = np.zeros((2, count), dtype=np.float32)
    low, high = max(0, first), min(track.shape[1], first + count)
    if high > low:
        out[:, low - first : high - first] = track[:, low:high]
    return out


def _rounded(samples: np.ndarray) -> Stored:
    peak = float(np.abs(samples).max(initial=0.0))
    scale = np.float32(peak / 32767.0) if peak > 1e-12 else np.float32(1.0)
    return Stored(np.rint(samples / scale).astype(np.int16), scale)


def _bytes_of(stored: Stored) -> bytes:
    return np.array([stored.scale], dtype="<f4").tobytes() + stored.samples.astype("<i2").tobytes()


def _stored_from(data: bytes) -> Stored:
    samples = np.frombuffer(data, dtype="<i2", offset=4).reshape(2, -1)
    return Stored(samples, np.frombuffer(data, dtype="<f4", count=1)[0])


def _bytes_of_kicks(kicks: Kicks | None) -> bytes:
    out = io.BytesIO()
    if kicks is not None:
        np.savez(out, at=kicks.at, gain=kicks.gain, template=kicks.template, attack=np.int64(kicks.attack))
    return out.getvalue()


def _kicks_from(data: bytes) -> Kicks | None:
    if not data:
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return Kicks(found["at"], found["gain"], found["template"], int(found["attack"]))
