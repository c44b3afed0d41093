"""The demo artists' music: what it claims about itself is true of its samples."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
import soxr
from scipy import signal

from catalog.analysis import analyse
from catalog.demo import ARTISTS, STYLES, DemoKey, Rendered, render, render_style
from catalog.demo.arrangement import FORMS, form_for
from catalog.demo.artists import identity
from catalog.demo.mastering import loudness
from catalog.demo.session import TAIL_SECONDS, Session

RATE = 44_100


@cache
def sketch(artist: int) -> Rendered:
    """The first track of a demo artist in the shortest form, rendered once for all tests."""
    return render(replace(ARTISTS[artist].tracks[0], form="sketch"))


def lufs(samples: np.ndarray) -> float:
    return float(pyloudnorm.Meter(RATE).integrated_loudness(samples.T.astype(float)))


def part(track: Rendered, name: str) -> np.ndarray:
    """The samples of the first section of that name."""
    section = next(section for section in track.sections if section.name == name)
    start = round(section.start * RATE)
    return track.samples[:, start : start + round(section.bars * 240 / track.bpm * RATE)]


def attacks(samples: np.ndarray) -> np.ndarray:
    """Rise of the energy between 2 and 9 kHz per millisecond: clicks of kicks, hats, plucked notes."""
    bright = signal.sosfilt(
        signal.butter(2, (2000, 9000), "bandpass", fs=RATE, output="sos"), samples.mean(axis=0)
    )
    frame = RATE // 1000
    level = np.square(bright[: len(bright) // frame * frame]).reshape(-1, frame).mean(axis=1)
    return np.maximum(0.0, np.diff(level, prepend=level[:1]))


def test_there_are_three_artists_with_twelve_tracks_of_one_to_two_minutes() -> None:
    assert len(ARTISTS) >= 3
    for artist in ARTISTS:
        assert len(artist.tracks) == 12
        assert len({track.title for track in artist.tracks}) == 12
        assert all(60 <= track.seconds <= 120 for track in artist.tracks)
        assert artist.bio.endswith(".")


def test_the_tempos_stay_in_the_style_and_move_in_half_steps() -> None:
    ranges = {"dubstep": (136, 144), "house": (118, 126), "drum-and-bass": (168, 176)}
    for artist in ARTISTS:
        low, high = ranges[artist.tracks[0].style]
        tempos = {track.bpm for track in artist.tracks}
        assert len(tempos) > 4
        assert all(low <= bpm <= high and (bpm * 2).is_integer() for bpm in tempos)


def test_every_form_is_made_of_sections_of_four_or_eight_bars() -> None:
    for plan in [*FORMS.values(), *(form_for(bars) for bars in range(12, 90, 7))]:
        assert all(bars % 4 == 0 and bars > 0 for _, bars in plan)
    for plan in FORMS.values():
        assert [name for name, _ in plan if name != "build"] == ["intro", "drop", "break", "drop", "outro"]


def test_the_same_seeds_give_the_same_samples_and_other_seeds_do_not() -> None:
    def digest(artist_seed: int, track_seed: int) -> str:
        track = render_style("electro", artist_seed, track_seed, 10)
        return hashlib.sha256(track.samples.tobytes()).hexdigest()

    first = digest(1, 2)
    assert first == digest(1, 2)
    assert len({first, digest(1, 3), digest(2, 2)}) == 3


@pytest.mark.parametrize("artist", range(3))
def test_a_track_is_clean_stereo_of_the_promised_length(artist: int) -> None:
    track = sketch(artist)
    promised = ARTISTS[artist].tracks[0]
    assert track.samples.dtype == np.float32 and track.samples.shape[0] == 2
    assert track.samples.shape[1] == pytest.approx((24 * 240 / promised.bpm + TAIL_SECONDS) * RATE, abs=50)
    assert np.isfinite(track.samples).all()
    assert (track.bpm, track.key) == (promised.bpm, promised.key)


@pytest.mark.parametrize("artist", range(3))
def test_kick_drums_start_exactly_where_the_truth_says(artist: int) -> None:
    track = sketch(artist)
    rise = attacks(track.samples)
    together = np.zeros(51)
    for section in track.sections:
        if section.name != "drop":
            continue
        first = round(section.start / (240 / track.bpm))
        for beat in track.downbeats[first : first + section.bars]:
            assert any(abs(kick - beat) < 2e-5 for kick in track.truth["kicks"])
            centre = round(beat * RATE / (RATE // 1000))
            around = rise[centre - 25 : centre + 26]
            together += around / around.max()
    assert -1 <= int(np.argmax(together)) - 25 <= 3


@pytest.mark.parametrize("artist", range(3))
def test_downbeats_lie_on_a_constant_grid(artist: int) -> None:
    track = sketch(artist)
    bars = np.arange(len(track.downbeats))
    assert np.allclose(track.downbeats, bars * 240 / track.bpm, atol=2e-6)
    assert sum(section.bars for section in track.sections) == len(track.downbeats)


@pytest.mark.parametrize("artist", range(3))
def test_tempo_and_key_are_heard_by_the_analysis(artist: int) -> None:
    track = sketch(artist)
    heard = analyse(track.samples, RATE)
    assert heard.bpm == pytest.approx(track.bpm, rel=0.001)
    assert heard.key is not None
    assert heard.key.name == track.key.name


@pytest.mark.parametrize("artist", range(3))
def test_loudness_and_true_peak_are_those_of_a_finished_record(artist: int) -> None:
    samples = sketch(artist).samples
    peak = np.abs(soxr.resample(samples.T, RATE, 8 * RATE, quality="HQ")).max()
    assert -13.0 <= lufs(samples) <= -10.0
    assert 20 * np.log10(peak) <= -1.0
    crest = 20 * np.log10(np.abs(samples).max() / np.sqrt(np.mean(samples**2)))
    assert 8.0 <= crest <= 16.0


@pytest.mark.parametrize("artist", range(3))
def test_intro_and_break_are_clearly_quieter_than_the_drop(artist: int) -> None:
    track = sketch(artist)
    drop = lufs(part(track, "drop"))
    assert drop - lufs(part(track, "intro")) > 4.0
    assert drop - lufs(part(track, "break")) > 3.5
    assert drop - lufs(part(track, "build")) > 1.0


@pytest.mark.parametrize("artist", range(3))
def test_the_bass_is_mono_and_the_rest_is_wide(artist: int) -> None:
    samples = sketch(artist).samples
    low = signal.sosfilt(signal.butter(4, 90, fs=RATE, output="sos"), samples, axis=1)
    high = signal.sosfilt(signal.butter(4, 300, "highpass", fs=RATE, output="sos"), samples, axis=1)
    assert np.corrcoef(low)[0, 1] > 0.98
    assert np.corrcoef(high)[0, 1] < 0.97


@pytest.mark.parametrize("artist", range(3))
def test_no_note_rings_over_a_bar_line(artist: int) -> None:
    """Bars can be cut and exchanged: every bass, key and lead note has ended when the next bar begins."""
    track = ARTISTS[artist].tracks[0]
    session = Session(
        identity(track.artist_seed),
        track_seed=track.seed,
        plan=FORMS["sketch"],
        bpm=track.bpm,
        key=track.key,
        lead_in=0.0,
    )
    session.play_bass()
    session.play_keys()
    session.play_lead()
    session.play_arp()
    for name in ("sub", "bass", "keys", "lead"):
        bus = session.buses[name]
        assert np.abs(bus).max() > 0.1
        for bar in range(1, len(session.bars)):
            at = session.clock.at(bar)
            assert np.abs(bus[:, at - 20 : at]).max() < 1e-3


def test_the_three_artists_do_not_sound_alike() -> None:
    """Long-term spectra of one artist's tracks are closer to each other than to another artist's."""

    def spectrum(track: Rendered) -> np.ndarray:
        frequencies, power = signal.welch(track.samples.mean(axis=0), RATE, nperseg=4096)
        edges = np.geomspace(40, 14_000, 25)
        bands = [power[(frequencies >= a) & (frequencies < b)].mean() for a, b in pairwise(edges)]
        level = 10 * np.log10(np.array(bands) + 1e-12)
        return level - level.mean()

    first, second = spectrum(sketch(0)), spectrum(sketch(1))
    third = spectrum(sketch(2))
    apart = [np.sqrt(np.mean((a - b) ** 2)) for a, b in ((first, second), (first, third), (second, third))]
    assert min(apart) > 2.5


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_renders_in_the_tempo_and_key_asked_for(style: str) -> None:
    fastest = STYLES[style].bpm[1]
    track = render_style(style, 5, 6, 10, bpm=fastest, key=DemoKey(4, "minor"))
    assert track.bpm == fastest
    assert track.key.name == "E minor"
    assert np.isfinite(track.samples).all()
    assert -18.0 < loudness(track.samples) < -9.5
    assert bool(track.truth["kicks"]) is (STYLES[style].groove != "none")


def test_a_lead_in_moves_the_whole_grid() -> None:
    track = render_style("techno", 1, 1, 20, lead_in=0.25)
    assert track.downbeats[0] == 0.25
    assert np.abs(track.samples[:, : round(0.249 * RATE)]).max() < 1e-3


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(KeyError):
        render_style("polka", 1, 1, 20)
