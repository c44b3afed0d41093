"""The numbers that make an artist sound like one artist: drawn once, then only nudged per track."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True)
class Traits:
    """Timbre and mix of one artist. Times in seconds, frequencies in Hz, levels linear, spreads in cents."""

    # drums
    kick_hz: float = 50.0
    kick_sweep: float = 4.0
    kick_decay: float = 0.20
    kick_click: float = 0.30
    kick_drive: float = 1.6
    snare_hz: float = 190.0
    snare_noise: float = 0.65
    snare_decay: float = 0.16
    snare_bright: float = 6500.0
    clap: float = 0.4
    hat_hz: float = 7500.0
    hat_decay: float = 0.05
    hat_metal: float = 0.5
    perc_tune: float = 1.0
    # tones
    bass_cutoff: float = 500.0
    bass_resonance: float = 1.4
    bass_drive: float = 1.8
    bass_detune: float = 9.0
    pad_cutoff: float = 2400.0
    pad_spread: float = 22.0
    keys_cutoff: float = 3600.0
    keys_decay: float = 0.30
    lead_cutoff: float = 4200.0
    lead_decay: float = 0.45
    # space
    room_seconds: float = 1.4
    room_bright: float = 5500.0
    delay_feedback: float = 0.38
    # strokes of the kit among themselves
    kick: float = 1.0
    snare: float = 0.75
    hats: float = 0.26
    # mix: loudness of each group in the drop, relative to the drum kit (0.5 is 6 LU softer)
    perc: float = 0.32
    sub: float = 0.50
    bass: float = 0.50
    pad: float = 0.32
    keys: float = 0.40
    lead: float = 0.36
    fx: float = 0.16
    room: float = 0.22
    delay: float = 0.22
    duck: float = 0.55
    duck_seconds: float = 0.13
    drive: float = 1.15
    air_db: float = 3.0
    low_db: float = -1.0

    def drawn(self, rng: np.random.Generator, spread: float) -> Traits:
        """Every figure times exp(N(0, spread)), kept within bounds that still sound right."""
        tender = {
            "kick_hz": 0.35,
            "hat_hz": 0.5,
            "snare_hz": 0.5,
            "perc_tune": 0.4,
            "kick": 0.3,
            "snare": 0.4,
            "sub": 0.4,
            "bass": 0.5,
            "duck": 0.3,
            "drive": 0.2,
            "room_seconds": 0.7,
            "delay_feedback": 0.4,
            "kick_sweep": 0.6,
            "kick_decay": 0.6,
        }
        new: dict[str, float] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            step = float(np.clip(rng.normal(0.0, spread), -2.2 * spread, 2.2 * spread))
            new[item.name] = value * float(np.exp(step * tender.get(item.name, 1.0)))
        new["duck"] = min(new["duck"], 0.8)
        new["delay_feedback"] = min(new["delay_feedback"], 0.55)
        new["kick_hz"] = float(np.clip(new["kick_hz"], 42.0, 62.0))
        return replace(self, **new)
