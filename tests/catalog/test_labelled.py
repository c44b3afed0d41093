"""The labelled music that the analysis is measured on: is its truth true?"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import mido
import numpy as np
import pytest

from bench.labelled import loops, midi
from bench.labelled.answers import Answer
from bench.labelled.case import RATE, Case
from bench.labelled.synth import Note, render
from bench.labelled.tables import bars_line, tempo_line
from catalog.analysis import analyse


def song(bpm: float, *, quarter: int = 480, signature: int = 4, step: float = 0.5) -> bytes:
    """A file of a C major scale in eighths (or `step` beats), up and down for a minute."""
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("time_signature", numerator=signature, denominator=4))
    track.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm)))
    scale = [60, 64, 67, 72, 67, 64, 62, 65, 69, 67, 65, 62, 60, 59, 60, 64]
    for number in range(int(60 * bpm / 60 / step)):
        track.append(mido.Message("note_on", note=scale[number % 16], velocity=90))
        track.append(mido.Message("note_off", note=scale[number % 16], time=round(quarter * step)))
    file, data = mido.MidiFile(ticks_per_beat=quarter, tracks=[track]), io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def test_tempo_key_and_notes_of_a_file_are_read() -> None:
    piece = midi.read(song(123.0))
    assert piece.bpm == pytest.approx(123.0, rel=1e-5)
    assert piece.key is not None
    assert piece.key.name == "C major"
    assert piece.seconds == pytest.approx(60, abs=0.5)
    assert piece.notes[2].start == pytest.approx(60 / 123, abs=1e-3)


@pytest.mark.parametrize(
    "data", [song(123.0, signature=5), song(123.0, step=0.37)], ids=["five four", "notes beside the grid"]
)
def test_where_the_beat_is_not_certain_there_is_no_tempo_truth(data: bytes) -> None:
    assert midi.read(data).bpm is None


def test_music_is_found_in_packages_and_in_doom_archives(tmp_path: Path) -> None:
    score = song(100.0)
    lumps = [(b"D_E1M1", score), (b"PLAYPAL", b"no music")]
    body, directory, at = b"", b"", 12
    for name, data in lumps:
        directory += struct.pack("<ii8s", at + len(body), len(data), name)
        body += data
    wad = b"IWAD" + struct.pack("<ii", len(lumps), at + len(body)) + body + directory
    (tmp_path / "freedoom").mkdir()
    (tmp_path / "freedoom" / "one.wad").write_bytes(wad)
    (tmp_path / "mma").mkdir()
    (tmp_path / "mma" / "tune.mid").write_bytes(score)
    assert [name for name, _ in midi.files(tmp_path)] == ["freedoom-one-D_E1M1", "mma-tune"]
    cases = midi.pieces(tmp_path, tmp_path / "cache")
    assert len(cases) == 1, "the same score twice is one piece"
    assert cases[0].bpm == pytest.approx(100.0)


def test_a_rendered_note_begins_where_it_is_written_and_has_its_pitch() -> None:
    sound = render([Note(0.5, 1.0, 69, 0.8, 0), Note(1.75, 0.2, 36, 0.9, -1)], 3.0)
    assert sound.shape == (2, 3 * RATE)
    first = int(np.argmax(np.abs(sound[0]) > 0.02))
    assert abs(first / RATE - 0.5) < 0.01
    spectrum = np.abs(np.fft.rfft(sound[0, int(0.6 * RATE) : int(1.4 * RATE)]))
    assert abs(np.argmax(spectrum) * RATE / (0.8 * RATE) - 440) < 3


def test_loops_have_the_tempo_they_say(tmp_path: Path) -> None:
    case = next(case for case in loops.clicks(tmp_path) if case.bpm and 90 < case.bpm < 130)
    found = analyse(case.read(), RATE)
    assert found.bpm == pytest.approx(case.bpm, rel=0.001)


def test_tables_count_octaves_and_bar_lines_as_they_should() -> None:
    lines = tuple(float(t) for t in np.arange(0, 20, 2.0))
    case = Case("a", Path("a"), 120.0, downbeats=lines)
    on_time, late = np.array(lines) + 0.01, np.array(lines) + 0.1
    pairs = [
        (case, Answer(120.1, None, on_time, 0.0)),
        (case, Answer(60.0, None, on_time, 0.0)),
        (case, Answer(90.0, None, on_time, 0.0)),
        (case, Answer(119.9, None, late, 0.0)),
    ]
    assert "A1 0.50  A2 0.75" in tempo_line("x", pairs)
    assert "n   2  bar lines within 40 ms 0.50" in bars_line("x", pairs)
    assert Case("a", Path("a"), None).held_out == Case("a", Path("b"), 99.0).held_out, (
        "the name alone decides"
    )
