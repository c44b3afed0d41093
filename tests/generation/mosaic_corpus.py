"""A small catalog that Mosaic can be tested on: seven tracks of exact tempo, key and bars, synthesised in a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np

from catalog.analysis import TempoContext, TrackAnalysis, analyse
from generation.brief import Brief
from generation.engines.base import CorpusTrack, Material, Rendering
from generation.engines.mosaic import Mosaic, Plan, source_map
from generation.engines.mosaic.compose import compose, open_session

RATE = 44_100
BARS = 16
# bpm, tonic (MIDI), mode, seed
TRACKS = (
    (124.0, 57, "minor", 1),
    (122.0, 59, "minor", 2),
    (125.0, 55, "minor", 3),
    (126.0, 60, "major", 4),
    (123.0, 57, "minor", 5),
    (124.0, 58, "minor", 6),
    (121.0, 56, "minor", 7),
)


def song(bpm: float, tonic: int, mode: str, seed: int, bars: int = BARS) -> np.ndarray:
    """(2, n): kick on the beat, hats between, a bass and chords; four quiet bars, then full, quiet, full again."""
    rng = np.random.default_rng(seed)
    beat = 60.0 / bpm * RATE
    out = np.zeros(round(bars * 4 * beat) + RATE // 2)
    kick_time = np.arange(int(0.18 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (50 * kick_time + 4 * (1 - np.exp(-kick_time * 60)))) * np.exp(-kick_time * 16)
    kick += rng.standard_normal(kick.size) * np.exp(-kick_time * 400) * 0.4
    hat = rng.standard_normal(int(0.05 * RATE)) * np.exp(-np.arange(int(0.05 * RATE)) / (0.01 * RATE)) * 0.25
    third = 3 if mode == "minor" else 4
    degrees = (0, 8, 3, 10) if mode == "minor" else (0, 9, 5, 7)
    for bar in range(bars):
        full = bar % 12 >= 4
        root = tonic + degrees[bar % 4] - (12 if degrees[bar % 4] > 6 else 0)
        own_third = third if bar % 4 == 0 else 4 if mode == "minor" else (3 if bar % 4 == 1 else 4)
        length = round(4 * beat)
        time = np.arange(length) / RATE
        chord = np.zeros(length)
        for note in (root, root + own_third, root + 7):
            pitch = 440.0 * 2 ** ((note - 69) / 12)
            chord += sum(np.sin(2 * np.pi * pitch * h * time + seed) / h for h in range(1, 5 + seed % 3))
        chord *= 0.05 * np.minimum(1.0, time * 20) * np.minimum(1.0, (time[-1] - time) * 20)
        at = round(bar * 4 * beat)
        _add(out, at, chord * (1.0 if full else 0.6))
        for step in range(8):
            place = round((bar * 4 + step / 2) * beat)
            if step % 2 == 0 and full:
                _add(out, place, 0.7 * kick)
            if full:
                low = np.arange(int(beat * 0.45)) / RATE
                pitch = 440.0 * 2 ** ((root - 24 - 69) / 12)
                note_sound = np.sin(2 * np.pi * pitch * low + bar) * np.minimum(1.0, (low[-1] - low) * 100)
                _add(out, place, 0.22 * note_sound * (step % 2))
            _add(out, place, hat * (1.0 if step % 2 else 0.4))
    wide = np.stack([out, np.roll(out, 7)])
    return np.ascontiguousarray(0.9 * np.tanh(2.5 * wide / np.abs(wide).max()), dtype=np.float32)


def _add(out: np.ndarray, at: int, sound: np.ndarray) -> None:
    end = min(out.size, at + sound.size)
    out[at:end] += sound[: end - at]


@cache
def _track(index: int) -> tuple[np.ndarray, TrackAnalysis]:
    samples = song(*TRACKS[index])
    return samples, analyse(samples, RATE, context=TempoContext(artist_range=(110, 135)))


def corpus(count: int = len(TRACKS)) -> tuple[CorpusTrack, ...]:
    """The first `count` tracks, analysed once for the whole test run."""
    return tuple(track(index) for index in range(count))


def track(index: int, *, load: Callable[[], np.ndarray] | None = None) -> CorpusTrack:
    samples, analysis = _track(index)
    return CorpusTrack(f"track-{index}", f"Song {index}", analysis, load or (lambda: samples))


def foreign(name: str, samples: np.ndarray) -> CorpusTrack:
    """A track of any sound, analysed."""
    return CorpusTrack(name, name.title(), analyse(samples, RATE), lambda: samples)


def brief(**changes: object) -> Brief:
    """A short, plain request; change what a test is about."""
    values: dict[str, object] = {
        "prompt": "",
        "bpm": 124.0,
        "key": None,
        "energy": 0.6,
        "genre": "house",
        "duration_seconds": 15.0,
        "seed": 7,
    }
    return Brief(**{**values, **changes})  # type: ignore[arg-type]


def planned(request: Brief, tracks: tuple[CorpusTrack, ...] | None = None, *, take: int = 1) -> Plan:
    """The plan of a take in the "hard" style, before anything sounds."""
    session = open_session(request, corpus() if tracks is None else tracks, take)
    return compose(session, style="hard", variant=0)


def sources(plan: Plan, layer: str) -> set[str]:
    """The tracks that give a layer to a plan."""
    return {str(entry["track_id"]) for entry in source_map(plan) if entry["layer"] == layer}


class Kept:
    """A cache in memory, so that a test module separates each track once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], bytes] = {}

    def get(self, track_id: str, digest: str, name: str) -> bytes | None:
        return self._kept.get((track_id, digest, name))

    def put(self, track_id: str, digest: str, name: str, data: bytes) -> None:
        self._kept[(track_id, digest, name)] = data


KEPT = Kept()


def material(count: int = len(TRACKS)) -> Material:
    """The first `count` tracks, warm: what was worked out from them in this test run is at hand."""
    known = tuple(replace(one, digest=f"sound of {one.id}") for one in corpus(count))
    return Material(known, cache=KEPT)


def render(request: Brief, tracks: tuple[CorpusTrack, ...] | None = None, *, take: int = 1) -> Rendering:
    """A take without a judge."""
    chosen = material() if tracks is None else Material(tracks)
    return Mosaic().render(request, chosen, take=take, on_progress=lambda fraction, words: None)
