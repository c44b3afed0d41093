"""New bass lines: on the chords, in the key, in the artist's movement; and the sound is where the score says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from catalog.analysis.keys import Key
from generation.engines.mosaic.bassgroove import Bass
from generation.engines.mosaic.bassist import WIDEST, Note, pattern, register, score, sound
from generation.engines.mosaic.chords import Chord, scale_of
from generation.engines.mosaic.plan import Grid, generator
from tests.generation.mosaic_bass import ROOTS, STROKES, lifted

KEY = Key(9, "minor")
PATH = [Chord(9, "min"), Chord(5, "maj"), Chord(0, "maj"), Chord(4, "maj")] * 2
BPM = 128.0
RATE = 44_100


def line(seed: int = 1, path: list[Chord] = PATH, key: Key | None = KEY, **more: object) -> list[Note]:
    return pattern(lifted(), path, key, BPM, generator(seed), **more)  # type: ignore[arg-type]


def test_every_note_belongs_to_its_chord_or_leads_into_the_next_within_the_key() -> None:
    for seed in range(12):
        for note in line(seed, density=0.9):
            bar = int(note.beat // 4)
            chord, following = PATH[bar], PATH[(bar + 1) % len(PATH)]
            assert note.pitch % 12 in scale_of(KEY, chord)
            if note.pitch % 12 not in chord.tones:
                step = round(note.beat * 4) % 16
                assert step >= 13 and step % 4
                near = (note.pitch - following.root) % 12
                assert min(near, 12 - near) <= 2 and note.pitch % 12 in scale_of(KEY)


def test_a_chord_begins_with_its_root() -> None:
    for seed in range(12):
        notes = line(seed)
        for bar, chord in enumerate(PATH):
            inside = [n for n in notes if bar * 4 <= n.beat < bar * 4 + 4]
            assert inside and inside[0].pitch % 12 == chord.root


def test_one_voice_within_a_register_that_holds_the_artists_own() -> None:
    low, high = register(lifted().voice)
    assert low <= min(ROOTS) + 1 and high >= max(ROOTS) - 1 and 11 <= high - low <= WIDEST
    for seed in range(12):
        notes = line(seed, density=1.0)
        assert all(low <= n.pitch <= high and 1 <= n.velocity <= 127 for n in notes)
        for one, following in pairwise(notes):
            assert one.beat + one.length <= following.beat + 1e-6
        assert notes[-1].beat + notes[-1].length <= 4 * len(PATH) + 1


def test_it_moves_as_the_artist_does() -> None:
    own = {step for step, _ in STROKES}
    for seed in range(6):
        plain = [n for n in line(seed) if n.beat % 32 < 31]  # but for the run into another eight bars
        assert {round(n.beat * 4) % 16 for n in plain} <= own
    counts = [np.mean([len(line(seed, density=d)) for seed in range(8)]) for d in (0.0, 0.5, 1.0)]
    assert counts == sorted(counts) and counts[0] < counts[2]


def test_a_theme_comes_back_and_is_answered() -> None:
    notes = line(3, path=[Chord(9, "min")] * 8)
    bars = [
        [(round(n.beat % 4, 3), n.pitch) for n in notes if bar * 4 <= n.beat < bar * 4 + 4]
        for bar in range(8)
    ]
    assert bars[0] == bars[2] == bars[4] and bars[1] == bars[5]


def test_sixteen_bars_turn_with_a_run() -> None:
    notes = line(2, path=PATH * 2)
    run = [n for n in notes if 31 - 1e-6 <= n.beat < 32]
    assert len(run) == 4 and [n.velocity for n in run] == sorted(n.velocity for n in run)


def test_the_same_generator_gives_the_same_line_and_another_another() -> None:
    assert line(1) == line(1)
    assert len({tuple(line(seed)) for seed in range(6)}) >= 5


def test_half_time_takes_twice_as_long() -> None:
    whole, half = line(4), line(4, half_time=True)
    assert len(half) < 0.75 * len(whole)
    assert np.median([n.length for n in half]) > np.median([n.length for n in whole])
    # a stroke on the sixth sixteenth of a theme falls on the twelfth
    assert {round(n.beat * 4) % 2 for n in half if n.beat % 32 < 31} == {0}


def test_two_chords_to_a_bar_are_both_followed() -> None:
    path = [Chord(9, "min"), Chord(2, "min")] * 4
    notes = line(5, path=path, per_bar=2, density=1.0)
    assert max(n.beat for n in notes) < 16
    for bar in range(4):
        late = [n for n in notes if bar * 4 + 2 <= n.beat < bar * 4 + 4]
        assert late and late[0].pitch % 12 == 2


def test_bars_without_a_chord_hold_the_last_and_nothing_known_gives_no_line() -> None:
    none = Chord(0, "")
    held = line(6, path=[Chord(9, "min"), none, none, none], key=None)
    assert held and {n.pitch % 12 for n in held} <= {9, 0, 4}
    assert line(6, path=[none] * 4, key=None) == []
    assert {n.pitch % 12 for n in line(6, path=[none] * 4)} <= {9, 0, 4}


def test_an_artist_whose_movement_is_unknown_plays_around_the_kick() -> None:
    still = Bass(lifted().voice, None)
    every = np.zeros(16)
    every[::4] = 1.0
    offbeat = pattern(still, PATH, KEY, BPM, generator(1), kick=every)
    assert np.mean([round(n.beat * 4) % 4 == 2 for n in offbeat]) > 0.6
    broken = np.zeros(16)
    broken[[0, 7, 10]] = 1.0
    with_it = pattern(still, PATH, KEY, BPM, generator(1), kick=broken)
    assert np.mean([round(n.beat * 4) % 16 in (0, 7, 10) for n in with_it]) > 0.5


def test_it_lies_as_far_behind_the_grid_as_the_drums() -> None:
    late = np.zeros(16)
    late[[2, 6, 10]] = 0.010
    for straight, swung in zip(line(7), line(7, late=late), strict=True):
        step = round(straight.beat * 4) % 16
        assert swung.beat - straight.beat == pytest.approx(late[step] * BPM / 60, abs=1e-5)


def test_the_sound_begins_where_the_score_says() -> None:
    grid, first = Grid(BPM), 12
    notes = line(8, density=0.4)
    count = grid.bar(first + 8) - grid.bar(first)
    heard = sound(lifted().voice, notes, grid, first, count)
    assert heard.shape == (2, count) and heard.dtype == np.float32
    level = np.abs(heard.sum(axis=0))
    for written, note in zip(score(notes, first), notes, strict=True):
        assert (written["pitch"], written["velocity"]) == (note.pitch, note.velocity)
        at = grid.beat(float(written["start"])) - grid.bar(first)
        # every note begins in silence: within 5 ms of its beat it is heard, and before it nothing new was
        assert level[at - 44 : at + 1].max(initial=0.0) < 0.02 if at >= 44 else True
        reached = at + int(np.argmax(level[at : at + 2000] > 0.02))
        assert reached - at <= 0.005 * RATE
    quiet = np.ones(count, dtype=bool)
    for written in score(notes, first):
        start = grid.beat(float(written["start"])) - grid.bar(first)
        end = grid.beat(float(written["start"]) + float(written["length"])) - grid.bar(first)
        quiet[max(0, start - 90) : end + 90] = False
    assert level[quiet].max(initial=0.0) < 1e-3 * level.max()


def test_its_pitches_are_those_of_the_score() -> None:
    grid = Grid(BPM)
    notes = [Note(float(2 * i), 1.5, pitch, 100) for i, pitch in enumerate((33, 36, 40, 41))]
    heard = sound(lifted().voice, notes, grid, 0, grid.bar(2))[0]
    for note in notes:
        piece = heard[grid.beat(note.beat) + 2000 : grid.beat(note.beat + note.length) - 2000]
        hertz = np.fft.rfftfreq(1 << 18, 1 / RATE)
        power = np.abs(np.fft.rfft(piece * np.hanning(piece.size), 1 << 18))
        # the lowest partial that is loud is the fundamental
        wanted = 440 * 2 ** ((note.pitch - 69) / 12)
        near = (hertz > 0.8 * wanted) & (hertz < 1.2 * wanted)
        assert 1200 * abs(np.log2(hertz[near][np.argmax(power[near])] / wanted)) < 8
        assert power[hertz < 0.7 * wanted].max() < 0.05 * power.max()
