"""Room, echoes, ducking, risers: everything that places the sounds in one space and moves them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import soxr
from scipy import signal

from .dsp import band, bandpass, fade_edges, lowpass, peak_normalised, seconds
from .model import SAMPLE_RATE, Audio, stream
from .oscillators import noise


def impulse(seed: int, length: float, bright: float) -> Audio:
    """Stereo impulse response (2, n) at half rate, of unit energy.

    Early reflections, then noise whose highs die sooner.
    """
    rng = stream(seed, "room")
    rate = SAMPLE_RATE // 2
    t = np.arange(round(length * 1.1 * rate)) / rate
    out = np.zeros((2, len(t)), dtype=np.float32)
    # band edges are doubled because the filters count in full-rate hertz
    bands = ((180.0, 700.0, 1.0, 0.8), (700.0, 2400.0, 0.85, 1.0), (2400.0, bright, 0.55, 0.7))
    grow = np.clip((t - 0.012) / 0.02, 0.0, 1.0)
    for channel in range(2):
        for low, high, share, level in bands:
            tail = bandpass(noise(rng, len(t)), 2 * low, 2 * max(high, low * 1.3))
            out[channel] += (tail * grow * np.exp(-6.9 * t / (length * share)) * level).astype(np.float32)
        for late in rng.uniform(0.008, 0.05, 7):
            out[channel, round(late * rate)] += np.float32(rng.choice([-1, 1]) * 4.0 * np.exp(-late / 0.03))
    out /= np.sqrt(np.mean(np.sum(out**2, axis=1)))
    return fade_edges(out, 0.0, 0.05)


def reverberate(send: Audio, response: Audio) -> Audio:
    """Convolve a stereo send with a half-rate stereo room; output as long as the input.

    A room has little to say above 10 kHz, and at half rate it costs less than half.
    """
    half = np.ascontiguousarray(soxr.resample(send.T, 2, 1, quality="LQ").T)
    wet = signal.oaconvolve(half, response, axes=-1)[:, : half.shape[1]]
    full = soxr.resample(np.ascontiguousarray(wet.T, dtype=np.float32), 1, 2, quality="LQ").T
    out = np.zeros_like(send)
    length = min(out.shape[1], full.shape[1])
    out[:, :length] = full[:, :length]
    return out


def echoes(send: Audio, delay: int, feedback: float, *, damp: float = 3200.0, count: int = 5) -> Audio:
    """Ping-pong delay; each repeat is quieter, all are darker than the source."""
    dark = band(send, 250.0, damp)
    middle = 0.5 * (dark[0] + dark[1])
    out = np.zeros_like(send)
    for turn in range(count):
        late = delay * (turn + 1)
        if late >= send.shape[1]:
            break
        side = turn % 2
        level = np.float32(feedback**turn)
        out[side, late:] += middle[: send.shape[1] - late] * level
        out[1 - side, late:] += middle[: send.shape[1] - late] * level * np.float32(0.25)
    return out


def ducking(samples: int, kicks: list[tuple[int, float]], depth: float, recovery: float) -> Audio:
    """Gain curve (samples,) that dips at every (sample, velocity) and recovers exponentially; never a step."""
    length = round(min(0.6, recovery * 4.5) * SAMPLE_RATE)
    attack = round(0.003 * SAMPLE_RATE)
    t = np.arange(length) / SAMPLE_RATE
    shape = np.exp(-((t / recovery) ** 1.3))
    shape[:attack] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(attack) / attack)
    shape *= np.linspace(1.0, 0.0, length) ** 0.3
    dip: Audio = np.zeros(samples, dtype=np.float32)
    for at, velocity in kicks:
        end = min(samples, at + length)
        if end > at:
            piece = (shape[: end - at] * min(1.0, velocity)).astype(np.float32)
            np.maximum(dip[at:end], piece, out=dip[at:end])
    return (1.0 - np.float32(depth) * dip).astype(np.float32)


def riser(seed: int, samples: int) -> Audio:
    """Noise that opens and swells, ending abruptly enough to leave a gap before the drop. Peak 1."""
    rng = stream(seed, "riser")
    place = np.linspace(0.0, 1.0, samples)
    out = np.zeros((2, samples), dtype=np.float32)
    edges = (500.0, 1100.0, 2400.0, 5000.0, 9500.0)
    for channel in range(2):
        source = noise(rng, samples)
        for index, (low, high) in enumerate(pairwise(edges)):
            weight = np.exp(-(((place * 4.2 - index - 0.4) / 1.0) ** 2))
            out[channel] += bandpass(source, low, high) * weight.astype(np.float32)
    out *= (place**2).astype(np.float32)
    return fade_edges(peak_normalised(out), 0.02, 0.03)


def impact(seed: int, hz: float) -> Audio:
    """A low boom with a breath of noise for the first beat of a section. Peak 1, stereo."""
    rng = stream(seed, "impact")
    t = seconds(1.5)
    boom = np.sin(2 * np.pi * np.cumsum(hz * (1 + 1.2 * np.exp(-t / 0.05))) / SAMPLE_RATE) * np.exp(-t / 0.35)
    out = np.stack([boom, boom]).astype(np.float32)
    for channel in range(2):
        out[channel] += 0.5 * lowpass(noise(rng, len(t)), 2500) * np.exp(-t / 0.22).astype(np.float32)
    return fade_edges(peak_normalised(out), 0.002, 0.3)


def texture(seed: int, kind: str, samples: int) -> Audio:
    """A quiet bed that gives a record its air: "vinyl", "rain" or "wind". RMS near 0.1, stereo."""
    rng = stream(seed, "texture", kind)
    block = SAMPLE_RATE * 6
    out = np.zeros((2, block), dtype=np.float32)
    for channel in range(2):
        if kind == "vinyl":
            crackle = np.where(rng.random(block) < 0.0004, rng.standard_normal(block) * 6, 0.0).astype(
                np.float32
            )
            out[channel] = bandpass(crackle, 900, 6000) + 0.04 * bandpass(noise(rng, block), 200, 3000)
        elif kind == "rain":
            drops = np.where(rng.random(block) < 0.004, rng.standard_normal(block) * 2, 0.0).astype(
                np.float32
            )
            out[channel] = bandpass(drops, 1500, 9000) + 0.15 * bandpass(noise(rng, block), 1200, 7000)
        else:
            swell = 0.6 + 0.4 * np.sin(2 * np.pi * np.arange(block) / block * 2 + channel)
            out[channel] = bandpass(noise(rng, block), 250, 1100) * swell.astype(np.float32)
    out *= np.float32(0.1 / max(1e-9, float(np.sqrt(np.mean(out**2)))))
    return np.tile(out, (1, -(-samples // block)))[:, :samples]
