"""A take as DAWproject 1.0 (github.com/bitwig/dawproject): opened by Bitwig Studio, Studio One, Cubase and others.

A zip of project.xml, metadata.xml and the stems as WAV. Clips are plain, begin at beat 0 and are tied to the tempo by
two warp points, so they follow when the tempo of the project is changed.
"""

from __future__ import annotations

import re
import zipfile
from typing import IO
from xml.etree import ElementTree

from generation.exports.project import BEATS, Note, Project, StemFile
from generation.exports.stems import add_bytes, add_stems

APPLICATION = "Starforge"
VERSION = "1.0"  # of the format
CHANNELS = 2
Element = ElementTree.Element
# what XML 1.0 cannot hold, even escaped
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_dawproject(project: Project, out: IO[bytes]) -> None:
    """Write the project to `out`, the stems a block at a time."""
    with zipfile.ZipFile(out, "w") as archive:
        names = [
            f"audio/{project.wav_name(number, stem)}" for number, stem in enumerate(project.stems, start=1)
        ]
        add_bytes(archive, project, "metadata.xml", metadata_xml(project))
        add_bytes(archive, project, "project.xml", project_xml(project, names))
        add_stems(archive, project, "audio")


def metadata_xml(project: Project) -> bytes:
    root = Element("MetaData")
    for name, text in (
        ("Title", project.title),
        ("Artist", project.artist),
        ("Year", str(project.created.year)),
        ("Genre", project.genre),
        ("Comment", f"{project.bpm:g} BPM" + (f", {project.key.name}" if project.key else "")),
    ):
        if text:
            ElementTree.SubElement(root, name).text = writable(text)
    return _bytes(root)


def project_xml(project: Project, files: list[str]) -> bytes:
    """The project: an audio track for each stem, whose file is at the same place in `files`, and its written notes."""
    root = Element("Project", version=VERSION)
    _add(root, "Application", name=APPLICATION, version=VERSION)
    transport = _add(root, "Transport")
    _add(
        transport,
        "Tempo",
        unit="bpm",
        value=number(project.bpm),
        min="20",
        max="666",
        id="tempo",
        name="Tempo",
    )
    _add(transport, "TimeSignature", numerator=str(BEATS), denominator="4", id="metre")
    structure = _add(root, "Structure")
    arrangement = _add(root, "Arrangement", id="arrangement")
    lanes = _add(arrangement, "Lanes", timeUnit="beats", id="lanes")
    for place, (stem, file) in enumerate(zip(project.stems, files, strict=True), start=1):
        _track(structure, f"track{place}", stem.label, "audio")
        _audio(_add(lanes, "Lanes", track=f"track{place}", id=f"lane{place}"), project, stem, file)
        if notes := project.notes.get(stem.name):
            _track(structure, f"notes{place}", f"{stem.label} notes", "notes")
            _notes(_add(lanes, "Lanes", track=f"notes{place}", id=f"notelane{place}"), project, stem, notes)
    _track(structure, "master", "Master", "audio notes", volume=project.makeup)
    if project.sections:
        markers = _add(arrangement, "Markers", id="markers")
        for section in project.sections:
            _add(markers, "Marker", time=number(section.first_bar * BEATS), name=writable(section.name))
    return _bytes(root)


def _track(structure: Element, name: str, label: str, content: str, volume: float = 1.0) -> None:
    master = name == "master"
    track = _add(structure, "Track", contentType=content, loaded="true", id=name, name=label)
    channel = _add(
        track,
        "Channel",
        audioChannels=str(CHANNELS),
        role="master" if master else "regular",
        solo="false",
        id=f"{name}-channel",
        **({} if master else {"destination": "master-channel"}),
    )
    _add(channel, "Mute", value="false", id=f"{name}-mute", name="Mute")
    _add(channel, "Pan", min="0", max="1", unit="normalized", value="0.5", id=f"{name}-pan", name="Pan")
    highest = number(max(2.0, volume))
    _add(
        channel,
        "Volume",
        min="0",
        max=highest,
        unit="linear",
        value=number(volume),
        id=f"{name}-volume",
        name="Volume",
    )


def _audio(lane: Element, project: Project, stem: StemFile, file: str) -> None:
    beats, seconds = number(project.beats), number(project.seconds)
    clips = _add(lane, "Clips")
    clip = _add(
        clips, "Clip", time="0", duration=beats, playStart="0", name=stem.label, contentTimeUnit="beats"
    )
    warps = _add(clip, "Warps", contentTimeUnit="seconds", timeUnit="beats")
    audio = _add(
        warps,
        "Audio",
        algorithm="stretch",
        channels=str(CHANNELS),
        sampleRate=str(project.sample_rate),
        duration=seconds,
    )
    _add(audio, "File", path=file)
    _add(warps, "Warp", time="0", contentTime="0")
    _add(warps, "Warp", time=beats, contentTime=seconds)


def _notes(lane: Element, project: Project, stem: StemFile, notes: tuple[Note, ...]) -> None:
    clip = _add(
        _add(lane, "Clips"), "Clip", time="0", duration=number(project.beats), playStart="0", name=stem.label
    )
    score = _add(clip, "Notes")
    for note in sorted(notes, key=lambda one: (one.start, one.pitch)):
        loud = number(note.velocity / 127.0)
        _add(
            score,
            "Note",
            time=number(note.start),
            duration=number(note.length),
            channel="0",
            key=str(note.pitch),
            vel=loud,
            rel=loud,
        )


def writable(text: str) -> str:
    """`text` without the characters that XML cannot hold."""
    return _UNWRITABLE.sub("", text)


def number(value: float) -> str:
    """A number as XML writes it, to more digits than any clock has."""
    return f"{value:.12g}"


def _add(parent: Element, tag: str, /, **attributes: str) -> Element:
    return ElementTree.SubElement(parent, tag, {key: writable(value) for key, value in attributes.items()})


def _bytes(root: Element) -> bytes:
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data
