"""Single notes: lifted from under drums and chords, the same sound at other pitches, and none where none is clear."""

from __future__ import annotations

import numpy as np
import pytest

from generation.engines.mosaic.bassgroove import read_bass
from generation.engines.mosaic.notes import PitchedVoice
from generation.engines.mosaic.pitches import LowPhrase, follow
from generation.engines.mosaic.tones import RELEASE, sounded
from tests.generation.mosaic_bass import (
    BEGINS,
    FIRST,
    PARTIALS,
    RATE,
    ROOTS,
    STEP,
    STROKES,
    band,
    lifted,
    phrase,
    strokes,
)


def played(voice: PitchedVoice, midi: float, seconds: float, *, at: float = 0.1) -> np.ndarray:
    length = round(seconds * RATE)
    return sounded(voice, [(round(at * RATE), length, midi, 1.0)], round((at + seconds + 0.1) * RATE))


def partials(sound: np.ndarray, hz: float, count: int = 6) -> np.ndarray:
    """(count,) amplitudes in dB against the first."""
    time = np.arange(sound.size) / RATE
    window = np.hanning(sound.size)
    found = [abs(np.sum(sound * window * np.exp(-2j * np.pi * k * hz * time))) for k in range(1, count + 1)]
    return 20 * np.log10(np.array(found) / found[0])


def frequency(sound: np.ndarray, near: float) -> float:
    """Frequency of the strongest partial near `near`, by a long FFT and a parabola through its peak."""
    size = 1 << 19
    level = np.log(np.abs(np.fft.rfft(sound * np.hanning(sound.size), size)) + 1e-12)
    low, high = round(0.94 * near * size / RATE), round(1.06 * near * size / RATE)
    peak = low + int(np.argmax(level[low:high]))
    left, middle, right = level[peak - 1 : peak + 2]
    return float((peak + 0.5 * (left - right) / (left - 2 * middle + right)) * RATE / size)


def test_a_low_voice_is_followed_under_drums_and_chords() -> None:
    line = follow(phrase(band()).samples)
    at = np.arange(len(line.midi)) * 18 * 24 / RATE
    away = []
    for start, length, midi in strokes():
        inside = (at > start + 0.07) & (at < start + length - 0.07) & (line.clarity > 0.9)
        away += list(np.abs(line.midi[inside] - midi))
    assert len(away) > 100 and np.percentile(away, 95) < 0.25


def test_lifted_notes_are_notes_that_were_played() -> None:
    voice = lifted().voice
    assert len(voice.notes) >= 2
    assert min(ROOTS) - 1 <= voice.low <= voice.high <= max(ROOTS) + 1
    for note, (start, end) in zip(voice.notes, voice.sources, strict=True):
        inside = [s for s in strokes() if abs(BEGINS + s[0] - start) < 0.03]
        assert len(inside) == 1 and end <= BEGINS + inside[0][0] + inside[0][1] + 0.02
        assert note.midi == pytest.approx(inside[0][2], abs=0.1)


def test_what_is_played_has_the_harmonics_of_what_was_lifted() -> None:
    truth = 20 * np.log10(np.array(PARTIALS) / PARTIALS[0])
    for midi in (*ROOTS, 31, 38, 46):
        hz = 440 * 2 ** ((midi - 69) / 12)
        sound = played(lifted().voice, midi, 0.4)[round(0.15 * RATE) : round(0.45 * RATE)]
        # separating gives some of the upper ones to the drums; none may be louder for the chord above
        assert np.abs(partials(sound, hz)[:3] - truth[:3]).max() < 3.0, midi
        assert (partials(sound, hz) < truth + 6.0).all(), midi


@pytest.mark.parametrize("midi", [28, 33, 40, 47, 52])
def test_it_plays_at_any_pitch_to_within_five_cents_and_at_any_length(midi: int) -> None:
    hz = 440 * 2 ** ((midi - 69) / 12)
    for seconds in (0.3, 1.5, 4.0):
        sound = played(lifted().voice, midi, seconds)
        assert abs(1200 * np.log2(frequency(sound, hz) / hz)) < 5
    # a note that outlasts what was lifted still sounds, and dies away as that did
    long = played(lifted().voice, midi, 1.5)
    assert np.abs(long[round(1.4 * RATE) : round(1.5 * RATE)]).max() > 0.02


def test_notes_begin_and_end_in_silence_without_a_click() -> None:
    voice = lifted().voice
    for midi, seconds in ((33, 0.08), (40, 0.31), (45, 1.0)):
        at = 0.1
        sound = played(voice, midi, seconds, at=at)
        start, end = round(at * RATE), round((at + seconds) * RATE)
        peak = np.abs(sound).max()
        assert np.abs(sound[: start - 90]).max() < 1e-3 * peak > np.abs(sound[end + 90 :]).max()
        # no step is steeper at the edges than within the note, and nothing rings above what a note may hold
        steep = np.abs(np.diff(sound))
        inside = steep[start + 400 : end - round(RELEASE * RATE)].max()
        assert max(steep[start - 200 : start + 200].max(), steep[end - 200 : end + 200].max()) <= inside
        power = np.square(np.abs(np.fft.rfft(sound)))
        high = np.fft.rfftfreq(sound.size, 1 / RATE) > 4_500
        assert power[high].sum() < 1e-6 * power.sum()


def test_loudness_is_linear_and_notes_add_up() -> None:
    voice = lifted().voice
    one, two = (0, 20_000, 40.0, 1.0), (22_000, 15_000, 33.0, 0.5)
    apart = sounded(voice, [one], 44_100) + sounded(voice, [two], 44_100)
    assert np.abs(sounded(voice, [one, two], 44_100) - apart).max() < 1e-5
    half = sounded(voice, [(22_000, 15_000, 33.0, 1.0)], 44_100) * 0.5
    assert np.abs(half - sounded(voice, [two], 44_100)).max() < 1e-5


def test_the_same_sound_gives_the_same_instrument() -> None:
    one, other = read_bass([phrase(band())]), read_bass([phrase(band())])
    assert one is not None and other is not None
    assert one.voice.sources == other.voice.sources
    assert played(one.voice, 37, 0.5).tobytes() == played(other.voice, 37, 0.5).tobytes()


def test_the_movement_of_the_bass_is_read_too() -> None:
    groove = lifted().groove
    assert groove is not None
    assert set(np.flatnonzero(groove.chance > 0.6)) == {step for step, _ in STROKES}
    for step, length in STROKES:
        assert abs(groove.steps[step] - length) <= 1
    assert groove.per_bar == pytest.approx(len(STROKES), abs=1)


def noise(seconds: float, seed: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal((2, round(seconds * RATE))).astype(np.float32)


def sliding(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    glide = 60 * 2 ** (0.8 * np.sin(2 * np.pi * 1.3 * time))
    wave = np.sin(2 * np.pi * np.cumsum(glide) / RATE)
    return 0.3 * np.stack([wave, wave]).astype(np.float32)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((2, 8 * RATE), np.float32),
        np.full((2, 8 * RATE), 0.3, np.float32),
        noise(8.0, 1),
        noise(8.0, 2),
        sliding(8.0),
        noise(0.5, 3),
    ],
    ids=["silence", "constant", "noise", "other noise", "glide", "a moment"],
)
def test_where_no_low_note_is_clear_there_is_no_bass(samples: np.ndarray) -> None:
    assert read_bass([LowPhrase(samples, FIRST, STEP, 0.0)]) is None


def test_kicks_and_chords_alone_are_no_bass() -> None:
    assert read_bass([phrase(band(bass=False))]) is None
    assert read_bass([]) is None
