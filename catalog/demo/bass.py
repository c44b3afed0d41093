"""Bass: the sounds and the lines. Sub and mid are separate, so that the sub stays a clean mono sine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrangement import Bar
from .dsp import fade_edges, hertz, highpass, loud_normalised, soft_clip
from .figures import FIGURES
from .model import SAMPLE_RATE, Audio, stream
from .oscillators import Curve, control_times, fm, wave
from .theory import Chord, bass_pitch
from .traits import Traits


@dataclass(frozen=True)
class BassNote:
    """A note of the line. shape names the movement within the sound (a wobble rate, "open", "short")."""

    bar: int
    step: float
    steps: float
    pitch: int
    velocity: float
    shape: str = "open"
    sub_only: bool = False


WOBBLES = {"1/4": 4.0, "1/8": 2.0, "1/8t": 4.0 / 3.0, "1/16": 1.0, "1/4.": 6.0, "1/2": 8.0}


class Bassist:
    """One figure per track, following the chords; the fourth bar of every phrase answers."""

    def __init__(self, seed: int, *, figures: str, low: int) -> None:
        options = FIGURES[figures]
        rng = stream(seed, "bassist")
        order = rng.permutation(len(options))
        self._first = options[int(order[0])]
        self._second = options[int(order[min(1, len(order) - 1)])]
        self._rng = stream(seed, "bass strokes")
        self._low = low

    def bar(self, bar: Bar, chord: Chord, following: Chord) -> list[BassNote]:
        if bar.bass <= 0.0:
            return []
        root = bass_pitch(chord.root, low=self._low)
        if bar.sub_only:
            return [BassNote(bar.number, 0, 15.5, root, 0.8 * bar.bass, "open", True)]
        answer = bar.index_in_section % 8 in (6, 7) or (bar.occurrence > 0 and bar.index_in_section % 4 == 2)
        figure = self._second if answer else self._first
        line = figure[bar.index_in_section % 2]
        notes = []
        for stroke in line:
            if bar.fill and stroke.step >= 14:
                continue
            pitch = self._pitch(stroke.pitch, root, chord, following)
            accent = bar.bass * (0.92 if stroke.step == 0 else 0.84)
            velocity = accent * float(np.clip(1 + self._rng.normal(0, 0.05), 0.85, 1.1))
            notes.append(
                BassNote(bar.number, stroke.step, stroke.steps, pitch, min(1.0, velocity), stroke.shape)
            )
        return notes

    def _pitch(self, name: str, root: int, chord: Chord, following: Chord) -> int:
        fifth = bass_pitch((chord.root + 7) % 12, low=self._low)
        if name == "octave":
            return root + 12
        if name == "fifth":
            return fifth
        if (
            name == "leading"
        ):  # the fifth leads back to the same root; towards another root, stay and let it fall
            return fifth if following.root == chord.root else root
        return root


def sub(pitch: int, samples: int, traits: Traits) -> Audio:
    """A sine with a trace of second and third harmonic, so that small speakers hear it. Mono."""
    hz = hertz(pitch)
    while hz > 88.0:
        hz /= 2.0
    t = np.arange(samples) / SAMPLE_RATE
    angle = 2 * np.pi * hz * t
    out = np.sin(angle) + 0.10 * np.sin(2 * angle) + 0.05 * np.sin(3 * angle)
    return fade_edges((0.8 * out).astype(np.float32), 0.004, 0.022)


def _lfo(times: Curve, period: float) -> Curve:
    """1 at the start of the note, so that every stroke speaks on its beat."""
    return 0.5 + 0.5 * np.cos(2 * np.pi * times / period)


def mid(
    kind: str, pitch: int, samples: int, traits: Traits, shape: str, step_seconds: float, seed: int
) -> Audio:
    """The audible part of a bass note, stereo (2, n), level-normalised, click-free at both ends."""
    rng = stream(seed, "bass", kind, pitch, shape)
    times = control_times(samples)
    hz = hertz(pitch)
    cents = traits.bass_detune / 1200.0
    phases = rng.uniform(0, 1, 4)
    tail = 0.02
    if kind == "wobble":
        lfo = _lfo(times, WOBBLES[shape] * step_seconds) if shape in WOBBLES else np.exp(-times / 0.5)
        cutoff = traits.bass_cutoff * 0.4 * 2.0 ** (3.9 * lfo**1.3)
        vowels = (380.0 * 2.0 ** (1.1 * lfo), 900.0 * 2.0 ** (1.4 * lfo))
        tone = [
            wave(
                hz * 2 ** (side * cents),
                samples,
                cutoff=cutoff,
                resonance=1.2 + traits.bass_resonance,
                shape="saw",
                formants=vowels,
                phase=phases[i],
                most=70,
            )
            for i, side in enumerate((-1, 1))
        ]
        body = wave(hz, samples, cutoff=cutoff * 0.8, shape="square", phase=phases[2], most=40)
        out = np.stack([tone[0] + 0.35 * tone[1] + 0.6 * body, tone[1] + 0.35 * tone[0] + 0.6 * body])
    elif kind == "growl":
        lfo = _lfo(times, WOBBLES.get(shape, 6.0) * step_seconds)
        cutoff = traits.bass_cutoff * 0.5 * 2.0 ** (2.6 * lfo)
        modulated = [
            fm(hz * 2 ** (side * cents / 2), samples, ratio=1.0, index=0.6 + 3.4 * lfo, phase=phases[i])
            for i, side in enumerate((-1, 1))
        ]
        body = wave(
            hz,
            samples,
            cutoff=cutoff,
            resonance=traits.bass_resonance,
            shape="pulse",
            phase=phases[2],
            most=60,
        )
        out = np.stack([0.6 * modulated[0] + body, 0.6 * modulated[1] + body])
    elif kind == "reese":
        slow = 0.5 + 0.5 * np.sin(2 * np.pi * (times / (WOBBLES.get(shape, 16.0) * step_seconds) + 0.15))
        cutoff = traits.bass_cutoff * 1.2 * 2.0 ** (1.6 * slow)
        a, b, c = (
            wave(
                hz * 2 ** (side * cents * 1.6),
                samples,
                cutoff=cutoff,
                resonance=traits.bass_resonance,
                phase=phases[i],
                most=60,
            )
            for i, side in enumerate((-1.0, 1.0, 0.12))
        )
        out = np.stack([a + 0.55 * b + 0.5 * c, b + 0.55 * a + 0.5 * c])
    elif kind == "acid":
        cutoff = traits.bass_cutoff * (0.7 + 3.2 * np.exp(-times / 0.09))
        out = wave(
            hz, samples, cutoff=cutoff, resonance=3.5 + traits.bass_resonance, shape="saw", phase=0.0, most=90
        )
    elif kind == "pluck":
        cutoff = traits.bass_cutoff * (0.55 + 2.6 * np.exp(-times / 0.07))
        out = wave(hz, samples, cutoff=cutoff, resonance=traits.bass_resonance, shape="saw", most=60)
        out = (out + 0.7 * wave(hz, samples, cutoff=900.0, shape="square", most=16)) * np.exp(
            -np.arange(samples) / SAMPLE_RATE / 0.35
        ).astype(np.float32)
    elif kind == "round":
        out = wave(
            hz,
            samples,
            cutoff=traits.bass_cutoff * (0.7 + 0.6 * np.exp(-times / 0.05)),
            resonance=0.8,
            shape="triangle",
            most=12,
        )
        out = out + 0.25 * wave(hz, samples, cutoff=traits.bass_cutoff, shape="saw", most=12)
    elif kind == "organ":
        out = fm(hz, samples, ratio=2.0, index=0.9 * np.exp(-times / 0.12) + 0.25) + 0.4 * fm(
            hz * 2, samples, ratio=1.0, index=0.3
        )
        out = out * np.exp(-np.arange(samples) / SAMPLE_RATE / 0.5).astype(np.float32)
    elif kind == "eight":
        bend = hz * (1.0 + 1.4 * np.exp(-times / 0.018))
        out = soft_clip(wave(bend, samples, cutoff=400.0, shape="sine", most=4), 2.4)
        out = out * np.exp(-np.arange(samples) / SAMPLE_RATE / 0.9).astype(np.float32)
        tail = 0.05
    elif kind == "finger":
        out = wave(hz, samples, cutoff=traits.bass_cutoff * 3.0, shape="saw", decay_tilt=2.4, most=30)
    else:
        raise ValueError(f"unknown bass {kind!r}")
    out = soft_clip(loud_normalised(np.atleast_2d(out), 0.32), traits.bass_drive)
    if out.shape[0] == 1:
        out = np.repeat(out, 2, axis=0)
    if kind not in ("eight",):
        out = highpass(out, 85.0)
    return fade_edges(loud_normalised(out, 0.22), 0.003, tail)
