"""What an artist asks for changes what Mosaic plays, and what it cannot do it says."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.analysis import analyse, parse_key
from generation.brief import Reference
from generation.engines.base import CorpusTrack, EngineError
from generation.engines.mosaic import source_map
from generation.engines.mosaic.compose import open_session
from tests.generation.mosaic_corpus import RATE, brief, corpus, foreign, planned, render, song, sources, track
from tests.sounds import noise, silence


def test_drums_asked_from_a_track_come_from_it_alone() -> None:
    plan = planned(brief(references=(Reference("track-2", "drums"),)))
    assert sources(plan, "drums") == {"track-2"}
    assert "track-2" not in sources(plan, "harmony")


def test_harmony_asked_from_some_bars_stays_within_them() -> None:
    plan = planned(brief(references=(Reference("track-4", "harmony", start_bar=4, end_bar=12),)))
    bars = [
        e["source_bar"] for e in source_map(plan) if e["layer"] == "harmony" and e["track_id"] == "track-4"
    ]
    assert bars
    assert min(bars) >= 4 and max(bars) < 12


def test_bass_asked_from_a_track_sounds_under_the_harmony_of_others() -> None:
    plan = planned(brief(references=(Reference("track-5", "bass"),)))
    assert sources(plan, "bass") == {"track-5"}
    assert sources(plan, "harmony") != {"track-5"}


def test_a_lead_asked_from_a_track_has_its_own_stem() -> None:
    rendering = render(brief(references=(Reference("track-1", "lead"),)))
    assert {e["track_id"] for e in rendering.built_from if e["layer"] == "lead"} == {"track-1"}
    assert np.abs(rendering.stems["lead"]).max() > 0.01
    assert not sources(planned(brief()), "lead")


def test_a_track_asked_for_as_a_whole_is_heard_but_not_alone() -> None:
    plan = planned(brief(references=(Reference("track-3"),), duration_seconds=60.0))
    assert "track-3" in sources(plan, "harmony")
    cells = [entry["track_id"] for entry in source_map(plan)]
    assert cells.count("track-3") <= 0.5 * len(cells)


def test_a_style_reference_moves_the_spectrum_without_being_cut_in() -> None:
    plain, styled = planned(brief()), planned(brief(references=(Reference("track-6", "style"),)))
    assert plain.spectrum != styled.spectrum


def test_a_reference_out_of_range_guides_the_style_and_the_artist_is_told() -> None:
    far = foreign("far away", song(92.0, 57, "minor", 11, bars=16))
    session = open_session(brief(references=(Reference("far away", "drums"),)), (*corpus(), far), 1)
    assert "far away" not in {part.source.id for part in session.cast.drums}
    assert any("Far Away" in note and "style" in note for note in session.notes)


def test_a_reference_that_is_not_there_is_noted() -> None:
    session = open_session(brief(references=(Reference("nobody", "drums"),)), corpus(), 1)
    assert any("left out" in note for note in session.notes)


def test_the_target_key_is_reached_by_moving_harmony_at_most_three_semitones() -> None:
    plan = planned(brief(key=parse_key("B minor"), duration_seconds=30.0))
    shifts = [block.shift for block in plan.blocks if block.layer == "harmony"]
    assert all(block.shift == 0 for block in plan.blocks if block.layer == "drums")
    assert max(abs(shift) for shift in shifts) <= 3
    assert any(shifts)


def test_without_a_key_it_follows_its_sources() -> None:
    assert planned(brief(key=None)).key is not None


def test_more_energy_asked_is_more_energy_heard() -> None:
    calm, wild = (
        analyse(render(brief(energy=energy, duration_seconds=15.0)).audio, RATE) for energy in (0.1, 0.9)
    )
    assert calm.measures["drum_share"] < wild.measures["drum_share"]
    assert calm.measures["onset_strength"] < wild.measures["onset_strength"]


def test_energy_moves_the_drums_and_the_loudness_of_the_plan() -> None:
    plans = [planned(brief(energy=energy, duration_seconds=60.0)) for energy in (0.1, 0.3, 0.5, 0.7, 0.9)]
    drums = [max(section.gains["drums"] for section in plan.sections) for plan in plans]
    assert drums == sorted(set(drums))
    assert plans[0].target_lufs < plans[-1].target_lufs


def test_moods_change_the_brightness_and_may_change_the_cast() -> None:
    dark, bright = render(brief(moods=("dark",))), render(brief(moods=("bright",)))
    assert dark.plan["tilt_db"] < bright.plan["tilt_db"]
    centroids = []
    for rendering in (dark, bright):
        power = np.abs(np.fft.rfft(rendering.audio.mean(axis=0))) ** 2
        hertz = np.fft.rfftfreq(rendering.audio.shape[1], 1 / RATE)
        centroids.append(np.exp((np.log(hertz[10:]) * power[10:]).sum() / power[10:].sum()))
    assert centroids[0] < centroids[1]


def test_an_instrument_named_steps_forward() -> None:
    plain, drummed = planned(brief()), planned(brief(instruments=("hand percussion",)))
    for before, after in zip(plain.sections, drummed.sections, strict=True):
        assert after.gains["drums"] > before.gains["drums"]
        assert after.gains["bass"] == before.gains["bass"]


@pytest.mark.parametrize(("bpm", "own_bars"), [(246.0, 0.5), (62.0, 2.0), (124.0, 1.0)])
def test_half_and_double_time_advance_through_the_source_at_its_own_pace(bpm: float, own_bars: float) -> None:
    plan = planned(brief(bpm=bpm, duration_seconds=30.0))
    bars = {t.id: t.analysis.bars for t in corpus()}
    for entry in source_map(plan):
        own = bars[str(entry["track_id"])]
        length = float(own.end[0] - own.start[0])
        assert (entry["source_end"] - entry["source_start"]) / length == pytest.approx(own_bars, rel=0.001)
        assert abs(float(own.start[entry["source_bar"]]) - entry["source_start"]) < 0.51 * length


def test_a_tempo_far_from_the_catalog_is_met_and_noted() -> None:
    rendering = render(brief(bpm=100.0, duration_seconds=25.0))
    assert any("12 %" in note for note in rendering.notes)
    heard = analyse(rendering.stems["drums"], RATE).bpm
    assert heard is not None
    assert min(abs(heard * k - 100.0) for k in (0.5, 1, 2)) < 0.1


def test_two_tracks_make_a_take_and_a_note() -> None:
    assert len(planned(brief(), corpus(2)).track_ids()) == 2
    assert any("More tracks" in note for note in open_session(brief(), corpus(2), 1).notes)


def test_beatless_sound_still_makes_a_take() -> None:
    rng = np.random.default_rng(3)
    time = np.arange(25 * RATE) / RATE
    clouds = []
    for number in range(3):
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * time / (7 + number))
        mono = (
            sum(np.sin(2 * np.pi * f * time + rng.uniform(0, 6)) for f in (110, 164.8, 220, 261.6))
            * swell
            * 0.1
        )
        clouds.append(foreign(f"cloud {number}", np.stack([mono, np.roll(mono, 99)]).astype(np.float32)))
    rendering = render(brief(bpm=80.0, genre="ambient"), tuple(clouds))
    assert np.sqrt(np.mean(rendering.audio**2)) > 0.01
    assert rendering.notes


@pytest.mark.parametrize("kind", ["nothing", "silence", "snippets"])
def test_an_unusable_catalog_is_refused_with_a_sentence(kind: str) -> None:
    tracks: tuple[CorpusTrack, ...] = ()
    if kind == "silence":
        tracks = tuple(foreign(f"s{i}", silence(20.0)) for i in range(2))
    elif kind == "snippets":
        tracks = tuple(foreign(f"n{i}", noise(2.0, seed=i)) for i in range(2))
    with pytest.raises(EngineError) as refused:
        render(brief(), tracks)
    assert refused.value.reason.endswith(".")


def test_a_track_that_lost_its_sound_is_named() -> None:
    tracks = tuple(track(i, load=lambda: np.zeros((2, 0), dtype=np.float32)) for i in range(3))
    with pytest.raises(EngineError, match="Song"):
        render(brief(), tracks)


def test_a_track_whose_file_vanished_is_named() -> None:
    def vanished() -> np.ndarray:
        raise FileNotFoundError("gone.wav")

    with pytest.raises(EngineError, match="no longer be read"):
        render(brief(), tuple(track(i, load=vanished) for i in range(3)))


@pytest.mark.parametrize("changes", [{"duration_seconds": 2.0}, {"bpm": 10.0}])
def test_a_request_out_of_bounds_is_refused_with_a_sentence(changes: dict[str, object]) -> None:
    with pytest.raises(EngineError):
        render(brief(**changes))
