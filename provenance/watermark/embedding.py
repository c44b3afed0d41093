"""Gains for the cells of a recording, as strong as its own sound hides them, and their application."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft

from .layout import BANDS, BINS, FIRST_BIN, FRAMES, PERIOD, Pattern, hop_at
from .masking import Audibility, afterwards, band_barks, starts, thresholds

STRENGTH_DB = 0.5  # at most
MARGIN_DB = 3.0  # under the masking threshold
QUIET = 10.0 ** (-75.0 / 10.0)  # mean square of a cell: what is below it stays untouched
_CHUNK = 512  # frames worked on at once


@dataclass(frozen=True)
class Mark:
    """What is done to a recording of so many samples.

    gains: (frames, BANDS) float32, what is added to each band, 0 for nothing. hop: samples from frame to frame.
    """

    gains: np.ndarray
    samples: int
    hop: int
    audibility: Audibility

    def apply(self, audio: np.ndarray) -> np.ndarray:
        """The marked copy of (channels, samples) float32: the recording itself, or a part of it.

        Linear: marked parts add up to the marked whole. Where the gains are 0 nothing changes, to the last bit.
        Raises ValueError for another length than the recording's.
        """
        if audio.shape[1] != self.samples:
            raise ValueError(f"the mark is for {self.samples} samples, not {audio.shape[1]}")
        out = np.array(audio, np.float32)
        for channel, target in zip(audio, out, strict=True):
            self._add(np.asarray(channel, np.float32), target)
        return out

    def _add(self, channel: np.ndarray, out: np.ndarray) -> None:
        first, last = FIRST_BIN - 1, FIRST_BIN + BANDS * BINS + 1
        window = _window(2 * self.hop)
        for at, frames in _framed(channel, self.hop):
            gains = self.gains[at : at + len(frames)]
            if not gains.any() or not frames.any():
                continue
            spectrum = scipy.fft.rfft(frames * window, axis=1)
            spectrum[:, :first] = 0
            spectrum[:, last:] = 0
            spectrum[:, first:last] *= _per_bin(gains)
            pieces = scipy.fft.irfft(spectrum, n=2 * self.hop, axis=1)
            pieces *= window
            # frame k covers samples (k - 1) * hop to (k + 1) * hop
            whole = np.zeros((len(frames) + 1, self.hop), np.float32)
            whole[:-1] += pieces[:, : self.hop]
            whole[1:] += pieces[:, self.hop :]
            begin = (at - 1) * self.hop
            piece = whole.ravel()[max(0, -begin) : max(0, len(out) - begin)]
            out[max(0, begin) : max(0, begin) + len(piece)] += piece


def plan(audio: np.ndarray, sample_rate: int, serial: int, pattern: Pattern) -> Mark:
    """What it takes to mark (channels, samples) float32 with this serial. The same for the same input.

    Raises ValueError for a serial that does not fit, and for a rate below 32 kHz.
    """
    chips, hop = pattern.chips(serial), hop_at(sample_rate)
    count = audio.shape[1] // hop + 2
    blocks = -(-count // FRAMES)
    energy, limit = np.zeros((2, blocks * FRAMES, len(starts())), np.float64)
    bands = np.zeros((blocks * FRAMES, BANDS), np.float64)
    for parts in zip(*(_framed(np.asarray(channel, np.float32), hop) for channel in audio), strict=True):
        at = parts[0][0]
        power = np.zeros((len(parts[0][1]), hop + 1))
        for _, frames in parts:
            if frames.any():
                spectrum = scipy.fft.rfft(frames * _window(2 * hop), axis=1)
                power += spectrum.real**2 + spectrum.imag**2
        here = slice(at, at + len(power))
        energy[here], limit[here] = thresholds(power)
        inside = power[:, FIRST_BIN : FIRST_BIN + BANDS * BINS]
        bands[here] = inside.reshape(len(power), BANDS, BINS).sum(axis=2)
    limit = afterwards(limit)
    # under the window, a mean square of 1 gives this sum of squares over the bins of a frame
    strength = _strength(energy, limit, bands / (len(audio) * float(hop) ** 2))
    decibels = strength * chips[np.arange(blocks) % PERIOD]
    # raised and lowered by as many dB, a band would be louder on average than it was
    decibels -= strength**2 * (np.log(10.0) / 20.0)
    gains = np.repeat(10.0 ** (decibels / 20.0) - 1.0, FRAMES, axis=0)[:count].astype(np.float32)
    audibility = _audibility(gains, strength, energy[:count], limit[:count], bands[:count])
    return Mark(gains, audio.shape[1], hop, audibility)


def _strength(energy: np.ndarray, limit: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(blocks, BANDS) dB: what the threshold leaves in the most delicate moment of a block. levels: mean squares."""
    each = (len(energy) // FRAMES, FRAMES, -1)
    lowest = (limit / np.maximum(energy, 1e-20)).reshape(each).min(axis=1)
    allowed = 20.0 * np.log10(1.0 + np.sqrt(lowest * 10.0 ** (-MARGIN_DB / 10.0)))
    strength = np.minimum(STRENGTH_DB, allowed)[:, band_barks()]
    strength[levels.reshape(each).mean(axis=1) < QUIET] = 0.0
    return np.asarray(strength)


def _audibility(
    gains: np.ndarray, strength: np.ndarray, energy: np.ndarray, limit: np.ndarray, bands: np.ndarray
) -> Audibility:
    added = np.zeros_like(energy)
    changed = bands * gains.astype(np.float64) ** 2
    for band, bark in enumerate(band_barks()):
        added[:, bark] += changed[:, band]
    used, where = strength > 0, added > 0
    if not used.any() or not where.any():
        return Audibility(-120.0, -120.0, 0.0, 0.0)
    against = 10.0 * np.log10(added[where] / np.maximum(limit[where], 1e-20))
    return Audibility(
        float(against.max()), float(against.mean()), float(strength[used].mean()), float(used.mean())
    )


def _framed(channel: np.ndarray, hop: int) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first, (frames, 2 hop)) in chunks; frame k is centred at sample k * hop, zeros beyond the ends."""
    count = len(channel) // hop + 2
    for at in range(0, count, _CHUNK):
        here = min(_CHUNK, count - at)
        begin, end = (at - 1) * hop, (at + here) * hop
        piece = np.zeros((here + 1) * hop, np.float32)
        inside = channel[max(0, begin) : min(len(channel), end)]
        piece[max(0, -begin) : max(0, -begin) + len(inside)] = inside
        yield at, np.lib.stride_tricks.sliding_window_view(piece, 2 * hop)[::hop]


@lru_cache(maxsize=4)
def _window(length: int) -> np.ndarray:
    """Sine: its square and those of its neighbours add up to one."""
    return np.sin(np.pi * (np.arange(length) + 0.5) / length).astype(np.float32)


def _per_bin(gains: np.ndarray) -> np.ndarray:
    """(frames, BANDS * BINS + 2): a band's gain on its bins, halfway between two at their edge, so that less rings."""
    edges = np.pad(gains, ((0, 0), (1, 1)))
    out = np.pad(np.repeat(gains, BINS, axis=1), ((0, 0), (1, 1)))
    out[:, 1::BINS] = (edges[:, 1:] + edges[:, :-1]) / 2
    return out
