"""New lines on an artist's own bass, in their groove and on a take's chords: an exact score, and its sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catalog.analysis.keys import Key
from generation.engines.mosaic.bassgroove import Bass, Groove
from generation.engines.mosaic.chords import Chord, filled, scale_of
from generation.engines.mosaic.kit import STEPS
from generation.engines.mosaic.notes import PitchedVoice
from generation.engines.mosaic.plan import BEATS, Grid
from generation.engines.mosaic.tones import sounded

STEP = BEATS / STEPS  # beats in a sixteenth
LOWEST, HIGHEST = 28, 52  # E1 … E3
OCTAVE, WIDEST = 12, 18  # semitones of a register
LOUDEST = 127
BEAT_STEPS = STEPS // BEATS
FILL_FROM = STEPS - BEAT_STEPS
# how likely each chord tone is where the line does not begin a chord, on beats and off them
TONES = ("root", "fifth", "octave", "third")
ON_BEAT = (0.62, 0.22, 0.16, 0.0)
OFF_BEAT = (0.50, 0.20, 0.20, 0.10)
RUN = ("root", "third", "fifth", "fifth")
APPROACH = 0.6  # chance, at full density, that the last weak sixteenths before a change lead into it


@dataclass(frozen=True)
class Note:
    """beat, length: in beats from the start of the part. pitch: MIDI. velocity: 1..127, linear in amplitude."""

    beat: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class _Stroke:
    """A note of the theme before it has a pitch. tone: one of TONES. approach: leads into another chord."""

    step: int
    steps: int
    tone: str
    approach: bool
    force: float


def pattern(
    bass: Bass,
    chords: Sequence[Chord],
    key: Key | None,
    bpm: float,
    rng: np.random.Generator,
    *,
    per_bar: int = 1,
    density: float = 0.6,
    kick: np.ndarray | None = None,
    late: np.ndarray | None = None,
    half_time: bool = False,
) -> list[Note]:
    """A line under these chords, `per_bar` to a bar; empty when neither a chord nor a key is known.

    Two bars drawn from how the artist's bass moves, repeated over the chords, answered in every fourth bar and led
    into every ninth. density: 0..1, how many notes. kick: (16,) how often each sixteenth has a kick, for artists whose
    own movement is not known. late: (16,) seconds behind the grid, as drums have them. half_time: everything at half
    the pace. The same arguments and generator state give the same line.
    """
    path = filled(chords, key)
    if not path or not path[0].clear:
        return []
    harmony = _Harmony(path, per_bar, key, *register(bass.voice))
    groove = bass.groove if bass.groove is not None else _plain(kick)
    theme = [_drawn(groove, density, rng) for _ in range(2)]
    notes: list[Note] = []
    for bar in range(harmony.bars):
        turn = bar // 2 if half_time else bar
        strokes = theme[turn % 2]
        if turn % 4 == 3:
            strokes = _answered(strokes, _drawn(groove, density, rng))
        if half_time:
            strokes = _halved(strokes, bar % 2)
        if bar % 8 == 7 and bar < harmony.bars - 1 and density > 0.25:
            strokes = _led(strokes, density)
        notes += harmony.pitched(strokes, bar)
    return _separate(notes, bpm, late)


def register(voice: PitchedVoice) -> tuple[int, int]:
    """Lowest and highest pitch to play: the artist's own range, widened to an octave and held to one and a half."""
    low, high = voice.low, voice.high
    if high - low < OCTAVE - 1:
        missing = OCTAVE - 1 - (high - low)
        low, high = low - missing // 2, high + missing - missing // 2
    high = min(high, low + WIDEST)
    up = max(0, LOWEST - low) - max(0, high - HIGHEST)
    return low + up, high + up


def sound(voice: PitchedVoice, notes: Sequence[Note], grid: Grid, first_bar: int, count: int) -> np.ndarray:
    """(2, count) float32 from the start of `first_bar`: each note at its sample, as long and as loud as it says."""
    origin = grid.bar(first_bar)
    placed = []
    for note in notes:
        at = grid.beat(first_bar * BEATS + note.beat)
        end = grid.beat(first_bar * BEATS + note.beat + note.length)
        placed.append((at - origin, end - at, float(note.pitch), note.velocity / LOUDEST))
    mono = sounded(voice, placed, count)
    return np.stack([mono, mono])


def score(notes: Sequence[Note], first_bar: int) -> list[dict[str, float | int]]:
    """The line as notes: {start, length (beats of the take), pitch, velocity}."""
    return [
        {
            "start": round(first_bar * BEATS + note.beat, 6),
            "length": round(note.length, 6),
            "pitch": note.pitch,
            "velocity": note.velocity,
        }
        for note in notes
    ]


def _plain(kick: np.ndarray | None) -> Groove:
    """A movement for artists whose own is not known: with the kick, or on the offbeats where it strikes every beat."""
    chance = np.zeros(STEPS)
    struck = np.zeros(STEPS, dtype=bool) if kick is None else np.asarray(kick, dtype=float) > 0.5
    if struck[::BEAT_STEPS].all() or not struck.any():
        chance[2::BEAT_STEPS], chance[0], chance[11] = 0.95, 0.3, 0.3
    else:
        chance[struck] = 0.9
        chance[[6, 10, 14]] = np.maximum(chance[[6, 10, 14]], 0.3)
    return Groove(chance, np.where(chance > 0, 0.8, 0.0), np.where(chance > 0, 2.0, 0.0))


