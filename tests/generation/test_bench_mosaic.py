"""The bench's own measures: right on signals and source maps whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.mosaic import lineage, onsets, sound
from bench.mosaic.ablations import ABLATIONS, ablated
from bench.mosaic.pictures import draw
from bench.mosaic.table import held
from bench.mosaic.takes import relation
from catalog.analysis import Key
from catalog.analysis.pulse import Pulse
from tests.generation.mosaic_corpus import brief, planned

RATE = 44_100


def clicks(bpm: float, *, late: float = 0.0, every: int = 1, seconds: float = 20.0) -> np.ndarray:
    """(2, n): a short noise on each `every`-th sixteenth, `late` seconds behind it on every second one."""
    rng = np.random.default_rng(0)
    burst = rng.standard_normal(800) * np.exp(-np.arange(800) / 150.0)
    out = rng.standard_normal(round(seconds * RATE)) * 1e-4
    for number, at in enumerate(np.arange(0.5, seconds - 0.5, every * 15.0 / bpm)):
        start = round((at + (late if number % 2 else 0.0)) * RATE)
        out[start : start + burst.size] += burst
    return np.tile(out, (2, 1)).astype(np.float32)


def test_onsets_lie_where_sounds_begin() -> None:
    times, _ = onsets.onsets(clicks(120.0, every=4))
    assert len(times) == 38
    assert np.abs(onsets.off_grid(times, 120.0, start=0.5)).max() < 0.006


def test_share_on_the_grid_counts_what_is_late() -> None:
    assert onsets.on_grid(onsets.strong_onsets(clicks(100.0, every=2)), 100.0, start=0.5) == 1.0
    late = onsets.onsets(clicks(100.0, late=0.05, every=2))[0]
    assert onsets.on_grid(late, 100.0, start=0.5) == pytest.approx(0.5, abs=0.02)
    assert onsets.on_grid(np.zeros(3), 100.0) is None


def test_strong_onsets_are_the_strong_ones() -> None:
    quiet, loud = clicks(120.0, every=2), clicks(120.0, every=8)
    times = onsets.strong_onsets(0.05 * quiet + loud)
    away = (times - 0.5 + 0.25) % 1.0 - 0.25
    # a third of 76 strokes, and all 19 loud ones are among them
    assert len(times) == 26 and np.count_nonzero(np.abs(away) < 0.01) == 19


def test_attack_is_higher_for_whole_strokes() -> None:
    whole = clicks(120.0, every=4)
    smeared = np.apply_along_axis(np.convolve, 1, whole, np.full(2000, 1 / 2000), "same")
    times = np.arange(0.5, 19.5, 0.5)
    hard, soft = sound.attack(whole, times), sound.attack(smeared, times)
    assert hard is not None and soft is not None and hard > soft + 10.0
    assert sound.attack(whole, np.zeros(0)) is None


def entry(bar: int, source_bar: int | None, **changes: Any) -> dict[str, Any]:
    start = 0.0 if source_bar is None else 2.0 * source_bar
    values = {
        "bar": bar,
        "layer": "drums",
        "track_id": "a",
        "source_bar": source_bar,
        "source_start": start,
        "source_end": start + 2.0,
        "stretch": 1.0,
    }
    return values | changes


def test_a_run_is_bars_that_follow_each_other_in_take_and_source() -> None:
    built = [entry(0, 4), entry(1, 5), entry(2, 6), entry(3, 4), entry(4, 5)]
    built += [entry(bar, 7 + bar, layer="bass", track_id="b") for bar in (0, 1)]
    run = lineage.longest_run(built)
    assert (run.bars, run.seconds, run.layer, run.track_id, run.bar) == (3, 6.0, "drums", "a", 0)


@pytest.mark.parametrize("change", [{"layer": "bass"}, {"track_id": "b"}, {"bar": 9}, {"source_start": 11.0}])
def test_a_run_ends_where_layer_track_or_place_change(change: dict[str, Any]) -> None:
    assert lineage.longest_run([entry(0, 4), entry(1, 5), entry(2, 6) | change]).bars == 2


def test_a_run_counts_seconds_of_the_take_and_no_played_notes() -> None:
    assert lineage.longest_run([entry(0, 4, stretch=1.25), entry(1, 5, stretch=1.25)]).seconds == 3.2
    assert lineage.longest_run([entry(bar, None, shots={"kick": [0, 1]}) for bar in range(8)]).bars == 0


def test_shares_are_of_sounding_cells() -> None:
    built = [entry(0, 1), entry(1, 2), entry(0, 1, layer="bass"), entry(0, 3, track_id="b", layer="harmony")]
    assert lineage.shares(built) == {"a": 0.75, "b": 0.25}


def test_shared_bars_anywhere_and_in_the_same_place() -> None:
    one, other = [entry(0, 4), entry(1, 5)], [entry(1, 4), entry(0, 9)]
    assert lineage.shared_bars(one, other) == 0.5
    assert lineage.shared_bars(one, other, same_place=True) == 0.0
    assert lineage.shared_bars(one, one, same_place=True) == 1.0
    assert lineage.shared_bars([], []) == 0.0


def test_stems_are_nulled_as_their_files_are() -> None:
    rng = np.random.default_rng(1)
    stems = {name: rng.uniform(-0.3, 0.3, (2, 4000)).astype(np.float32) for name in ("drums", "bass")}
    master = np.sum(list(stems.values()), axis=0)
    assert -140.0 < sound.null_dbfs(master, stems) < -125.0
    # stems beyond full scale are turned down by one gain, and still add up
    assert (
        sound.null_dbfs(master, {"drums": stems["drums"] * 5, "bass": master - stems["drums"] * 5}) < -120.0
    )
    stems["bass"][0, 7] += np.float32(1e-3)
    assert sound.null_dbfs(master, stems) == pytest.approx(-60.0, abs=0.1)


def test_full_scale_and_silence_are_found() -> None:
    tone = 0.5 * np.sin(np.arange(3 * RATE) * 0.05)
    audio = np.tile(tone, (2, 1)).astype(np.float32)
    audio[:, RATE : 2 * RATE] *= 1e-4
    level, at = sound.quietest_second(audio, 3.0)
    assert level == pytest.approx(-89.0, abs=0.5) and at == 1.0
    assert sound.quietest_second(audio, 1.0)[0] == pytest.approx(-9.0, abs=0.2)
    assert sound.clipped(audio) == 0
    audio[0, :3] = (1.0, -1.2, 0.9999)
    assert sound.clipped(audio) == 2


def test_contrast_is_from_break_to_drop() -> None:
    tone = np.sin(np.arange(4 * RATE) * 0.1).astype(np.float32)
    tone[: 2 * RATE] *= 0.1
    sections = [{"name": "break", "start": 0, "end": 2}, {"name": "drop", "start": 2, "end": 4}]
    levels = sound.section_levels(0.5 * np.tile(tone, (2, 1)), sections)
    assert sound.contrast(levels) == pytest.approx(20.0, abs=0.2)
    assert sound.contrast(levels[:1]) is None


def test_equal_samples_have_equal_digests() -> None:
    audio = np.full((2, 100), 0.25, np.float32)
    assert sound.digest(audio) == sound.digest(audio + np.float32(2.0**-26))
    assert sound.digest(audio) != sound.digest(audio + np.float32(2.0**-23))


def test_keys_are_told_apart() -> None:
    assert relation(Key(9, "minor"), Key(9, "minor")) == "exact"
    assert relation(Key(9, "minor"), Key(0, "major")) == "relative"
    assert relation(Key(9, "minor"), Key(9, "major")) == relation(Key(9, "minor"), None) == "other"


def test_a_take_that_does_not_tell_its_tempo_is_no_success() -> None:
    kept, off, unclear = Pulse(120.0, 120.04, 1e-4), Pulse(120.0, 120.3, 1e-4), Pulse(120.0, why="faint")
    cell: Any = held(lambda found: found)  # type: ignore[arg-type, return-value]
    assert cell([kept, kept]) == ("2/2", True)
    assert cell([kept, off]) == ("1/2", False)
    assert cell([kept, unclear]) == ("1/2 1 unclear", False)


def test_a_picture_is_a_png(tmp_path: Any) -> None:
    audio = clicks(120.0, seconds=4.0)
    draw(tmp_path / "take.png", audio, [sound.Level("drop", 0.0, 4.0, -20.0)])
    data = (tmp_path / "take.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and data[16:24] == (1200).to_bytes(4) + (446).to_bytes(4)


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_replace_what_is_there(name: str) -> None:
    assert ABLATIONS[name].missing() == []


def test_an_ablation_changes_the_plan_only_while_it_lasts() -> None:
    asked = brief(duration_seconds=40.0)
    plain = planned(asked).to_json()
    with ablated("search"):
        drawn = planned(asked).to_json()
    assert drawn["blocks"] != plain["blocks"]
    assert planned(asked).to_json() == plain
