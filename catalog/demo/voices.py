"""Pads, chords and leads. Every sound is stereo (2, samples), level-normalised, with soft edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .dsp import fade_edges, hertz, highpass, loud_normalised, lowpass
from .model import SAMPLE_RATE, Audio, stream
from .oscillators import Curve, control_times, fm, noise, pad, wave
from .traits import Traits


@dataclass(frozen=True)
class PadTone:
    """bright and spread scale the artist's own pad cutoff and detuning."""

    bright: float
    spread: float
    slope: float
    odd_only: float = 0.0
    formants: tuple[float, ...] = ()


PADS = {
    "warm": PadTone(1.0, 1.0, 1.25),
    "strings": PadTone(1.5, 1.2, 0.95, formants=(620.0, 1250.0)),
    "choir": PadTone(1.3, 1.5, 1.0, formants=(480.0, 860.0, 2500.0)),
    "glass": PadTone(2.2, 0.45, 1.6, odd_only=0.5, formants=(2100.0,)),
    "hollow": PadTone(0.9, 0.8, 1.1, odd_only=0.85),
    "air": PadTone(1.1, 2.2, 0.9, odd_only=0.3, formants=(900.0,)),
}


def pad_sound(kind: str, pitches: tuple[int, ...], samples: int, traits: Traits, seed: int) -> Audio:
    """A chord held for its whole length, with a soft beginning and end."""
    tone = PADS[kind]
    out = pad(
        stream(seed, "pad", kind, *pitches),
        tuple(hertz(pitch) for pitch in pitches),
        samples,
        cutoff=traits.pad_cutoff * tone.bright,
        spread_cents=traits.pad_spread * tone.spread,
        slope=tone.slope,
        odd_only=tone.odd_only,
        formants=tone.formants,
    )
    return fade_edges(loud_normalised(highpass(out, 140.0), 0.16), 0.05, 0.035)


@dataclass(frozen=True)
class Strike:
    """All an instrument needs to know about one note. shade below 1 asks for a softer, darker tone."""

    hz: float
    samples: int
    traits: Traits
    rng: np.random.Generator
    shade: float

    @cached_property
    def control(self) -> Curve:
        return control_times(self.samples)

    @cached_property
    def times(self) -> Curve:
        return np.arange(self.samples) / SAMPLE_RATE

    def decay(self, seconds: float) -> Audio:
        return np.exp(-self.times / seconds).astype(np.float32)

    def pair(self, cents: float, *, amount: float = 0.5, most: int = 40, **tone: object) -> Audio:
        """Two detuned oscillators, one leaning left, one right; amount 1 keeps them fully apart."""
        low, high = (
            wave(
                self.hz * 2 ** (side / 1200),
                self.samples,
                phase=float(self.rng.uniform(0, 1)),
                most=most,
                **tone,  # type: ignore[arg-type]
            )
            for side in (-cents, cents)
        )
        return np.stack([low + (1 - amount) * high, high + (1 - amount) * low])


def _pluck(at: Strike) -> Audio:
    life = at.traits.lead_decay
    out = at.pair(6, cutoff=at.traits.lead_cutoff * at.shade * 1.6, decay_tilt=0.55 / life, most=28)
    return out * at.decay(life)


def _saw(at: Strike) -> Audio:
    return at.pair(
        9, amount=0.7, cutoff=at.traits.lead_cutoff * at.shade * (0.6 + 0.9 * np.exp(-at.control / 0.16))
    )


def _square(at: Strike) -> Audio:
    cutoff = at.traits.lead_cutoff * at.shade * (0.5 + 0.7 * np.exp(-at.control / 0.12))
    return at.pair(4, amount=0.6, cutoff=cutoff, shape="square", most=30) * at.decay(
        at.traits.lead_decay * 2.5
    )


def _flute(at: Strike) -> Audio:
    onset = np.clip((at.control - 0.15) / 0.3, 0, 1)
    vibrato = at.hz * (1 + 0.005 * np.sin(2 * np.pi * 5.1 * at.control) * onset)
    tone = wave(vibrato, at.samples, cutoff=2600.0 * at.shade, poles=2, shape="triangle", most=12)
    tone = tone + 0.12 * wave(vibrato, at.samples, cutoff=2400.0 * at.shade, poles=2, shape="saw", most=10)
    breath = highpass(noise(at.rng, at.samples), 2500) * np.float32(0.014)
    return fade_edges(np.stack([tone + breath, tone - breath]), min(0.06, at.samples / SAMPLE_RATE / 4), 0.05)


def _bell(at: Strike) -> Audio:
    index = 1.2 * at.shade * np.exp(-at.control / 0.14)
    sides = []
    for detune, phase in ((1.0, 0.0), (1.0015, 0.25)):
        strike = 0.4 * fm(at.hz * 2, at.samples, ratio=1.41, index=index * 0.5, phase=phase)
        sides.append(fm(at.hz * detune, at.samples, ratio=3.5, index=index) + strike)
    return np.stack(sides) * at.decay(at.traits.lead_decay * 1.4)


