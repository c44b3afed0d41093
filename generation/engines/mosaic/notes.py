"""An artist's own bass as an instrument: single notes lifted from their phrases, to be played at any pitch and length.

A note is kept as the course of its harmonics, not as samples: sinusoids at the multiples of one fundamental can be
played at another pitch without stretching, for any time, and nothing of what sounded above it comes along unless it
lies on those multiples. What lies there but stands out from its neighbours is taken for a chord's, and held down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generation.engines.mosaic.pitches import FRAME_SECONDS, Line, LowPhrase, Played
from generation.engines.mosaic.plan import SAMPLE_RATE

DECIMATION = 12
RATE = SAMPLE_RATE / DECIMATION
HOP = 18  # samples at RATE between two looks at the harmonics: 4.9 ms
STEP_SECONDS = HOP / RATE
TOP_HZ = 1_500.0
MOST = 28  # harmonics
SHORTEST, LONGEST = 0.15, 1.6  # seconds of a note that can be lifted
ENDED = 0.1  # of its loudest, below which a note is over
CLEAR, CLEAR_SHARE = 0.9, 0.6  # clarity, and the share of a note's frames that have it
STABLE = 0.25  # semitones
IN_TUNE = 0.2  # … from the others' tuning
LEAST, KEPT = 2, 4  # notes that make an instrument, and that it keeps
TOLERANCE = 1.4  # share of what all notes have that one may have of a harmonic
HEADROOM_DB = 2.0  # by which a harmonic may stand out from its neighbours
FLOOR_DB = -50.0
QUICKEST, SLOWEST = 0.004, 0.040  # seconds of attack
MOST_UNDUCKED = 4.0  # gain that takes a ducking away
LOUD_SECONDS = 0.1
FALL_DB = (-60.0, 0.0)  # per second, of what sounds on beyond the lifted note


@dataclass(frozen=True, eq=False)
class Lifted:
    """One note. midi: its pitch. harmonics: (k, t) float32 amplitudes every STEP_SECONDS, as loud as the others.

    start, end: seconds in its track. fall: dB per second at which it goes on after its end.
    """

    midi: float
    harmonics: np.ndarray
    start: float
    end: float
    fall: float

    @property
    def seconds(self) -> float:
        return self.harmonics.shape[1] * STEP_SECONDS


@dataclass(frozen=True, eq=False)
class PitchedVoice:
    """Notes of one artist as an instrument. attack: seconds. low, high: MIDI pitches their own line lies between."""

    notes: tuple[Lifted, ...]
    attack: float
    low: int
    high: int

    @property
    def sources(self) -> list[tuple[float, float]]:
        """(start, end) seconds in the track of each note it was lifted from."""
        return [(note.start, note.end) for note in self.notes]

    def nearest(self, midi: float, seconds: float) -> Lifted:
        """The lifted note that must change least: long enough first, then near in pitch."""

        def price(note: Lifted) -> float:
            ratio = abs(float(np.log2(max(seconds, 0.05) / note.seconds)))
            return 1.5 * ratio + abs(note.midi - midi) / 6.0

        return min(self.notes, key=lambda note: (round(price(note), 6), note.start))


def lift(
    phrases: Sequence[LowPhrase], lines: Sequence[Line], notes: Sequence[Sequence[Played]]
) -> PitchedVoice | None:
    """An instrument from the clearest of the notes that were heard in these phrases."""
    found: list[_Candidate] = []
    for phrase, line, played in zip(phrases, lines, notes, strict=True):
        clear = [note for note in played if _is_clear(note, line, phrase.step)]
        if clear:
            low = _decimated(phrase.samples)
            found += [c for note in clear if (c := _candidate(note, phrase, low)) is not None]
    found = _tuned(found)
    if len(found) < LEAST:
        return None
    spectrum = _common(found)
    best = sorted(found, key=lambda c: (-round(c.worth, 6), c.start))[: 3 * KEPT]
    kept = _varied(best)
    pitches = [c.midi for c in found]
    return PitchedVoice(
        tuple(_cleaned(c, spectrum) for c in sorted(kept, key=lambda c: c.start)),
        float(np.clip(np.percentile([c.attack for c in kept], 25), QUICKEST, SLOWEST)),
        round(min(pitches)),
        round(max(pitches)),
    )


@dataclass(frozen=True, eq=False)
class _Candidate:
    midi: float
    harmonics: np.ndarray  # (MOST, t)
    mean: np.ndarray  # (MOST,) of its steady part
    attack: float
    start: float
    end: float
    worth: float


def _is_clear(note: Played, line: Line, step: float) -> bool:
    seconds = note.steps * step
    if not np.isfinite(note.midi) or seconds < SHORTEST:
        return False
    first, last = _frames(note.start + 0.03, note.start + min(seconds, LONGEST) - 0.02)
    inside = slice(first, last)
    steady = (line.clarity[inside] > CLEAR) & (np.abs(line.midi[inside] - note.midi) < STABLE)
    return bool(steady.size >= 5 and steady.mean() >= CLEAR_SHARE)


def _frames(start: float, end: float) -> tuple[int, int]:
    return max(0, round(start / FRAME_SECONDS)), max(0, round(end / FRAME_SECONDS))


def _decimated(samples: np.ndarray) -> np.ndarray:
    from scipy.signal import resample_poly

    return np.asarray(resample_poly((samples[0] + samples[1]) * np.float32(0.5), 1, DECIMATION))


def _candidate(note: Played, phrase: LowPhrase, low: np.ndarray) -> _Candidate | None:
    """The course of a note's harmonics; None when its pitch moves after all."""
    seconds = min(note.steps * phrase.step, LONGEST)
    hz = _hertz(note.midi)
    first = np.abs(_course(low, note.start, seconds, hz, 1)[0])
    phase = np.unwrap(np.angle(_course(low, note.start, seconds, hz, 1)[0]))
    steady = slice(round(0.03 / STEP_SECONDS), max(round(0.03 / STEP_SECONDS) + 8, len(first) - 4))
    slope = np.gradient(phase[steady]) / (2 * np.pi * STEP_SECONDS)
    if slope.size < 8:
        return None
    weight = first[steady]
    exact = hz + float(np.sum(slope * weight) / max(float(weight.sum()), 1e-9))
    midi = float(69.0 + 12.0 * np.log2(max(exact, 1.0) / 440.0))
    if abs(midi - note.midi) > STABLE:
        return None
    course = _course(low, note.start, seconds, exact, MOST)
    harmonics = np.abs(course).astype(np.float32)
    if harmonics[0].max() < 1e-4:
        return None
    ended = int(np.flatnonzero(harmonics[0] > ENDED * harmonics[0].max())[-1]) + 1
    # the last frames look beyond the end
    harmonics = harmonics[:, : max(4, min(ended, harmonics.shape[1] - round(0.7 / hz / STEP_SECONDS)))]
    if harmonics.shape[1] * STEP_SECONDS < SHORTEST / 2:
        return None
    # over the whole note at once: what is not on its harmonics turns, and cancels
    window = np.hanning(course[:, steady].shape[1] + 2)[1:-1]
    mean = np.abs(course[:, steady] @ (window / window.sum()))
    start = phrase.source_start + note.start
    end = start + harmonics.shape[1] * STEP_SECONDS
    # a kick leaves its body in the band, and ducks
    kicks = np.count_nonzero((phrase.kicks > note.start - 0.1) & (phrase.kicks < note.start + seconds - 0.03))
    worth = note.force * min(1.0, seconds / 0.5) / (1 + kicks)
    attack = _attack(harmonics[0], exact)
    return _Candidate(midi, harmonics, mean, attack, round(start, 4), round(end, 4), worth)


