"""A take as a Reaper project: a text file beside its stems."""

from __future__ import annotations

from typing import IO

from generation.exports.midi import DRUM_CHANNEL, DRUM_STEMS, TICKS
from generation.exports.project import BEATS, Note, Project
from generation.exports.stems import write_archive

Line = str | list["Line"]


def write_reaper(project: Project, out: IO[bytes], extra: dict[str, bytes]) -> None:
    """Write a zip with the project, its stems, and the files of `extra`."""
    files = [f"stems/{project.wav_name(number, stem)}" for number, stem in enumerate(project.stems, start=1)]
    write_archive(project, out, {f"{project.file_stem}.rpp": rpp(project, files).encode(), **extra})


def rpp(project: Project, files: list[str]) -> str:
    """The project as text. `files`: where each stem lies, seen from the project file."""
    root: list[Line] = [
        f'REAPER_PROJECT 0.1 "6.0/starforge" {int(project.created.timestamp())}',
        f"TITLE {quoted(project.title)}",
        f"AUTHOR {quoted(project.artist)}",
        f"SAMPLERATE {project.sample_rate} 0 0",
        f"TEMPO {project.bpm:.12g} {BEATS} 4",
        f"MASTER_VOLUME {project.makeup:.9g} 0 -1 -1 1",
    ]
    for number, section in enumerate(project.sections, start=1):
        seconds = section.first_bar * BEATS * 60.0 / project.bpm
        root.append(f"MARKER {number} {seconds:.9f} {quoted(section.name)} 0")
    for stem, file in zip(project.stems, files, strict=True):
        wave: list[Line] = ["SOURCE WAVE", f"FILE {quoted(file)}"]
        root.append(_track(stem.label, project.seconds, wave))
        if notes := project.notes.get(stem.name):
            channel = DRUM_CHANNEL if stem.name in DRUM_STEMS else 0
            root.append(_track(f"{stem.label} notes", project.seconds, _midi(project, notes, channel)))
    return "\n".join(_lines(root, 0)) + "\n"


def quoted(text: str) -> str:
    """`text` as Reaper quotes it: by whichever mark is not in it; it must stay on one line."""
    line = " ".join(text.split())
    for mark in ('"', "'", "`"):
        if mark not in line:
            return f"{mark}{line}{mark}"
    return "`" + line.replace("`", "'") + "`"


def _track(name: str, seconds: float, source: list[Line]) -> list[Line]:
    item: list[Line] = [
        "ITEM",
        "POSITION 0",
        f"LENGTH {seconds:.9f}",
        "LOOP 0",
        f"NAME {quoted(name)}",
        source,
    ]
    return ["TRACK", f"NAME {quoted(name)}", "VOLPAN 1 0 -1 -1 1", item]


def _midi(project: Project, notes: tuple[Note, ...], channel: int) -> list[Line]:
    """Events with the ticks since the one before; the last one, all notes off, marks the end of the item."""
    events = []
    for note in notes:
        start, end = round(note.start * TICKS), round((note.start + note.length) * TICKS)
        events.append((start, 1, 0x90 | channel, note.pitch, note.velocity))
        events.append((max(end, start + 1), 0, 0x80 | channel, note.pitch, 0))
    lines: list[Line] = ["SOURCE MIDI", f"HASDATA 1 {TICKS} QN"]
    now = 0
    for at, _, status, pitch, velocity in sorted(events):
        lines.append(f"E {at - now} {status:02x} {pitch:02x} {velocity:02x}")
        now = at
    lines.append(f"E {max(0, round(project.beats * TICKS) - now)} b{channel:x} 7b 00")
    return lines


def _lines(block: list[Line], depth: int) -> list[str]:
    """A block's first line opens it, "<NAME …"; ">" closes it."""
    head, *rest = block
    found = ["  " * depth + f"<{head}"]
    for one in rest:
        found += _lines(one, depth + 1) if isinstance(one, list) else ["  " * (depth + 1) + one]
    return [*found, "  " * depth + ">"]