def _kalimba(at: Strike) -> Audio:
    """A tine: the fundamental rings, the inharmonic overtones (5.4, 2) die early."""
    life, turn = at.traits.lead_decay, 2 * np.pi * at.hz * at.times
    tone = np.sin(turn) * np.exp(-at.times / life) + 0.18 * np.sin(2 * turn) * np.exp(
        -at.times / (0.6 * life)
    )
    if at.hz * 5.43 < 15_000:
        tone += 0.3 * np.sin(5.43 * turn) * np.exp(-at.times / 0.045)
    return np.stack([tone, np.roll(tone, 9)])


def _reed(at: Strike) -> Audio:
    cutoff = at.traits.lead_cutoff * at.shade * (0.25 + 0.2 * np.clip(at.control / 0.08, 0, 1))
    bend = (
        at.hz * (1 - 0.018 * np.exp(-at.control / 0.05)) * (1 + 0.004 * np.sin(2 * np.pi * 5.6 * at.control))
    )
    tone = wave(bend, at.samples, cutoff=cutoff, resonance=0.8, poles=2, shape="pulse", most=24)
    return fade_edges(np.stack([tone, tone]), 0.02, 0.04)


def _rhodes(at: Strike) -> Audio:
    index = 1.1 * at.shade * np.exp(-at.control / 0.30) + 0.08
    tine = 0.18 * fm(at.hz, at.samples, ratio=14.0, index=0.25 * np.exp(-at.control / 0.04))
    tone = fm(at.hz, at.samples, ratio=1.0, index=index) + tine
    sway = (0.18 * np.sin(2 * np.pi * 4.2 * at.times)).astype(np.float32)
    return np.stack([tone * (1 + sway), tone * (1 - sway)]) * at.decay(max(0.5, at.traits.keys_decay * 3))


def _piano(at: Strike) -> Audio:
    cutoff = at.traits.keys_cutoff * 1.5 * at.shade
    return at.pair(1.5, cutoff=cutoff, poles=2, decay_tilt=0.35, most=24) * at.decay(0.9)


def _organ(at: Strike) -> Audio:
    tone = wave(at.hz, at.samples, cutoff=at.traits.keys_cutoff * 1.4, poles=2, shape="organ", most=8)
    return np.stack([tone, np.roll(tone, 23)]) * (0.75 + 0.25 * at.decay(0.06))


def _stab(at: Strike) -> Audio:
    life = at.traits.keys_decay
    cutoff = at.traits.keys_cutoff * at.shade * (0.35 + 1.5 * np.exp(-at.control / (0.35 * life)))
    return at.pair(11, amount=0.8, cutoff=cutoff, resonance=1.1, most=36) * at.decay(life)


def _skank(at: Strike) -> Audio:
    tone = wave(at.hz, at.samples, cutoff=at.traits.keys_cutoff * 1.1, poles=2, shape="organ", most=8)
    tone = tone + 0.4 * wave(at.hz, at.samples, cutoff=at.traits.keys_cutoff, decay_tilt=3.0, most=20)
    return np.stack([tone, np.roll(tone, 17)]) * at.decay(0.10)


def _guitar(at: Strike) -> Audio:
    strings = at.pair(2.5, amount=1.0, cutoff=at.traits.keys_cutoff * 1.6, decay_tilt=0.12)
    return lowpass(np.tanh(3.0 * lowpass(strings, 3500.0)), 5200.0)  # amplifier, then cabinet


INSTRUMENTS: dict[str, Callable[[Strike], Audio]] = {
    "pluck": _pluck,
    "saw": _saw,
    "square": _square,
    "flute": _flute,
    "bell": _bell,
    "kalimba": _kalimba,
    "reed": _reed,
    "rhodes": _rhodes,
    "piano": _piano,
    "organ": _organ,
    "stab": _stab,
    "skank": _skank,
    "guitar": _guitar,
}


# Where the melody of an instrument lies best (MIDI); the rest play a little below C5.
REGISTERS = {
    "reed": 62,
    "saw": 65,
    "square": 65,
    "pluck": 67,
    "organ": 65,
    "piano": 67,
    "kalimba": 69,
    "bell": 70,
}


def note(kind: str, pitch: int, samples: int, traits: Traits, seed: int, *, soft: bool = False) -> Audio:
    """One lead or key note of the named instrument (KeyError if there is none of that name)."""
    strike = Strike(hertz(pitch), samples, traits, stream(seed, "note", kind, pitch), 0.55 if soft else 1.0)
    return fade_edges(loud_normalised(INSTRUMENTS[kind](strike).astype(np.float32), 0.17), 0.003, 0.03)
