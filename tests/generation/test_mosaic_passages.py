"""Where the bass of a track is clear, it is lifted, wherever a take plays it."""

from __future__ import annotations

from functools import cache

import numpy as np

from generation.engines.base import CorpusTrack
from generation.engines.mosaic.kicks import find_kicks
from generation.engines.mosaic.passages import UNIT, clearest, clearness
from generation.engines.mosaic.plan import Voice
from generation.engines.mosaic.workshop import Workshop
from tests.generation.mosaic_bass import RATE, STEP, band, bass_note
from tests.generation.mosaic_corpus import foreign

BAR = 16 * STEP
MUDDY, CLEAN = 12, 8  # bars


@cache
def samples() -> np.ndarray:
    """(2, n): bars of drums over a rumbling low end, then bars in which only a bass plays, on every beat."""
    rng = np.random.default_rng(9)
    out = np.zeros(round((MUDDY + CLEAN) * BAR * RATE) + RATE)
    drums = band(bass=False)[0, round(0.2 * RATE) :][: round(4 * BAR * RATE)]
    rumble = np.convolve(rng.standard_normal(out.size), np.hanning(400) / 20, mode="same")
    for bar in range(0, MUDDY, 4):
        at = round(bar * BAR * RATE)
        out[at : at + drums.size] += drums
    end = round(MUDDY * BAR * RATE)
    out[:end] += 0.1 * rumble[:end]
    for beat in range(4 * CLEAN):
        at = end + round(beat * 4 * STEP * RATE)
        note = bass_note((33, 36, 40, 41)[beat // 4 % 4], 3.5 * STEP)
        out[at : at + note.size] += note
        out[at : at + 800] += 0.05 * rng.standard_normal(800) * np.exp(-np.arange(800) / 150)
    return np.stack([out, out]).astype(np.float32)


@cache
def muddy() -> CorpusTrack:
    return foreign("muddy", samples())


def test_clear_is_where_a_low_note_stands_alone() -> None:
    clear = clearness(samples(), find_kicks(samples()))
    second = UNIT * np.arange(len(clear))
    turn = MUDDY * BAR
    assert clear[second < turn - 0.5].mean() < 0.03
    assert clear[(second > turn + 0.5) & (second < turn + CLEAN * BAR - 0.5)].mean() > 0.5
    noise = 0.1 * np.random.default_rng(1).standard_normal((2, 20 * RATE)).astype(np.float32)
    assert clearness(noise, None).max() < 0.1
    assert not clearness(np.zeros((2, RATE), np.float32), None).any()


def test_what_may_be_a_kick_is_not_called_clear() -> None:
    time = np.arange(round(0.3 * RATE)) / RATE
    kick = 0.6 * np.sin(2 * np.pi * (52 * time + 2 * (1 - np.exp(-time * 50)))) * np.exp(-time * 9)
    kick += 0.5 * np.random.default_rng(2).standard_normal(time.size) * np.exp(-time * 300)
    out = np.zeros(16 * RATE)
    for at in np.arange(0.25, 15.5, 0.48):
        out[round(at * RATE) : round(at * RATE) + kick.size] += kick
    both = np.stack([out, out]).astype(np.float32)
    found = find_kicks(both)
    assert found is not None
    assert clearness(both, found).mean() < 0.25 * clearness(both, None).mean()


def test_the_clearest_passages_do_not_overlap_and_those_at_hand_win_a_near_tie() -> None:
    clear = np.zeros(160, dtype=np.float32)  # forty seconds
    clear[32:64], clear[96:128] = 0.5, 0.55
    passages = [(float(start), float(start + 8), 16) for start in range(0, 33, 2)]
    assert clearest(clear, passages, 2) == [(8.0, 16.0, 16), (24.0, 32.0, 16)]
    assert clearest(clear, passages, 1) == [(24.0, 32.0, 16)]
    assert clearest(clear, passages, 1, [(8.0, 16.0, 16)]) == [(8.0, 16.0, 16)]
    assert clearest(clear, [], 3, [(8.0, 16.0, 16)]) == [(8.0, 16.0, 16)]
    assert clearest(np.zeros(160, np.float32), passages, 3) == []
    assert clearest(np.zeros(0, np.float32), passages, 3) == []


def test_a_workshop_lifts_where_it_is_clear_though_the_voice_plays_elsewhere() -> None:
    bars = muddy().analysis.bars
    assert len(bars) >= 12
    drop = (float(bars.start[1]), float(bars.end[4]), 16)
    bass = Workshop([muddy()], lambda: None).bass(Voice("bass", 0, 4, "muddy", (drop,), "seed"))
    assert bass is not None
    for start, end in bass.voice.sources:
        assert MUDDY * BAR - 0.1 < start < end
    assert {round(note.midi) for note in bass.voice.notes} <= {33, 36, 40, 41}
    assert Workshop([muddy()], lambda: None).bass(Voice("bass", 0, 4, "muddy", (), "seed")) is None
