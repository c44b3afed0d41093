"""A small drum kit by General MIDI number, made of sines and noise."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from scipy.signal import butter, sosfilt

from bench.labelled.case import RATE

# Band of the noise (Hz), its decay (s), tone (Hz, 0 for none), its decay, share of tone, level.
_KIT: dict[str, tuple[tuple[float, float], float, float, float, float, float]] = {
    "kick": ((60, 3000), 0.01, 52, 0.16, 0.92, 1.0),
    "snare": ((900, 9000), 0.11, 190, 0.07, 0.4, 0.7),
    "clap": ((900, 5000), 0.12, 0, 0.1, 0.0, 0.6),
    "closed": ((7000, 16000), 0.03, 0, 0.1, 0.0, 0.3),
    "open": ((6000, 16000), 0.18, 0, 0.1, 0.0, 0.3),
    "tom": ((100, 2000), 0.03, 110, 0.2, 0.85, 0.7),
    "crash": ((3000, 16000), 0.8, 0, 0.1, 0.0, 0.4),
    "ride": ((5000, 14000), 0.3, 3300, 0.25, 0.2, 0.25),
    "block": ((1500, 8000), 0.01, 1150, 0.04, 0.8, 0.5),
}
_NUMBERS = {
    35: "kick",
    36: "kick",
    37: "block",
    38: "snare",
    39: "clap",
    40: "snare",
    42: "closed",
    44: "closed",
}
_NUMBERS |= {
    46: "open",
    49: "crash",
    52: "crash",
    55: "crash",
    57: "crash",
    51: "ride",
    53: "ride",
    59: "ride",
}
_NUMBERS |= dict.fromkeys((41, 43, 45, 47, 48, 50), "tom") | dict.fromkeys((54, 69, 70, 82), "closed")


@lru_cache(maxsize=512)
def hit(number: int, velocity: int) -> np.ndarray:
    """(samples,) of one stroke of a General MIDI drum at a velocity of 1 to 127."""
    band, noise_decay, hz, tone_decay, share, level = _KIT[_NUMBERS.get(number, "block")]
    count = int(RATE * min(1.5, 5 * max(noise_decay, tone_decay if hz else 0)))
    times = np.arange(count) / RATE
    noise = np.random.default_rng(number).standard_normal(count)
    noise = sosfilt(butter(2, band, "bandpass", fs=RATE, output="sos"), noise)
    noise *= np.exp(-times / noise_decay) / (np.abs(noise).max() + 1e-9)
    tone = np.zeros(count)
    if hz:
        bent = hz * (1 + (3 * np.exp(-times / 0.012) if hz < 100 else 0.0))
        tone = np.sin(2 * np.pi * np.cumsum(bent) / RATE) * np.exp(-times / tone_decay)
    return np.asarray((velocity / 127) ** 1.5 * level * (share * tone + (1 - share) * noise), np.float32)


def mixed(placed: Iterable[tuple[float, np.ndarray]], seconds: float) -> np.ndarray:
    """(2, samples): sounds at their times in seconds, with a quiet room behind them, peak .8."""
    mono = np.zeros(int(seconds * RATE), np.float32)
    for time, sound in placed:
        at = round(time * RATE)
        end = min(len(mono), at + len(sound))
        if end > at >= 0:
            mono[at:end] += sound[: end - at]
    mono *= 0.8 / max(float(np.abs(mono).max()), 1e-6)
    mono += 1e-4 * np.random.default_rng(0).standard_normal(len(mono)).astype(np.float32)
    return np.stack([mono, mono])
