"""Where a whole track lies against its measured bars: on them, off them, or drifting off them from end to end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generation.engines.mosaic.align import LOOK, alignment, attacks
from generation.engines.mosaic.plan import BEATS, SAMPLE_RATE

SIXTEENTHS = 4 * BEATS  # of a bar
FEW = 24  # attacks, of which no circle is read
SURE = 6.0  # attacks times the square of how well they agree: chance reaches it once in four hundred
FAR = 0.012  # seconds between two answers that are two answers, and of a slide that is one
ON = 0.010  # seconds an attack may lie off a sixteenth and still be on it
BETTER = 1.5  # times as many attacks on the sixteenths, for one answer to overrule another
SLIPS = np.arange(-10, 11) * 5e-5  # tempos that are tried, relative to the measured one


@dataclass(frozen=True)
class Lie:
    """offset: samples by which attacks lie after the measured beats at second `first`; slip: by how many more with
    every further sample.
    """

    offset: float = 0.0
    slip: float = 0.0
    first: float = 0.0

    def at(self, seconds: float) -> int:
        return round(self.offset + self.slip * (seconds - self.first) * SAMPLE_RATE)


def lie_of(samples: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Lie:
    """How the attacks of (2, n) lie on bars of even length (seconds).

    First every beat is looked at, within LOOK of where it was measured. What lies further off, as where the beat was
    read off its place, shows on the circle of the sixteenths: the mean angle of all attacks. And where the measured
    tempo is a few hundredths of a percent wrong, the angle turns from end to end.
    """
    if not len(starts):
        return Lie()
    beats = (starts[:, None] + (ends - starts)[:, None] * (np.arange(BEATS) / BEATS)).ravel()
    near = Lie(
        float(alignment(samples, beats.astype(np.float64), look=LOOK, around=0)), 0.0, float(starts[0])
    )
    at, strength = attacks(samples)
    if len(at) < FEW:
        return near
    step = float(np.median(ends - starts)) / SIXTEENTHS
    times, weight = at / SAMPLE_RATE - near.first, np.minimum(strength, 1.0)
    agreed = np.array([abs(_mean(times, weight, step, slip)) for slip in SLIPS]) ** 2 * len(at)
    still, best = float(agreed[len(SLIPS) // 2]), int(np.argmax(agreed))
    slides = abs(SLIPS[best]) * float(ends[-1] - starts[0]) > FAR
    slip = float(SLIPS[best]) if slides and agreed[best] - still > SURE else 0.0
    if not slip and still < SURE:
        return near
    angle = float(np.angle(_mean(times, weight, step, slip)))
    turned = Lie(float(round(angle / (2.0 * np.pi) * step * SAMPLE_RATE)), slip, near.first)
    if slip:
        return turned
    away = abs(turned.offset - near.offset) / SAMPLE_RATE
    on_near, on_turned = (_on(times, weight, step, lie.offset / SAMPLE_RATE) for lie in (near, turned))
    return turned if away > FAR and on_turned > BETTER * on_near else near


def _mean(times: np.ndarray, weight: np.ndarray, step: float, slip: float) -> complex:
    """Mean of the attacks on the circle of the sixteenths, each a unit long; 1 when all agree."""
    turned = np.exp(2j * np.pi * times * (1.0 - slip) / step)
    return complex((weight * turned).sum() / max(float(weight.sum()), 1e-9))


def _on(times: np.ndarray, weight: np.ndarray, step: float, offset: float) -> float:
    """Share of the attacks that lie on sixteenths shifted by `offset` seconds."""
    off = (times - offset + 0.5 * step) % step - 0.5 * step
    return float((weight * (np.abs(off) <= ON)).sum() / max(float(weight.sum()), 1e-9))
