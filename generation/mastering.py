"""One gain curve from mix to master: loudness to a target, true peak under a ceiling, stems that still sum.

Nothing here is nonlinear across stems. A master is the mix times one gain curve g(t), and every stem is multiplied by
the same g(t); so the stems add up to the master by construction, and muting one leaves the others as they were heard.

Loudness follows ITU-R BS.1770-4 (K weighting, 400 ms blocks, two gates); true peak follows its annex 2 (four times
oversampling). The limiter looks ahead, is computed on blocks of 16 samples, and recovers at a constant rate in dB.

Beside one constant gain the curve is local: what changes in a mix changes the master from 10 ms before to 250 ms after
it and nowhere else, to the last bit, as long as the constant gain is the same. So a take can be changed in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from generation.loudness import block_energies, gated
from generation.truepeak import BLOCK as CONTROL  # samples per step of the gain curve (0.36 ms at 44.1 kHz)
from generation.truepeak import TruePeaks, block_peaks, decibels

ATTACK_SECONDS = 0.003
# (reduction in dB down to which it holds, dB per second): all is recovered within a quarter of a second
RELEASE = ((10.0, 50.0), (60.0, 250.0))
MARGIN_DB = 0.35  # the limiter aims this far under the ceiling: its curve is smooth, peaks are not
MAX_GAIN_DB = 48.0  # a mix quieter than this below its target stays quiet: it is noise, not music
SPARE_DB = 0.3  # what is measured must lie so far under it: the standard's own filter reads up to .31 higher
GAIN_DIGITS = 6  # of the constant gain in dB: what is stored gives the same samples again
ROUNDS = 12  # of lowering what was found too high after limiting; one is seldom needed

TARGET_LUFS: Mapping[str, float] = {
    "dubstep": -9.0,
    "uk bass": -9.0,
    "bass": -9.0,
    "drum and bass": -9.0,
    "jungle": -9.5,
    "hard techno": -9.0,
    "trap": -9.5,
    "techno": -9.5,
    "electro": -10.0,
    "breaks": -10.0,
    "house": -10.0,
    "disco": -10.5,
    "garage": -10.0,
    "trance": -10.0,
    "pop": -10.5,
    "hip-hop": -10.5,
    "hip hop": -10.5,
    "rock": -11.0,
    "lo-fi": -12.5,
    "downtempo": -12.0,
    "folk": -13.0,
    "jazz": -13.5,
    "orchestral": -14.0,
    "classical": -14.0,
    "ambient": -14.0,
}
DEFAULT_LUFS = -11.0


def target_lufs(genre: str | None) -> float:
    """Loudness target in LUFS for a genre name; the longest known name contained in it wins, -11 when none is."""
    wanted = (genre or "").casefold().replace("&", "and").replace("dnb", "drum and bass")
    known = [name for name in TARGET_LUFS if name in wanted]
    return TARGET_LUFS[max(known, key=len)] if known else DEFAULT_LUFS


@dataclass(frozen=True)
class Mastered:
    """audio: (channels, samples) float32, the sum of `stems`; lufs is None for material too short or silent."""

    audio: np.ndarray
    stems: dict[str, np.ndarray]
    lufs: float | None
    true_peak_dbtp: float
    gain_db: float  # constant gain before the limiter
    deepest_reduction_db: float  # most the limiter took away at any moment


def master(
    stems: Mapping[str, np.ndarray],
    sample_rate: int,
    *,
    target_lufs: float,
    gain_db: float | None = None,
    ceiling_dbtp: float = -1.0,
    in_place: bool = False,
    on_step: Callable[[], None] = lambda: None,
) -> Mastered:
    """Bring the sum of `stems` to `target_lufs` (LUFS) with no true peak above `ceiling_dbtp` (dBTP).

    stems: equal-shaped (channels, samples) float32 arrays. No single stem exceeds the ceiling either, so that writing
    them to fixed-point files clips nothing. gain_db: the constant gain of an earlier master, to be used again instead
    of looking for one. in_place: the stems are the caller's no longer, and become those of the master. `on_step` is
    called between stages and may raise to stop.
    Raises ValueError for no stems, unequal shapes, or NaN/infinite samples.
    """
    names = list(stems)
    if not names:
        raise ValueError("mastering needs at least one stem")
    shape = stems[names[0]].shape
    if any(stems[name].shape != shape for name in names) or len(shape) != 2 or shape[1] == 0:
        raise ValueError("stems must be equal-shaped (channels, samples) arrays")
    mix = _sum([stems[name] for name in names])
    if not np.isfinite(mix).all():
        raise ValueError("a stem holds samples that are not numbers")

    peaks = _Peaks(mix, [block_peaks(stems[name]) for name in names])
    ceiling = 10.0 ** ((ceiling_dbtp - MARGIN_DB) / 20.0)
    on_step()
    energy = block_energies(mix, sample_rate)
    on_step()
    if gain_db is None:
        # between the samples only what is left of the way: peaks there cost the most
        near = _gain_for(energy, lambda level: peaks.samples, sample_rate, target_lufs, ceiling)
        exact = _gain_for(energy, peaks.above, sample_rate, target_lufs, ceiling, first_db=near)
        gain_db = round(exact, GAIN_DIGITS)
    on_step()
    curve, peak = _curve(
        mix, peaks, gain_db, sample_rate, ceiling, 10.0 ** ((ceiling_dbtp - SPARE_DB) / 20.0)
    )
    on_step()
    samples = _to_samples(curve, shape[1])
    mastered = {
        name: np.multiply(stems[name], samples, out=stems[name] if in_place else None, dtype=np.float32)
        for name in names
    }
    audio = _sum([mastered[name] for name in names], mix)
    on_step()
    return Mastered(
        audio=audio,
        stems=mastered,
        lufs=_limited(energy, curve, sample_rate),
        true_peak_dbtp=decibels(peak),
        gain_db=gain_db,
        deepest_reduction_db=decibels(float(curve.min()) / float(_linear(gain_db))),
    )


def gain_curve(
    mix: np.ndarray, sample_rate: int, target_lufs: float, ceiling_dbtp: float = -1.0
) -> np.ndarray:
    """(samples,) float32: what `master` would multiply (channels, samples) by, near enough to foresee its sound."""
    peaks = block_peaks(mix)
    energy = block_energies(mix, sample_rate)
    ceiling = 10.0 ** ((ceiling_dbtp - MARGIN_DB) / 20.0)
    gain_db = _gain_for(energy, lambda level: peaks, sample_rate, target_lufs, ceiling)
    return _to_samples(_limit(_linear(gain_db), peaks, sample_rate, ceiling), mix.shape[1])


def ceiling_curve(
    audio: np.ndarray, sample_rate: int, ceiling_dbtp: float = -1.0
) -> tuple[np.ndarray | None, float]:
    """What keeps (channels, samples) float32 under the ceiling, (samples,) float32, and its true peak in dBTP then.

    None for a recording that needs nothing: a finished master that was changed a little afterwards.
    """
    allowed = 10.0 ** ((ceiling_dbtp - SPARE_DB) / 20.0)
    peaks = _Peaks(audio, [block_peaks(audio)])
    highest = float(peaks.above(allowed).max(initial=0.0))
    if highest <= allowed:
        return None, decibels(highest or TruePeaks(audio).highest())
    # the master's own limiter left so much room; only what the change added is to go
    curve, peak = _curve(audio, peaks, 0.0, sample_rate, allowed, allowed)
    return _to_samples(curve, audio.shape[1]), decibels(peak)


class _Peaks:
    """What must stay under the ceiling in each block: the mix between its samples, and each stem at its samples."""

    def __init__(self, mix: np.ndarray, stems: list[np.ndarray]) -> None:
        self._mix = TruePeaks(mix)
        self._stems = np.maximum.reduce(stems)
        self.samples = np.maximum(self._mix.samples, self._stems)

    def above(self, level: float) -> np.ndarray:
        """(blocks,) float32: exact for each block whose peak exceeds `level`; no other is above it."""
        return np.maximum(self._mix.above(level), self._stems)


def _gain_for(
    energy: np.ndarray,
    above: Callable[[float], np.ndarray],
    sample_rate: int,
    target: float,
    ceiling: float,
    *,
    first_db: float | None = None,
) -> float:
    """The constant gain (dB) that reaches the target loudness through the limiter.

    The limiter takes loudness away, so the gain is found by iteration on block energies: g varies slowly against the
    K filter, so weighting commutes with it closely enough, and no sample is touched until the gain is known. `above`
    gives the peaks, exact above a level; first_db: where to begin.
    """
    unlimited = gated(energy, sample_rate)
    if unlimited is None:  # silence or a fraction of a second: only keep it under the ceiling
        return 0.0
    gain_db = min(MAX_GAIN_DB, target - unlimited if first_db is None else first_db)
    slope = 1.0
    before: tuple[float, float] | None = None
    for _ in range(12):
        linear = _linear(gain_db)
        curve = _limit(linear, above(ceiling / float(linear)), sample_rate, ceiling)
        reached = _limited(energy, curve, sample_rate)
        if reached is None:
            break
        missing = target - reached
        if abs(missing) < 0.02 or gain_db >= MAX_GAIN_DB:
            break
        if before is not None and abs(gain_db - before[0]) > 1e-6:
            slope = float(np.clip((reached - before[1]) / (gain_db - before[0]), 0.1, 1.0))
        before = (gain_db, reached)
        gain_db = min(MAX_GAIN_DB, gain_db + float(np.clip(missing / slope, -6.0, 6.0)))
    return gain_db


def _limited(energy: np.ndarray, curve: np.ndarray, sample_rate: int) -> float | None:
    """Loudness (LUFS) of what has these energies per block, under a gain curve."""
    return gated(energy * curve.astype(np.float64) ** 2, sample_rate)


def _curve(
    mix: np.ndarray, peaks: _Peaks, gain_db: float, sample_rate: int, ceiling: float, allowed: float
) -> tuple[np.ndarray, float]:
    """The gain curve per block, and the true peak that the mix has under it.

    The curve bends between blocks, so what it lets through is measured, not assumed; where that is too much, the
    block counts as so much higher and the curve is drawn again. Nothing is turned down as a whole: that would carry
    one moment's peak to all others.
    """
    linear = _linear(gain_db)
    found = peaks.above(ceiling / float(linear)).copy()
    for _ in range(ROUNDS):
        curve = _limit(linear, found, sample_rate, ceiling)
        heard = TruePeaks(mix * _to_samples(curve, mix.shape[1]))
        level = heard.above(allowed)
        over = level > allowed
        if not over.any():
            break
        found[over] *= level[over] / np.float32(allowed) * np.float32(1.002)
    return curve, heard.highest()


def _linear(gain_db: float) -> np.float32:
    return np.float32(10.0 ** (gain_db / 20.0))


def _limit(gain: np.float32, peaks: np.ndarray, sample_rate: int, ceiling: float) -> np.ndarray:
    """Gain per block after the limiter: never above ceiling/peak, anticipating by the attack, recovering linearly."""
    from scipy.ndimage import correlate1d, minimum_filter1d

    over = peaks * gain
    loud = over > ceiling
    if not loud.any():
        return np.full(peaks.size, gain, dtype=np.float32)
    reduction = np.zeros(peaks.size)
    reduction[loud] = 20.0 * np.log10(ceiling / over[loud].astype(np.float64))
    held = np.zeros_like(reduction)
    above = 0.0
    for depth, rate in RELEASE:
        # linear recovery in dB is a running lower envelope of lines, hence one accumulate
        part = np.clip(reduction + above, -(depth - above), 0.0)
        ramp = np.arange(part.size) * (rate * CONTROL / sample_rate)
        held += np.minimum.accumulate(part - ramp) + ramp
        above = depth
    half = max(2, round(ATTACK_SECONDS * sample_rate / CONTROL / 2))
    # widest reach of the two averages plus one block for the interpolation between block centres
    held = minimum_filter1d(np.minimum(held, reduction), 2 * (2 * half + 1) + 1, mode="nearest")
    # two running means of 2 half + 1 blocks, as one sum in a fixed order: a running sum would remember all before
    box = np.ones(2 * half + 1)
    smooth = correlate1d(held, np.convolve(box, box) / box.size**2, mode="nearest")
    return (gain * 10.0 ** (np.minimum(smooth, 0.0) / 20.0)).astype(np.float32)


def _to_samples(curve: np.ndarray, count: int) -> np.ndarray:
    """The curve per block, a straight line between the middles of blocks, as `count` samples, float32."""
    ends = np.pad(curve, 1, mode="edge")
    along = (np.arange(CONTROL, dtype=np.float32) + np.float32(0.5)) / np.float32(CONTROL)
    lines = ends[:-1, None] + np.diff(ends)[:, None] * along
    return np.ascontiguousarray(lines.ravel()[CONTROL // 2 :][:count])


def _sum(parts: list[np.ndarray], into: np.ndarray | None = None) -> np.ndarray:
    """Sum in the given order: float addition does not commute with reordering, and a master must repeat exactly."""
    total = np.empty(parts[0].shape, dtype=np.float32) if into is None else into
    total[:] = parts[0]
    for part in parts[1:]:
        total += part
    return total
