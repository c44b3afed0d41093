"""What is measured on the sound of a take, as its 24-bit files hold it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.analysis.loudness import measure, true_peak
from catalog.audio.encode import quantise
from generation.exports.stems import BITS, common_gain
from generation.loudness import k_weighted

RATE = 44_100
SILENT_DB = -120.0
_SCALE = 2.0**31  # `quantise` leaves the bits at the top of 32


def pcm(samples: np.ndarray) -> np.ndarray:
    """(channels, n) int32 of the 24-bit file."""
    return quantise(samples, BITS)


def digest(samples: np.ndarray) -> str:
    """SHA-256 of the 24-bit samples."""
    return hashlib.sha256(np.ascontiguousarray(pcm(samples).T).tobytes()).hexdigest()


def as_floats(numbers: np.ndarray) -> np.ndarray:
    return np.asarray(numbers / _SCALE, dtype=np.float64)


def decibels(value: float) -> float:
    return float(20.0 * np.log10(value)) if value > 1e-6 else SILENT_DB


def null_dbfs(audio: np.ndarray, stems: Mapping[str, np.ndarray]) -> float:
    """Peak in dBFS of master minus the sum of its stems, all as written: 24 bits, stems under their common gain."""
    gain = common_gain(stems.values())
    rest = as_floats(pcm(audio))
    for samples in stems.values():
        rest = rest - as_floats(pcm(samples * np.float32(gain))) / gain
    return 20.0 * float(np.log10(max(float(np.abs(rest).max(initial=0.0)), 1e-12)))


def written(audio: np.ndarray) -> np.ndarray:
    """(channels, n) float32 as read back from the file."""
    return np.asarray(as_floats(pcm(audio)), dtype=np.float32)


def loudness(audio: np.ndarray) -> float | None:
    """Integrated LUFS by the analysis' own meter, which shares nothing with the mastering's."""
    return measure(written(audio), RATE).lufs


def peak_dbtp(audio: np.ndarray) -> float:
    found = true_peak(written(audio), RATE)
    return SILENT_DB if found is None else found


def clipped(audio: np.ndarray) -> int:
    """Samples at full scale."""
    numbers = pcm(audio)
    top = (2 ** (BITS - 1) - 1) << (32 - BITS)
    return int(np.count_nonzero((numbers >= top) | (numbers <= -(2**31))))


def quietest_second(audio: np.ndarray, end: float) -> tuple[float, float]:
    """(dBFS RMS, seconds at which it begins) of the quietest second before `end`."""
    tenth = RATE // 10
    upto = min(audio.shape[1], round(end * RATE)) // tenth
    power = (
        np.square(audio[:, : upto * tenth], dtype=np.float64).mean(axis=0).reshape(upto, tenth).mean(axis=1)
    )
    if upto < 10:
        return SILENT_DB, 0.0
    running = np.convolve(power, np.full(10, 0.1), mode="valid")
    at = int(running.argmin())
    return max(SILENT_DB, 10.0 * float(np.log10(running[at] + 1e-15))), at / 10.0


def attack(samples: np.ndarray, times: np.ndarray) -> float | None:
    """Median rise in dB of (channels, n) at these onsets: the 10 ms after against the 10 ms before."""
    width, reach = RATE // 100, RATE // 200
    power = np.concatenate([[0.0], np.cumsum(np.square(samples).sum(axis=0), dtype=np.float64)])
    at = np.round(times * RATE).astype(int)
    at = at[(at >= width + reach) & (at < samples.shape[1] - width - reach)]
    if not at.size:
        return None
    # an onset is known to a few milliseconds: of the places around it the steepest
    places = at[:, None] + np.arange(-reach, reach + 1, 32)
    after, before = power[places + width] - power[places], power[places] - power[places - width]
    rise = 10.0 * np.log10((after + 1e-9) / (before + 1e-9))
    return float(np.median(rise.max(axis=1)))


@dataclass(frozen=True)
class Level:
    """Loudness of one section: K-weighted mean power as LUFS, ungated."""

    name: str
    start: float
    end: float
    lufs: float


def section_levels(audio: np.ndarray, sections: Sequence[Mapping[str, Any]]) -> list[Level]:
    power = np.square(k_weighted(audio, RATE)).sum(axis=0)
    found = []
    for section in sections:
        first, last = round(section["start"] * RATE), round(section["end"] * RATE)
        mean = float(power[first:last].mean()) if last > first else 0.0
        found.append(
            Level(
                section["name"],
                section["start"],
                section["end"],
                -0.691 + 10.0 * float(np.log10(mean + 1e-12)),
            )
        )
    return found


def contrast(levels: Sequence[Level]) -> float | None:
    """LU from the quietest break (else intro) up to the loudest drop; None without both."""
    drops = [level.lufs for level in levels if level.name == "drop"]
    quiet = [level.lufs for level in levels if level.name == "break"]
    quiet = quiet or [level.lufs for level in levels if level.name == "intro"]
    return max(drops) - min(quiet) if drops and quiet else None
