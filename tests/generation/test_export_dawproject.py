"""The DAWproject of a take, held against the format's own published schemas (tests/vendor/dawproject)."""

from __future__ import annotations

import io
import wave
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
import xmlschema
from defusedxml.ElementTree import fromstring

from generation.exports.dawproject import metadata_xml, project_xml, write_dawproject
from generation.exports.project import Project
from tests.generation.exports_of import KICKS, project, rendering
from tests.generation.mosaic_corpus import RATE

VENDOR = Path(__file__).resolve().parents[1] / "vendor" / "dawproject"


@cache
def schema(name: str) -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(VENDOR / f"{name}.xsd")


def files_of(given: Project) -> list[str]:
    return [f"audio/{number}.wav" for number, _ in enumerate(given.stems)]


def parsed(given: Project) -> Element:
    return fromstring(project_xml(given, files_of(given)))


@cache
def archive() -> zipfile.ZipFile:
    out = io.BytesIO()
    write_dawproject(project(scored=True), out)
    return zipfile.ZipFile(out)


ODD = "\x00Ü <b>&\"'\x1b\ufffe 夜"
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "nothing known": {"key": None, "genre": "", "sections": (), "stems": ()},
    "odd names and tempo": {"title": ODD, "artist": ODD, "genre": ODD, "bpm": 93.337},
}


@pytest.mark.parametrize("scored", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_valid_by_the_published_schemas(variant: str, scored: bool) -> None:
    given = replace(project(scored=scored), **VARIANTS[variant])
    schema("Project").validate(io.BytesIO(project_xml(given, files_of(given))))
    schema("MetaData").validate(io.BytesIO(metadata_xml(given)))


def test_the_schema_refuses_what_is_wrong() -> None:
    good = project_xml(project(), files_of(project())).decode()
    for wrong in (good.replace('unit="bpm"', 'unit="speed"'), good.replace("master-channel", "nowhere", 1)):
        assert wrong != good
        with pytest.raises(xmlschema.XMLSchemaException):
            schema("Project").validate(io.BytesIO(wrong.encode()))


def test_every_file_it_names_is_in_the_archive_and_as_long_as_it_says() -> None:
    with_stems = archive()
    assert with_stems.testzip() is None
    assert with_stems.namelist()[:2] == ["metadata.xml", "project.xml"]
    root = fromstring(with_stems.read("project.xml"))
    named = [(audio.get("duration"), audio[0].get("path")) for audio in root.iter("Audio")]
    assert sorted(str(path) for _, path in named) == sorted(with_stems.namelist()[2:])
    for duration, path in named:
        with with_stems.open(str(path)) as file, wave.open(file) as sound:
            assert sound.getsampwidth() == 3 and sound.getframerate() == RATE
            assert float(str(duration)) == pytest.approx(sound.getnframes() / RATE, abs=1e-6)


def test_clips_lie_on_the_grid_of_the_tempo() -> None:
    root = parsed(project())
    tempo = float(str(root.find("Transport/Tempo").get("value")))  # type: ignore[union-attr]
    assert tempo == project().bpm
    clips = list(root.iter("Clip"))
    assert len(clips) == len(project().stems)
    for clip in clips:
        first, last = clip.findall("Warps/Warp")
        assert (first.get("time"), first.get("contentTime"), clip.get("time")) == ("0", "0", "0")
        beats, seconds = float(str(last.get("time"))), float(str(last.get("contentTime")))
        assert float(str(clip.get("duration"))) == beats
        assert beats / seconds * 60 == pytest.approx(tempo, rel=1e-9)
        assert seconds == pytest.approx(rendering().audio.shape[1] / RATE, abs=1e-6)


def test_sections_are_markers_at_their_bars() -> None:
    markers = [(float(str(m.get("time"))), m.get("name")) for m in parsed(project()).iter("Marker")]
    assert len(markers) >= 3
    assert markers == [(one.first_bar * 4.0, one.name) for one in project().sections]


def test_every_track_leads_to_the_master_which_restores_the_level() -> None:
    quiet = replace(project(), stems=tuple(replace(stem, gain=0.25) for stem in project().stems))
    root = parsed(quiet)
    channels = {str(one.get("id")): one for one in root.iter("Channel")}
    master = channels.pop("master-channel")
    assert {one.get("destination") for one in channels.values()} == {"master-channel"}
    assert float(str(master.find("Volume").get("value"))) == pytest.approx(4.0)  # type: ignore[union-attr]
    assert all(float(str(one.find("Volume").get("value"))) == 1.0 for one in channels.values())  # type: ignore[union-attr]


def test_notes_are_there_only_where_they_were_written() -> None:
    assert list(parsed(project()).iter("Note")) == []
    notes = list(parsed(project(scored=True)).iter("Note"))
    assert [(float(str(n.get("time"))), int(str(n.get("key")))) for n in notes] == [
        (note.start, note.pitch) for note in KICKS
    ]
    assert all(0 < float(str(n.get("vel"))) <= 1 for n in notes)
