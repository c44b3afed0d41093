"""What one three-minute track costs, in CPU seconds of one core, beside librosa's feature set in the same run."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bench.labelled.case import RATE
from catalog.analysis import analyse
from catalog.analysis.loudness import true_peak
from catalog.audio.decode import decode
from catalog.audio.fingerprint import fingerprint
from catalog.demo import render_style

SECONDS, ROUNDS = 180, 3
WANTED, WANTED_RATIO = 1.0, 3.0


def speed() -> None:
    """Print the figures: the least of three rounds each, after one that is not counted."""
    samples = np.ascontiguousarray(
        render_style("house", 3, 4, SECONDS, bpm=124.3).samples[:, : SECONDS * RATE]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "track.wav"
        soundfile.write(path, samples.T, RATE, subtype="PCM_16")
        decoding = _least(lambda: decode(path))
        peaks = _least(lambda: true_peak(samples, RATE))
        whole = _least(lambda: analyse(samples, RATE)) - peaks  # it is part of an analysis, and listed apart
        marks = _least(lambda: fingerprint(samples, RATE))
        theirs = _least(lambda: _librosa_features(path))
    total = decoding + whole
    print(
        f"speed: {SECONDS // 60} minutes, stereo, {RATE} Hz, warm, CPU seconds of one of {os.cpu_count()} cores"
    )
    print(
        f"  decode (in its child process) {decoding:.2f} + analysis {whole:.2f} = {total:.2f}  (wanted {WANTED})"
    )
    print(f"  apart: true peak {peaks:.2f}, fingerprint {marks:.2f}")
    print(f"  librosa's features {theirs:.2f}: {theirs / total:.1f} times as much  (wanted {WANTED_RATIO:g})")


def _least(work: Callable[[], Any]) -> float:
    work()
    return min(_cpu(work) for _ in range(ROUNDS))


def _cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of this process and of the children it waited for."""

    def spent() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(u.ru_utime + u.ru_stime for u in used)

    before = spent()
    work()
    return spent() - before


def _librosa_features(path: Path) -> None:
    """Beats, chroma, timbre, spectral shape, tempogram and loudness, from one load and one STFT where it can share."""
    import librosa
    import pyloudnorm

    stereo, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = librosa.resample(stereo.mean(axis=1), orig_sr=rate, target_sr=22_050)
    librosa.beat.beat_track(y=mono, sr=22_050)
    librosa.feature.chroma_cqt(y=mono, sr=22_050)
    librosa.feature.mfcc(y=mono, sr=22_050)
    magnitude = np.abs(librosa.stft(mono))
    librosa.feature.spectral_centroid(S=magnitude, sr=22_050)
    librosa.feature.spectral_bandwidth(S=magnitude, sr=22_050)
    librosa.feature.spectral_rolloff(S=magnitude, sr=22_050)
    librosa.feature.spectral_flatness(S=magnitude)
    librosa.feature.spectral_contrast(S=magnitude, sr=22_050)
    librosa.feature.tempogram(y=mono, sr=22_050)
    pyloudnorm.Meter(rate).integrated_loudness(stereo.astype(np.float64))
