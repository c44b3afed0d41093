"""Small array tools: envelopes, filters, placing a sound on a bus."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from .model import SAMPLE_RATE, Audio

Coefficients = NDArray[np.float64]
SWEEP_HOP = 256


def seconds(length: float) -> NDArray[np.float64]:
    """Time axis of a sound of this many seconds."""
    return np.arange(max(1, round(length * SAMPLE_RATE))) / SAMPLE_RATE


def hertz(midi: float) -> float:
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))


def decibels(value: float) -> float:
    """Gain factor of a level in dB."""
    return float(10.0 ** (value / 20.0))


@lru_cache(maxsize=256)
def _sections(kind: str, low: float, high: float, order: int) -> Coefficients:
    edges: float | list[float] = [low, high] if kind == "bandpass" else (low if kind == "highpass" else high)
    return np.asarray(signal.butter(order, edges, btype=kind, fs=SAMPLE_RATE, output="sos"))


def _clip_hz(hz: float) -> float:
    return round(float(min(max(hz, 10.0), SAMPLE_RATE * 0.47)), 2)


def _apply(sos: Coefficients, sound: Audio) -> Audio:
    return np.asarray(signal.sosfilt(sos, sound, axis=-1), dtype=np.float32)


def lowpass(sound: Audio, hz: float, order: int = 2) -> Audio:
    return _apply(_sections("lowpass", 0.0, _clip_hz(hz), order), sound)


def highpass(sound: Audio, hz: float, order: int = 2) -> Audio:
    return _apply(_sections("highpass", _clip_hz(hz), 0.0, order), sound)


def bandpass(sound: Audio, low: float, high: float, order: int = 1) -> Audio:
    return _apply(_sections("bandpass", _clip_hz(low), _clip_hz(high), order), sound)


def band(sound: Audio, low: float, high: float) -> Audio:
    """High-pass and low-pass in one go (12 dB per octave each); far cheaper than two calls on a long sound."""
    high_pass = _sections("highpass", _clip_hz(low), 0.0, 2)
    return _apply(np.vstack([high_pass, _sections("lowpass", 0.0, _clip_hz(high), 2)]), sound)


def tone(sound: Audio, *, low_cut: float, shelves: tuple[tuple[float, float, bool], ...]) -> Audio:
    """A low cut and shelving filters (Hz, dB, high side?) in one go."""
    return _apply(
        np.vstack([_sections("highpass", _clip_hz(low_cut), 0.0, 2), *(shelf(*item) for item in shelves)]),
        sound,
    )


def k_weighted(sound: Audio) -> Audio:
    """The two filters of ITU-R BS.1770: shelf (RBJ, 1500 Hz, +4 dB, Q 0.707) and high-pass (38 Hz, Q 0.5)."""
    return _apply(_k_sections(), sound)


@lru_cache(maxsize=1)
def _k_sections() -> Coefficients:
    w = 2.0 * np.pi * 38.13547087602444 / SAMPLE_RATE
    cos, alpha = np.cos(w), np.sin(w) / (2.0 * 0.5003270373238773)
    low_cut = np.array([[(1 + cos) / 2, -(1 + cos), (1 + cos) / 2, 1 + alpha, -2 * cos, 1 - alpha]]) / (
        1 + alpha
    )
    return np.vstack([shelf(1681.974450955533, 3.999843853973347, True, q=0.7071752369554196), low_cut])


def shelf(hz: float, gain_db: float, high: bool, *, q: float = 0.6) -> Coefficients:
    """One second-order section of a shelving filter (RBJ audio cookbook)."""
    a = 10.0 ** (gain_db / 40.0)
    w = 2.0 * np.pi * hz / SAMPLE_RATE
    cos, k = np.cos(w), 2.0 * np.sqrt(a) * np.sin(w) / (2.0 * q)
    s = 1.0 if high else -1.0
    b = np.array(
        [
            a * ((a + 1) + s * (a - 1) * cos + k),
            -2 * s * a * ((a - 1) + s * (a + 1) * cos),
            a * ((a + 1) + s * (a - 1) * cos - k),
        ]
    )
    d = np.array(
        [
            (a + 1) - s * (a - 1) * cos + k,
            2 * s * ((a - 1) - s * (a + 1) * cos),
            (a + 1) - s * (a - 1) * cos - k,
        ]
    )
    return np.concatenate([b, d])[None, :] / d[0]


def swept_lowpass(sound: Audio, cutoff: Audio) -> Audio:
    """Low-pass whose cutoff follows a curve (Hz, one value per 256 samples, slowly moving).

    A bank of fixed filters half an octave apart, faded into each other: no coefficient ever jumps, so it cannot
    click, and each filter only runs where it is heard. At 15 kHz and above the sound passes untouched.
    """
    grid = np.geomspace(150.0, 15_000.0, 14)
    points = np.append(np.arange(0, sound.shape[-1], SWEEP_HOP), sound.shape[-1])
    level = np.log(np.clip(np.append(cutoff, cutoff[-1])[: len(points)], grid[0], grid[-1]))
    spot = np.interp(level, np.log(grid), np.arange(len(grid)))
    out = np.zeros_like(sound)
    warm = SAMPLE_RATE // 20
    for index, hz in enumerate(grid):
        share = np.clip(1.0 - np.abs(spot - index), 0.0, 1.0)
        heard = np.flatnonzero((share[:-1] > 0) | (share[1:] > 0))
        for run in np.split(heard, np.flatnonzero(np.diff(heard) > 1) + 1) if len(heard) else []:
            first, last = int(points[run[0]]), int(points[run[-1] + 1])
            start = max(0, first - warm) if index < len(grid) - 1 else first
            piece = sound[..., start:last]
            if index < len(grid) - 1:
                piece = lowpass(piece, float(hz))
            weight = np.interp(np.arange(first, last), points, share).astype(np.float32)
            out[..., first:last] += piece[..., first - start :] * weight
    return out


def fade_edges(sound: Audio, fade_in: float, fade_out: float) -> Audio:
    """Raised-cosine edges (seconds), in place."""
    n = sound.shape[-1]
    first, last = min(n, round(fade_in * SAMPLE_RATE)), min(n, round(fade_out * SAMPLE_RATE))
    if first > 1:
        sound[..., :first] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(first) / first)).astype(np.float32)
    if last > 1:
        sound[..., n - last :] *= (0.5 + 0.5 * np.cos(np.pi * np.arange(1, last + 1) / last)).astype(
            np.float32
        )
    return sound


def peak_normalised(sound: Audio, peak: float = 1.0) -> Audio:
    top = float(np.max(np.abs(sound), initial=0.0))
    return (sound * (peak / top)).astype(np.float32) if top > 0 else sound.astype(np.float32)


def loud_normalised(sound: Audio, rms: float = 0.2) -> Audio:
    """Scale so that the louder half of the sound has this RMS: notes of any timbre then share one level."""
    power = np.mean(np.atleast_2d(sound).astype(np.float64) ** 2, axis=0)
    frame = 1024
    if len(power) > 2 * frame:
        power = power[: len(power) // frame * frame].reshape(-1, frame).mean(axis=1)
        power = np.sort(power)[len(power) // 2 :]
    level = float(np.sqrt(power.mean()))
    return (sound * (rms / level)).astype(np.float32) if level > 1e-9 else sound.astype(np.float32)


def panned(sound: Audio, pan: float) -> Audio:
    """Mono to stereo, constant power; pan -1 (left) .. 1 (right)."""
    if sound.ndim == 2:
        return sound
    angle = (pan + 1.0) * np.pi / 4.0
    return np.stack(
        [sound * np.float32(np.cos(angle) * np.sqrt(2)), sound * np.float32(np.sin(angle) * np.sqrt(2))]
    )


def place(bus: Audio, sound: Audio, at: int, gain: float = 1.0) -> None:
    """Add a sound to a bus at a sample index; whatever lies outside the bus is cut."""
    if at < 0:
        sound, at = sound[..., -at:], 0
    length = min(sound.shape[-1], bus.shape[-1] - at)
    if length > 0:
        bus[..., at : at + length] += sound[..., :length] * np.float32(gain)


def soft_clip(sound: Audio, drive: float) -> Audio:
    """tanh saturation that leaves small signals at unity gain."""
    return np.asarray(np.tanh(sound * np.float32(drive)) / np.float32(drive), dtype=np.float32)


def knee_clip(sound: Audio, threshold: float) -> Audio:
    """Leaves everything below the threshold untouched and rounds what is above it off towards 1."""
    out = sound.copy()
    hot = np.nonzero(np.abs(out) > np.float32(threshold))
    room = np.float32(1.0 - threshold)
    kept = np.float32(threshold) + room * np.tanh((np.abs(out[hot]) - np.float32(threshold)) / room)
    out[hot] = np.copysign(kept, out[hot])
    return out
