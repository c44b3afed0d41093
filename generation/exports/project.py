"""What every export is made from: a take's tempo, key, sections, stems and notes, as plain values."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from catalog.analysis.keys import Key

BEATS = 4  # per bar: every grid here is in 4/4
LABELS = {
    "kick": "Kick",
    "drums": "Drums",
    "kit": "Drum kit",  # a stem of its own until engine version 1.1
    "bass": "Bass",
    "harmony": "Harmony",
    "lead": "Lead",
    "fx": "Effects",
}


@dataclass(frozen=True)
class Section:
    """A named stretch of the take, in bars from 0."""

    name: str
    first_bar: int
    bars: int


@dataclass(frozen=True)
class Note:
    """A note that was really played. start, length: beats from the take's start. pitch, velocity: MIDI, 0..127."""

    start: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class StemFile:
    """One stem as it is stored: 24-bit FLAC at `path`. gain: linear, the same for all stems of a take."""

    name: str
    path: Path
    gain: float = 1.0

    @property
    def label(self) -> str:
        return LABELS.get(self.name, self.name.replace("_", " ").replace("-", " ").capitalize())


@dataclass(frozen=True)
class Project:
    """One take, ready to be exported. Bar 1 begins at sample 0 and every stem lasts `samples`.

    notes: by stem; only stems with a score are in it. created: dates all files inside an archive. approximate: stems
    and notes were taken out of the finished sound. terms: a sentence on what may be done with it, "" for no limits.
    """

    title: str
    artist: str
    file_stem: str
    bpm: float
    key: Key | None
    sample_rate: int
    samples: int
    sections: tuple[Section, ...]
    stems: tuple[StemFile, ...]
    created: datetime
    genre: str = ""
    notes: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)
    approximate: bool = False
    terms: str = ""

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate

    @property
    def beats(self) -> float:
        """The take's length in beats; what rings on after the last bar counts too."""
        return self.seconds * self.bpm / 60.0

    @property
    def makeup(self) -> float:
        """The linear gain that brings the stored stems back to the level of the master."""
        return 1.0 / self.stems[0].gain if self.stems else 1.0

    @property
    def makeup_db(self) -> float:
        return 20.0 * math.log10(self.makeup)

    def wav_name(self, number: int, stem: StemFile) -> str:
        """`01_Drums_140bpm_6A.wav`: what a person needs to drop the file into any program. `number` from 1."""
        parts = [f"{number:02d}", plain_name(stem.label), f"{self.bpm:.4g}bpm"]
        if self.key is not None:
            parts.append(self.key.camelot)
        return "_".join(parts) + ".wav"


def plain_name(text: str) -> str:
    """`text` as a file name that every system takes: ASCII letters, digits and hyphens; "Untitled" for nothing."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", ascii_only).strip("-")[:80] or "Untitled"
