"""What is kept of the sources on disk: a warm take is the cold one, and a damaged cache is as good as none."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generation.engines.base import CorpusTrack, Material, Rendering
from generation.engines.mosaic import Mosaic
from generation.engines.mosaic.layers import STRETCH, Layers, Memory
from generation.engines.mosaic.recent import Recent
from generation.engines.mosaic.separate import low_passed
from generation.engines.mosaic.store import HEADER, DiskCache
from generation.engines.mosaic.workshop import Workshop
from tests.generation.mosaic_corpus import RATE, brief, corpus, render, track

MEGABYTE = 2**20


def known(load: Callable[[], np.ndarray] | None = None) -> tuple[CorpusTrack, ...]:
    """The corpus, with digests."""
    return tuple(replace(one, digest=f"sound of {one.id}", load=load or one.load) for one in corpus())


def taken(cache: DiskCache, tracks: tuple[CorpusTrack, ...]) -> Rendering:
    return Mosaic().render(
        brief(), Material(tracks, cache=cache), take=1, on_progress=lambda fraction, words: None
    )


def unreadable() -> np.ndarray:
    raise AssertionError("a track was decoded")


def test_a_warm_take_reads_no_track_and_has_the_samples_of_a_cold_one(tmp_path: Path) -> None:
    cold = taken(DiskCache(tmp_path, 100 * MEGABYTE), known())
    warm = taken(DiskCache(tmp_path, 100 * MEGABYTE), known(unreadable))
    plain = render(brief())
    assert cold.audio.tobytes() == warm.audio.tobytes() == plain.audio.tobytes()
    assert warm.plan == cold.plan and warm.built_from == cold.built_from


def test_what_is_damaged_is_worked_out_again_to_the_same_samples(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 100 * MEGABYTE)
    cold = taken(cache, known())
    files = sorted(file for file in tmp_path.rglob("*") if file.is_file())
    for number, file in enumerate(files):
        data = bytearray(file.read_bytes())
        if number % 4 == 0:
            data[len(data) // 2] ^= 0x10
        elif number % 4 == 1:
            data = data[: len(data) // 3]
        elif number % 4 == 2:
            data = bytearray()
        file.write_bytes(data)
    assert len(files) > 20
    assert taken(cache, known()).audio.tobytes() == cold.audio.tobytes()
    # and it is whole again
    assert taken(cache, known(unreadable)).audio.tobytes() == cold.audio.tobytes()


def test_nothing_is_kept_of_a_track_whose_sound_has_no_name(tmp_path: Path) -> None:
    taken(DiskCache(tmp_path, 100 * MEGABYTE), corpus())
    assert not list(tmp_path.iterdir())


def layers(cache: DiskCache | None = None, one: CorpusTrack | None = None) -> Layers:
    one = one or replace(track(0), digest="sound")
    return Layers(one, one.load, cache, Recent(100 * MEGABYTE), lambda: None)


def test_what_a_phrase_is_cut_from_does_not_depend_on_what_was_cut_before() -> None:
    whole = layers().half("percussive", -500, 6 * STRETCH)
    busy = layers()
    for first, count in ((3 * STRETCH + 7, 100_000), (10, 20), (STRETCH - 1, 2)):
        for name in ("harmonic", "percussive"):
            busy.half(name, first, count)
        part = busy.half("percussive", first, count)
        assert part.tobytes() == np.ascontiguousarray(whole[:, first + 500 :][:, :count]).tobytes()


def test_the_halves_add_up_to_the_track_and_are_silent_beyond_it() -> None:
    one = track(0)
    sound = one.load()
    found = layers()
    both = found.half("percussive", 0, sound.shape[1]) + found.half("harmonic", 0, sound.shape[1])
    left = both - sound
    # the filter under 24 Hz is all that is missing; what is stored has 16 bits
    assert np.abs(left - low_passed(left, 60.0, 4001))[:, 4001:-4001].max() < 2e-3
    beyond = found.half("percussive", sound.shape[1] + STRETCH, 3 * STRETCH)
    assert beyond.shape == (2, 3 * STRETCH) and np.abs(beyond).max() < 1e-4


def test_stretches_join_without_a_seam() -> None:
    time = np.arange(8 * RATE) / RATE
    tone = np.stack([np.sin(2 * np.pi * 330 * time)] * 2).astype(np.float32) * 0.5
    found = layers(one=replace(track(0), load=lambda: tone))
    left = found.half("harmonic", RATE, 5 * RATE) - tone[:, RATE : 6 * RATE]
    assert 5 * RATE > 3 * STRETCH
    assert np.abs(left).max() < 1e-3 and np.abs(np.diff(left)).max() < 1e-4


def test_bars_that_were_measured_anew_are_aligned_anew(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 100 * MEGABYTE)
    one = replace(track(0), digest="sound")
    bars = one.analysis.bars
    late = replace(bars, start=bars.start + 0.015, end=bars.end + 0.015)
    moved = replace(one, analysis=replace(one.analysis, bars=late))
    first = layers(cache, one).lie.at(0.0)
    assert layers(cache, moved).lie.at(0.0) == pytest.approx(first - 0.015 * RATE, abs=64)
    assert layers(cache, replace(one, load=unreadable)).lie.at(0.0) == first


def test_a_bent_phrase_is_bent_once_and_the_same_when_it_is_read(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 100 * MEGABYTE)
    one = replace(track(0), digest="sound")
    asked = {"factor": 1.05, "semitones": 2}
    plain = layers(one=one).bent(1000, 100_000, **asked)  # type: ignore[arg-type]
    cold = layers(cache, one).bent(1000, 100_000, **asked)  # type: ignore[arg-type]
    warm = layers(cache, replace(one, load=unreadable)).bent(1000, 100_000, **asked)  # type: ignore[arg-type]
    assert plain.shape == (2, round(100_000 / 1.05))
    assert plain.tobytes() == cold.tobytes() == warm.tobytes()
    other = layers(cache, one).bent(1000, 100_000, factor=1.05, semitones=1)
    assert other.tobytes() != warm.tobytes()


def test_how_a_phrase_lies_is_remembered_for_its_beats(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 100 * MEGABYTE)
    one = replace(track(0), digest="sound")
    beats = 0.2 + 0.4839 * np.arange(8)
    first = layers(cache, one).phrase(341_419 - 8820, 200_000, beats)
    assert layers(cache, replace(one, load=unreadable)).phrase(341_419 - 8820, 200_000, beats) == first
    late = layers(cache, one).phrase(341_419 - 8820, 200_000, beats + 0.004)
    assert late.offset == pytest.approx(first.offset - 0.004 * RATE, abs=64) and late.share == first.share
    assert layers(cache, one).phrase(0, 50_000, beats[:0]).offset == 0


def test_the_memory_keeps_to_its_size_and_gives_up_the_oldest() -> None:
    one = track(0)
    memory: Memory = Recent(3 * STRETCH * 2 * 2)
    found = Layers(one, one.load, None, memory, lambda: None)
    found.half("percussive", 0, 2 * STRETCH)
    assert memory.get((one.id, "percussive", 0)) is None
    assert memory.get((one.id, "percussive", 1)) is not None


def test_what_was_put_is_got_and_nothing_else(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, MEGABYTE)
    cache.put("trk_1", "sound", "kicks", b"something")
    cache.put("trk_1", "sound", "nothing", b"")
    assert cache.get("trk_1", "sound", "kicks") == b"something"
    assert cache.get("trk_1", "sound", "nothing") == b""
    assert cache.get("trk_1", "sound", "other") is None
    assert cache.get("trk_2", "sound", "kicks") is None
    assert cache.tracks() == ["trk_1"]
    # the track sounds different now: what it was is not kept
    cache.put("trk_1", "other sound", "kicks", b"else")
    assert cache.get("trk_1", "sound", "kicks") is None
    cache.forget("trk_1")
    assert cache.get("trk_1", "other sound", "kicks") is None and cache.tracks() == []
    assert DiskCache(tmp_path / "none", MEGABYTE).tracks() == []


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden", "..", "x" * 100])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    cache = DiskCache(inside, MEGABYTE)
    (tmp_path / "out").mkdir()
    cache.put(name, "sound", "kicks", b"x")
    cache.put("trk_1", "sound", name, b"x")
    cache.forget(name)
    assert cache.get(name, "sound", "kicks") is None and cache.get("trk_1", "sound", name) is None
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    assert (tmp_path / "out").is_dir()


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 10 * (1000 + HEADER.size))
    for number in range(10):
        cache.put(f"trk_{number}", "sound", "half", bytes([number]) * 1000)
        (file,) = (tmp_path / f"trk_{number}").rglob("half")
        os.utime(file, (number * 1000, number * 1000))
    assert cache.get("trk_0", "sound", "half") is not None  # used again: now the newest
    cache.put("trk_x", "sound", "half", b"x" * 1000)
    left = cache.trim()
    assert left <= 0.9 * 10 * (1000 + HEADER.size)
    assert cache.tracks() == ["trk_0", *[f"trk_{number}" for number in range(3, 10)], "trk_x"]


def test_it_keeps_to_its_limit_by_itself(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 200_000)
    for number in range(100):
        cache.put(f"trk_{number}", "sound", "half", b"x" * 10_000)
    assert sum(file.stat().st_size for file in tmp_path.rglob("half")) < 200_000 * 1.2
    assert cache.get("trk_99", "sound", "half") is not None
    cache.put("trk_100", "sound", "half", b"x" * 300_000)
    assert cache.get("trk_100", "sound", "half") is None


def test_a_disk_that_takes_nothing_is_no_cache_and_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = DiskCache(blocked, MEGABYTE)
    cache.put("trk_1", "sound", "half", b"x")
    cache.forget("trk_1")
    assert cache.get("trk_1", "sound", "half") is None and cache.tracks() == [] and cache.trim() == 0


def test_many_may_write_and_read_the_same_at_once(tmp_path: Path) -> None:
    body = os.urandom(300_000)
    wrong: list[bytes] = []

    def work() -> None:
        cache = DiskCache(tmp_path, 100 * MEGABYTE)
        for _ in range(40):
            cache.put("trk_1", "sound", "half", body)
            found = cache.get("trk_1", "sound", "half")
            if found != body:
                wrong.append(found or b"")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["half"]


def test_a_workshop_reads_a_track_once_however_many_phrases_it_cuts() -> None:
    read: list[str] = []
    one = track(0)
    counted = replace(one, load=lambda: (read.append(one.id), one.load())[1])
    workshop = Workshop([counted], lambda: None)
    for start in (7.0, 9.0, 12.5):
        workshop.half(one.id, start, start + 4.0, 8)
    assert read == [one.id]
