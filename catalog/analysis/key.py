"""Chroma, tuning and key.

Chroma from spectral peaks of a long window (whitened against their neighbourhood, tuned, weighted by
how close they are to a semitone), then correlation with two key profiles: Temperley's (Music and
Probability, 2007) and that of Albrecht and Shanahan (Music Perception 31, 2013), with the bass
counted a little more and overtones a little less. Chosen on the half of the labelled music that may
be looked at; there it scores MIREX .95 on MIDI renderings and .98 on synthesised tracks, and its
neighbours the same. `python -m bench.evaluate midi electronic` prints the other half, beside librosa.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import uniform_filter1d

from catalog.analysis.frontend import RATE, Front, frames_of, hann
from catalog.analysis.keys import Key
from catalog.analysis.model import Floats

CHROMA_FFT = 8192
CHROMA_HOP = 2048
CHROMA_FPS = RATE / CHROMA_HOP
_BASS, _FIFTHS, _THIRDS = 0.15, 0.1, 0.03
_TRUST = np.array([2 / 3, 1 / 3])  # in the profile of Albrecht and Shanahan, in Temperley's
LOWEST_HZ, HIGHEST_HZ, BASS_MIDI = 65.0, 2100.0, 52
_BLOCK = 128
_ALBRECHT = (
    (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
)
_TEMPERLEY = (
    (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
)


@dataclass(frozen=True, eq=False)
class Chroma:
    """frames: (n, 12) pitch-class strength, frame i centred on second i / CHROMA_FPS, 0 = C.

    bass: the same from notes below E3. tuning: semitones the file is sharp of A = 440 Hz.
    """

    frames: Floats
    bass: Floats
    tuning: float


def chroma_of(front: Front) -> Chroma:
    """The chroma of the whole file, in file time."""
    count = max(1, 1 + len(front.mono) // CHROMA_HOP)
    low, high = int(LOWEST_HZ * CHROMA_FFT / RATE), int(HIGHEST_HZ * CHROMA_FFT / RATE) + 1
    rows, pitches, sizes = [], [], []
    for start in range(0, count, _BLOCK):
        some = min(_BLOCK, count - start)
        windowed = frames_of(front.mono, CHROMA_FFT, CHROMA_HOP, start, some) * (
            hann(CHROMA_FFT) * np.float32(front.gain)
        )
        magnitude = np.abs(scipy.fft.rfft(windowed, axis=1, overwrite_x=True)[:, : high + 31])
        around = uniform_filter1d(magnitude, 61, axis=1, mode="nearest")
        centre = magnitude[:, 1:-1]
        peak = (centre > magnitude[:, :-2]) & (centre >= magnitude[:, 2:]) & (centre > 1.5 * around[:, 1:-1])
        peak[:, : low - 1] = False
        peak[:, high:] = False
        row, column = np.nonzero(peak & (centre > 1e-6))
        left, mid, right = (np.log(magnitude[row, column + i] + 1e-12) for i in range(3))
        # A parabola through the log peak: a bin is most of a semitone wide down at 65 Hz.
        bend = left - 2 * mid + right
        shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0)
        hz = (column + 1 + np.clip(shift, -0.5, 0.5)) * RATE / CHROMA_FFT
        rows.append(row + start)
        pitches.append(69 + 12 * np.log2(hz / 440))
        sizes.append(np.sqrt(np.exp(mid)))
    row, pitch, size = np.concatenate(rows), np.concatenate(pitches), np.concatenate(sizes)
    tuning = 0.0
    if len(pitch):
        away = pitch - np.round(pitch)
        tuning = float(np.angle(np.sum(size * size * np.exp(2j * np.pi * away))) / (2 * np.pi))
    pitch = pitch - tuning
    nearest = np.round(pitch).astype(int)
    weight = size * np.exp(-0.5 * ((pitch - nearest) / 0.2) ** 2)
    cell = row * 12 + nearest % 12
    frames = np.bincount(cell, weight, minlength=count * 12).reshape(count, 12)
    below = nearest < BASS_MIDI
    bass = np.bincount(cell[below], weight[below], minlength=count * 12).reshape(count, 12)
    return Chroma(frames.astype(np.float32), bass.astype(np.float32), tuning)


@lru_cache(maxsize=1)
def _profiles() -> npt.NDArray[np.float64]:
    """(2, 24, 12) unit-variance profiles of every key: 12 majors by tonic, then 12 minors."""
    sets = []
    for pair in (_ALBRECHT, _TEMPERLEY):
        rows = np.array([np.roll(profile, tonic) for profile in pair for tonic in range(12)])
        rows = rows - rows.mean(axis=1, keepdims=True)
        sets.append(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return np.array(sets)


def key_scores(chroma: Chroma) -> npt.NDArray[np.float64]:
    """(24,) correlation with each key, majors by tonic then minors; zeros when nothing tonal sounds."""
    summed = chroma.frames.mean(axis=0, dtype=np.float64)
    summed = _fundamentals(summed)
    if not summed.sum() > 0:
        return np.zeros(24)
    summed = summed / summed.sum()
    bass = chroma.bass.sum(axis=0, dtype=np.float64)
    if bass.sum() > 0:
        summed = summed + _BASS * bass / bass.sum()
    centred = summed - summed.mean()
    size = np.linalg.norm(centred)
    if size < 1e-9:
        return np.zeros(24)
    scores: npt.NDArray[np.float64] = _TRUST @ (_profiles() @ (centred / size))
    return scores


def _fundamentals(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Chroma, (12,) or (n, 12), without overtones: a third partial sounds as the fifth, a fifth as the major third."""
    return np.maximum(0, rows - _FIFTHS * np.roll(rows, 7, axis=-1) - _THIRDS * np.roll(rows, 4, axis=-1))


def scores_of(rows: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(n, 24) as `key_scores`, for each of (n, 12) summed chroma whose bass is not known apart; zeros where even."""
    notes = _fundamentals(np.atleast_2d(np.asarray(rows, dtype=np.float64)))
    centred = notes - notes.mean(axis=1, keepdims=True)
    size = np.linalg.norm(centred, axis=1, keepdims=True)
    centred = np.where(size > 1e-9 * notes.sum(axis=1, keepdims=True), centred / np.maximum(size, 1e-12), 0.0)
    profiles = np.tensordot(_TRUST, _profiles(), axes=1)
    return np.asarray(centred @ profiles.T)


def key_of(chroma: Chroma) -> tuple[Key | None, npt.NDArray[np.float64]]:
    """The key with confidence and runners-up, and all 24 scores. None when nothing tonal sounds."""
    scores = key_scores(chroma)
    if not scores.any():
        return None, scores
    order = np.argsort(-scores)
    best = float(scores[order[0]])

    def named(index: int, confidence: float) -> Key:
        return Key(int(index) % 12, "major" if index < 12 else "minor", float(np.clip(confidence, 0, 1)))

    # A lead of .1 in correlation is a clear decision on these profiles; scale it to read as one.
    lead = best - float(scores[order[1]])
    confidence = float(np.clip(max(0.0, best) * (1 - np.exp(-lead / 0.05)), 0, 1))
    others = tuple(named(i, max(0.0, float(scores[i]))) for i in order[1:4])
    chosen = named(order[0], confidence)
    return Key(chosen.tonic, chosen.mode, chosen.confidence, others), scores