def _course(low: np.ndarray, start: float, seconds: float, hz: float, count: int) -> np.ndarray:
    """(count, t) complex amplitudes of the first harmonics every STEP_SECONDS; zero above TOP_HZ.

    Through a Hann window of two periods, whose zeros lie on the neighbouring harmonics.
    """
    width = max(8, round(2.0 * RATE / hz))
    times = max(1, int(seconds / STEP_SECONDS))
    begin = round(start * RATE) - width // 2
    last = begin + (times - 1) * HOP + width
    piece = np.pad(
        low[max(0, begin) : max(0, last)], (max(0, -begin), max(0, last - max(low.size, begin, 0)))
    )
    frames = np.lib.stride_tricks.sliding_window_view(piece, width)[::HOP][:times]
    window = np.hanning(width + 2)[1:-1]
    numbers = np.arange(1, count + 1)
    numbers = numbers[numbers * hz < TOP_HZ]
    wave = np.exp(-2j * np.pi * hz / RATE * np.outer(np.arange(width) - width // 2, numbers))
    found = np.zeros((count, times), dtype=np.complex128)
    found[: numbers.size, : len(frames)] = (frames @ (wave * (2.0 * window / window.sum())[:, None])).T
    # frame t begins HOP samples later: turn its phase back to one common clock
    turned = np.exp(-2j * np.pi * hz * STEP_SECONDS * np.outer(np.arange(1, count + 1), np.arange(times)))
    return np.asarray(found * turned)


def _attack(level: np.ndarray, hz: float) -> float:
    """Seconds from a tenth to nine tenths of the first peak, less what the window itself takes."""
    top = float(np.max(level[: max(2, round(0.12 / STEP_SECONDS))]))
    reached = int(np.argmax(level >= 0.9 * top)) * STEP_SECONDS
    return float(np.sqrt(max(0.0, reached**2 - (0.6 / hz) ** 2)))


def _tuned(found: list[_Candidate]) -> list[_Candidate]:
    """Those that lie on the semitones of one tuning."""
    if not found:
        return []
    pitch = np.array([c.midi for c in found])
    tuning = float(np.angle(np.exp(2j * np.pi * pitch).mean()) / (2 * np.pi))
    away = np.abs((pitch - tuning + 0.5) % 1.0 - 0.5)
    return [c for c, far in zip(found, away, strict=True) if far <= IN_TUNE]


def _common(found: Sequence[_Candidate]) -> np.ndarray:
    """(MOST,) amplitudes against the fundamental that the notes have in common, without what stands out."""
    rows = np.array([c.mean / max(float(c.mean[0]), 1e-9) for c in found])
    level = np.maximum(20.0 * np.log10(np.maximum(np.median(rows, axis=0), 1e-6)), FLOOR_DB - 10.0)
    wide = np.concatenate([level, level[-1:] - 3.0, level[-1:] - 6.0])
    # odd and even harmonics may differ as a whole, so either pair of neighbours may vouch for one
    for _ in range(2):
        for k in range(3, len(level)):
            beside, next_but_one = (wide[k - 1] + wide[k + 1]) / 2, (wide[k - 2] + wide[k + 2]) / 2
            wide[k] = min(wide[k], max(beside, next_but_one) + HEADROOM_DB)
    return np.asarray(10.0 ** (wide[: len(level)] / 20.0))


def _varied(best: Sequence[_Candidate]) -> list[_Candidate]:
    """The most worth, then whatever differs most from those taken: in pitch or in length."""
    taken = [best[0]]
    while len(taken) < min(KEPT, len(best)):

        def gain(c: _Candidate) -> float:
            apart = min(
                abs(c.midi - t.midi) / 6.0 + abs(float(np.log2((c.end - c.start) / (t.end - t.start))))
                for t in taken
            )
            return c.worth * (0.2 + min(1.0, apart))

        taken.append(max((c for c in best if c not in taken), key=lambda c: (round(gain(c), 6), -c.start)))
    return taken


def _cleaned(c: _Candidate, spectrum: np.ndarray) -> Lifted:
    """A note with its ducking undone and no harmonic much above what all notes have, at unit power."""
    own = np.sqrt(np.square(c.harmonics).mean(axis=1))
    own = own / max(float(own[0]), 1e-9)
    allowed = np.minimum(1.0, TOLERANCE * spectrum / np.maximum(own, 1e-9))
    harmonics = c.harmonics * allowed[:, None]
    audible = own * allowed > 10.0 ** (FLOOR_DB / 20.0)
    count = int(np.flatnonzero(audible)[-1]) + 1
    harmonics = harmonics[:count]
    # a bass falls from its attack on; where its fundamental dips and comes back it was ducked, and all of it was
    level = np.maximum(harmonics[0], 1e-9)
    whole = np.maximum.accumulate(level[::-1])[::-1]
    harmonics = harmonics * np.minimum(MOST_UNDUCKED, whole / level)
    # as loud at their loudest, or short and dying notes would be louder than held ones
    power = np.square(harmonics).sum(axis=0) / 2.0
    width = min(round(LOUD_SECONDS / STEP_SECONDS), power.size)
    loudest = float(np.convolve(power, np.full(width, 1.0 / width), mode="valid").max())
    # the window already sees the end of the note in its last frames
    late = 20.0 * np.log10(np.maximum(whole[len(whole) // 4 : max(2, round(0.85 * len(whole)))], 1e-9))
    fall = (late[-1] - late[0]) / (STEP_SECONDS * max(1, len(late) - 1))
    scaled = np.ascontiguousarray(harmonics / np.sqrt(max(loudest, 1e-12)), dtype=np.float32)
    return Lifted(round(c.midi, 4), scaled, c.start, c.end, float(np.clip(fall, *FALL_DB)))


def _hertz(midi: float) -> float:
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))
