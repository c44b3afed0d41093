"""Drum one-shots, synthesised once per track from the artist's traits. All mono float32 with peak 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import signal

from .dsp import bandpass, fade_edges, highpass, lowpass, peak_normalised, seconds
from .model import SAMPLE_RATE, Audio, stream
from .oscillators import noise
from .traits import Traits

VARIANTS = 3


Build = Callable[[np.random.Generator], Audio]


@dataclass
class Kit:
    """Named one-shots, made when first struck; several takes of each, so that repeats are never identical."""

    seed: int
    builds: dict[str, tuple[Build, int]]
    shots: dict[tuple[str, int], Audio] = field(default_factory=dict)

    def pick(self, name: str, turn: int) -> Audio:
        """A take of the named shot; turn chooses which."""
        build, takes = self.builds[name]
        take = turn % takes
        if (name, take) not in self.shots:
            self.shots[name, take] = build(stream(self.seed, "kit", name, take))
        return self.shots[name, take]


def _tone(hz: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE)


def kick(rng: np.random.Generator, traits: Traits, *, length: float = 0.42) -> Audio:
    """Sine with a two-stage pitch drop, a click and saturation; starts on its first sample."""
    t = seconds(length)
    hz = traits.kick_hz * (1.0 + traits.kick_sweep * np.exp(-t / 0.012) + 0.45 * np.exp(-t / 0.055))
    hz = hz + 900.0 * traits.kick_click * np.exp(-t / 0.0035)  # the beater
    body = _tone(hz, t) * np.exp(-((t / traits.kick_decay) ** 1.4))
    click = bandpass(noise(rng, len(t)), 1500, 6500) * np.exp(-t / 0.004) * (1.8 * traits.kick_click)
    out = np.tanh((body + click) * traits.kick_drive)
    return fade_edges(peak_normalised(out), 0.0004, 0.03)


def snare(rng: np.random.Generator, traits: Traits, *, length: float = 0.36) -> Audio:
    """Two shell modes with a pitch drop, a bright two-stage noise and a hint of clap."""
    t = seconds(length)
    drop = 1.0 + 0.9 * np.exp(-t / 0.010)
    shell = _tone(traits.snare_hz * drop, t) * np.exp(-t / (0.55 * traits.snare_decay))
    shell += 0.5 * _tone(traits.snare_hz * 1.62 * drop, t) * np.exp(-t / (0.35 * traits.snare_decay))
    rattle = bandpass(noise(rng, len(t)), 900, traits.snare_bright, 1)
    rattle = rattle + 0.4 * bandpass(noise(rng, len(t)), 5200, 11_500)
    rattle = rattle * (1.1 * np.exp(-t / 0.022) + 0.65 * np.exp(-t / traits.snare_decay))
    out = shell * 0.9 + rattle * traits.snare_noise + clap(rng, traits, length=length) * traits.clap * 0.6
    return fade_edges(peak_normalised(np.tanh(1.5 * out)), 0.0004, 0.05)


def clap(rng: np.random.Generator, traits: Traits, *, length: float = 0.30) -> Audio:
    """Four short bursts and a tail, band-limited around 1.3 kHz."""
    t = seconds(length)
    envelope = np.zeros_like(t)
    for index, start in enumerate((0.0, 0.0105, 0.0215)):
        late = np.maximum(t - start, 0.0)
        envelope += (t >= start) * np.exp(-late / (0.0045 + 0.001 * index)) * (0.9 + 0.05 * index)
    late = np.maximum(t - 0.030, 0.0)
    envelope += (t >= 0.030) * np.exp(-late / (0.045 + 0.35 * traits.snare_decay)) * 0.8
    out = bandpass(noise(rng, len(t)), 800, 3800, 1) * envelope
    return fade_edges(peak_normalised(out), 0.0004, 0.04)


def rim(rng: np.random.Generator, traits: Traits) -> Audio:
    t = seconds(0.09)
    out = sum(
        np.sin(2 * np.pi * hz * traits.perc_tune * t) * np.exp(-t / d)
        for hz, d in ((1720.0, 0.010), (820.0, 0.016), (2630.0, 0.006))
    )
    out = out + highpass(noise(rng, len(t)), 3000) * np.exp(-t / 0.003) * 0.4
    return fade_edges(peak_normalised(np.tanh(np.asarray(out) * 1.3)), 0.0003, 0.01)


def _metal(rng: np.random.Generator, base: float, samples: int) -> Audio:
    """Six inharmonic pulse trains, as in the old drum machines."""
    t = np.arange(samples) / SAMPLE_RATE
    out = np.zeros(samples)
    for ratio in (1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523):
        out += np.sign(np.sin(2 * np.pi * base * ratio * t + rng.uniform(0, 6.28)))
    return (out / 6.0).astype(np.float32)


def hat(rng: np.random.Generator, traits: Traits, *, decay: float, length: float) -> Audio:
    t = seconds(length)
    source = traits.hat_metal * _metal(rng, 395.0 * traits.perc_tune, len(t)) + 0.45 * noise(rng, len(t))
    out = highpass(source, traits.hat_hz, 4)
    out = lowpass(out, 13_000) * (np.exp(-t / decay) + 0.5 * np.exp(-t / (0.25 * decay)))
    return fade_edges(peak_normalised(out), 0.0005, min(0.02, length / 4))


def ride(rng: np.random.Generator, traits: Traits) -> Audio:
    t = seconds(0.55)
    source = 0.8 * _metal(rng, 520.0 * traits.perc_tune, len(t)) + 0.25 * noise(rng, len(t))
    out = bandpass(source, 4200, 11_000, 2) * (0.8 * np.exp(-t / 0.16) + 0.5 * np.exp(-t / 0.02))
    return fade_edges(peak_normalised(out), 0.0005, 0.08)


def crash(rng: np.random.Generator, traits: Traits) -> Audio:
    t = seconds(1.6)
    source = 0.5 * _metal(rng, 447.0 * traits.perc_tune, len(t)) + 0.7 * noise(rng, len(t))
    out = highpass(source, 3200, 2) * np.exp(-t / 0.42)
    return fade_edges(peak_normalised(lowpass(out, 13_000)), 0.001, 0.4)


def shaker(rng: np.random.Generator, traits: Traits, *, length: float = 0.11) -> Audio:
    """Grains swell for some 15 ms before they fall, so the loudest moment is still near the grid."""
    t = seconds(length)
    envelope = (1 - np.exp(-t / 0.006)) * np.exp(-t / 0.030)
    return fade_edges(peak_normalised(bandpass(noise(rng, len(t)), 4800, 10_500, 2) * envelope), 0.001, 0.02)


def tambourine(rng: np.random.Generator, traits: Traits) -> Audio:
    t = seconds(0.22)
    grains = np.where(rng.random(len(t)) < 0.02, rng.standard_normal(len(t)) * 4.0, 0.0)
    out = bandpass((grains + 0.4 * rng.standard_normal(len(t))).astype(np.float32), 6000, 12_000, 2)
    return fade_edges(peak_normalised(out * np.exp(-t / 0.06)), 0.0005, 0.04)


def skin(
    rng: np.random.Generator,
    traits: Traits,
    *,
    hz: float,
    decay: float,
    bend: float,
    slap: float,
    length: float,
) -> Audio:
    """A hand drum: membrane modes (ratios of a circular membrane) with a bend, and a slap of the hand."""
    t = seconds(length)
    tuned = hz * traits.perc_tune
    curve = tuned * (1.0 + bend * np.exp(-t / 0.03))
    out = _tone(curve, t) * np.exp(-t / decay)
    for ratio, level, short in ((1.593, 0.45, 0.5), (2.136, 0.28, 0.35), (2.653, 0.16, 0.28)):
        out += level * _tone(curve * ratio, t) * np.exp(-t / (decay * short))
    out = out + 2.2 * slap * bandpass(noise(rng, len(t)), 1500, 6500) * np.exp(-t / 0.008)
    return fade_edges(peak_normalised(np.tanh(out * 1.1)), 0.0004, min(0.03, length / 4))


def tabla_bass(rng: np.random.Generator, traits: Traits) -> Audio:
    """The low drum whose pitch rises after the stroke."""
    t = seconds(0.42)
    hz = 82.0 * traits.perc_tune * (1.0 + 0.32 * (1 - np.exp(-t / 0.09)) + 0.5 * np.exp(-t / 0.006))
    out = _tone(hz, t) * np.exp(-t / 0.14) + 0.25 * bandpass(noise(rng, len(t)), 700, 3000) * np.exp(
        -t / 0.005
    )
    return fade_edges(peak_normalised(out), 0.0004, 0.06)


def tabla_ring(rng: np.random.Generator, traits: Traits) -> Audio:
    """The high drum: harmonic partials, a bell-like ring."""
    t = seconds(0.30)
    base = 310.0 * traits.perc_tune
    out = sum(
        level * np.sin(2 * np.pi * base * ratio * t) * np.exp(-t / d)
        for ratio, level, d in ((1, 0.7, 0.09), (2, 1.0, 0.07), (3, 0.5, 0.05), (4.02, 0.3, 0.03))
    )
    out = np.asarray(out) + 1.2 * bandpass(noise(rng, len(t)), 2000, 7000) * np.exp(-t / 0.006)
    return fade_edges(peak_normalised(out), 0.0004, 0.04)


def block(rng: np.random.Generator, traits: Traits, hz: float) -> Audio:
    t = seconds(0.12)
    out = np.sin(2 * np.pi * hz * t) * np.exp(-t / 0.022) + 0.5 * np.sin(2 * np.pi * hz * 1.51 * t) * np.exp(
        -t / 0.012
    )
    return fade_edges(peak_normalised(out), 0.0004, 0.02)


def bell(rng: np.random.Generator, traits: Traits, hz: float) -> Audio:
    """Cowbell, gankogui, ride bell: two square-ish tones a rough fifth apart."""
    t = seconds(0.32)
    raw = np.sign(np.sin(2 * np.pi * hz * t)) + np.sign(np.sin(2 * np.pi * hz * 1.482 * t))
    out = bandpass(raw.astype(np.float32), hz * 0.9, hz * 5, 1) * (
        np.exp(-t / 0.07) + 0.4 * np.exp(-t / 0.012)
    )
    return fade_edges(peak_normalised(out), 0.0005, 0.05)


def roomy(shot: Audio, seed: int, amount: float, length: float) -> Audio:
    """Print a short, bright room on a one-shot (the gated snare of the genre), then close the gate."""
    if amount <= 0.0:
        return shot
    rng = stream(seed, "drum room")
    t = seconds(length)
    impulse = bandpass(noise(rng, len(t)), 350, 7000) * np.exp(-t / (0.3 * length))
    impulse = impulse / np.sqrt(np.sum(impulse**2))
    tail = signal.fftconvolve(shot, impulse).astype(np.float32)
    out = np.zeros(len(tail), dtype=np.float32)
    out[: len(shot)] += shot
    out += tail * np.float32(amount)
    return fade_edges(peak_normalised(out), 0.0, 0.06)


def make_kit(seed: int, traits: Traits, *, room: float = 0.0) -> Kit:
    """All one-shots of a track. room (0..1) prints a gated room on snare and clap."""

    def boxed(shot: Audio) -> Audio:
        return roomy(shot, seed, room, 0.22)

    return Kit(
        seed,
        {
            "kick": (lambda r: kick(r, traits), 1),
            "snare": (lambda r: boxed(snare(r, traits)), 2),
            "ghost": (lambda r: lowpass(snare(r, traits, length=0.14), 4500), 2),
            "clap": (lambda r: boxed(clap(r, traits)), 2),
            "rim": (lambda r: rim(r, traits), 1),
            "hat": (lambda r: hat(r, traits, decay=traits.hat_decay * 0.6, length=0.12), VARIANTS),
            "open": (lambda r: hat(r, traits, decay=traits.hat_decay * 3.2, length=0.34), 2),
            "ride": (lambda r: ride(r, traits), 2),
            "crash": (lambda r: crash(r, traits), 1),
            "shaker": (lambda r: shaker(r, traits), VARIANTS),
            "tambourine": (lambda r: tambourine(r, traits), 2),
            "low": (lambda r: skin(r, traits, hz=96, decay=0.13, bend=0.35, slap=0.35, length=0.36), 2),
            "mid": (lambda r: skin(r, traits, hz=168, decay=0.10, bend=0.2, slap=0.4, length=0.28), 2),
            "high": (lambda r: skin(r, traits, hz=262, decay=0.07, bend=0.1, slap=0.6, length=0.22), 2),
            "slap": (lambda r: skin(r, traits, hz=345, decay=0.03, bend=0.1, slap=1.4, length=0.12), 2),
            "dum": (lambda r: tabla_bass(r, traits), 1),
            "tin": (lambda r: tabla_ring(r, traits), 1),
            "block": (lambda r: block(r, traits, 1180 * traits.perc_tune), 1),
            "clave": (lambda r: block(r, traits, 2350 * traits.perc_tune), 1),
            "bell": (lambda r: bell(r, traits, 560 * traits.perc_tune), 1),
            "tom": (lambda r: skin(r, traits, hz=112, decay=0.16, bend=0.6, slap=0.25, length=0.4), 1),
        },
    )
