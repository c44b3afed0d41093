"""The drum voice: a kit and its groove read from sound whose pattern is known, and new parts that are what they say."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from catalog.analysis import parse_key
from generation.engines.base import Material, Rendering
from generation.engines.mosaic import Mosaic, Plan, workshop_for
from generation.engines.mosaic.align import attacks
from generation.engines.mosaic.arrange import arrange
from generation.engines.mosaic.chords import chord_named, scale_of
from generation.engines.mosaic.drummer import PITCH, STEM, pattern, score, sound
from generation.engines.mosaic.kit import STEPS, Kit, Phrase, read_kit
from generation.engines.mosaic.plan import Grid, generator
from generation.engines.mosaic.players import played as played_parts
from generation.sources import passages
from tests.generation.mosaic_corpus import brief, corpus, render

RATE = 44_100
BPM = 140.0
STEP = 60 / BPM / 4
SWING = 0.012  # seconds by which the offbeat sixteenths lie behind
FIRST = 0.2
KICKS, SNARES, HATS = {0, 6, 10}, {8}, {0, 2, 4, 6, 8, 10, 12, 14, 15}


def played(bars: int = 4, *, seed: int = 0, snares: set[int] = SNARES) -> np.ndarray:
    """(2, n): kick, snare and hats on known steps of every bar."""
    rng = np.random.default_rng(seed)
    out = np.zeros(round((FIRST + bars * 16 * STEP + 0.6) * RATE), dtype=np.float32)
    time = np.arange(round(0.25 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (48 * time + 5 * (1 - np.exp(-time * 70)))) * np.exp(-time * 14)
    snare = (np.sin(2 * np.pi * 210 * time) + rng.standard_normal(time.size) * 0.5) * np.exp(-time * 22) * 0.7
    noise = np.diff(rng.standard_normal(time.size), n=2, append=0, prepend=0)
    hat = noise * np.exp(-time * 90) * 0.12
    for bar in range(bars):
        for step in range(STEPS):
            at = round((FIRST + (bar * STEPS + step) * STEP + (SWING if step % 2 else 0.0)) * RATE)
            for steps, shot in ((KICKS, kick), (snares, snare), (HATS, hat)):
                if step in steps:
                    out[at : at + shot.size] += shot[: out.size - at]
    return np.stack([out, out]).astype(np.float32)


def kit() -> Kit:
    found = read_kit([Phrase(played(), FIRST, STEP, 30.0)])
    assert found is not None
    return found


def test_what_is_struck_where_is_read_from_the_sound() -> None:
    found = kit()
    assert set(found.shots) == {"kick", "snare", "hat"}
    for name, steps in (("kick", KICKS), ("snare", SNARES)):
        assert set(np.flatnonzero(found.chance[name] > 0.7)) == steps, name
    assert set(np.flatnonzero(found.chance["hat"] > 0.7)) >= HATS - KICKS - SNARES


def test_a_snare_under_the_kick_is_heard_and_none_is_made_of_bright_hats() -> None:
    claps = read_kit([Phrase(played(snares={4, 12, 6}), FIRST, STEP, 0.0)])
    assert claps is not None and {4, 12, 6} <= set(np.flatnonzero(claps.chance["snare"] > 0.7))
    none = read_kit([Phrase(played(snares=set()), FIRST, STEP, 0.0)])
    assert none is not None and set(none.shots) == {"kick", "hat"}


def test_the_groove_is_read_too() -> None:
    assert kit().late[15] == pytest.approx(SWING, abs=0.003)
    assert np.abs(kit().late[[0, 4, 8, 12]]).max() <= 0.003


def test_a_one_shot_lies_in_its_track_and_sounds_like_its_voice() -> None:
    found = kit()
    for name, low, high in (("kick", 20, 600), ("snare", 150, 22_050), ("hat", 5_000, 22_050)):
        shot = found.shots[name]
        assert 30.0 + FIRST - 0.01 <= shot.start < shot.end <= 30.0 + FIRST + 4 * 16 * STEP + 0.4
        power = np.square(np.abs(np.fft.rfft(shot.samples.sum(axis=0))))
        hertz = np.fft.rfftfreq(shot.samples.shape[1], 1 / RATE)
        assert power[(hertz >= low) & (hertz <= high)].sum() > 0.8 * power.sum(), name
        assert np.abs(shot.samples[:, -1]).max() < 1e-3


def test_a_one_shot_ends_before_the_next_stroke_of_its_track() -> None:
    # a hat on every sixteenth: no snare is alone
    out = played() + np.roll(played(snares=set()), round(STEP * RATE), axis=1)
    for found in (kit(), read_kit([Phrase(out, FIRST, STEP, 0.0)])):
        assert found is not None
        snare = found.shots["snare"]
        struck, _ = attacks(np.pad(snare.samples, ((0, 0), (RATE, 0))))
        assert struck.max() < RATE + 0.03 * RATE
        assert snare.end - snare.start == pytest.approx(snare.samples.shape[1] / RATE, abs=1e-3)
    assert snare.end - snare.start < STEP + 0.02


@pytest.mark.parametrize(
    "samples", [np.zeros((2, 5 * RATE), np.float32), np.full((2, 5 * RATE), 0.3, np.float32)]
)
def test_where_nobody_drums_there_is_no_kit(samples: np.ndarray) -> None:
    assert read_kit([Phrase(samples, FIRST, STEP, 0.0)]) is None
    assert read_kit([]) is None


def test_a_part_keeps_the_backbone_and_is_the_same_for_the_same_seed() -> None:
    found = kit()
    one, same, other = (pattern(found, 8, BPM, generator(seed)) for seed in (1, 1, 2))
    assert one == same
    assert all(0 <= hit.beat < 32 and 1 <= hit.velocity <= 127 for hit in [*one, *other])
    kicks = {round(hit.beat * 4) for hit in one if hit.name == "kick"}
    assert {bar * 16 for bar in range(8)} <= kicks
    fill = [hit for hit in one if hit.name == "snare" and hit.beat >= 31 - 0.01]
    assert [hit.velocity for hit in fill] == sorted({hit.velocity for hit in fill}) and len(fill) == 4


def test_the_sound_is_its_score_to_the_sample() -> None:
    found, grid = kit(), Grid(BPM)
    hits = pattern(found, 4, BPM, generator(3))
    count = grid.bar(4)
    left = sound(found, hits, grid, 8, count)
    for stem, notes in score(hits, 8, BPM).items():
        own = [hit for hit in hits if STEM[hit.name] == stem]
        assert {hit.name for hit in own} == ({"kick"} if stem == "kick" else {"snare", "hat"})
        for note, hit in zip(notes, own, strict=True):
            assert note["pitch"] == PITCH[hit.name] and note["velocity"] == hit.velocity
            at = grid.beat(float(note["start"])) - grid.bar(8)
            shot = found.shots[hit.name].samples
            size = min(shot.shape[1], count - at)
            left[stem][:, at : at + size] -= shot[:, :size] * np.float32(hit.velocity / 127)
        # nothing sounds that is not in the score
        assert np.abs(left[stem]).max() < 1e-5


def test_every_stroke_lies_within_its_groove_of_the_grid() -> None:
    beats = np.array([hit.beat for hit in pattern(kit(), 16, BPM, generator(4))])
    off = np.abs(beats * 4 - np.round(beats * 4)) / 4 * 60 / BPM
    assert off.max() <= 0.0181


@cache
def take() -> Rendering:
    """Twenty bars: the second half of its drop is played."""
    return render(brief(duration_seconds=40.0))


def voice_of(layer: str) -> dict[str, Any]:
    (voice,) = [one for one in take().plan["voices"] if one["layer"] == layer]
    return dict(voice)


def voiced(layer: str = "drums") -> tuple[int, int]:
    voice = voice_of(layer)
    grid = Grid(take().plan["bpm"])
    return grid.bar(voice["bar"]), grid.bar(voice["bar"] + voice["bars"])


def test_a_take_with_a_long_drop_plays_half_of_it_on_a_kit_and_cuts_no_drums_there() -> None:
    made, (start, end) = take(), voiced()
    voice = voice_of("drums")
    drop = next(one for one in made.sections if one["name"] == "drop")
    assert voice["bar"] + voice["bars"] == drop["first_bar"] + drop["bars"]
    plan, workshop = Plan.from_json(made.plan), workshop_for(corpus(), lambda: None)
    (part,) = [one for one in played_parts(plan, workshop) if one.voice.layer == "drums"]
    new = part.draw(end - start)
    for name, samples in arrange(plan, workshop, lambda share: None)[1].items():
        if name in new:
            # what was drawn and nothing else, at one level
            here, drawn = (x[:, : end - start - 1000].ravel() for x in (samples[:, start:end], new[name]))
            assert np.abs(here - drawn * (here @ drawn) / (drawn @ drawn)).max() < 1e-4 < np.abs(here).max()
    # as loud as what was cut would have been, so the drop does not sag
    both = made.stems["kick"] + made.stems["drums"]
    before = both[:, start - (end - start) : start]
    assert abs(10 * np.log10(np.square(both[:, start:end]).mean() / np.square(before).mean())) < 4
    assert np.abs(sum(made.stems.values()) - made.audio).max() < 10 ** (-100 / 20)


def test_the_score_of_a_take_is_where_its_kit_sounds() -> None:
    made, (start, end) = take(), voiced()
    grid = Grid(made.plan["bpm"])
    notes = made.plan["score"]["drums"]
    at = np.array(sorted({grid.beat(note["start"]) for note in notes}))
    assert len(at) >= 16 and at[0] >= start and at[-1] < end
    level = np.abs(np.diff(made.stems["drums"].sum(axis=0)))
    running = np.concatenate(([0.0], np.cumsum(level, dtype=np.float64)))
    width = 220
    rise = running[at + width] - 2 * running[at] + running[at - width]
    floor = np.percentile(running[start + width : end] - running[start : end - width], 50)
    assert (rise > floor).all()


def test_the_bars_of_a_kit_name_its_track_and_its_one_shots() -> None:
    made = take()
    voice = voice_of("drums")
    inside = range(voice["bar"], voice["bar"] + voice["bars"])
    rows = [one for one in made.built_from if one["layer"] == "kit"]
    assert [one["bar"] for one in rows] == list(inside)
    assert {one["track_id"] for one in rows} == {voice["track_id"]}
    assert not [one for one in made.built_from if one["layer"] == "drums" and one["bar"] in inside]
    duration = {track.id: track.analysis.duration for track in corpus()}[voice["track_id"]]
    for name, (first, last) in rows[0]["shots"].items():
        assert name in PITCH and 0 <= first < last <= duration
    assert [one.bars for one in passages(made.built_from) if one.layer == "kit"] == [voice["bars"]]


def test_the_bass_of_that_half_is_played_from_single_notes_in_the_key_and_its_score_is_its_sound() -> None:
    made, (start, end) = take(), voiced("bass")
    voice = voice_of("bass")
    inside = range(voice["bar"], voice["bar"] + voice["bars"])
    rows = [one for one in made.built_from if one["layer"] == "notes"]
    assert [one["bar"] for one in rows] == list(inside)
    assert not [one for one in made.built_from if one["layer"] == "bass" and one["bar"] in inside]
    notes = made.plan["score"]["bass"]
    grid = Grid(made.plan["bpm"])
    key = parse_key(made.plan["key"])
    chords = [
        chord_named(name) for name in made.plan["chords"][voice["bar"] : voice["bar"] + voice["bars"]] if name
    ]
    allowed = set(scale_of(key)) | {tone for chord in chords for tone in chord.tones}
    assert len(notes) >= voice["bars"]
    assert {int(note["pitch"]) % 12 for note in notes} <= allowed
    plan, workshop = Plan.from_json(made.plan), workshop_for(corpus(), lambda: None)
    (part,) = [one for one in played_parts(plan, workshop) if one.voice.layer == "bass"]
    mono = part.draw(end - start)["bass"][0]
    for note in notes:
        at, length = grid.beat(note["start"]) - start, grid.beat(note["length"])
        piece = mono[at + length // 4 : at + length] * np.hanning(length - length // 4)
        spectrum = np.abs(np.fft.rfft(piece, 1 << 17))
        heard = 69 + 12 * np.log2(np.argmax(spectrum) * RATE / (1 << 17) / 440.0)
        # the loudest partial is the note or its octave
        assert min(abs(heard - note["pitch"]), abs(heard - 12 - note["pitch"])) < 0.5
    silent = np.ones(mono.size, dtype=bool)
    for note in notes:
        silent[max(0, grid.beat(note["start"]) - start - 64) :][: grid.beat(note["length"]) + RATE // 5] = (
            False
        )
    assert np.abs(mono[silent]).max(initial=0.0) < 1e-3


def test_a_stored_plan_plays_the_same_part_again() -> None:
    stored = json.loads(json.dumps(take().plan))
    again = Mosaic().replay(stored, Material(corpus()), on_progress=lambda fraction, words: None)
    assert again.stems["drums"].tobytes() == take().stems["drums"].tobytes()
