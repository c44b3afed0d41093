"""From stretches that a network made to one sound: each in tempo and key, begun on a downbeat, joined on bar lines.

A network is asked for a tempo and a key in words, and comes near. The sound is measured and bent the rest of the way
(`exact`), within limits that are not heard as an effect; beyond them it stays as it is, and the take says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.analysis import TrackAnalysis
from generation.brief import Brief
from generation.engines.neural.exact import SAMPLE_RATE, Correction, corrected, correction, measured

BEATS = 4
FADE_BEATS = 1.0
RAMP_SECONDS = 0.008  # an attack is let in, not softened
OUT_SECONDS = 1.5


@dataclass(frozen=True, eq=False)
class Piece:
    """A stretch put right. audio: (2, n) float32 at 44.1 kHz that begins on a downbeat where one was heard.

    found: as it was measured before.
    """

    audio: np.ndarray
    found: TrackAnalysis
    by: Correction

    @property
    def notes(self) -> list[str]:
        """What could not be put right: of a key that is too far away the tempo still is."""
        return [] if self.by.possible else [f"{self.by.why} It is left as it is."]


def put_right(audio: np.ndarray, brief: Brief) -> Piece:
    """Bend (2, n) float32 at 44.1 kHz to the tempo and key of the brief, and begin it on a downbeat."""
    found = measured(audio, brief.bpm)
    by = correction(found, brief.bpm, brief.key)
    lead = 0.0
    if found.bpm and found.first_downbeat is not None and found.beat_period:
        lead = found.first_downbeat % (BEATS * found.beat_period)
    return Piece(corrected(audio[:, round(lead * SAMPLE_RATE) :], by), found, by)


def whole_bars(seconds: float, bpm: float, *, most: float | None = None) -> int:
    """The number of bars nearest to `seconds`, at least one, that fit into `most` seconds."""
    bar = BEATS * 60.0 / bpm
    count = max(1, round(seconds / bar))
    return count if most is None else max(1, min(count, int(most / bar + 1e-6)))


def sections(named: Sequence[tuple[str, int]], bpm: float) -> list[dict[str, Any]]:
    """As a Rendering tells them, of (name, bars) one after the other from the first bar on."""
    bar = BEATS * 60.0 / bpm
    found: list[dict[str, Any]] = []
    at = 0
    for name, bars in named:
        times = {"start": round(at * bar, 4), "end": round((at + bars) * bar, 4)}
        found.append({"name": name, "first_bar": at, "bars": bars, **times})
        at += bars
    return found


def joined(pieces: Sequence[Piece], bars: Sequence[int], brief: Brief) -> np.ndarray:
    """One after the other: of each its bars, its tail fading under the beginning of the next; faded out at the end."""
    beat = 60.0 / brief.bpm
    fade = round(FADE_BEATS * beat * SAMPLE_RATE)
    total = round(sum(bars) * BEATS * beat * SAMPLE_RATE)
    out = np.zeros((2, total), dtype=np.float32)
    begin = 0
    for place, piece in enumerate(pieces):
        end = round(sum(bars[: place + 1]) * BEATS * beat * SAMPLE_RATE)
        last = place == len(pieces) - 1
        sound = piece.audio[:, : end - begin + (0 if last else fade)].copy()
        if place:
            ramp = min(round(RAMP_SECONDS * SAMPLE_RATE), sound.shape[1])
            sound[:, :ramp] *= np.linspace(0, 1, ramp, dtype=np.float32)
        tail = max(0, sound.shape[1] - (end - begin))
        if tail:
            sound[:, -tail:] *= np.cos(np.linspace(0, np.pi / 2, tail, dtype=np.float32))
        fits = min(sound.shape[1], total - begin)
        out[:, begin : begin + fits] += sound[:, :fits]
        begin = end
    closing = min(round(OUT_SECONDS * SAMPLE_RATE), total // 4)
    out[:, total - closing :] *= np.cos(np.linspace(0, np.pi / 2, closing, dtype=np.float32))
    return out
