"""Mastering: loudness, true peak and stems, on synthesised mixes, measured by other people's meters."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
import soxr

from catalog.analysis.loudness import true_peak
from generation import mastering
from generation.loudness import integrated_loudness
from generation.mastering import ceiling_curve, master, target_lufs
from generation.truepeak import BLOCK, TruePeaks, true_peak_dbtp

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


def test_a_stored_gain_gives_the_same_bytes_without_looking_for_it() -> None:
    fresh = master(_stems(4.0), RATE, target_lufs=-9.0)
    assert fresh.gain_db == round(fresh.gain_db, 6) and fresh.deepest_reduction_db < -1.0
    again = master(_stems(4.0), RATE, target_lufs=-14.0, gain_db=fresh.gain_db)
    assert again.audio.tobytes() == fresh.audio.tobytes()
    assert again.gain_db == fresh.gain_db


def _pcm(samples: np.ndarray) -> np.ndarray:
    return np.round(samples.astype(np.float64) * 2**23).astype(np.int64)


def _other_in(stems: dict[str, np.ndarray], first: int, last: int) -> dict[str, np.ndarray]:
    """The same stems with other sound, some of it far too loud, in samples first … last - 1."""
    rng = np.random.default_rng(9)
    changed = {name: stem.copy() for name, stem in stems.items()}
    loud = np.repeat(rng.random((last - first) // 50 + 1) > 0.7, 50)[: last - first]
    new = rng.standard_normal((2, last - first)) * np.where(loud, 8.0, 0.05)
    changed["drums"][:, first:last] = new.astype(np.float32)
    # and as loud as it gets to the very edge, where it reaches furthest
    changed["drums"][:, [first, last - 1]] = 300.0
    return changed


@pytest.mark.parametrize("gain_db", [-3.0, 4.0, 12.5])
def test_what_changes_in_one_place_changes_the_master_only_there(gain_db: float) -> None:
    stems, first, last = _stems(4.0), 60_001, 88_235
    one, other = (
        master(each, RATE, target_lufs=-9.0, gain_db=gain_db)
        for each in (stems, _other_in(stems, first, last))
    )
    before, after = first - round(0.010 * RATE), last + round(0.250 * RATE)
    for name in stems:
        assert not (_pcm(one.stems[name]) != _pcm(other.stems[name]))[:, :before].any()
        assert not (_pcm(one.stems[name]) != _pcm(other.stems[name]))[:, after:].any()
    assert one.audio[:, :before].tobytes() == other.audio[:, :before].tobytes()
    assert one.audio[:, after:].tobytes() == other.audio[:, after:].tobytes()
    assert other.deepest_reduction_db < -40.0 and other.true_peak_dbtp <= -1.0
    # the change is heard beyond itself: the limiter sees it coming and recovers from it
    assert (one.audio != other.audio)[:, before:first].any()
    assert (one.audio != other.audio)[:, last : last + 4410].any()


def test_what_is_found_too_high_after_limiting_is_lowered_there_alone() -> None:
    mix = np.asarray(sum(_stems(3.0).values()))
    quiet = mix.copy()
    quiet[:, 40_000:] *= np.float32(0.05)
    curves = []
    for each in (mix, quiet):
        peaks = mastering._Peaks(each, [np.zeros(-(-each.shape[1] // BLOCK), dtype=np.float32)])
        # as if the curve had let through a tenth more than it should
        curve, peak = mastering._curve(each, peaks, 9.0, RATE, ceiling=0.9, allowed=0.8)
        assert 0.7 < peak <= 0.8
        assert np.abs(each * mastering._to_samples(curve, each.shape[1])).max() <= 0.8
        curves.append(curve)
    loud, lower = curves
    assert loud[: 39_000 // BLOCK].tobytes() == lower[: 39_000 // BLOCK].tobytes()
    assert lower.max() == np.float32(10 ** (9.0 / 20))


def test_the_limiter_has_recovered_from_anything_within_a_quarter_of_a_second() -> None:
    quiet = np.full((2, RATE), 1e-3, dtype=np.float32)
    quiet[:, 10_000] = 500.0
    mastered = master({"drums": quiet}, RATE, target_lufs=-9.0, gain_db=0.0)
    assert mastered.deepest_reduction_db < -50.0
    late = mastered.audio[:, 10_000 + round(0.25 * RATE) :]
    assert late.tobytes() == quiet[:, 10_000 + round(0.25 * RATE) :].tobytes()
    # and until then it comes back evenly: nowhere faster than it must
    gains = 20 * np.log10(mastered.audio[0, 11_000:21_000] / quiet[0, 11_000:21_000])
    assert np.diff(gains).min() > -1e-3 and np.diff(gains).max() * RATE < 310.0


@pytest.mark.parametrize("level", [0.0, 0.3, 0.7])
def test_peaks_between_samples_are_exact_where_they_may_pass_a_level(level: float) -> None:
    rng = np.random.default_rng(5)
    noise = np.stack([np.convolve(row, [0.05, 0.1, 0.05]) for row in rng.standard_normal((2, 30_011))])
    noise[:, 9_000:20_000] = np.cumsum(noise[:, 9_000:20_000], axis=1) * 0.05
    noise = noise.astype(np.float32)
    found = TruePeaks(noise).above(level)
    between = np.abs(soxr.resample(noise.T.astype(np.float64), RATE, RATE * 4, quality="VHQ")).max(axis=1)
    blocks = np.pad(between, (0, -between.size % (4 * BLOCK))).reshape(-1, 4 * BLOCK).max(axis=1)
    inner = slice(8, -8)
    assert np.abs(found - blocks)[inner][found[inner] > level].max() < 0.01
    assert (blocks[inner][found[inner] <= level] < level + 0.01).all()
    assert level == 0.0 or 100 < np.count_nonzero(found > level) < found.size / 2
    exact = TruePeaks(noise).above(0.0)
    assert (found[exact > level] == exact[exact > level]).all()
    assert (found[exact <= level] <= level).all()


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


@pytest.mark.parametrize("frequency", [3750.0, 4000.0, 11_750.0])
def test_what_is_let_through_is_under_the_ceiling_by_the_standards_own_filter_too(frequency: float) -> None:
    """Its passband ripples: it reads these tones up to .21 dB higher than they are."""
    tone = np.sin(2 * np.pi * frequency * np.arange(22_050) / 44_100 + 0.3)
    for level in (-1.35, -1.21, -1.1, -0.9):
        sound = np.stack([tone, tone]).astype(np.float32) * np.float32(10.0 ** (level / 20.0))
        curve, _ = ceiling_curve(sound, 44_100)
        left = sound if curve is None else sound * curve
        found = true_peak(left, 44_100)
        assert found is not None and found <= -1.0
