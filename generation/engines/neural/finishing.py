"""From what a network made to a take: tempo and key measured and put right, cut to bars, in layers, mastered.

A network is asked for a tempo and a key in words, and comes near. Here the sound is measured and bent the rest of the
way, within limits that are not heard as an effect; beyond them it stays as it is, and the take says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.analysis import TempoContext, TrackAnalysis, analyse
from catalog.analysis.keys import Key
from generation.brief import Brief
from generation.engines.mosaic.separate import separate, split_bass, without_rumble
from generation.engines.mosaic.stretch import stretched
from generation.mastering import Mastered, master, target_lufs

RATE = 44_100
MOST_STRETCH = 0.08
MOST_SHIFT = 2  # semitones
BEATS = 4
FADE_BEATS = 1.0
RAMP_SECONDS = 0.008  # an attack is let in, not softened
PIECE_SECONDS = 30.0  # separated at a time, with a little around it
AROUND = 16_384
OUT_SECONDS = 1.5


@dataclass(frozen=True)
class Piece:
    """A stretch of sound put right. audio: (2, n) float32 that begins on a downbeat where one was found.

    bpm, key: as measured before. factor: above one it was made faster. semitones: it was moved by. on_grid: it has
    the tempo that was asked for. notes: sentences for the artist.
    """

    audio: np.ndarray
    bpm: float | None
    key: Key | None
    factor: float
    semitones: int
    on_grid: bool
    vector: np.ndarray
    notes: tuple[str, ...] = ()


def heard(audio: np.ndarray, brief: Brief) -> TrackAnalysis:
    """What was made, measured; the asked tempo chooses between readings of the same pulse."""
    near = TempoContext(artist_range=(brief.bpm / 1.4, brief.bpm * 1.4))
    return analyse(audio, RATE, context=near)


def put_right(audio: np.ndarray, brief: Brief, analysis: TrackAnalysis | None = None) -> Piece:
    """Bend (2, n) float32 at 44.1 kHz to the tempo and key of the brief, and begin it on a downbeat."""
    found = analysis or heard(audio, brief)
    notes = []
    factor, on_grid = tempo_factor(found.bpm, brief.bpm)
    if found.bpm is None:
        notes.append("No pulse was heard in what the model made, so its tempo is as it is.")
    elif not on_grid:
        notes.append(
            f"The model played {found.bpm:.1f} BPM instead of {brief.bpm:g}: too far to bend without harm, so it "
            "stays. Make another take, or name the tempo in the prompt."
        )
    semitones = key_shift(found.key, brief.key)
    if semitones is None:
        notes.append(
            f"The model played in {found.key.name if found.key else 'no key'} instead of "
            f"{brief.key.name if brief.key else ''}: too far to shift, so it stays."
        )
    lead = 0.0
    if on_grid and found.first_downbeat is not None and found.beat_period:
        lead = found.first_downbeat % (BEATS * found.beat_period)
    begun = audio[:, round(lead * RATE) :]
    bent = stretched(begun, factor=factor, semitones=semitones or 0)
    return Piece(
        bent, found.bpm, found.key, factor, semitones or 0, on_grid, np.asarray(found.vector), tuple(notes)
    )


def tempo_factor(measured: float | None, wanted: float) -> tuple[float, bool]:
    """(how much faster it has to be, whether that is little enough). A pulse counted half or double is the same."""
    if not measured:
        return 1.0, False
    factor = min((wanted / (measured * times) for times in (0.5, 1.0, 2.0)), key=lambda one: abs(one - 1.0))
    return (factor, True) if abs(factor - 1.0) <= MOST_STRETCH else (1.0, False)


def key_shift(measured: Key | None, wanted: Key | None) -> int | None:
    """Semitones to the wanted key, or to its relative, which has the same notes; None when they are too many."""
    if wanted is None or measured is None:
        return 0
    steps = (wanted.fifths * 7 - measured.fifths * 7) % 12  # seven semitones a fifth
    steps = steps - 12 if steps > 6 else steps
    return steps if abs(steps) <= MOST_SHIFT else None


def whole_bars(seconds: float, bpm: float, *, most: float | None = None) -> int:
    """The number of bars nearest to `seconds`, at least one, that fit into `most` seconds."""
    bar = BEATS * 60.0 / bpm
    count = max(1, round(seconds / bar))
    return count if most is None else max(1, min(count, int(most / bar + 1e-6)))


def joined(pieces: Sequence[Piece], bars: Sequence[int], brief: Brief, seconds: float) -> np.ndarray:
    """One after the other: each has its whole bars, and its tail fades under the beginning of the next.

    Where a piece has no grid it is joined where its seconds end. Ends at `seconds` or at the last bar, faded out.
    """
    beat = 60.0 / brief.bpm
    fade = round(FADE_BEATS * beat * RATE)
    out = np.zeros((2, 0), dtype=np.float32)
    for place, (piece, count) in enumerate(zip(pieces, bars, strict=True)):
        own = round(count * BEATS * beat * RATE)
        last = place == len(pieces) - 1
        tail = 0 if last else fade
        sound = piece.audio[:, : own + tail]
        if out.shape[1]:
            begin = out.shape[1] - fade
            under = np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32))
            out[:, begin:] *= under
            ramp = min(round(RAMP_SECONDS * RATE), sound.shape[1])
            sound = sound.copy()
            sound[:, :ramp] *= np.linspace(0, 1, ramp, dtype=np.float32)
            overlap = min(fade, sound.shape[1])
            out[:, begin : begin + overlap] += sound[:, :overlap]
            out = np.concatenate([out, sound[:, overlap:]], axis=1)
        else:
            out = sound.copy()
        if not last and out.shape[1] < fade:  # shorter than a beat
            out = np.pad(out, ((0, 0), (0, fade - out.shape[1])))
    out = out[:, : round(seconds * RATE)]
    closing = min(round(OUT_SECONDS * RATE), out.shape[1] // 4)
    if closing:
        out[:, -closing:] *= np.cos(np.linspace(0, np.pi / 2, closing, dtype=np.float32))
    return np.ascontiguousarray(out, dtype=np.float32)


def layers(audio: np.ndarray, tick: Callable[[], None] = lambda: None) -> dict[str, np.ndarray]:
    """drums, bass and harmony of a mix, which add up to it: by how they lie in time and frequency, so approximate."""
    clean = without_rumble(audio)
    drums = np.zeros_like(clean)
    step = round(PIECE_SECONDS * RATE)
    for first in range(0, clean.shape[1], step):
        tick()
        low, high = max(0, first - AROUND), min(clean.shape[1], first + step + AROUND)
        percussive, _ = separate(clean[:, low:high])
        drums[:, first : first + step] = percussive[:, first - low : first - low + step]
    bass, harmony = split_bass(clean - drums)
    return {"drums": drums, "bass": bass, "harmony": harmony}


def mastered(audio: np.ndarray, brief: Brief, tick: Callable[[], None] = lambda: None) -> Mastered:
    """The take in layers, at the loudness of its genre."""
    return master(
        layers(audio, tick), RATE, target_lufs=target_lufs(brief.genre), in_place=True, on_step=tick
    )


def said(piece: Piece) -> dict[str, object]:
    """A piece as the plan remembers it."""
    return {
        "measured_bpm": None if piece.bpm is None else round(piece.bpm, 3),
        "measured_key": piece.key.name if piece.key else None,
        "stretch": round(piece.factor, 6),
        "shift": piece.semitones,
        "on_grid": piece.on_grid,
    }


def asked_in_words(brief: Brief) -> str:
    """The brief as models of this family were taught to read: what it is, tempo and key as tags."""
    energy = "high energy" if brief.energy >= 0.7 else "calm" if brief.energy <= 0.3 else "medium energy"
    tags = [brief.genre or "", *brief.moods, *brief.instruments, energy]
    known = brief.prompt.lower()
    more = [tag for tag in tags if tag and tag.lower() not in known]
    tempo = f"{brief.bpm:g} BPM"
    said = [brief.prompt.strip().rstrip("."), *more]
    if f"{brief.bpm:g}" not in known:
        said.append(tempo)
    if brief.key is not None and brief.key.name.lower() not in known:
        said.append(brief.key.name)
    said += ["instrumental", "high quality", "stereo"]
    return ", ".join(part for part in said if part)
