"""Weak catalogs: short, beatless, rubato, all voice, wrongly timed, coarse. A take, or a sentence; never silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from catalog.analysis.correction import with_bpm
from generation.engines.base import CorpusTrack, EngineError, Rendering
from generation.loudness import integrated_loudness
from generation.truepeak import true_peak_dbtp
from tests.generation.mosaic_corpus import RATE, brief, foreign, render, song, track


def short(number: int) -> np.ndarray:
    """Six bars of a song: shorter than most phrases need."""
    return song(118.0 + number, 55 + number % 4, "minor", number, bars=6)


def drone(number: int) -> np.ndarray:
    """Half a minute of slowly moving partials, no beat at all."""
    time = np.arange(30 * RATE) / RATE
    rng = np.random.default_rng(number)
    out = sum(
        np.sin(2 * np.pi * hertz * time + rng.random() * 6) * (1 + np.sin(2 * np.pi * time / (7 + k)))
        for k, hertz in enumerate((110.0, 164.8, 220.0, 330.0 + number))
    )
    return np.ascontiguousarray(np.stack([out, out]) * 0.05, dtype=np.float32)


def rubato(number: int) -> np.ndarray:
    """Notes whose tempo swings by a third within every phrase."""
    rng = np.random.default_rng(number)
    out, at = np.zeros(30 * RATE), 0.2
    while at < 29.0:
        length = int(RATE * 0.6)
        time = np.arange(length) / RATE
        note = np.sin(2 * np.pi * 220.0 * 2 ** (rng.integers(0, 12) / 12) * time) * np.exp(-4 * time)
        start = int(at * RATE)
        out[start : start + length] += note[: out.size - start]
        at += 0.5 * (1.0 + 0.33 * np.sin(at))
    return np.ascontiguousarray(np.stack([out, out]) * 0.3, dtype=np.float32)


def voice(number: int) -> np.ndarray:
    """Something like singing alone: gliding harmonics in phrases with breaths between."""
    time = np.arange(30 * RATE) / RATE
    pitch = 180.0 * 2 ** (
        0.4 * np.sin(2 * np.pi * time / 5.1 + number) + 0.01 * np.sin(2 * np.pi * 5.5 * time)
    )
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    breath = np.clip(np.sin(2 * np.pi * time / 3.3) * 4 + 3.6, 0, 1)
    out = sum(np.sin(k * phase) / k for k in range(1, 9)) * breath
    return np.ascontiguousarray(np.stack([out, out]) * 0.1, dtype=np.float32)


def coarse(number: int) -> np.ndarray:
    """A song in one channel of eight bits."""
    mono = np.round(song(124.0, 57, "minor", number).mean(axis=0) * 127) / 127
    return np.ascontiguousarray(np.stack([mono, mono]), dtype=np.float32)


def is_music(rendering: Rendering, seconds: float) -> None:
    audio = rendering.audio
    assert audio.shape == (2, round(seconds * RATE)) and np.isfinite(audio).all()
    assert true_peak_dbtp(audio) <= -1.0
    assert integrated_loudness(audio, RATE) == pytest.approx(rendering.plan["target_lufs"], abs=1.0)
    whole = audio[:, : audio.shape[1] // RATE * RATE].reshape(2, -1, RATE)
    assert (20 * np.log10(np.sqrt(np.mean(np.square(whole[:, :-2]), axis=(0, 2))) + 1e-9) > -45).all()
    assert np.abs(sum(rendering.stems.values()) - audio).max() < 1e-5


@pytest.mark.parametrize("made", [short, drone, rubato, voice, coarse])
def test_a_weak_catalog_makes_music_or_says_why_not(made: Callable[[int], np.ndarray]) -> None:
    tracks = tuple(foreign(f"track-{number}", made(number)) for number in range(4))
    try:
        rendering = render(brief(), tracks)
    except EngineError as refused:
        assert refused.reason.endswith(".") and len(refused.reason) > 40
        return
    is_music(rendering, 15.0)


def test_one_tempo_only_reaches_another_and_says_what_it_cost() -> None:
    tracks = tuple(foreign(f"same-{n}", song(124.0, 57, "minor", n)) for n in range(4))
    rendering = render(brief(bpm=160.0), tracks)
    is_music(rendering, 15.0)
    assert any("BPM" in note for note in rendering.notes)


def test_a_wrong_tempo_is_cut_where_it_says_and_still_sounds() -> None:
    def wrong(number: int) -> CorpusTrack:
        plain = track(number)
        return replace(plain, analysis=with_bpm(plain.analysis, 97.0))

    rendering = render(brief(bpm=97.0), tuple(wrong(number) for number in range(4)))
    is_music(rendering, 15.0)
