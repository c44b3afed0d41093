"""Which beat is the first of the bar, and what happens in each bar of four beats."""

from __future__ import annotations

import bottleneck
import numpy as np
import numpy.typing as npt

from catalog.analysis.embedding import mfcc
from catalog.analysis.frontend import FPS, Front, rises, snares
from catalog.analysis.grid import Grid
from catalog.analysis.key import CHROMA_FPS, Chroma
from catalog.analysis.model import Bars, Felt, Floats

Array = npt.NDArray[np.float64]
_TIME_KERNEL, _MEL_KERNEL = 17, 9
_OFF_GRID = 1.5
_CLEAR_SNARE = 0.05
_HALF_TIME = 1.6


def downbeat_of(front: Front, chroma: Chroma, grid: Grid) -> tuple[float, float]:
    """The time of some downbeat on the grid or half a beat off it, and the confidence of it (0..1).

    Four signs are weighed over the eight half-beats of a bar: the kick is strongest on the one, chords
    change there, snares sit on two and four (or on three alone, at half time), and arrangements turn
    on a bar line. Half-beats off the grid must win clearly.
    """
    half = grid.period / 2
    first, last = front.first / FPS, front.last / FPS
    count = np.arange(np.ceil((first - grid.phase) / half), np.floor((last - grid.phase) / half) + 1)
    times, place = grid.phase + count * half, count.astype(int) % 8
    if len(times) < 24:
        return grid.phase, 0.0
    signs = (
        (0.8, _by_place(_around(front.flux[:, 0], times), place)),
        (1.0, _by_place(_change(chroma.frames, times * CHROMA_FPS, 3), place)),
        (1.2, _by_place(_turns(front, times), place)),
        (1.0, _backbeat(_by_place(_around(snares(front), times), place))),
    )
    evidence = np.where(np.arange(8) % 2, -_OFF_GRID, 0.0)
    for weight, sign in signs:
        # Scaled by the spread on the beats, so that half-beats, which are weak in all, do not stretch it.
        spread = sign[::2].std()
        if spread > 1e-6:
            evidence += weight * np.clip((sign - sign[::2].mean()) / spread, -2, 2)
    order = np.argsort(-evidence)
    lead = float(evidence[order[0]] - evidence[order[1]])
    return grid.phase + int(order[0]) * half, float(1 - np.exp(-lead / 1.5))


def _backbeat(hits: Array) -> Array:
    """(8,) how well snares fit a bar starting at each half-beat: on two and four, or on three alone."""
    at = {offset: np.roll(hits, -offset) for offset in range(8)}
    others = (at[0] + at[1] + at[3] + at[5] + at[7]) / 5
    straight = (at[2] + at[6]) / 2 - np.maximum(others, at[4])
    halved = at[4] - np.maximum(np.maximum(at[2], at[6]), np.maximum(at[0], others))
    return np.asarray(np.maximum(straight, halved) / max(float(hits.max()), 1e-6))


def _by_place(values: Array, place: npt.NDArray[np.int64]) -> Array:
    """(8,) mean of the values at each half-beat of the bar."""
    return np.asarray(np.bincount(place, values, 8) / np.maximum(np.bincount(place, minlength=8), 1))


def _around(signal: Floats, times: Array, reach: int = 2) -> Array:
    centre = np.round(times * FPS).astype(int)[:, None] + np.arange(-reach, reach + 1)
    return np.asarray(signal[np.clip(centre, 0, len(signal) - 1)].max(axis=1), np.float64)


def _change(rows: Floats, at: Array, reach: int) -> Array:
    """1 - cosine between the mean of `reach` rows before and after each position."""
    summed = np.cumsum(np.vstack([np.zeros((1, rows.shape[1])), rows.astype(np.float64)]), axis=0)
    middle = np.clip(np.round(at).astype(int), 0, len(rows))
    before = summed[middle] - summed[np.maximum(0, middle - reach)]
    after = summed[np.minimum(len(rows), middle + reach)] - summed[middle]
    size = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    change = 1 - (before * after).sum(axis=1) / np.maximum(size, 1e-12)
    return np.asarray(np.where(size > 1e-12, change, 0.0))


