"""A take's row as a `Project`, and the files that are built from it when somebody asks."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from catalog.analysis.keys import Key, parse_key
from catalog.turns import Turns
from generation.engines.neural.catalogue import MODELS
from generation.exports import dawproject, midi, reaper, stems
from generation.exports.project import Note, Project, Section, StemFile, plain_name
from generation.exports.readme import readme
from generation.models import GeneratedTrack

SAMPLE_RATE = 44_100
# Packing reads and writes some hundred megabytes for a long take: a few at a time.
AT_WORK = Turns(2, patience=30.0)


class NothingToExport(Exception):
    """The take has no stems here: its engine makes none, or its files are gone."""


def project_of(take: GeneratedTrack) -> Project:
    """Everything an export needs, from the row. Stems whose files are gone are left out."""
    files = [StemFile(one["name"], take.stem_file(one["name"]), float(one["gain"])) for one in take.stems]
    return Project(
        title=take.title,
        artist=take.generation.artist.name,
        file_stem=f"{plain_name(take.title)}_{tempo_of(take):.4g}bpm",
        bpm=tempo_of(take),
        key=key_of(take),
        sample_rate=SAMPLE_RATE,
        samples=int(take.plan.get("samples") or round(take.duration * SAMPLE_RATE)),
        sections=tuple(
            Section(str(one["name"]), int(one["first_bar"]), int(one["bars"])) for one in take.sections
        ),
        stems=tuple(one for one in files if one.path.is_file()),
        created=take.created_at,
        notes=notes_of(take),
        genre=str(take.generation_params.get("genre") or ""),
        approximate=bool(take.plan.get("approximate")),
        terms=terms_of(take),
    )


def terms_of(take: GeneratedTrack) -> str:
    """What the licence of a model's weights says of the take; "" for an engine without."""
    model = MODELS.get(str(take.plan.get("model") or ""))
    return "" if model is None else f"{model.label}, {model.licence.name}. {model.licence.summary}"


def label_of(stem: str) -> str:
    """What people call a stem: "fx" -> "Effects"."""
    return StemFile(stem, Path()).label


def tempo_of(take: GeneratedTrack) -> float:
    """BPM: of the plan where the engine keeps an exact grid, else as asked."""
    return float(take.plan.get("bpm") or take.generation_params["bpm"])


def key_of(take: GeneratedTrack) -> Key | None:
    """The key it was composed in, else as asked, else as measured."""
    for name in (take.plan.get("key"), take.requested.get("key"), take.measured.get("key")):
        if name:
            return parse_key(str(name))
    return None


def notes_of(take: GeneratedTrack) -> dict[str, tuple[Note, ...]]:
    """The score of each stem that was played from one; the plan keeps it."""
    return {
        name: tuple(
            Note(float(one["start"]), float(one["length"]), int(one["pitch"]), int(one["velocity"]))
            for one in notes
        )
        for name, notes in (take.plan.get("score") or {}).items()
        if notes
    }


def titles_of(take: GeneratedTrack) -> dict[str, str]:
    """What the recordings it is built from were called when it was made."""
    return {str(one["id"]): str(one["title"]) for one in take.novelty.get("bars_by_source", [])}


def write_midi(take: GeneratedTrack, out: IO[bytes]) -> None:
    out.write(midi.midi_bytes(project_of(take)))


def write_stems(take: GeneratedTrack, out: IO[bytes]) -> None:
    """Stems, MIDI, README and certificate as a zip. Raises NothingToExport."""
    project = _with_stems(take)
    stems.write_archive(project, out, _beside(take, project))


def write_dawproject(take: GeneratedTrack, out: IO[bytes]) -> None:
    """A DAWproject. Raises NothingToExport."""
    dawproject.write_dawproject(_with_stems(take), out)


def write_reaper(take: GeneratedTrack, out: IO[bytes]) -> None:
    """A Reaper project with stems, MIDI, README and certificate as a zip. Raises NothingToExport."""
    project = _with_stems(take)
    reaper.write_reaper(project, out, _beside(take, project))


def _with_stems(take: GeneratedTrack) -> Project:
    project = project_of(take)
    if not project.stems or len(project.stems) < len(take.stems):
        raise NothingToExport
    return project


def _beside(take: GeneratedTrack, project: Project) -> dict[str, bytes]:
    """What lies in an archive beside the stems."""
    found = {
        "README.txt": readme(project, has_certificate=take.certificate is not None),
        f"{project.file_stem}.mid": midi.midi_bytes(project),
    }
    if take.certificate is not None:
        said = {
            "id": take.certificate.pk,
            "provenance": take.certificate.provenance,
            "envelope": take.certificate.envelope,
        }
        found["certificate.json"] = json.dumps(said, indent=1, ensure_ascii=False).encode()
    return found


@contextmanager
def built(take: GeneratedTrack, write: Callable[[GeneratedTrack, IO[bytes]], None]) -> Iterator[Path]:
    """The export as a file that is gone afterwards; who still has it open can read on.

    It is dated by the take and always the same to the byte, so a broken download can be taken up again. Raises
    NothingToExport, and Busy when too many are being packed. What a killed server leaves is swept up by `recover`.
    """
    home = Path(settings.MEDIA_ROOT) / "staging"
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="export_") as folder:
        path = Path(folder) / "export"
        with AT_WORK.turn(), path.open("wb") as out:
            write(take, out)
        moment = take.created_at.timestamp()
        os.utime(path, (moment, moment))
        yield path
