"""The MIDI file of a take, read back by mido."""

from __future__ import annotations

import io
from dataclasses import replace

import mido
import pytest

from catalog.analysis.keys import Key
from generation.exports.midi import midi_bytes
from generation.exports.project import BEATS, Project
from tests.generation.exports_of import KICKS, project


def opened(given: Project) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(midi_bytes(given)), charset="utf-8")


def placed(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    """(ticks from the start, message)."""
    now, found = 0, []
    for message in track:
        now += message.time
        found.append((now, message))
    return found


def test_it_holds_tempo_metre_key_and_a_marker_for_each_section() -> None:
    file = opened(project())
    told = {message.type: message for message in file.tracks[0]}
    assert mido.tempo2bpm(told["set_tempo"].tempo) == pytest.approx(project().bpm, rel=2e-6)
    assert (told["time_signature"].numerator, told["time_signature"].denominator) == (4, 4)
    assert told["key_signature"].key == "Am"
    assert told["track_name"].name == project().title
    bar = BEATS * file.ticks_per_beat
    markers = [(at, message.text) for at, message in placed(file.tracks[0]) if message.type == "marker"]
    assert len(markers) >= 3
    assert markers == [(one.first_bar * bar, one.name) for one in project().sections]
    assert file.length == pytest.approx(project().seconds, abs=0.002)


def test_without_a_score_there_are_no_notes() -> None:
    file = opened(project())
    assert len(file.tracks) == 1
    assert not any(message.type.startswith("note") for message in file.tracks[0])


def test_a_score_is_written_as_it_was_played() -> None:
    file = opened(project(scored=True))
    assert [track.name for track in file.tracks] == [project().title, "Kick"]
    played = [
        (at / file.ticks_per_beat, message.note, message.velocity, message.channel)
        for at, message in placed(file.tracks[1])
        if message.type == "note_on"
    ]
    assert len(played) == len(KICKS)
    for (at, pitch, velocity, channel), note in zip(played, KICKS, strict=True):
        assert at == pytest.approx(note.start, abs=0.5 / file.ticks_per_beat)
        assert (pitch, velocity, channel) == (note.pitch, note.velocity, 9)
    ends = [message for message in file.tracks[1] if message.type == "note_off"]
    assert len(ends) == len(KICKS)


def test_a_note_that_touches_the_next_one_ends_before_it_begins() -> None:
    touching = replace(
        project(), notes={"bass": tuple(replace(one, length=1.0, pitch=40) for one in KICKS[:4])}
    )
    kinds = [m.type for m in opened(touching).tracks[1] if m.type in ("note_on", "note_off")]
    assert kinds == ["note_on", "note_off"] * 4


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_every_key_can_be_written(tonic: int, mode: str) -> None:
    key = Key(tonic, mode)  # type: ignore[arg-type]
    told = [m.key for m in opened(replace(project(), key=key)).tracks[0] if m.type == "key_signature"]
    assert told == [key.short]


def test_no_key_is_said_where_none_is_known() -> None:
    assert all(m.type != "key_signature" for m in opened(replace(project(), key=None)).tracks[0])