def _turns(front: Front, times: Array) -> Array:
    """How much the sound of the bar after each half-beat differs from that of the bar before.

    Only the strongest turns count: they are arrangement changes, and those fall on bar lines.
    """
    logged = 10 * np.log10(front.mel + 1e-6)
    summed = np.cumsum(np.vstack([np.zeros((1, logged.shape[1])), logged]), axis=0)
    edge = np.clip(np.round(times * FPS).astype(int), 0, len(logged))
    span = int(round(8 * np.median(np.diff(times)) * FPS))
    high, low = np.minimum(len(logged), edge + span), np.maximum(0, edge - span)
    after = (summed[high] - summed[edge]) / np.maximum(high - edge, 1)[:, None]
    before = (summed[edge] - summed[low]) / np.maximum(edge - low, 1)[:, None]
    novelty = np.linalg.norm(after - before, axis=1)
    novelty[(high - edge < span // 2) | (edge - low < span // 2)] = 0
    crest = novelty.copy()
    crest[1:] = np.where(novelty[1:] < novelty[:-1], 0, crest[1:])
    crest[:-1] = np.where(novelty[:-1] < novelty[1:], 0, crest[:-1])
    strong = np.quantile(novelty, 0.9)
    return np.asarray(np.where(crest >= strong, crest - strong, 0.0))


def felt_of(front: Front, grid: Grid, downbeat: float) -> tuple[Felt, float]:
    """How the pulse is felt, half-time with the backbeat on three or double-time on every off-beat.

    And how sure that is: .5 at the line between two answers, towards 1 away from it, 0 without bars.
    """
    period = grid.period
    starts = np.arange(downbeat, front.last / FPS - 4 * period, 4 * period)
    if len(starts) < 3:
        return "straight", 0.0
    at = starts[:, None] + np.arange(8) * period / 2
    # Three looks at what may be a snare: body, crack, and the crack above most leads and hats.
    looks = [_drummed(signal, at) for signal in (front.flux[:, 1], snares(front), rises(front, 28, 50, 1e4))]
    body, crack = looks[0], looks[1]
    on_three = [hits[4] / max((hits[2] + hits[6]) / 2, 1e-6) for hits in looks]
    bpm = 60 / period
    halved = _lead(
        (float(np.prod(on_three) ** (1 / 3)), _HALF_TIME), (on_three[0], 1.3), (crack[4], _CLEAR_SNARE)
    )
    if bpm < 110:
        halved = 0.0
    offbeats = float(crack[1::2].mean())
    doubled = _lead(
        (offbeats, 2 * max(crack[2], crack[6], crack[4])),
        (float(body[1::2].mean()), float(body[2::2].mean())),
        (offbeats, _CLEAR_SNARE),
    )
    if bpm > 110:
        doubled = 0.0
    if halved > 1:
        return "half-time", 1 - 0.5 / halved**2
    if doubled > 1:
        return "double-time", 1 - 0.5 / doubled**2
    return "straight", 1 - 0.5 * max(halved, doubled) ** 2


def _lead(*conditions: tuple[float, float]) -> float:
    """By what factor the least fulfilled of (value, wanted) conditions is met: over 1 when all are."""
    return min(float(value) / max(float(wanted), 1e-6) for value, wanted in conditions)


def _drummed(signal: Floats, at: Array) -> Array:
    """(8,) mean strength on the half-beats of those bars that have drums: the fuller half."""
    each = _around(signal, at.ravel()).reshape(at.shape)
    strongest = each.max(axis=1)
    return np.asarray(each[strongest >= np.median(strongest)].mean(axis=0))


def bars_of(front: Front, chroma: Chroma, grid: Grid, downbeat: float) -> Bars:
    """The bars from the first downbeat to the last whole bar that ends within the file."""
    length = 4 * grid.period
    count = int((front.duration + 0.02 - downbeat) / length)
    audible = int(np.ceil((front.last / FPS - 0.05 - downbeat) / length))
    count = min(count, audible)
    if count < 1:
        return Bars.none()
    start = downbeat + np.arange(count) * length
    edges = np.append(start, start[-1] + length)
    power = np.maximum(10 ** (front.level_db.astype(np.float64) / 10), 1e-12)
    rows = chroma.frames / (chroma.frames.sum(axis=1, keepdims=True) + 1e-9)
    tonal = _means(rows, edges * CHROMA_FPS)
    hits, total = _percussive(front.mel)
    share = _means(hits[:, None], edges * FPS) / np.maximum(_means(total[:, None], edges * FPS), 1e-12)
    full_scale = np.log10(np.maximum(front.low.astype(np.float64) / front.gain**2, 1e-12))
    return Bars(
        start=start.astype(np.float32),
        end=edges[1:].astype(np.float32),
        rms_db=(10 * np.log10(_means(power[:, None], edges * FPS)[:, 0])).astype(np.float32),
        low=np.log10(_means(10 ** full_scale[:, None], edges * FPS)[:, 0]).astype(np.float32),
        onset=_means(front.onset[:, None], edges * FPS)[:, 0].astype(np.float32),
        drums=np.clip(share[:, 0], 0, 1).astype(np.float32),
        chroma=(tonal / np.maximum(tonal.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32),
        timbre=_means(mfcc(front.mel)[:, 1:13], edges * FPS).astype(np.float32),
    )


def _means(rows: npt.NDArray[np.floating], edges: Array) -> Array:
    """Mean of the rows between consecutive edges (in rows), at least one row each."""
    summed = np.cumsum(np.vstack([np.zeros((1, rows.shape[1])), rows.astype(np.float64)]), axis=0)
    at = np.clip(np.round(edges).astype(int), 0, len(rows))
    stop = np.minimum(len(rows), np.maximum(at[1:], at[:-1] + 1))
    begin = np.minimum(at[:-1], stop - 1)
    return np.asarray((summed[stop] - summed[begin]) / np.maximum(stop - begin, 1)[:, None])


def _percussive(mel: Floats) -> tuple[Array, Array]:
    """Percussive and total power per frame, from running medians over time and over mel bands.

    Fitzgerald's median separation (DAFx 2010) on 64 mel bands instead of 1025 bins: enough for a
    share per bar, at a sixteenth of the cost.
    """
    magnitude = np.sqrt(mel).astype(np.float64)
    harmonic = _moving_median(magnitude, _TIME_KERNEL, 0)
    percussive = _moving_median(magnitude, _MEL_KERNEL, 1)
    mask = percussive**2 / (percussive**2 + harmonic**2 + 1e-12)
    return (mask * mel).sum(axis=1), mel.sum(axis=1).astype(np.float64)


def _moving_median(values: Array, kernel: int, axis: int) -> Array:
    half = kernel // 2
    width = [(0, 0), (0, 0)]
    width[axis] = (half, half)
    padded = np.pad(values, width, mode="reflect" if values.shape[axis] > half else "edge")
    filtered = bottleneck.move_median(padded, kernel, axis=axis)
    return np.asarray(filtered[kernel - 1 :] if axis == 0 else filtered[:, kernel - 1 :])
