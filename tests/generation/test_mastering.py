"""Mastering: loudness, true peak and stems, on synthesised mixes, measured by other people's meters."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
import soxr

from generation.mastering import integrated_loudness, master, target_lufs, true_peak_dbtp

RATE = 44_100


def _stems(seconds: float = 8.0, seed: int = 1) -> dict[str, np.ndarray]:
    """A kick at 120 BPM with bright hats over a chord that swells: peaky enough to make a limiter work."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    beat = time % 0.5
    kick = np.sin(2 * np.pi * 55 * beat) * np.exp(-beat * 12)
    noise = np.convolve(
        rng.standard_normal(time.size), [0.25, 0.5, 0.25], mode="same"
    )  # as bright as records are
    hats = noise * np.exp(-(time % 0.25) * 80) * 0.5
    chord = sum(np.sin(2 * np.pi * f * time) for f in (110, 220, 277.18, 329.63)) * 0.08
    chord *= 1 + 0.5 * np.sin(2 * np.pi * time / 4)
    drums = np.stack([kick + hats, kick - 0.5 * hats]) * 0.5
    return {"drums": drums.astype(np.float32), "harmony": np.stack([chord, 0.9 * chord]).astype(np.float32)}


@pytest.mark.parametrize("target", [-14.0, -11.0, -9.0])
def test_it_reaches_the_target_within_half_a_unit_by_an_independent_meter(target: float) -> None:
    mastered = master(_stems(), RATE, target_lufs=target)
    heard = pyloudnorm.Meter(RATE).integrated_loudness(mastered.audio.T.astype(np.float64))
    assert heard == pytest.approx(target, abs=0.5)
    assert mastered.lufs == pytest.approx(heard, abs=0.1)


@pytest.mark.parametrize("target", [-14.0, -9.0])
def test_no_true_peak_passes_the_ceiling_by_an_independent_oversampler(target: float) -> None:
    mastered = master(_stems(), RATE, target_lufs=target)
    between = np.abs(soxr.resample(mastered.audio.T, RATE, RATE * 8, quality="VHQ")).max()
    assert 20 * np.log10(between) <= -0.95
    assert mastered.true_peak_dbtp <= -1.0


def test_the_ceiling_can_be_lowered() -> None:
    assert master(_stems(), RATE, target_lufs=-9.0, ceiling_dbtp=-3.0).true_peak_dbtp <= -3.0


def test_the_stems_add_up_to_the_master() -> None:
    mastered = master(_stems(), RATE, target_lufs=-9.0)
    difference = np.abs(sum(mastered.stems.values()) - mastered.audio).max()
    assert difference < 10 ** (-120 / 20)


def test_every_stem_is_given_the_same_gain_curve() -> None:
    stems = _stems()
    mastered = master(stems, RATE, target_lufs=-9.0)
    curves = []
    for name in stems:
        heard = np.abs(stems[name]) > 1e-2
        curve = np.full(stems[name].shape[1], np.nan)
        rows = heard.any(axis=0)
        pick = np.abs(stems[name]).argmax(axis=0)[rows]
        at = np.flatnonzero(rows)
        curve[at] = mastered.stems[name][pick, at] / stems[name][pick, at]
        curves.append(curve)
    both = np.isfinite(curves[0]) & np.isfinite(curves[1])
    assert both.sum() > RATE
    np.testing.assert_allclose(curves[0][both], curves[1][both], rtol=1e-4)


def test_no_stem_clips_when_it_is_written_although_the_stems_cancel() -> None:
    time = np.arange(4 * RATE) / RATE
    tone = np.stack([np.sin(2 * np.pi * 110 * time)] * 2).astype(np.float32)
    mastered = master({"one": tone, "other": -0.9 * tone}, RATE, target_lufs=-9.0)
    assert max(np.abs(stem).max() for stem in mastered.stems.values()) < 1.0


def test_a_quiet_mix_is_raised_without_its_limiter_working() -> None:
    quiet = {name: 0.01 * stem for name, stem in _stems().items()}
    mastered = master(quiet, RATE, target_lufs=-30.0)
    assert mastered.lufs == pytest.approx(-30.0, abs=0.5)
    assert mastered.deepest_reduction_db == 0.0


def test_silence_stays_silence_and_has_no_loudness() -> None:
    mastered = master({"drums": np.zeros((2, RATE), dtype=np.float32)}, RATE, target_lufs=-11.0)
    assert mastered.lufs is None
    assert not mastered.audio.any()
    assert true_peak_dbtp(mastered.audio) == float("-inf")


def test_the_same_stems_give_the_same_bytes() -> None:
    first, second = (master(_stems(4.0), RATE, target_lufs=-9.0) for _ in range(2))
    assert first.audio.tobytes() == second.audio.tobytes()


def test_the_loudness_meter_agrees_with_an_independent_one_on_a_gated_passage() -> None:
    loud = _stems(4.0)["drums"]
    both = np.concatenate([loud, loud * 0.01, np.zeros_like(loud)], axis=1)
    heard = pyloudnorm.Meter(RATE).integrated_loudness(both.T.astype(np.float64))
    assert integrated_loudness(both, RATE) == pytest.approx(heard, abs=0.1)


@pytest.mark.parametrize(
    "stems",
    [
        {},
        {"a": np.zeros((2, 10)), "b": np.zeros((2, 11))},
        {"a": np.full((2, 100), np.nan, dtype=np.float32)},
    ],
)
def test_it_refuses_stems_it_cannot_add(stems: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError):
        master(stems, RATE, target_lufs=-11.0)


@pytest.mark.parametrize(
    ("genre", "expected"),
    [("Dubstep", -9.0), ("deep house", -10.0), ("DnB", -9.0), ("Drum & Bass", -9.0), ("Ambient", -14.0)],
)
def test_the_target_follows_the_genre(genre: str, expected: float) -> None:
    assert target_lufs(genre) == expected
    assert target_lufs("a genre nobody named") == target_lufs(None) == -11.0
