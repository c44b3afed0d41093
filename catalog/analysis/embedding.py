"""The 242 numbers that say how a track sounds, in eleven blocks.

Hand-made rather than learned, so that it needs no weights: timbre (MFCC, spectral shape, contrast,
bands), rhythm (fluctuation patterns after Pampalk 2002, onset autocorrelation), tonal relations that
ignore transposition, and dynamics. Independent of gain by construction. Measured as catalog
similarity on seven held-out real artists: AUC .875 with local scaling, against .767 for MFCC alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from catalog.analysis.frontend import FPS, MELS, Front
from catalog.analysis.key import CHROMA_FPS, Chroma
from catalog.analysis.model import VECTOR_SIZE, Floats

BLOCKS: tuple[tuple[str, int], ...] = (
    ("mfcc_mean", 19),
    ("mfcc_sd", 19),
    ("mfcc_delta", 19),
    ("spectral", 7),
    ("contrast", 16),
    ("bands", 18),
    ("fluctuation", 48),
    ("onset_acf", 60),
    ("onset_stats", 12),
    ("tonal", 20),
    ("dynamics", 4),
)
_LAGS = np.geomspace(5, 340, 48)
_MEL_GROUPS = ((0, 1), (2, 3), (4, 6), (7, 10), (11, 16), (17, 28))


@lru_cache(maxsize=1)
def dct_rows() -> Floats:
    """(64, 20) DCT-II with the factor sqrt(2/64): log-mel to cepstrum."""
    k, m = np.arange(20), np.arange(MELS)
    return (np.sqrt(2 / MELS) * np.cos(np.pi * np.outer(m + 0.5, k) / MELS)).astype(np.float32)


def mfcc(mel: Floats) -> Floats:
    """(frames, 20) cepstrum of (frames, 64) mel power."""
    cepstrum: Floats = (10 * np.log10(mel + 1e-8)) @ dct_rows()
    return cepstrum


def ltas(front: Front) -> Floats:
    """(64,) mean log-mel spectrum in dB of the gain-normalised active part."""
    mel, active = front.mel[front.embed], _active(front)
    if not active.any():
        return np.full(MELS, -80.0, np.float32)
    return (10 * np.log10(mel[active].mean(axis=0) + 1e-8)).astype(np.float32)


def embed(front: Front, chroma: Chroma) -> Floats:
    """The (242,) float32 vector; zeros for a silent file. Always finite."""
    if front.silent or front.embed.stop - front.embed.start < 2:
        return np.zeros(VECTOR_SIZE, np.float32)
    mel, level = front.mel[front.embed], front.level_db[front.embed]
    active = _active(front)
    first, last = front.embed.start / FPS, front.embed.stop / FPS
    rows = chroma.frames[int(first * CHROMA_FPS) : max(int(first * CHROMA_FPS) + 1, int(last * CHROMA_FPS))]
    cepstrum = mfcc(mel)[:, 1:]
    flux = front.flux[front.embed]
    blocks = (
        cepstrum[active].mean(axis=0),
        cepstrum[active].std(axis=0),
        np.diff(cepstrum, axis=0)[active[1:]].std(axis=0) if active[1:].any() else np.zeros(19),
        _spectral(front.spectral.shape[active]),
        np.concatenate(
            [front.spectral.contrast[active].mean(axis=0), front.spectral.contrast[active].std(axis=0)]
        ),
        _bands(front.spectral.bands[active]),
        _fluctuation(mel),
        _onset_acf(flux),
        _onset_stats(flux),
        _tonal(rows),
        _dynamics(level),
    )
    vector = np.concatenate([np.asarray(b, np.float64).ravel() for b in blocks])
    return np.nan_to_num(vector, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def _active(front: Front) -> np.ndarray:
    level = front.level_db[front.embed]
    if not len(level):
        return np.zeros(0, bool)
    return np.asarray(level > level.max() - 40)


def _spectral(shape: Floats) -> Floats:
    mean, sd = shape.mean(axis=0), shape.std(axis=0)
    return np.array([mean[0], sd[0], mean[1], mean[2], sd[2], mean[3], sd[3]], np.float32)


def _bands(bands: Floats) -> Floats:
    share = np.log10(bands.mean(axis=0) / (bands.mean() + 1e-12) + 1e-6)
    return np.concatenate([share, np.log10(bands + 1e-7).std(axis=0)]).astype(np.float32)


def _fluctuation(mel: Floats) -> Floats:
    logged = 10 * np.log10(mel + 1e-8)
    grouped = logged.reshape(len(logged), 16, 4).mean(axis=2)
    if len(grouped) < 256:
        grouped = np.pad(grouped, ((0, 256 - len(grouped)), (0, 0)), mode="edge")
    view = np.lib.stride_tricks.sliding_window_view(grouped, 256, axis=0)[::128]  # (w, 16, 256)
    windows = (view - view.mean(axis=2, keepdims=True)) * np.hanning(256).astype(np.float32)
    modulation = np.abs(scipy.fft.rfft(windows, axis=2))[:, :, 2:60] / 256
    pattern = np.log1p(50 * np.median(modulation, axis=0)).T  # (58 modulation, 16 bands)
    pattern = pattern.reshape(29, 2, 8, 2).mean(axis=(1, 3))
    return np.concatenate([pattern[a : b + 1].mean(axis=0) for a, b in _MEL_GROUPS]).astype(np.float32)


def _onset_acf(flux: Floats) -> Floats:
    envelopes = np.column_stack([flux, flux.sum(axis=1)])
    width = 43
    padded = np.pad(envelopes, ((width // 2, width // 2), (0, 0)), mode="edge")
    summed = np.cumsum(np.vstack([np.zeros((1, 5)), padded]), axis=0)
    envelopes = envelopes - (summed[width:] - summed[:-width]) / width
    size = scipy.fft.next_fast_len(2 * max(len(envelopes), 344))
    power = np.abs(scipy.fft.rfft(envelopes, size, axis=0)) ** 2
    acf = scipy.fft.irfft(power, size, axis=0)[:344]
    acf = acf / (acf[:1] + 1e-9)
    at = np.stack([np.interp(_LAGS, np.arange(344), acf[:, i]) for i in range(5)])
    return at.reshape(5, 12, 4).max(axis=2).ravel().astype(np.float32)


def _onset_stats(flux: Floats) -> Floats:
    mean, sd = flux.mean(axis=0), flux.std(axis=0)
    return np.concatenate([mean, sd, (flux > mean + sd).mean(axis=0)]).astype(np.float32)


def _tonal(rows: Floats) -> Floats:
    if not rows.sum() > 0:
        return np.zeros(20, np.float32)
    summed = rows.sum(axis=0) / rows.sum()
    turns = np.abs(np.fft.fft(summed))[1:7]
    unit = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)
    ranked = np.sort(unit, axis=1)[:, ::-1].mean(axis=0)
    if len(unit) > 4:
        change = 1 - np.sum(unit[4:] * unit[:-4], axis=1)
        moves = np.array([change.mean(), change.std()])
    else:
        moves = np.zeros(2)
    return np.concatenate([turns, ranked, moves]).astype(np.float32)


def _dynamics(level: Floats) -> Floats:
    active = level[level > level.max() - 40]
    below = np.percentile(active, [10, 50, 90]) - level.max()
    return np.array([active.std(), *below], np.float32)
