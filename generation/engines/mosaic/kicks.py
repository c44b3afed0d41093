"""The kick under the bass: found by its repetition, lifted out as a waveform.

Median filtering gives the body of a kick to the bass, because a body of 150 ms around 50 Hz looks like a note. But a
kick is the same sound again and again while the bass moves, so the average of the low band over all hits, aligned to
the sample, is the kick. Worked out at 2.8 kHz, once for a whole track.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DECIMATION = 16
RATE = 44_100 / DECIMATION
TOP_HZ = 170.0
BEFORE = round(0.012 * RATE)
LENGTH = round(0.32 * RATE)  # of the template, from BEFORE the attack on
HEAD = round(0.13 * RATE)  # the part that hits are compared by
SLIDE = round(0.008 * RATE)
LIKENESS = 0.75
LEAST_HITS = 6
SOUND_SECONDS = (0.08, 0.24)  # whole until the first, gone by the second
SAMPLE_RATE = 44_100
CLICK_HZ = 4_000.0  # the beater lies below; hats lie above
CLICK_FFT, CLICK_SMOOTH = 2048, 9
CLICK_SECONDS = (
    0.003,
    0.014,
    0.034,
)  # it rises before the attack, is whole until the second, gone by the third
CLICK_LIKE = (
    25.0  # percentile over a phrase's strokes that is the kick's own: more than that is a clap upon it
)
CLICK_ROOM = 1.25


@dataclass(frozen=True, eq=False)
class Kicks:
    """at: first sample of the template for each hit, at RATE. gain: of each hit. template: (LENGTH,) float32.

    attack: samples at 44.1 kHz from the start of the template to the stroke that is heard.
    """

    at: np.ndarray
    gain: np.ndarray
    template: np.ndarray
    attack: int

    def struck(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Strokes in samples first … first + count at 44.1 kHz: their samples from `first` on, and their gains."""
        where = self.at.astype(np.int64) * DECIMATION + self.attack - first
        inside = (where >= 0) & (where < count)
        return where[inside], self.gain[inside]

    def between(self, first: int, count: int) -> np.ndarray:
        """The kicks alone in samples first … first + count at 44.1 kHz (first may be negative), (count,) float32."""
        from scipy.signal import resample_poly

        margin = 32
        start = first // DECIMATION - margin
        length = -(-count // DECIMATION) + 2 * margin + 1
        low = np.zeros(length, dtype=np.float32)
        for at, gain in zip(self.at, self.gain, strict=True):
            place = int(at) - start
            a, b = max(0, place), min(length, place + LENGTH)
            if b > a:
                low[a:b] += gain * self.template[a - place : b - place]
        raised = resample_poly(low, DECIMATION, 1)
        skip = first - start * DECIMATION
        return np.asarray(raised[skip : skip + count], dtype=np.float32)


def lifted(percussive: np.ndarray, kicks: Kicks | None, first: int) -> np.ndarray:
    """The kick alone in percussive sound (2, n) that begins at sample `first` of its track: body and beater.

    The body is the low band, as `between` gives it; the beater is what lies above it and below 4 kHz around each
    stroke, in each band as loud as most strokes have it, so that a clap on the same beat stays where it is.
    """
    out = np.zeros_like(percussive)
    if kicks is None:
        return out
    count = percussive.shape[1]
    body = kicks.between(first, count)
    at, gain = kicks.struck(first, count)
    rise, whole, gone = (round(seconds * SAMPLE_RATE) for seconds in CLICK_SECONDS)
    inside = (at >= rise) & (at + gone <= count)
    at, gain = at[inside], gain[inside]
    if len(at):
        window = np.ones(rise + gone, dtype=np.float32)
        window[:rise] = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
        window[rise + whole :] = 0.5 + 0.5 * np.cos(np.pi * np.arange(gone - whole) / (gone - whole))
        near = at[:, None] + np.arange(-rise, gone)
        pieces = (percussive[:, near] - body[near]) * window
        for start, click in zip(at - rise, _beaters(pieces, gain).transpose(1, 0, 2), strict=True):
            out[:, start : start + rise + gone] += click
    return np.asarray(out + body, dtype=np.float32)


def _beaters(pieces: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """(2, strokes, n) of sound around strokes -> what of it comes back with every stroke, below 4 kHz; same shape."""
    from scipy import fft
    from scipy.ndimage import uniform_filter1d

    size = pieces.shape[2]
    spectrum = fft.rfft(pieces, CLICK_FFT, axis=2, workers=1)
    loud = uniform_filter1d(np.abs(spectrum).sum(axis=0), CLICK_SMOOTH, axis=1, mode="nearest")
    own = np.percentile(loud / gain[:, None], CLICK_LIKE, axis=0)
    mask = np.minimum(1.0, CLICK_ROOM * own * gain[:, None] / np.maximum(loud, 1e-9))
    hertz = fft.rfftfreq(CLICK_FFT, 1.0 / SAMPLE_RATE)
    mask *= np.clip(1.5 - hertz / CLICK_HZ / 1.5, 0.0, 1.0)
    clicks = fft.irfft(spectrum * mask.astype(np.float32), CLICK_FFT, axis=2, workers=1)[:, :, :size]
    edge = size // 16
    clicks[:, :, :edge] *= np.linspace(0.0, 1.0, edge, dtype=np.float32)
    clicks[:, :, -edge:] *= np.linspace(1.0, 0.0, edge, dtype=np.float32)
    return np.asarray(clicks, dtype=np.float32)


def find_kicks(track: np.ndarray) -> Kicks | None:
    """The kicks of (2, samples) at 44.1 kHz; None where nothing in the low band repeats like one."""
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import find_peaks, firwin, oaconvolve, resample_poly

    middle = (track[0] + track[1]) * np.float32(0.5)
    low = resample_poly(middle, 1, DECIMATION)
    low = oaconvolve(low, firwin(129, TOP_HZ, fs=RATE).astype(np.float32), mode="same").astype(np.float32)
    if low.size < 4 * LENGTH:
        return None
    rise = _rise(np.square(low))
    peaks, found = find_peaks(rise, height=1e-4, distance=round(0.09 * RATE))
    peaks = (
        peaks[found["peak_heights"] > 0.3 * np.percentile(found["peak_heights"], 90)] if len(peaks) else peaks
    )
    # a kick has a beater, so something bright happens with it; a bass note has not
    bright = np.square(np.diff(middle, n=2, prepend=0.0, append=0.0)[: low.size * DECIMATION])
    bright = np.pad(bright, (0, low.size * DECIMATION - bright.size)).reshape(-1, DECIMATION).mean(axis=1)
    click = maximum_filter1d(_rise(bright), 2 * round(0.015 * RATE) + 1)
    clear = click[peaks] > 0.15 * np.percentile(click, 99.0)
    low = np.pad(low, (BEFORE + SLIDE, LENGTH + SLIDE))
    starts = peaks + SLIDE  # the padding's BEFORE and the attack's cancel
    inside = starts + LENGTH + SLIDE <= low.size
    starts, clear = starts[inside], clear[inside]
    if np.count_nonzero(clear) < LEAST_HITS:
        return None
    power = np.array([float(np.square(low[start : start + HEAD]).mean()) for start in starts])
    clear &= power > 0.2 * np.percentile(power[clear], 80)
    if np.count_nonzero(clear) < LEAST_HITS:
        return None
    template = _typical(low, starts[clear])
    likeness = np.zeros(len(starts))
    for _ in range(2):
        starts, likeness = _aligned(low, starts, template)
        alike = likeness >= LIKENESS
        if np.count_nonzero(alike) < LEAST_HITS:
            return None
        template = np.median(low[starts[alike][:, None] + np.arange(LENGTH)], axis=0).astype(np.float32)
    starts = np.unique(starts[likeness >= LIKENESS])
    if np.square(template[-HEAD:]).mean() > 0.8 * np.square(template[:HEAD]).mean():
        return None  # what does not die away is a note
    # a bass note that often starts with the kick is in the average too: its body is held to a kick's length
    fall = np.clip((np.arange(LENGTH) - BEFORE) / RATE, SOUND_SECONDS[0], SOUND_SECONDS[1]) - SOUND_SECONDS[0]
    template *= (0.5 + 0.5 * np.cos(np.pi * fall / (SOUND_SECONDS[1] - SOUND_SECONDS[0]))).astype(np.float32)
    heads = low[starts[:, None] + np.arange(HEAD)]
    gain = np.clip(heads @ template[:HEAD] / max(float(template[:HEAD] @ template[:HEAD]), 1e-12), 0.3, 1.5)
    at = starts - BEFORE - SLIDE
    return Kicks(at, gain.astype(np.float32), template, _attack(middle, at))


def _attack(middle: np.ndarray, at: np.ndarray) -> int:
    """Samples from the start of the template to where its hits get bright, over all hits: the beater's moment."""
    before, after, width = (round(seconds * SAMPLE_RATE) for seconds in (0.012, 0.020, 0.003))
    begin = at * DECIMATION - before - width
    begin = begin[(begin >= 1) & (begin + before + after + 2 * width < middle.size)]
    if not len(begin):
        return 0
    some = begin[:: max(1, len(begin) // 64)]
    near = some[:, None] + np.arange(-1, before + after + 2 * width + 1)
    edges = np.median(np.abs(np.diff(middle[near], n=2, axis=1)), axis=0)
    running = np.concatenate(([0.0], np.cumsum(edges, dtype=np.float64)))
    moment = np.arange(width, width + before + after)
    rise = running[moment + width] - 2.0 * running[moment] + running[moment - width]
    return int(np.argmax(rise)) - before


def _rise(power: np.ndarray) -> np.ndarray:
    """How much the level over the 8 ms after each sample exceeds that over the 8 ms before."""
    width = round(0.008 * RATE)
    level = np.sqrt(np.convolve(power, np.full(width, 1.0 / width, dtype=np.float32), mode="same"))
    rise = np.zeros_like(level)
    rise[width:-width] = np.maximum(0.0, level[2 * width :] - level[: -2 * width])
    return rise


def _typical(low: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The one hit that most others resemble, before anything is averaged."""
    some = starts[:: max(1, len(starts) // 48)]
    heads = low[some[:, None] + np.arange(HEAD)]
    spectra = np.fft.rfft(heads, 2 * HEAD, axis=1)
    energy = np.maximum(np.linalg.norm(heads, axis=1), 1e-9)
    # likeness at the best lag, so that sloppy peak picking does not decide
    crossed = np.fft.irfft(spectra[:, None, :] * np.conj(spectra[None, :, :]), axis=2)
    near = np.concatenate([crossed[:, :, : SLIDE + 1], crossed[:, :, -SLIDE:]], axis=2).max(axis=2)
    likeness = near / np.outer(energy, energy)
    best = int(np.argmax(np.sort(likeness, axis=1)[:, len(some) // 2 :].mean(axis=1)))
    return np.asarray(low[some[best] : some[best] + LENGTH])


def _aligned(low: np.ndarray, starts: np.ndarray, template: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each start moved to where it resembles the template's head most, and that resemblance (-1..1)."""
    head = template[:HEAD]
    windows = low[starts[:, None] - SLIDE + np.arange(HEAD + 2 * SLIDE)]
    views = np.lib.stride_tricks.sliding_window_view(windows, HEAD, axis=1)
    size = np.sqrt(np.square(views).sum(axis=2)) * np.linalg.norm(head)
    likeness = (views @ head) / np.maximum(size, 1e-9)
    best = likeness.argmax(axis=1)
    return np.clip(starts - SLIDE + best, SLIDE, low.size - LENGTH - SLIDE), likeness[
        np.arange(len(starts)), best
    ]
