"""Renderings of freely licensed MIDI files, with tempo truth from the tempo map and key truth from the notes.

The files come from Debian packages and from the WAD archives of Freedoom; nothing of them is kept in
this repository. A tempo counts as true where one covers over 90 % of the piece, the metre is in
quarters and the notes are on its grid; a key where the profiles of Krumhansl and of Temperley agree on
the durations of the notes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido
import numpy as np

from bench.labelled.case import Case, kept
from bench.labelled.synth import Note, render
from catalog.analysis.keys import Key

SECONDS, LEAST_SECONDS, LEAST_NOTES = 75.0, 35.0, 150
# Package and licence of what is in it.
PACKAGES = {
    "openttd-openmsx": "GPL-2",
    "freedoom": "BSD-3-Clause",
    "mma": "GPL-2+",
    "playmidi": "GPL-2",
    "pianobooster": "GPL-3+",
}
KRUMHANSL = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
TEMPERLEY = (
    (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
)


@dataclass(frozen=True)
class Piece:
    """A MIDI file read: its notes, and what is true of it (None where nothing certain is)."""

    notes: tuple[Note, ...]
    seconds: float
    bpm: float | None
    key: Key | None


def download(folder: Path) -> None:
    """Fetch and unpack the packages with apt-get and dpkg."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if not (folder / package).is_dir():
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
            (archive,) = folder.glob(f"{package}_*.deb")
            subprocess.run(["dpkg", "-x", archive, folder / package], check=True)
            archive.unlink()


def pieces(folder: Path, cache: Path) -> list[Case]:
    """Every piece under `folder` of which something certain is known, rendered into the cache."""
    found, seen = [], set()
    for name, data in files(folder):
        digest = hashlib.sha256(data).hexdigest()
        if digest in seen:
            continue
        seen.add(digest)
        try:
            piece = read(data)
        except (OSError, EOFError, ValueError, KeyError, IndexError):
            continue  # no MIDI file that mido can read
        if piece.seconds < LEAST_SECONDS or len(piece.notes) < LEAST_NOTES or not (piece.bpm or piece.key):
            continue

        def make(piece: Piece = piece) -> tuple[np.ndarray, dict[str, Any]]:
            return render(piece.notes, min(piece.seconds, SECONDS)), {}

        path, _ = kept(cache, "midi", f"{name}-{digest[:8]}", make)
        found.append(Case(f"{name}-{digest[:8]}", path, piece.bpm, piece.key))
    return found


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every MIDI file of the packages, in a fixed order."""
    for package in PACKAGES:
        for path in sorted((folder / package).rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            name = f"{package}-{path.stem}"
            if path.suffix.lower() in (".mid", ".midi", ".kar"):
                yield name, path.read_bytes()
            elif path.name.endswith(".mid.gz"):
                yield name, gzip.decompress(path.read_bytes())
            elif path.suffix.lower() == ".wad":
                yield from ((f"{name}-{lump}", data) for lump, data in _lumps(path.read_bytes()))


def _lumps(wad: bytes) -> Iterator[tuple[str, bytes]]:
    """The MIDI lumps of a Doom archive: a header, then a directory of (offset, size, eight-letter name)."""
    count, at = struct.unpack_from("<4xii", wad)
    for number in range(count):
        start, size, name = struct.unpack_from("<ii8s", wad, at + 16 * number)
        if wad[start : start + 4] == b"MThd":
            yield name.rstrip(b"\0").decode("ascii"), wad[start : start + size]


def read(data: bytes) -> Piece:
    """The notes of a file in seconds, its main tempo and its key."""
    song = mido.MidiFile(file=io.BytesIO(data), clip=True)
    now, tempo, since = 0.0, 500_000, 0.0
    lasted: dict[int, float] = {}
    quarters = True
    program, volume = [0] * 16, [100] * 16
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    notes: list[Note] = []
    for message in song:
        now += message.time
        if message.type == "set_tempo":
            lasted[tempo] = lasted.get(tempo, 0.0) + now - since
            tempo, since = message.tempo, now
        elif message.type == "time_signature":
            quarters &= message.denominator == 4 and message.numerator in (2, 3, 4)
        elif message.type == "program_change":
            program[message.channel] = message.program
        elif message.type == "control_change" and message.control == 7:
            volume[message.channel] = message.value
        elif message.type in ("note_on", "note_off"):
            place = (message.channel, message.note)
            if place in sounding:
                began, velocity = sounding.pop(place)
                family = -1 if message.channel == 9 else program[message.channel]
                loud = velocity / 127 * volume[message.channel] / 127
                notes.append(Note(began, now - began, message.note, loud, family))
            if message.type == "note_on" and message.velocity:
                sounding[place] = (now, message.velocity)
    lasted[tempo] = lasted.get(tempo, 0.0) + now - since
    main = max(lasted, key=lambda some: lasted[some])
    bpm = 60e6 / main
    certain = bool(notes) and quarters and lasted[main] > 0.9 * sum(lasted.values()) and on_grid(notes, bpm)
    return Piece(tuple(notes), now, bpm if certain and 40 <= bpm <= 240 else None, key_of_notes(notes))


def on_grid(notes: list[Note], bpm: float) -> bool:
    """Whether 70 % of the notes begin on quarters or thirds of a beat, wherever the first beat lies.

    Chance puts 35 to 45 % there. Files converted from other formats carry a tempo that has nothing to do with
    their notes (eight of Freedoom's say 95), and that is no truth.
    """
    beats = np.array([note.start for note in notes if note.start < SECONDS]) * bpm / 60
    shares = []
    for offset in np.arange(0, 1, 1 / 48):
        away = [np.abs(((beats + offset) * parts + 0.5) % 1 - 0.5) / parts for parts in (4, 3)]
        shares.append(float(np.mean(np.min(away, axis=0) < 0.03)))
    return max(shares) >= 0.7


def key_of_notes(notes: list[Note]) -> Key | None:
    """The key on which both profiles agree, over the part that is rendered; drums do not count."""
    heard = np.zeros(12)
    for note in notes:
        if note.program >= 0 and note.start < SECONDS:
            heard[note.pitch % 12] += min(note.seconds, SECONDS - note.start)
    if not heard.any():
        return None
    answers = set()
    for profiles in (KRUMHANSL, TEMPERLEY):
        scores = [np.corrcoef(np.roll(profile, t), heard)[0, 1] for profile in profiles for t in range(12)]
        answers.add(int(np.argmax(scores)))
    if len(answers) > 1:
        return None
    (best,) = answers
    return Key(best % 12, "major" if best < 12 else "minor")
