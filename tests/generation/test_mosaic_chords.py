"""The chord path: known chords are named, doubt is admitted, and a turned music gives turned chords."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.analysis.keys import Key
from generation.engines.mosaic.chords import Chord, chord_path, filled, home, scale_of
from tests.generation.mosaic_corpus import TRACKS, corpus

A_MINOR = Key(9, "minor")
TONES = {"maj": (0, 4, 7), "min": (0, 3, 7), "maj7": (0, 4, 7, 11), "min7": (0, 3, 7, 10)}


def row(root: int, quality: str, *, noise: float = 0.02, seed: int = 0) -> np.ndarray:
    """(12,) chroma as an analysis would give it: the tones, their third partials, and a floor."""
    found = noise * np.random.default_rng(seed).random(12)
    for strength, tone in zip((1.0, 0.8, 0.9, 0.5), TONES[quality], strict=False):
        found[(root + tone) % 12] += strength
        found[(root + tone + 7) % 12] += 0.15 * strength
    return found / found.sum()


def names(path: list[Chord]) -> list[str]:
    return [chord.name for chord in path]


@pytest.mark.parametrize("key", [A_MINOR, None])
@pytest.mark.parametrize(("major", "minor"), [("maj", "min"), ("maj7", "min7")])
def test_chords_are_named_with_and_without_a_key_and_with_their_sevenths(
    key: Key | None, major: str, minor: str
) -> None:
    rows = [row(9, minor), row(5, major), row(0, major), row(7, "maj")]
    assert names(chord_path(np.array(rows), key)) == ["Am", "F", "C", "G"]


def test_every_bar_of_the_test_corpus_has_its_chord() -> None:
    for (bpm, tonic, mode, _), track in zip(TRACKS, corpus(), strict=True):
        steps = (0, 8, 3, 10) if mode == "minor" else (0, 9, 5, 7)
        bars = track.analysis.bars
        path = chord_path(bars.chroma, track.analysis.key)
        for start, chord in zip(bars.start, path, strict=True):
            number = round(float(start) * bpm / 240) % 4
            quality = "min" if number == (0 if mode == "minor" else 1) else "maj"
            assert (chord.root, chord.quality) == ((tonic + steps[number]) % 12, quality), track.id


def test_a_key_decides_what_the_sound_leaves_open() -> None:
    open_fifth = np.full(12, 0.01)
    open_fifth[[9, 4]] = 1.0, 0.95
    for key, name in ((A_MINOR, "Am"), (Key(9, "major"), "A")):
        assert names(chord_path(np.array([open_fifth]), key, sure=0.0)) == [name]


def test_noise_silence_and_even_chroma_have_no_chord() -> None:
    noise = np.random.default_rng(3).random((200, 12))
    assert np.mean([chord.clear for chord in chord_path(noise, None)]) < 0.15
    for even in (np.zeros((4, 12)), np.full((4, 12), 1 / 12), np.full((4, 12), np.nan)):
        assert names(chord_path(even, A_MINOR)) == ["N"] * 4
    assert chord_path(np.zeros((0, 12)), None) == []


def test_turning_the_music_turns_its_chords() -> None:
    rows = np.array([row(9, "min7"), row(2, "min"), row(5, "maj7"), row(4, "maj")])
    straight = chord_path(rows, A_MINOR)
    turned = chord_path(np.roll(rows, 3, axis=1), Key(0, "minor"))
    assert [(c.root + 3) % 12 for c in straight] == [c.root for c in turned]
    assert [c.confidence for c in straight] == pytest.approx([c.confidence for c in turned])
    assert straight == chord_path(rows, A_MINOR)


def test_a_path_without_gaps_holds_what_was_known_last() -> None:
    none, d_minor, e_minor = Chord(0, ""), Chord(2, "min"), Chord(4, "min")
    assert filled([none, d_minor, none, e_minor], None) == [d_minor, d_minor, d_minor, e_minor]
    assert names(filled([none, none], A_MINOR)) == ["Am", "Am"]
    assert names(filled([none], None)) == ["N"]
    assert home(Key(3, "minor")).name == "Ebm"  # type: ignore[union-attr]


def test_one_may_play_the_key_and_the_chord() -> None:
    assert scale_of(A_MINOR) == {0, 2, 4, 5, 7, 9, 11}
    assert scale_of(A_MINOR, Chord(4, "maj")) == {0, 2, 4, 5, 7, 8, 9, 11}
    assert scale_of(None, Chord(4, "maj")) == {4, 8, 11}
    assert len(scale_of(None)) == 12
