"""Stems and exports over HTTP: what is listed is there, what is there can be heard, and nothing stays behind."""

from __future__ import annotations

import errno
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import rpp
import soundfile
from django.conf import settings

from generation import exporting
from generation.models import GeneratedTrack
from tests.catalog.test_api_problems import problem
from tests.generation.test_export_dawproject import schema
from tests.people import Person, owner
from tests.rows import give_stems, take_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> Person:
    return owner()


@pytest.fixture
def take(person: Person) -> GeneratedTrack:
    made = take_of(
        person.artist,
        requested={"bpm": 140.0, "key": "G minor"},
        sections=[
            {"name": "intro", "first_bar": 0, "bars": 2, "start": 0.0, "end": 3.4},
            {"name": "drop", "first_bar": 2, "bars": 2, "start": 3.4, "end": 6.9},
        ],
    )
    give_stems(made)
    return made


def address(take: GeneratedTrack, what: str) -> str:
    return f"/api/generated-tracks/{take.pk}/{what}"


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def left_behind() -> list[Path]:
    return list((Path(settings.MEDIA_ROOT) / "staging").glob("export_*"))


def test_the_list_says_what_each_stem_is_and_where_it_sounds(person: Person, take: GeneratedTrack) -> None:
    body = person.api.get(address(take, "stems/")).json()
    assert (body["bpm"], body["key"], body["camelot"], body["gain"]) == (140.0, "G minor", "6A", 1.0)
    assert [one["file"] for one in body["stems"]] == ["01_Drums_140bpm_6A.wav", "02_Bass_140bpm_6A.wav"]
    for one in body["stems"]:
        heard = body_of(person.api.get(one["audio"]))
        assert len(heard) == one["size_bytes"]
        assert soundfile.info(io.BytesIO(heard)).subtype == "PCM_24"
    assert person.api.get(body["archive"]).headers["Content-Type"] == "application/zip"


def test_a_player_may_seek_in_a_stem(person: Person, take: GeneratedTrack) -> None:
    url = address(take, "stems/bass/")
    whole = take.stem_file("bass").read_bytes()
    response = person.api.get(url, headers={"range": "bytes=10-19", "accept": "audio/*"})
    assert response.status_code == 206 and body_of(response) == whole[10:20]
    assert response.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert response.headers["Content-Type"] == "audio/flac"
    assert person.api.get(url, headers={"range": f"bytes={len(whole)}-"}).status_code == 416


@pytest.mark.parametrize("name", ["lead", "..", "drums.flac", "%2e%2e%2fpreview"])
def test_a_stem_it_has_not_is_not_found(person: Person, take: GeneratedTrack, name: str) -> None:
    assert person.api.get(address(take, f"stems/{name}/")).status_code == 404


def test_the_zip_holds_stems_that_add_up_midi_readme_and_nothing_else(
    person: Person, take: GeneratedTrack
) -> None:
    response = person.api.get(address(take, "stems/?format=zip"), headers={"accept": "application/zip"})
    name = "Untitled-01-take-1_140bpm"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}_stems.zip"'
    with zipfile.ZipFile(io.BytesIO(body_of(response))) as archive:
        assert archive.namelist() == [
            "README.txt",
            f"{name}.mid",
            "stems/01_Drums_140bpm_6A.wav",
            "stems/02_Bass_140bpm_6A.wav",
        ]
        sounds = [soundfile.read(io.BytesIO(archive.read(one)))[0].T for one in archive.namelist()[2:]]
        assert b"Untitled 01, take 1" in archive.read("README.txt")
    stored = [soundfile.read(take.stem_file(one))[0].T for one in ("drums", "bass")]
    assert np.array_equal(sounds, stored)
    assert left_behind() == []


def test_a_certified_take_brings_its_certificate_along(
    person: Person, take: GeneratedTrack, tmp_path: Path
) -> None:
    from provenance import stamping

    sound = tmp_path / "take.wav"
    sound.write_bytes(take.file("wav").read_bytes())
    certificate = stamping.stamp(
        artist=person.artist,
        provenance={"type": "ai_generated", "title": take.title},
        renditions=[stamping.Rendition("wav", sound)],
        title=take.title,
    )
    GeneratedTrack.objects.filter(pk=take.pk).update(certificate=certificate)
    data = body_of(person.api.get(address(take, "stems/?format=zip")))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        said = json.loads(archive.read("certificate.json"))
        assert b"certificate.json holds" in archive.read("README.txt")
    assert said["id"] == certificate.pk and said["envelope"] == certificate.envelope


def test_a_broken_download_can_be_taken_up_again(person: Person, take: GeneratedTrack) -> None:
    url = address(take, "stems/?format=zip")
    first = person.api.get(url)
    data = body_of(first)
    rest = person.api.get(url, headers={"range": "bytes=1000-", "if-range": first.headers["ETag"]})
    assert rest.status_code == 206 and body_of(rest) == data[1000:]


