"""What a Mosaic take is: exact in time, in the key, mastered, accounted for, and the same every time."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Collection
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import maximum_filter1d

from bench.mosaic.lineage import shared_bars
from catalog.analysis import analyse, parse_key
from catalog.analysis.keys import mirex_weight
from generation.engines.base import EngineError, Material, Rendering
from generation.engines.mosaic import Mosaic, Plan, source_map
from generation.loudness import integrated_loudness
from generation.truepeak import true_peak_dbtp
from tests.generation.mosaic_corpus import RATE, brief, corpus, planned, render


@cache
def plain() -> Rendering:
    return render(brief(key=parse_key("A minor"), duration_seconds=30.0))


def silently(fraction: float, words: str) -> None:
    """Progress nobody looks at."""


def _digest(rendering: Rendering) -> str:
    return hashlib.sha256(rendering.audio.tobytes()).hexdigest()


@pytest.mark.parametrize("seconds", [8.0, 11.05])
def test_a_take_lasts_exactly_as_long_as_asked(seconds: float) -> None:
    rendering = render(brief(duration_seconds=seconds))
    assert rendering.audio.shape == (2, round(seconds * RATE))
    assert rendering.audio.dtype == np.float32
    assert rendering.audio.flags.c_contiguous


@pytest.mark.parametrize(("bpm", "seconds"), [(117.3, 25.0), (62.0, 25.0)])
def test_the_tempo_is_the_one_asked_for(bpm: float, seconds: float) -> None:
    rendering = render(brief(bpm=bpm, duration_seconds=seconds))
    heard = analyse(rendering.stems["drums"], RATE).bpm
    assert heard is not None
    nearest = min((heard, heard * 2, heard / 2), key=lambda value: abs(value - bpm))
    assert nearest == pytest.approx(bpm, rel=0.0005)


def test_the_drums_fall_on_the_grid() -> None:
    # the first difference leaves the attacks and takes the body of the kick away
    drums = np.abs(np.diff(plain().stems["drums"].sum(axis=0)))
    level = np.convolve(drums, np.ones(256) / 256, mode="same")
    rise = np.maximum(0, level[256:] - level[:-256])
    peaks = np.flatnonzero((rise == maximum_filter1d(rise, 4001)) & (rise > 0.3 * rise.max()))
    assert len(peaks) > 20
    sixteenth = 60 / 124.0 / 4
    times = (peaks + 128) / RATE
    assert np.mean(np.abs(times - np.round(times / sixteenth) * sixteenth) < 0.025) >= 0.95


def test_the_key_is_the_one_asked_for_or_its_relative() -> None:
    key = analyse(plain().audio, RATE).key
    assert key is not None
    assert mirex_weight(key, parse_key("A minor")) in (1.0, 0.3)


def test_it_is_mastered_to_its_target() -> None:
    rendering = plain()
    assert integrated_loudness(rendering.audio, RATE) == pytest.approx(rendering.plan["target_lufs"], abs=0.5)
    assert -14.0 <= rendering.plan["target_lufs"] <= -9.0
    assert true_peak_dbtp(rendering.audio) <= -1.0


def test_the_stems_add_up_to_the_take() -> None:
    rendering = plain()
    assert {"drums", "bass", "harmony"} <= set(rendering.stems)
    assert np.abs(sum(rendering.stems.values()) - rendering.audio).max() < 10 ** (-100 / 20)


def test_there_is_no_silence_before_the_end() -> None:
    audio = plain().audio
    levels = np.sqrt(
        np.mean(np.square(audio[:, : audio.shape[1] // RATE * RATE].reshape(2, -1, RATE)), axis=(0, 2))
    )
    assert (20 * np.log10(levels[:-2] + 1e-9) > -40).all()


def test_it_ends_in_silence_and_begins_without_a_click() -> None:
    audio = plain().audio
    assert np.abs(audio[:, -32:]).max() < 0.01
    assert np.abs(audio[:, 0]).max() < 0.01


def test_every_bar_says_where_it_comes_from() -> None:
    rendering = plain()
    titles = {track.id: track for track in corpus()}
    bars = rendering.plan["bars"]
    assert {entry["bar"] for entry in rendering.built_from} == set(range(bars))
    for entry in rendering.built_from:
        analysis = titles[entry["track_id"]].analysis
        assert 0 <= entry["source_start"] < entry["source_end"] <= analysis.duration + 0.01
        assert abs(analysis.bars.start[entry["source_bar"]] - entry["source_start"]) < 0.06
        assert abs(entry["stretch"] - 1) <= 0.12
        assert abs(entry["shift"]) <= 3
        assert entry["shift"] == 0 or entry["layer"] != "drums"
        assert entry["gain"] > 0


def test_drums_and_harmony_come_from_different_tracks_and_nobody_has_too_much() -> None:
    entries = plain().built_from
    by_layer = {
        layer: {e["track_id"] for e in entries if e["layer"] == layer} for layer in ("drums", "harmony")
    }
    assert not by_layer["drums"] & by_layer["harmony"]
    counts = {e["track_id"]: sum(x["track_id"] == e["track_id"] for x in entries) for e in entries}
    assert len(counts) >= 3
    assert max(counts.values()) <= 0.4 * len(entries)


def test_no_more_than_four_bars_of_a_track_are_quoted_in_a_row() -> None:
    entries = [entry for entry in plain().built_from if entry["layer"] == "harmony"]
    run = longest = 1
    for before, after in pairwise(entries):
        straight_on = (
            after["track_id"] == before["track_id"] and after["source_bar"] == before["source_bar"] + 1
        )
        run = run + 1 if straight_on and after["bar"] == before["bar"] + 1 else 1
        longest = max(longest, run)
    assert longest <= 4


def test_the_sections_cover_the_take() -> None:
    rendering = plain()
    names = [section["name"] for section in rendering.sections]
    assert names[0] in ("intro", "build") and names[-1] == "outro" and "drop" in names
    assert rendering.sections[0]["start"] == 0.0
    for before, after in pairwise(rendering.sections):
        assert before["end"] == after["start"]
        assert before["first_bar"] + before["bars"] == after["first_bar"]


@cache
def short() -> Rendering:
    return render(brief())


def test_the_same_request_gives_the_same_bytes_whatever_the_order_of_the_catalog() -> None:
    again = render(brief(), tuple(reversed(corpus())))
    assert _digest(again) == _digest(short())
    assert again.plan == short().plan


@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_gives_the_same_bytes_on_any_number_of_cores(threads: str) -> None:
    code = (
        "import hashlib; from tests.generation.mosaic_corpus import brief, render;"
        "print(hashlib.sha256(render(brief()).audio.tobytes()).hexdigest())"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads}
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert elsewhere.stdout.strip() == _digest(short())


def test_another_seed_gives_other_music() -> None:
    assert _digest(render(brief(seed=8))) != _digest(short())


def test_takes_of_a_request_share_few_bars_whatever_place_they_play_in() -> None:
    made: list[list[dict[str, object]]] = []
    for take in (1, 2, 3):
        request = brief(seed=take).avoiding(reversed(made))
        fresh = source_map(planned(request, take=take))
        for before in made:
            assert shared_bars(fresh, before) <= 0.1
        made.append(fresh)


def test_a_stored_plan_renders_to_the_very_same_take() -> None:
    again = Mosaic().replay(json.loads(json.dumps(short().plan)), Material(corpus()), on_progress=silently)
    assert again.audio.tobytes() == short().audio.tobytes()
    assert all(again.stems[name].tobytes() == stem.tobytes() for name, stem in short().stems.items())
    assert again.plan == short().plan
    assert again.built_from == short().built_from


def test_a_plan_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        Plan.from_json(short().plan | {"version": 99})
    with pytest.raises(EngineError, match="another version"):
        Mosaic().replay(short().plan | {"version": 1}, Material(corpus()), on_progress=silently)


def test_a_plan_whose_sources_were_withdrawn_is_refused_with_a_sentence() -> None:
    with pytest.raises(EngineError, match="no longer"):
        Mosaic().replay(short().plan, Material(corpus(1)), on_progress=silently)


def test_the_judge_decides_between_candidates() -> None:
    heard: list[float] = []

    def judge(vector: np.ndarray, without: Collection[str]) -> float:
        assert vector.shape == (242,)
        heard.append(0.3 + 0.01 * len(heard))
        return heard[-1]

    rendering = Mosaic().render(
        brief(), Material(corpus(), judge), take=1, on_progress=lambda fraction, words: None
    )
    assert len(heard) >= 2
    candidates = rendering.plan["candidates"]
    assert [candidate["chosen"] for candidate in candidates] == [True] + [False] * (len(candidates) - 1)
    assert all(candidate["reason"] for candidate in candidates)
    assert "plans were drawn" in rendering.plan["choice"]
    styles = {candidate["style"] for candidate in rendering.plan["candidates"]}
    assert styles == {"hard", "soft"}


def test_progress_rises_to_one_and_an_objection_stops_the_work() -> None:
    fractions: list[float] = []
    Mosaic().render(
        brief(), Material(corpus()), take=1, on_progress=lambda fraction, words: fractions.append(fraction)
    )
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0 and fractions[-1] == 1.0
    assert len(fractions) > 20

    class Cancelled(Exception):
        pass

    def objecting(fraction: float, words: str) -> None:
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        Mosaic().render(brief(), Material(corpus()), take=1, on_progress=objecting)


def test_it_reads_only_the_tracks_it_uses() -> None:
    read: list[str] = []
    tracks = tuple(
        type(t)(t.id, t.title, t.analysis, lambda t=t: (read.append(t.id), t.load())[1])
        for t in corpus()  # type: ignore[misc]
    )
    rendering = render(brief(), tracks)
    assert sorted(read) == sorted({entry["track_id"] for entry in rendering.built_from})


def test_the_estimate_grows_with_duration_and_takes() -> None:
    one, longer, more = brief(), brief(duration_seconds=180.0), brief(takes=3)
    engine = Mosaic()
    assert 1 < engine.estimate(one, 12) < engine.estimate(longer, 12) < 60
    assert engine.estimate(more, 12) > 2 * engine.estimate(one, 12)


def test_the_engine_says_what_it_is() -> None:
    engine = Mosaic()
    assert (engine.slug, engine.label, engine.version) == ("mosaic", "Mosaic", "2.4")
    assert engine.commercial_use and engine.licence == "Your own recordings"
    assert engine.availability().ready
    assert {"bpm", "key", "stems", "midi", "seed", "lineage", "references"} <= engine.capabilities()
