"""A real Mosaic take as a project to export, made once for the test run."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from catalog.analysis import parse_key
from generation.engines.base import Rendering
from generation.exports.project import Note, Project, Section, StemFile
from generation.exports.stems import write_stems
from tests.generation.mosaic_corpus import RATE, brief, render

_FOLDER = tempfile.TemporaryDirectory(prefix="starforge-exports-")
KEY = parse_key("A minor")
# what a written part looks like: four on the floor for a bar, with a hit between two ticks
KICKS = (*(Note(float(beat), 0.25, 36, 100 - beat) for beat in range(4)), Note(4.333, 0.1, 38, 64))


@cache
def rendering() -> Rendering:
    return render(brief(key=KEY, duration_seconds=20.0))


@cache
def project(*, scored: bool = False) -> Project:
    """The take with its stems on disk. scored: its kick has notes."""
    made = rendering()
    folder = Path(_FOLDER.name)
    known = write_stems(made.stems, folder, RATE)
    return Project(
        title="Nachtbus & “Übung”",
        artist="Ossa Owner",
        file_stem="Nachtbus_124bpm",
        bpm=float(made.plan["bpm"]),
        key=KEY,
        sample_rate=RATE,
        samples=made.audio.shape[1],
        sections=tuple(Section(one["name"], one["first_bar"], one["bars"]) for one in made.sections),
        stems=tuple(
            StemFile(one["name"], folder / f"{one['name']}.flac", float(one["gain"])) for one in known
        ),
        created=datetime(2026, 11, 22, 12, 30, 10, tzinfo=UTC),
        genre="House",
        notes={"kick": KICKS} if scored else {},
    )
