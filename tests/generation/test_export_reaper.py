"""The Reaper project of a take, read back by the independent `rpp` package."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest
import rpp as reader

from generation.exports.project import Project
from generation.exports.reaper import quoted, rpp, write_reaper
from tests.generation.exports_of import KICKS, project


def opened(given: Project) -> Any:
    return reader.loads(rpp(given, [f"stems/{number}.wav" for number, _ in enumerate(given.stems)]))


def value(element: Any, name: str) -> list[str]:
    (found,) = [row[1:] for row in element if isinstance(row, list) and row[0] == name]
    return list(found)


def test_tempo_title_and_sections_are_read_back() -> None:
    root = opened(project())
    assert value(root, "TITLE") == [project().title] and value(root, "AUTHOR") == [project().artist]
    assert [float(one) for one in value(root, "TEMPO")] == [project().bpm, 4, 4]
    bar = 4 * 60 / project().bpm
    markers = [(float(row[2]), row[3]) for row in root if isinstance(row, list) and row[0] == "MARKER"]
    assert [name for _, name in markers] == [one.name for one in project().sections]
    assert [at for at, _ in markers] == pytest.approx([one.first_bar * bar for one in project().sections])


def test_every_stem_is_a_track_from_the_first_sample_to_the_last() -> None:
    tracks = opened(project()).findall("TRACK")
    assert [value(one, "NAME")[0] for one in tracks] == [stem.label for stem in project().stems]
    for number, track in enumerate(tracks):
        item = track.find("ITEM")
        assert float(value(item, "POSITION")[0]) == 0
        assert float(value(item, "LENGTH")[0]) == pytest.approx(project().seconds, abs=1e-8)
        source = item.find("SOURCE")
        assert source.attrib == ["WAVE"] and value(source, "FILE") == [f"stems/{number}.wav"]


def test_the_master_restores_the_level_of_stems_that_were_turned_down() -> None:
    quiet = replace(project(), stems=tuple(replace(stem, gain=0.25) for stem in project().stems))
    assert float(value(opened(quiet), "MASTER_VOLUME")[0]) == pytest.approx(4.0)
    assert float(value(opened(project()), "MASTER_VOLUME")[0]) == 1.0


def test_the_archive_holds_what_the_project_names() -> None:
    out = io.BytesIO()
    write_reaper(project(), out, {"README.txt": b"hello"})
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        root = reader.loads(archive.read("Nachtbus_124bpm.rpp").decode())
        named = [value(track.find("ITEM").find("SOURCE"), "FILE")[0] for track in root.findall("TRACK")]
        assert sorted([*named, "README.txt", "Nachtbus_124bpm.rpp"]) == sorted(archive.namelist())


def test_notes_are_there_only_where_they_were_written() -> None:
    assert "MIDI" not in rpp(project(), [""] * len(project().stems))
    track = opened(project(scored=True)).findall("TRACK")[1]
    source = track.find("ITEM").find("SOURCE")
    assert source.attrib == ["MIDI"]
    now, struck = 0, []
    events = [row for row in source if row[0] == "E"]
    for _, delta, status, pitch, velocity in events:
        now += int(delta)
        if status == "99":
            struck.append((now / 480, int(pitch, 16), int(velocity, 16)))
    assert [one[1:] for one in struck] == [(note.pitch, note.velocity) for note in KICKS]
    assert [one[0] for one in struck] == pytest.approx([note.start for note in KICKS], abs=1 / 960)
    # the end of the item is where the take ends, not a note more
    assert events[-1][2:] == ["b9", "7b", "00"]
    assert now == round(project().beats * 480)


@pytest.mark.parametrize(
    "text", ["plain", 'say "so"', 'it\'s "so"', "`all` 'three' \"marks\"", "two\nlines", ""]
)
def test_any_title_can_be_read_back(text: str) -> None:
    (title,) = value(opened(replace(project(), title=text)), "TITLE")
    assert title.replace("`", "'") == " ".join(text.split()).replace("`", "'")
    assert "\n" not in quoted(text)
