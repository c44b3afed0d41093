"""The kick as a stem of its own: found where it was struck, lifted out without the rest, and an exact score of it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bench.mosaic.onsets import onsets
from generation.engines.base import Rendering
from generation.engines.mosaic import workshop_for
from generation.engines.mosaic.kicks import find_kicks, lifted
from generation.engines.mosaic.plan import Block
from generation.engines.mosaic.separate import low_passed
from generation.engines.mosaic.slices import FADE, resliced, slices
from generation.engines.mosaic.workshop import Workshop
from tests.generation.mosaic_corpus import BARS, RATE, TRACKS, brief, corpus, render, song

BPM = TRACKS[0][0]
BEAT = 60.0 / BPM * RATE


def strokes_of_song() -> np.ndarray:
    """The samples at which the kick of the first song is struck."""
    bars = [bar for bar in range(BARS) if bar % 12 >= 4]
    return np.array([round((bar * 4 + beat) * BEAT) for bar in bars for beat in range(4)])


@cache
def workshop() -> Workshop:
    return workshop_for(corpus(), lambda: None)


def block(layer: str = "drums", *, stretch: float = 1.0) -> Block:
    """Bars 4 to 7 of the first song, all four of them full."""
    seconds = 16 * BEAT / RATE
    return Block(0, 4, layer, "track-0", 4, seconds, 2 * seconds, 16, stretch, 0, (0, 1, 2, 3), 1.0)


def test_every_stroke_is_found_to_a_fraction_of_a_millisecond() -> None:
    found = find_kicks(song(*TRACKS[0]))
    assert found is not None
    at, gain = found.struck(0, 10**9)
    true = strokes_of_song()
    assert len(at) == len(true)
    assert np.abs(at - true).max() <= 16
    assert gain == pytest.approx(1.0, abs=0.1)


def test_the_cuts_of_an_unbent_phrase_add_up_to_the_phrase() -> None:
    parts = [workshop().cut(block(), name) for name in ("kick", "drums")]
    parts += [workshop().cut(block("harmony"), name) for name in ("bass", "harmony")]
    assert len({part.lead for part in parts}) == 1
    start = round(block().start * RATE)
    source = song(*TRACKS[0])[:, start : start + round(16 * BEAT)]
    whole = np.asarray(sum(part.samples for part in parts))[:, round(0.2 * RATE) :][:, : source.shape[1]]
    # the source without what lies below 24 Hz
    left = whole - source
    assert np.abs(left - low_passed(left, 60.0, 4001))[:, 4001:-4001].max() < 2e-3
    assert np.abs(whole).max() > 0.3


def test_the_kick_is_low_and_sounds_only_where_it_was_struck() -> None:
    cut = workshop().cut(block(), "kick")
    at, _ = cut.strokes
    near = np.zeros(cut.samples.shape[1], dtype=bool)
    for stroke in at:
        near[max(0, stroke - round(0.012 * RATE)) : stroke + round(0.30 * RATE)] = True
    assert np.abs(cut.samples[:, near]).max() > 0.2
    assert np.abs(cut.samples[:, ~near]).max() < 1e-3
    # hats stay with the drums
    power = {}
    for name in ("kick", "drums"):
        spectrum = np.square(np.abs(np.fft.rfft(workshop().cut(block(), name).samples.sum(axis=0))))
        hertz = np.fft.rfftfreq(cut.samples.shape[1], 1 / RATE)
        power[name] = (spectrum[hertz < 150].sum(), spectrum[hertz > 6_000].sum())
    assert power["kick"][0] > 100 * power["drums"][0]
    assert power["drums"][1] > 100 * power["kick"][1]


@pytest.mark.parametrize("stretch", [1.0, 1.09, 0.92])
def test_the_strokes_of_a_bent_cut_are_where_its_kick_rises(stretch: float) -> None:
    cut = workshop().cut(block(stretch=stretch), "kick")
    at, gain = cut.strokes
    beat = BEAT / stretch
    inside = at[(at >= cut.lead - 200) & (at < cut.lead + 15.5 * beat)]
    assert len(inside) == 16 and len(gain) == len(at)
    assert np.abs(inside - cut.lead - beat * np.arange(16)).max() < 0.004 * RATE
    level = np.abs(cut.samples).sum(axis=0)
    for stroke in inside:
        assert level[stroke + 40 : stroke + 400].mean() > 10 * level[stroke - 400 : stroke - 200].mean()


def test_a_clap_on_the_beat_stays_with_the_drums() -> None:
    rng = np.random.default_rng(3)
    out = np.zeros(round(66 * BEAT), dtype=np.float32)
    time = np.arange(round(0.2 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (50 * time + 4 * (1 - np.exp(-time * 60)))) * np.exp(-time * 16)
    kick += rng.standard_normal(kick.size) * np.exp(-time * 400) * 0.1
    clap = rng.standard_normal(time.size) * np.exp(-time * 40) * 0.5
    for beat in range(64):
        at = round(beat * BEAT)
        out[at : at + kick.size] += (kick + (clap if beat % 2 else 0.0)).astype(np.float32)
    track = np.stack([out, out])
    found = find_kicks(track)
    assert found is not None
    low = low_passed(track, 170.0, 1025)
    percussive = track - low + found.between(0, track.shape[1])
    alone = lifted(percussive, found, 0)
    middle = alone - low_passed(alone, 400.0, 513)
    at, _ = found.struck(0, track.shape[1])
    power = np.array([np.square(middle[:, t : t + 1500]).sum() for t in at[2:-2]])
    claps = np.round(at[2:-2] / BEAT).astype(int) % 2 == 1
    assert 0.5 < power[claps].mean() / power[~claps].mean() < 2.0
    rest = percussive - alone
    power = np.array([np.square(rest[:, t : t + 6000]).sum() for t in at[2:-2]])
    assert power[claps].mean() > 20 * power[~claps].mean()


def test_a_track_without_kicks_has_none() -> None:
    time = np.arange(8 * RATE) / RATE
    drone = np.stack([np.sin(2 * np.pi * 110 * time)] * 2).astype(np.float32) * 0.3
    assert find_kicks(drone) is None
    assert not lifted(drone, None, 0).any()


@pytest.mark.parametrize("factor", [1.0, 1.12, 0.9, 0.97])
def test_what_is_moved_is_told_to_the_sample(factor: float) -> None:
    step = 0.12
    count = round(4.2 * RATE)
    at = np.round((0.05 + step * np.arange(32) + 0.01) * RATE).astype(int)
    pulses = np.zeros((1, count), dtype=np.float32)
    pulses[0, at] = 1.0
    cut = slices(pulses, factor=factor, first=0.05, step=step)
    out = resliced(pulses, cut)
    moved, which = cut.moved(at)
    assert out.shape[1] == round(count / factor)
    assert sorted(moved.tolist()) == np.flatnonzero(out[0] > 0.5).tolist()
    assert len(moved) == len(at) and which.tolist() == list(range(len(at)))
    assert np.abs(moved - at / factor).max() < (1 + abs(1 / factor - 1) * step * RATE) + FADE


@pytest.mark.parametrize("factor", [0.75, 1.25])
def test_strokes_keep_to_the_grid_of_another_tempo_and_none_is_added(factor: float) -> None:
    step, first = 0.12, 0.3
    rng = np.random.default_rng(5)
    places = np.array([0, 4, 6.5, 8, 12, 14, 16, 20, 21, 22.5, 24, 28])  # in sixteenths: two lie between them
    lean = np.where(places == 14, 0.015, 0.0)  # played late, as a groove is
    out = np.zeros((2, round((first + 32 * step) * RATE)), dtype=np.float32)
    hit = rng.standard_normal((2, round(0.3 * RATE))) * np.exp(-np.arange(round(0.3 * RATE)) / (0.06 * RATE))
    for at in np.round((first + places * step + lean) * RATE).astype(int):
        size = min(hit.shape[1], out.shape[1] - at)
        out[:, at : at + size] += hit[:, :size].astype(np.float32)
    made = resliced(out, slices(out, factor=factor, first=first, step=step))
    wanted = (first + places * step) / factor + lean
    assert made.shape[1] == round(out.shape[1] / factor)
    found, _ = onsets(made)
    near = np.abs(found[:, None] - wanted[None, :])
    assert near.min(axis=0).max() < 0.006
    assert near.min(axis=1).max() < 0.006


def test_parts_cut_by_the_same_slices_add_up() -> None:
    rng = np.random.default_rng(1)
    one, other = (rng.standard_normal((2, 3 * RATE)).astype(np.float32) for _ in range(2))
    cut = slices(one + other, factor=0.95, first=0.1, step=0.11)
    np.testing.assert_allclose(
        resliced(one, cut) + resliced(other, cut), resliced(one + other, cut), atol=1e-5
    )


@cache
def take() -> Rendering:
    return render(brief(duration_seconds=40.0))


def test_the_kick_of_a_take_has_a_note_for_every_stroke_and_no_other() -> None:
    made = take()
    notes = made.plan["score"]["kick"]
    assert [note["start"] for note in notes] == sorted(note["start"] for note in notes)
    at = np.array([round(note["start"] * 60 / made.plan["bpm"] * RATE) for note in notes])
    kick = np.abs(made.stems["kick"]).max(axis=0)
    near = np.zeros(kick.size, dtype=bool)
    for stroke in at:
        near[max(0, stroke - round(0.02 * RATE)) : stroke + round(0.35 * RATE)] = True
        if stroke + 500 < kick.size - RATE:
            assert kick[stroke : stroke + 500].max() > 0.01
    assert len(at) > 30
    # what is not in the score does not sound: a fill may cut into the first milliseconds of the next stroke
    assert kick[near].max() > 0.3
    assert np.mean(kick[~near] > 0.02) < 0.002


def test_the_kick_is_on_the_beat() -> None:
    starts = np.array([note["start"] for note in take().plan["score"]["kick"]])
    off = np.abs(starts * 4 - np.round(starts * 4)) / 4 * 60 / take().plan["bpm"]
    assert np.mean(off < 0.010) > 0.95
