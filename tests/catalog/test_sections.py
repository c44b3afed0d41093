from __future__ import annotations

import itertools

import numpy as np

from catalog.analysis import analyse
from catalog.analysis.model import Bars
from catalog.analysis.sections import fullness, sections_of
from catalog.demo import render_style


def bars_of(level: list[float]) -> Bars:
    """Bars of two seconds whose level, low end and onsets follow `level` (0..1)."""
    full = np.asarray(level, np.float32)
    count = len(full)
    start = np.arange(count, dtype=np.float32) * 2
    chance = np.random.default_rng(0)
    return Bars(
        start=start,
        end=start + 2,
        rms_db=-30 + 20 * full,
        low=-5 + 3 * full,
        onset=0.02 * full + 0.001,
        drums=full / 2,
        chroma=np.full((count, 12), 1 / 12, np.float32),
        timbre=(full[:, None] * 10 + chance.normal(0, 0.1, (count, 12))).astype(np.float32),
    )


def test_a_club_form_is_named_as_producers_name_it() -> None:
    level = [0.2] * 8 + [0.6] * 4 + [1.0] * 16 + [0.3] * 8 + [0.65] * 4 + [1.0] * 16 + [0.4] * 8
    sections = sections_of(bars_of(level))
    assert [(s.name, s.first_bar, s.bars) for s in sections] == [
        ("intro", 0, 8),
        ("build", 8, 4),
        ("drop", 12, 16),
        ("break", 28, 8),
        ("build", 36, 4),
        ("drop", 40, 16),
        ("outro", 56, 8),
    ]


def test_sections_cover_every_bar_once_and_hold_bar_times() -> None:
    chance = np.random.default_rng(3)
    bars = bars_of(list(np.repeat(chance.uniform(0.1, 1, 9), 5)))
    sections = sections_of(bars)
    assert sections[0].first_bar == 0
    assert sum(s.bars for s in sections) == len(bars)
    for before, after in itertools.pairwise(sections):
        assert before.first_bar + before.bars == after.first_bar
        assert before.end == after.start
        assert before.name != after.name


def test_an_even_track_is_one_section() -> None:
    assert [s.name for s in sections_of(bars_of([0.8] * 24))] == ["drop"]


def test_no_bars_have_no_sections() -> None:
    assert sections_of(Bars.none()) == ()
    assert len(fullness(Bars.none())) == 0


def test_the_sections_of_a_known_track_are_found_on_its_bar_lines() -> None:
    truth = render_style("dubstep", 17, 18, 70, bpm=140.0)
    found = analyse(truth.samples, truth.sample_rate)
    edges = np.array([s.start for s in truth.sections])
    ours = np.array([s.start for s in found.sections])
    away = np.abs(ours[:, None] - edges).min(axis=0)
    # Every true boundary but at most one is found within a tenth of a second.
    assert np.sum(away > 0.1) <= 1
    assert {s.name for s in found.sections} >= {"intro", "drop", "break"}
    drop = next(s for s in truth.sections if s.name == "drop")
    middle = drop.start + drop.bars * 120 / 140
    assert next(s.name for s in found.sections if s.start <= middle < s.end) == "drop"


def test_fullness_is_one_at_the_fullest_and_low_in_the_quiet() -> None:
    full = fullness(bars_of([0.1] * 8 + [1.0] * 8))
    assert full.max() == 1.0
    assert full[:8].max() < 0.5
