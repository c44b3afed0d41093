"""What is known of a tempo before it is heard, and how far it is believed."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.analysis import TempoContext, TrackAnalysis, analyse
from catalog.analysis.context import artist_range_of, bar_starts, bpm_in_name
from tests.sounds import RATE, kick_loop


@pytest.mark.parametrize(
    ("name", "bpm"),
    [
        ("track_140_final.wav", 140.0),
        ("140bpm_dark.mp3", 140.0),
        ("DARK140.wav", 140.0),
        ("C:\\music\\BPM 87,5 demo.wav", 87.5),
        ("roller (174 BPM) take 120.flac", 174.0),
        ("174 roller 174.aif", 174.0),
        ("tune-100-final-174.wav", None),
        ("86bpm or 172bpm.wav", None),
        ("Route 66.wav", None),
        ("Summer of 1999.wav", None),
        ("dark 128kbps.mp3", None),
        ("mix 192k 24bit.wav", None),
        ("150th street.wav", None),
        ("20211140.wav", None),
        ("01 - Song.mp3", None),
        ("", None),
    ],
)
def test_failure_01b_the_tempo_in_a_file_name_is_read_or_left_open(name: str, bpm: float | None) -> None:
    assert bpm_in_name(name) == bpm


def test_an_artists_range_needs_eight_tempos_and_ignores_a_stray() -> None:
    tempos = [138.0, 139.0, 140.0, 140.0, 140.0, 140.0, 140.0, 141.0, 142.0, 143.0]
    assert artist_range_of(tempos[:7]) is None
    low, high = artist_range_of([*tempos, None, float("nan"), 86.0]) or (0, 0)
    assert 130 < low < 139
    assert 141 < high < 150


def test_a_grid_of_one_tempo_has_a_bpm_and_a_first_beat() -> None:
    starts = bar_starts([(0.5, 120.0, 3), (60.0, 120.0, 1), (1.0, 0.0, 1)])
    known = TempoContext(collection_grid=starts)
    assert known.grid_bpm == 120.0
    assert known.grid_start == pytest.approx(-0.5)
    moving = TempoContext(collection_grid=((0.0, 120.0), (30.0, 123.0)))
    assert moving.grid_bpm is None
    assert moving.grid_start is None


@pytest.fixture(scope="module")
def loop() -> np.ndarray:
    return kick_loop(140.0, 30)


def bpm_of(analysis: TrackAnalysis) -> float:
    assert analysis.bpm is not None
    return analysis.bpm


@pytest.mark.parametrize(
    ("known", "bpm", "evidence"),
    [
        (TempoContext(collection_bpm=70.1), 70, "collection"),
        (TempoContext(tag_bpm=70.0), 70, "tag"),
        (TempoContext(filename_bpm=70.0, artist_range=(130, 150)), 140, "audio"),
        (TempoContext(artist_range=(60, 180), tag_bpm=140.0), 140, "audio"),
        (TempoContext(artist_range=(60, 80)), 70, "artist range"),
        (TempoContext(tag_bpm=123.0), 140, "audio"),
        (TempoContext(tag_bpm=0.0), 140, "audio"),
        (TempoContext(), 140, "audio"),
    ],
    ids=lambda value: (
        "-".join(f"{k}" for k, v in vars(value).items() if v) if hasattr(value, "claims") else str(value)
    ),
)
def test_a_source_decides_only_where_the_sound_allows_it_and_would_have_read_otherwise(
    loop: np.ndarray, known: TempoContext, bpm: float, evidence: str
) -> None:
    found = analyse(loop, RATE, context=known)
    assert abs(bpm_of(found) / bpm - 1) < 0.001, "the figure is the sound's, whoever chose the octave"
    assert found.bpm_evidence == evidence


def test_a_collections_grid_says_which_beat_is_the_first_of_the_bar(loop: np.ndarray) -> None:
    alone = analyse(loop, RATE)
    beat = alone.beat_period or 0
    third = (alone.first_downbeat or 0) + 2 * beat
    told = analyse(loop, RATE, context=TempoContext(collection_grid=((third + 0.02, 140.0),)))
    turns = ((told.first_downbeat or 0) - third) / (4 * beat)
    assert abs(turns - round(turns)) * 4 * beat < 0.01, "on the measured beat, not 20 ms behind it"
    assert told.downbeat_confidence >= 0.9
    off = analyse(loop, RATE, context=TempoContext(collection_grid=((third + beat / 2, 140.0),)))
    assert off.first_downbeat == alone.first_downbeat, "a grid between the beats contradicts the sound"