def test_midi_has_tempo_key_and_sections(person: Person, take: GeneratedTrack) -> None:
    response = person.api.get(address(take, "midi/"))
    assert response.headers["Content-Type"] == "audio/midi"
    assert response.headers["Content-Disposition"].endswith('_140bpm.mid"')
    file = mido.MidiFile(file=io.BytesIO(body_of(response)))
    told = {message.type: message for message in file.tracks[0]}
    assert round(mido.tempo2bpm(told["set_tempo"].tempo), 2) == 140
    assert told["key_signature"].key == "Gm"
    assert [m.text for m in file.tracks[0] if m.type == "marker"] == ["intro", "drop"]


def test_a_dawproject_is_valid_and_complete(person: Person, take: GeneratedTrack) -> None:
    response = person.api.get(address(take, "dawproject/"))
    assert response.headers["Content-Disposition"].endswith('_140bpm.dawproject"')
    with zipfile.ZipFile(io.BytesIO(body_of(response))) as archive:
        names = ["audio/01_Drums_140bpm_6A.wav", "audio/02_Bass_140bpm_6A.wav"]
        assert archive.namelist() == ["metadata.xml", "project.xml", *names]
        schema("Project").validate(io.BytesIO(archive.read("project.xml")))
        schema("MetaData").validate(io.BytesIO(archive.read("metadata.xml")))
        said = schema("MetaData").to_dict(io.BytesIO(archive.read("metadata.xml")))
    assert (said["Title"], said["Artist"], said["Genre"]) == (take.title, "Ossa Owner", "Dubstep")


def test_a_reaper_project_finds_its_stems(person: Person, take: GeneratedTrack) -> None:
    response = person.api.get(address(take, "reaper/"))
    name = "Untitled-01-take-1_140bpm"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}_reaper.zip"'
    with zipfile.ZipFile(io.BytesIO(body_of(response))) as archive:
        project = rpp.loads(archive.read(f"{name}.rpp").decode())
        for track in project.findall("TRACK"):
            (file,) = [row[1] for row in track.find("ITEM").find("SOURCE")]
            assert archive.getinfo(file).file_size > 1_000_000
        assert {"README.txt", f"{name}.mid"} <= set(archive.namelist())


def test_a_stem_that_was_played_from_a_score_brings_its_notes(person: Person, take: GeneratedTrack) -> None:
    note = {"start": 4.0, "length": 0.5, "pitch": 36, "velocity": 101}
    GeneratedTrack.objects.filter(pk=take.pk).update(plan={"score": {"drums": [note], "bass": []}})
    file = mido.MidiFile(file=io.BytesIO(body_of(person.api.get(address(take, "midi/")))))
    assert [track.name for track in file.tracks[1:]] == ["Drums"]
    (struck,) = [message for message in file.tracks[1] if message.type == "note_on"]
    assert (struck.time, struck.note, struck.velocity) == (4 * file.ticks_per_beat, 36, 101)
    with zipfile.ZipFile(io.BytesIO(body_of(person.api.get(address(take, "stems/?format=zip"))))) as archive:
        text = archive.read("README.txt").decode()
    assert "really played: Drums." in text and "There are no notes for Bass" in text


@pytest.mark.parametrize("lost", ["all", "one", "never made"])
def test_a_take_without_its_stems_says_so(person: Person, take: GeneratedTrack, lost: str) -> None:
    if lost == "never made":
        GeneratedTrack.objects.filter(pk=take.pk).update(stems=[])
    for name in {"all": ("drums", "bass"), "one": ("drums",)}.get(lost, ()):
        take.stem_file(name).unlink()
    assert len(person.api.get(address(take, "stems/")).json()["stems"]) == (1 if lost == "one" else 0)
    for what in ("stems/?format=zip", "dawproject/", "reaper/"):
        problem(person.api.get(address(take, what)), 404)
    assert person.api.get(address(take, "midi/")).status_code == 200
    assert left_behind() == []


def test_an_unknown_format_is_refused(person: Person, take: GeneratedTrack) -> None:
    assert set(problem(person.api.get(address(take, "stems/?format=rar")), 400)["errors"]) == {"format"}


def test_a_full_disk_is_said_and_leaves_nothing(
    person: Person, take: GeneratedTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("generation.exports.stems.write_wav", full)
    problem(person.api.get(address(take, "stems/?format=zip")), 507)
    assert left_behind() == []


def test_who_finds_no_turn_is_told_when_to_come_back(
    person: Person, take: GeneratedTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.turns import Turns

    taken = Turns(1, patience=0.01)
    monkeypatch.setattr(exporting, "AT_WORK", taken)
    with taken.turn():
        response = person.api.get(address(take, "stems/?format=zip"))
    assert problem(response, 503)["type"].endswith(":busy")
    assert response.headers["Retry-After"] == "60"
    assert left_behind() == []
