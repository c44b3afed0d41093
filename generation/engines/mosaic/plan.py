"""A take before it sounds: sections, blocks of the artist's own bars, and events, all on one sample-exact grid.

A Plan is plain data. With the sound of its sources it renders to the same samples again, so it is also the take's
provenance: nothing that decides the sound lives outside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

SAMPLE_RATE = 44_100
BEATS = 4
PLAN_VERSION = 2
LAYERS = ("drums", "bass", "harmony", "lead")
STEMS = ("kick", "drums", "bass", "harmony", "lead", "fx")


@dataclass(frozen=True)
class Grid:
    """Where beats and bars fall, in samples: each is rounded once from the exact time, so no error accumulates."""

    bpm: float

    def beat(self, index: float) -> int:
        return round(index * 60.0 / self.bpm * SAMPLE_RATE)

    def bar(self, index: float) -> int:
        return self.beat(index * BEATS)

    @property
    def bar_seconds(self) -> float:
        return BEATS * 60.0 / self.bpm


@dataclass(frozen=True)
class Section:
    """A stretch of the take. energy: 0..1, what its material was chosen for. gains: linear, by layer.

    name: its part in the form (intro, build, drop, break, outro). label: what the genre calls that part. level_db:
    what all its layers are moved by to keep its place beside the others; None until it was measured.
    """

    name: str
    first_bar: int
    bars: int
    energy: float
    gains: dict[str, float]
    level_db: float | None = None
    label: str = ""

    @property
    def end_bar(self) -> int:
        return self.first_bar + self.bars


@dataclass(frozen=True)
class Block:
    """Up to four bars of one layer, cut from one place of one track.

    bar, bars: place in the take. source_bar: first bar in the source, None where it has no bars; start, end: the cut
    in seconds of the source. source_beats: beats of the source in the cut, 0 where it has no pulse. stretch: source
    seconds per second of the take. shift: semitones. order: which bar of the cut plays in each bar of the block.
    gain: linear, brings the source to the common level.
    """

    bar: int
    bars: int
    layer: str
    track_id: str
    source_bar: int | None
    start: float
    end: float
    source_beats: int
    stretch: float
    shift: int
    order: tuple[int, ...]
    gain: float


@dataclass(frozen=True)
class Event:
    """Something that happens between the blocks: fill, cut, swell, impact, sweep, duck or ending.

    bar, bars: where, in bars of the take (fractions are beats). amount: 0..1, how much.
    """

    kind: str
    bar: float
    bars: float
    amount: float


@dataclass(frozen=True)
class Voice:
    """Bars in which a layer is not cut but played: a new part on sounds lifted from one track.

    layer: drums (on the track's kit, in its groove) or bass (on its own single notes, under the plan's chords).
    cuts: (start, end, beats), the passages its sounds are lifted from, in seconds and beats of the source. seed:
    decides what is played. skip: bars of it that are left out in front, since the take was cropped. within: (start,
    end) seconds of the source that any of its sounds may come from, empty for all of it.
    """

    layer: str
    bar: int
    bars: int
    track_id: str
    cuts: tuple[tuple[float, float, int], ...]
    seed: str
    skip: int = 0
    within: tuple[tuple[float, float], ...] = ()

    @property
    def end_bar(self) -> int:
        return self.bar + self.bars

    def covers(self, block: Block) -> bool:
        return block.layer == self.layer and self.bar <= block.bar < self.end_bar

    def to_json(self) -> dict[str, Any]:
        data = asdict(self) | {
            name: [list(place) for place in getattr(self, name)] for name in ("cuts", "within")
        }
        if not self.within:
            del data["within"]  # plans read as they did before there were ranges
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Voice:
        cuts = tuple((float(start), float(end), int(beats)) for start, end, beats in data["cuts"])
        within = tuple((float(start), float(end)) for start, end in data.get("within", ()))
        return cls(**data | {"cuts": cuts, "within": within})


@dataclass(frozen=True)
class Plan:
    """Everything that decides how a take sounds, besides the sound of its sources.

    samples: exact length of the take. energy: as asked for, 0..1. spectrum: 64 mel levels (dB) the mix is brought
    towards. tilt_db: brightness above the spectrum, at its top. chords: one name for each bar, "" where none is clear.
    costs: what the search paid, for the curious. muted: stems left out.

    What can only be known from the sound is measured once and written down, so that a plan renders to the same
    samples again and an edit can leave the rest of a take alone: each section's level_db, trims_db by stem and
    quiet_db of all but the drops (what brings the take to the energy asked for), eq_db (gain of the 64 bands) and
    gain_db (of the master).
    """

    engine: str
    style: str
    seed: str
    take: int
    bpm: float
    key: str | None
    bars: int
    samples: int
    energy: float
    target_lufs: float
    sections: tuple[Section, ...]
    blocks: tuple[Block, ...]
    events: tuple[Event, ...]
    spectrum: tuple[float, ...]
    tilt_db: float = 0.0
    costs: dict[str, float] = field(default_factory=dict)
    voices: tuple[Voice, ...] = ()
    chords: tuple[str, ...] = ()
    trims_db: dict[str, float] = field(default_factory=dict)
    quiet_db: float = 0.0
    eq_db: tuple[float, ...] = ()
    gain_db: float | None = None
    muted: tuple[str, ...] = ()
    version: int = PLAN_VERSION

    @property
    def grid(self) -> Grid:
        return Grid(self.bpm)

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        data["blocks"] = [asdict(block) | {"order": list(block.order)} for block in self.blocks]
        data["sections"] = [asdict(section) for section in self.sections]
        data["events"] = [asdict(event) for event in self.events]
        data["spectrum"] = list(self.spectrum)
        data["voices"] = [voice.to_json() for voice in self.voices]
        for name in ("chords", "eq_db", "muted"):
            data[name] = list(getattr(self, name))
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """The plan that `to_json` wrote. Raises ValueError for a version this code does not render."""
        if data.get("version") != PLAN_VERSION:
            raise ValueError(
                f"This plan is of version {data.get('version')}; version {PLAN_VERSION} can be rendered."
            )
        values = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        values["sections"] = tuple(Section(**section) for section in data["sections"])
        values["blocks"] = tuple(
            Block(**block | {"order": tuple(block["order"])}) for block in data["blocks"]
        )
        values["events"] = tuple(Event(**event) for event in data["events"])
        values["spectrum"] = tuple(float(level) for level in data["spectrum"])
        values["voices"] = tuple(Voice.from_json(voice) for voice in data["voices"])
        values["eq_db"] = tuple(float(level) for level in data["eq_db"])
        for name in ("chords", "muted"):
            values[name] = tuple(str(one) for one in data[name])
        return cls(**values)

    @property
    def unmeasured(self) -> Plan:
        """The same plan without what was measured on its sound."""
        sections = tuple(replace(section, level_db=None) for section in self.sections)
        return replace(self, sections=sections, trims_db={}, quiet_db=0.0, eq_db=(), gain_db=None)

    def track_ids(self) -> list[str]:
        """The tracks it is built from, in order of first appearance."""
        played = (voice.track_id for voice in self.voices)
        return list(dict.fromkeys([*(block.track_id for block in self.blocks), *played]))

    def section_at(self, bar: int) -> Section:
        return next((s for s in self.sections if s.first_bar <= bar < s.end_bar), self.sections[-1])


def generator(*parts: object) -> np.random.Generator:
    """A random generator that depends on `parts` and nothing else, the same on every machine and in every process."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def shares(blocks: Iterable[Block]) -> dict[str, float]:
    """For each track, the share of sounding (bar, layer) cells that come from it."""
    counts: dict[str, int] = {}
    for block in blocks:
        counts[block.track_id] = counts.get(block.track_id, 0) + block.bars
    total = sum(counts.values())
    return {track_id: count / total for track_id, count in counts.items()} if total else {}
