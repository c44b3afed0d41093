"""Edits of a finished take: each changes what it says, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from catalog.analysis import analyse
from generation.brief import Brief, Edit
from generation.engines.base import EngineError, Rendering
from generation.engines.mosaic import Mosaic
from generation.loudness import integrated_loudness
from generation.truepeak import true_peak_dbtp
from tests.generation.mosaic_corpus import RATE, brief, material, render

SECONDS = 40.0


@cache
def parent() -> Rendering:
    return render(request())


def request(**changes: Any) -> Brief:
    return brief(duration_seconds=SECONDS, **changes)


def edit(kind: str, *, tracks: int = 7, asked: Brief | None = None, **fields: Any) -> Rendering:
    stored = json.loads(json.dumps(parent().plan))
    wanted = replace(asked or request(), edit=Edit("take_x", kind, **fields))
    return Mosaic().render(
        wanted, replace(material(tracks), parent=stored), take=1, on_progress=lambda fraction, words: None
    )


def pcm(audio: np.ndarray) -> np.ndarray:
    """24-bit integers, as they are written."""
    return np.round(audio.astype(np.float64) * (2**23 - 1)).astype(np.int64)


def passages(rendering: Rendering, layer: str) -> list[tuple[int, str, float]]:
    return [
        (int(e["bar"]), str(e["track_id"]), float(e["source_start"]))
        for e in rendering.built_from
        if e["layer"] == layer
    ]


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_a_section_composed_anew_leaves_all_else_the_same_to_the_last_bit(index: int) -> None:
    section = parent().sections[index]
    child = edit("section", section=index)
    beat = round(60.0 / 124.0 * RATE)
    start, end = round(section["start"] * RATE) - beat, round(section["end"] * RATE) + beat
    if index == len(parent().sections) - 1:
        end = parent().audio.shape[1]  # the last ring belongs to the last section
    before, after = pcm(parent().audio), pcm(child.audio)
    assert before.shape == after.shape
    assert (before[:, : max(0, start)] == after[:, : max(0, start)]).all()
    assert (before[:, end:] == after[:, end:]).all()
    inside = slice(round(section["start"] * RATE), round(section["end"] * RATE))
    assert (before[:, inside] != after[:, inside]).mean() > 0.5
    assert section["name"] in child.plan["changes"][0]
    assert true_peak_dbtp(child.audio) <= -1.0
    assert np.abs(sum(child.stems.values()) - child.audio).max() < 10 ** (-100 / 20)


def test_an_edit_can_be_edited_and_played_again() -> None:
    child = edit("section", section=2)
    again = Mosaic().replay(
        json.loads(json.dumps(child.plan)), material(), on_progress=lambda fraction, words: None
    )
    assert again.audio.tobytes() == child.audio.tobytes()
    assert again.plan == child.plan


def test_other_drums_come_from_other_tracks_and_the_rest_stays() -> None:
    child = edit("replace", layer="drums")
    assert not {t for _, t, _ in passages(child, "drums")} & {t for _, t, _ in passages(parent(), "drums")}
    assert passages(child, "harmony") == passages(parent(), "harmony")
    assert passages(child, "bass") == passages(parent(), "bass")
    assert "Other drums" in child.plan["changes"][0]
    # the equaliser and the levels are the parent's
    assert child.plan["eq_db"] == parent().plan["eq_db"]
    assert child.plan["trims_db"] == parent().plan["trims_db"]
    assert integrated_loudness(child.audio, RATE) == pytest.approx(child.plan["target_lufs"], abs=0.5)


def test_other_harmony_takes_its_bass_along_and_leaves_the_drums() -> None:
    child = edit("replace", layer="harmony")
    assert not {t for _, t, _ in passages(child, "harmony")} & {
        t for _, t, _ in passages(parent(), "harmony")
    }
    assert passages(child, "drums") == passages(parent(), "drums")
    places = {(bar, track, start) for bar, track, start in passages(child, "harmony")}
    assert set(passages(child, "bass")) <= places


def test_another_tempo_keeps_form_and_passages() -> None:
    child = edit("tempo", asked=request(bpm=130.0))
    assert child.plan["bpm"] == 130.0
    assert [(s["name"], s["bars"]) for s in child.sections] == [
        (s["name"], s["bars"]) for s in parent().sections
    ]
    assert passages(child, "harmony") == passages(parent(), "harmony")
    heard = analyse(child.stems["drums"] + child.stems["kick"], RATE).bpm
    assert heard is not None
    assert min((heard, heard / 2, heard * 2), key=lambda b: abs(b - 130)) == pytest.approx(130.0, rel=0.0005)


def test_a_tempo_out_of_reach_takes_other_passages_or_says_what_it_did() -> None:
    child = edit("tempo", asked=request(bpm=62.0))
    assert child.plan["bpm"] == 62.0
    assert {s["bars"] for s in child.sections} == {s["bars"] for s in parent().sections}
    assert all(abs(e["stretch"] - 1.0) <= 0.12 for e in child.built_from)


def test_more_energy_is_measured_as_more_energy() -> None:
    calm, wild = (edit("energy", asked=request(energy=level)) for level in (0.1, 1.0))
    energies = [analyse(one.audio, RATE).energy for one in (calm, wild)]
    assert energies[0] < energies[1] - 0.05
    assert passages(calm, "harmony") == passages(parent(), "harmony")
    assert "→ 1.00" in wild.plan["changes"][0]


@pytest.mark.parametrize(("kind", "step"), [("longer", 4), ("shorter", -2)])
def test_a_section_gets_longer_or_shorter_and_the_others_keep_their_bars(kind: str, step: int) -> None:
    index = next(n for n, s in enumerate(parent().sections) if s["name"] == "drop")
    child = edit(kind, section=index, bars=abs(step))
    lengths = [s["bars"] for s in parent().sections]
    lengths[index] += step
    assert [s["bars"] for s in child.sections] == lengths
    bar = 4 * 60.0 / 124.0 * RATE
    assert child.audio.shape[1] == pytest.approx(parent().audio.shape[1] + step * bar, abs=2)
    head = parent().sections[index]["first_bar"]
    assert [p for p in passages(child, "harmony") if p[0] < head] == [
        p for p in passages(parent(), "harmony") if p[0] < head
    ]
    covered = {bar for bar, _, _ in passages(child, "harmony")}
    assert covered == set(range(sum(lengths)))


def test_extending_adds_a_break_and_a_drop_before_the_ending() -> None:
    child = edit("extend", bars=16)
    assert sum(s["bars"] for s in child.sections) == sum(s["bars"] for s in parent().sections) + 16
    assert [s["name"] for s in child.sections][-3:] == ["break", "drop", "outro"]
    assert {bar for bar, _, _ in passages(child, "harmony")} == set(range(child.plan["bars"]))
    seconds = child.audio[:, : child.audio.shape[1] // RATE * RATE].reshape(2, -1, RATE)
    levels = np.sqrt(np.mean(np.square(seconds), axis=(0, 2)))
    assert (20 * np.log10(levels[:-2] + 1e-9) > -40).all()


def test_a_crop_keeps_its_bars_and_ends() -> None:
    child = edit("crop", first_bar=4, end_bar=14)
    assert child.plan["bars"] == 10
    kept = [(bar - 4, track, start) for bar, track, start in passages(parent(), "harmony") if 4 <= bar < 14]
    assert passages(child, "harmony") == kept
    assert np.abs(child.audio[:, -32:]).max() < 0.01


def test_muting_leaves_the_other_stems_as_they_were_but_for_the_level() -> None:
    child = edit("mute", layers=("drums", "kick"))
    assert not {"drums", "kick"} & set(child.stems)
    mine, theirs = child.stems["harmony"].ravel(), parent().stems["harmony"].ravel()
    assert float(mine @ theirs) / float(np.linalg.norm(mine) * np.linalg.norm(theirs)) > 0.9


def test_what_was_muted_before_stays_muted() -> None:
    once = replace(material(), parent=json.loads(json.dumps(edit("mute", layers=("drums",)).plan)))
    wanted = replace(request(), edit=Edit("take_x", "mute", layers=("bass",)))
    twice = Mosaic().render(wanted, once, take=1, on_progress=lambda fraction, words: None)
    assert not {"drums", "bass"} & set(twice.stems)
    assert twice.plan["changes"] == ["Without bass; the others are as they were."]


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("section", {"section": 9}, "Name a section"),
        ("shorter", {"section": 0, "bars": 40}, "fewer"),
        ("crop", {"first_bar": 10, "end_bar": 11}, "at least 2"),
        ("mute", {"layers": ("kick", "drums", "bass", "harmony", "lead", "fx")}, "Something has to stay"),
        ("remix", {}, "does not know"),
    ],
)
def test_what_cannot_be_done_is_said(kind: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        edit(kind, **fields)


def test_a_take_whose_source_is_gone_is_not_edited() -> None:
    with pytest.raises(EngineError, match="no longer"):
        edit("replace", layer="drums", tracks=2)
