"""What an analyser says about a piece of labelled music: ours, and librosa's as its documentation uses it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from bench.labelled.midi import KRUMHANSL
from catalog.analysis import Section, TempoContext, analyse
from catalog.analysis.keys import Key


@dataclass(frozen=True)
class Answer:
    """What one analyser said. downbeats in seconds, empty when it names none; cpu: seconds spent."""

    bpm: float
    key: Key | None
    downbeats: np.ndarray
    cpu: float
    steady: bool = True
    drift: float = 0.0
    sections: tuple[Section, ...] = ()


def ours(samples: np.ndarray, rate: int, span: tuple[float, float] | None = None) -> Answer:
    """Our analysis, told the artist's range or nothing."""
    start = time.process_time()
    found = analyse(samples, rate, context=TempoContext(artist_range=span))
    spent = time.process_time() - start
    return Answer(
        found.bpm or 0.0,
        found.key,
        found.bars.start,
        spent,
        found.tempo_steady,
        found.tempo_drift,
        found.sections,
    )


def librosas(samples: np.ndarray, rate: int) -> Answer:
    """beat_track, and chroma_cqt against the Krumhansl profiles."""
    import librosa

    start = time.process_time()
    mono = librosa.resample(samples.mean(axis=0), orig_sr=rate, target_sr=22_050)
    tempo, _ = librosa.beat.beat_track(y=mono, sr=22_050)
    chroma = librosa.feature.chroma_cqt(y=mono, sr=22_050).mean(axis=1)
    scores = [np.corrcoef(np.roll(p, t), chroma)[0, 1] for p in KRUMHANSL for t in range(12)]
    best = int(np.argmax(scores))
    key = Key(best % 12, "major" if best < 12 else "minor")
    return Answer(float(np.atleast_1d(tempo)[0]), key, np.zeros(0), time.process_time() - start)