def _drawn(groove: Groove, density: float, rng: np.random.Generator) -> list[_Stroke]:
    """One bar of the theme."""
    wanted = 0.45 + 0.95 * density
    chance = np.clip(groove.chance * wanted, 0.0, 1.0)
    # what the artist always strikes stays in a thin line too
    chance = np.where(groove.chance > 0.8, np.maximum(chance, 0.7), chance)
    struck = rng.random(STEPS) < chance
    if not struck.any():
        struck[int(np.argmax(groove.chance))] = True
    tones, led = rng.random(STEPS), rng.random(STEPS) < APPROACH * density
    strokes = []
    for step in np.flatnonzero(struck):
        likely = np.cumsum(ON_BEAT if step % BEAT_STEPS == 0 else OFF_BEAT)
        tone = TONES[int(np.searchsorted(likely, tones[step] * likely[-1], side="right"))]
        lasts = max(1, round(float(groove.steps[step]) or 2.0))
        strokes.append(_Stroke(int(step), lasts, tone, bool(led[step]), float(groove.force[step]) or 0.7))
    return strokes


def _answered(strokes: list[_Stroke], other: list[_Stroke]) -> list[_Stroke]:
    """The same first half, another second."""
    half = STEPS // 2
    return [s for s in strokes if s.step < half] + [s for s in other if s.step >= half]


def _halved(strokes: list[_Stroke], half: int) -> list[_Stroke]:
    """Half a bar of strokes spread over a whole one."""
    inside = [s for s in strokes if s.step // (STEPS // 2) == half]
    return [_Stroke(2 * (s.step % (STEPS // 2)), 2 * s.steps, s.tone, s.approach, s.force) for s in inside]


def _led(strokes: list[_Stroke], density: float) -> list[_Stroke]:
    """The last beat becomes a run into the next bar, in sixteenths or, in a thin line, in eighths."""
    every = 1 if density >= 0.5 else 2
    run = [
        _Stroke(FILL_FROM + place, every, RUN[place], place + every == BEAT_STEPS, 0.7 + 0.05 * place)
        for place in range(0, BEAT_STEPS, every)
    ]
    return [s for s in strokes if s.step < FILL_FROM] + run


def _same(one: Chord, other: Chord) -> bool:
    return (one.root, one.quality) == (other.root, other.quality)


@dataclass(frozen=True)
class _Harmony:
    """The chords under a line, `per_bar` of them in each bar, and where it may move."""

    path: Sequence[Chord]
    per_bar: int
    key: Key | None
    low: int
    high: int

    @property
    def bars(self) -> int:
        return len(self.path) // self.per_bar

    def number(self, bar: int, step: int) -> int:
        return bar * self.per_bar + step * self.per_bar // STEPS

    def changes(self, number: int) -> bool:
        """Whether a chord is another than the one before it."""
        return number == 0 or not _same(self.path[number - 1], self.path[number])

    def pitched(self, strokes: Sequence[_Stroke], bar: int) -> list[Note]:
        """The strokes of one bar with pitches: a chord begins with its root, and may end with a step to the next."""
        notes = []
        for place, stroke in enumerate(strokes):
            number = self.number(bar, stroke.step)
            chord = self.path[number]
            begins = place == 0 or self.number(bar, strokes[place - 1].step) != number
            ends = place == len(strokes) - 1 or self.number(bar, strokes[place + 1].step) != number
            left = STEPS // self.per_bar - stroke.step % (STEPS // self.per_bar)
            root = _placed(chord.root, self.low, self.high)
            pitch = self._tone(stroke.tone, chord, root)
            if stroke.step == 0 or (begins and self.changes(number)):
                pitch = root
            elif ends and left <= 3 and stroke.step % BEAT_STEPS and stroke.approach:
                pitch = self._towards(number + 1, pitch)
            level = 0.62 + 0.38 * stroke.force + (0.06 if stroke.step == 0 else 0.0)
            velocity = int(np.clip(round(108 * level), 40, LOUDEST))
            notes.append(Note(bar * BEATS + stroke.step * STEP, stroke.steps * STEP, pitch, velocity))
        return notes

    def _tone(self, name: str, chord: Chord, root: int) -> int:
        """A chord tone near the root, within the register; the root where it would leave it."""
        third = 3 if chord.quality == "min" else 4
        above = root + {"root": 0, "third": third, "fifth": 7, "octave": OCTAVE}[name]
        return next((p for p in (above, above - OCTAVE) if self.low <= p <= self.high), root)

    def _towards(self, number: int, before: int) -> int:
        """A note of the key one step from the next root, from the side the line comes from, if the chord changes."""
        if self.key is None or number >= len(self.path) or not self.changes(number):
            return before
        goal = _placed(self.path[number].root, self.low, self.high)
        side = 1 if before >= goal else -1
        scale = scale_of(self.key)
        for pitch in (goal + side, goal + 2 * side, goal - side, goal - 2 * side):
            if pitch % OCTAVE in scale and self.low <= pitch <= self.high:
                return pitch
        return before


def _placed(pitch_class: int, low: int, high: int) -> int:
    """The lowest pitch of a class within the register."""
    pitch = low + (pitch_class - low) % OCTAVE
    return pitch if pitch <= high else pitch - OCTAVE


def _separate(notes: list[Note], bpm: float, late: np.ndarray | None) -> list[Note]:
    """Notes in order, moved by the groove, each ending before the next begins."""
    moved = []
    for note in sorted(notes, key=lambda n: n.beat):
        step = round(note.beat / STEP) % STEPS
        behind = 0.0 if late is None else float(late[step]) * bpm / 60.0
        moved.append((max(0.0, round(note.beat + behind, 6)), note))
    made = []
    for number, (beat, note) in enumerate(moved):
        limit = moved[number + 1][0] if number + 1 < len(moved) else float("inf")
        length = round(min(note.length, limit - beat), 6)
        if length > 0.05:
            made.append(Note(beat, length, note.pitch, note.velocity))
    return made
