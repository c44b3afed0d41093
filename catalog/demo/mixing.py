"""From buses to one stereo mix: balance by measured loudness, filter sweeps, ducking, echoes and room."""

from __future__ import annotations

import numpy as np

from .arrangement import sections_of
from .dsp import SWEEP_HOP, decibels, swept_lowpass
from .mastering import loudness
from .model import SAMPLE_RATE, Audio
from .session import Session
from .space import ducking, echoes, impulse, reverberate

REFERENCE_LUFS = -18.0
# Bright, steady percussion is heard far more easily than its loudness says.
SOFTER = {"shaker": 0.5, "tambourine": 0.55, "rims": 0.7}


def brightness(session: Session) -> Audio:
    """Cutoff of the harmony over time: opens through intro and build, closes in the outro."""
    points, values = [0.0], [900.0]
    for section in sections_of(session.plan, session.clock):
        end = section.start + section.bars * session.clock.bar_seconds
        low, high = {
            "intro": (700.0, 2600.0),
            "build": (1100.0, 9000.0),
            "break": (5000.0, 9000.0),
            "outro": (9000.0, 900.0),
        }.get(section.name, (18_000.0, 18_000.0))
        points += [section.start + 0.005, end - 0.005]
        values += [low, high]
    times = np.arange(0, session.total, SWEEP_HOP) / SAMPLE_RATE
    return np.exp(np.interp(times, points, np.log(values))).astype(np.float32)


def balance(session: Session) -> None:
    """Set every group to its loudness in the last drop; the sections keep their relative levels."""
    last = max((bar.number for bar in session.bars if bar.section == "drop"), default=len(session.bars) - 1)
    first = max(0, last - 7)
    window = slice(session.clock.at(first), session.clock.at(last + 1))
    goals = {
        "drums": 1.0,
        **{name: getattr(session.traits, name) for name in ("perc", "sub", "bass", "pad", "keys", "lead")},
    }
    goals["perc"] *= SOFTER.get(session.percussion, 1.0)
    for name, share in goals.items():
        bus = session.buses[name]
        heard = np.repeat(bus[:, window], 2, axis=0) if bus.shape[0] == 1 else bus[:, window]
        level = loudness(heard)
        if share <= 0.0:
            bus *= 0.0
        elif np.isfinite(level):
            bus *= np.float32(decibels(REFERENCE_LUFS - level) * share)


def mix(session: Session) -> Audio:
    """The unmastered mix, (2, samples); the buses of the session are used up."""
    balance(session)
    buses, traits = session.buses, session.traits
    duck = ducking(session.total, session.kicks, traits.duck, traits.duck_seconds)
    light: Audio = 1.0 - 0.55 * (1.0 - duck)
    buses["sub"] *= duck
    buses["bass"] *= duck
    buses["lead"] *= 0.5 + 0.5 * light
    harmony: Audio = buses["pad"] * duck + buses["keys"] * light
    if session.style.rises:
        harmony = swept_lowpass(harmony, brightness(session))
    delayed = buses["lead"] * np.float32(1.8 * traits.delay)
    delayed += buses["keys"] * np.float32(0.5 * traits.delay)
    delayed += buses["perc"] * np.float32(0.25 * traits.delay)
    repeats = echoes(
        delayed, session.clock.span(3 if session.style.bpm[0] < 150 else 6), traits.delay_feedback
    )
    send = buses["lead"] + 0.75 * harmony + 0.45 * buses["perc"] + 0.12 * buses["drums"]
    send += 0.5 * buses["fx"]
    send += 0.7 * repeats
    send = (send * np.float32(1.7 * traits.room)).astype(np.float32)
    wet = reverberate(send, impulse(session.identity.seed, traits.room_seconds, traits.room_bright))
    total: Audio = np.zeros_like(wet)
    for part in (buses["drums"], buses["perc"], buses["bass"], harmony, buses["lead"], buses["fx"]):
        total += part
    total += (repeats + wet) * light
    total += buses["sub"]
    end = session.clock.at(len(session.bars))
    total[:, end:] *= np.linspace(1.0, 0.0, session.total - end, dtype=np.float32) ** 2
    return np.ascontiguousarray(total, dtype=np.float32)
