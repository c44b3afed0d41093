"""Takes as the product would make them, and everything measured on each."""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.mosaic import lineage, sound
from bench.mosaic.catalogs import RATE, Catalog
from bench.mosaic.onsets import on_grid, strong_onsets
from bench.mosaic.pictures import draw
from catalog.analysis import Key, analyse, parse_key
from catalog.analysis.pulse import Pulse, pulse_of, surest
from catalog.audio.copies import Shelf, shared_with
from catalog.audio.fingerprint import fingerprint
from catalog.audio.fingerprint import longest_run as longest_passage
from generation.brief import Brief
from generation.engines.base import Rendering
from generation.engines.mosaic import Mosaic

ENERGIES = (0.2, 0.35, 0.5, 0.65, 0.9)
BENDS = (-0.25, -0.10, 0.10, 0.25)
SECONDS = 60.0
LEAST_LEFT = 4  # tracks besides the donors, as the product asks for
PERCUSSION = ("kick", "kit", "drums")
NO_DOT = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Request:
    """One take of one brief. judged: candidates are heard. cached: what is known of the tracks is used.

    after: the take of the same request before it, whose bars it avoids.
    """

    label: str
    brief: Brief
    take: int = 1
    judged: bool = True
    what: frozenset[str] = frozenset()
    cached: bool = True
    after: Request | None = None


@dataclass
class Report:
    """Figures of one take; times in seconds, levels in dB. None where a figure does not apply."""

    catalog: str
    label: str
    what: frozenset[str]
    bpm: float
    measured_bpm: float | None
    drums_bpm: float | None
    pulse: Pulse
    drums_pulse: Pulse | None
    exact_grid: bool
    percussive: bool
    sources_on_grid: float
    drums_on_grid: float | None
    master_on_grid: float | None
    attack: float | None
    key: str | None
    key_asked: bool
    measured_key: str | None
    match: float
    aspects: dict[str, float]
    without_donors: float | None
    catalog_size: int
    energy: float
    measured_energy: float
    lufs: float | None
    target_lufs: float
    true_peak: float
    null: float
    clipped: int
    quietest: tuple[float, float]
    contrast: float | None
    levels: list[sound.Level]
    run: lineage.Run
    passage: float
    passage_of: str
    largest_share: float
    sources: int
    digest: str
    cpu: float
    style: str
    candidates: list[Any] = field(default_factory=list)
    shifts: list[int] = field(default_factory=list)
    stretches: tuple[float, float] = (1.0, 1.0)
    built_from: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def bpm_error(self) -> float | None:
        """Relative, the octave forgiven; None where no pulse was found."""
        return off_tempo(self.measured_bpm, self.bpm)

    @property
    def drums_bpm_error(self) -> float | None:
        """As read from the drums alone: what the grid does, whatever harmony and bass make of the pulse."""
        return off_tempo(self.drums_bpm, self.bpm)

    @property
    def held(self) -> Pulse:
        """The take held against the tempo asked for, in its mix or its drums, whichever is surer, as in the product."""
        found = {"mix": self.pulse} | ({"drums": self.drums_pulse} if self.drums_pulse else {})
        return found[surest(found)]

    @property
    def key_relation(self) -> str | None:
        """exact | relative | other; None where no key was asked or chosen."""
        wanted, found = (parse_key(text) if text else None for text in (self.key, self.measured_key))
        if wanted is None:
            return None
        return relation(wanted, found)

    @property
    def loudness_error(self) -> float | None:
        return None if self.lufs is None else self.lufs - self.target_lufs


def off_tempo(measured: float | None, wanted: float) -> float | None:
    """Relative error, the octave forgiven."""
    if measured is None:
        return None
    return min((measured / wanted / octave - 1.0 for octave in NO_DOT), key=abs)


def relation(wanted: Key, found: Key | None) -> str:
    if found is None:
        return "other"
    if (wanted.tonic, wanted.mode) == (found.tonic, found.mode):
        return "exact"
    other = wanted.relative
    return "relative" if (other.tonic, other.mode) == (found.tonic, found.mode) else "other"


def seed_of(seed: int, take: int) -> int:
    """As `generation.pipeline.seed_of`, which needs a database to be imported."""
    if take == 1:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}:{take}".encode()).digest()[:8], "big") >> 1


def brief_of(
    catalog: Catalog, seed: int, *, energy: float | None = None, bend: float = 0.0, key: Key | None = None
) -> Brief:
    """What is not asked for is the catalog's own, as `generation.prompting` decides it."""
    return Brief(
        prompt="",
        bpm=round(min(250.0, max(40.0, catalog.bpm * (1.0 + bend))), 2),
        key=key,
        energy=catalog.energy if energy is None else energy,
        genre=catalog.genre,
        duration_seconds=SECONDS,
        seed=seed,
    )


def requests(catalog: Catalog) -> list[Request]:
    """Fifteen: five energies; four tempi, two of them in a drawn key; and plain ones, which name at most a key.

    Of the plain ones two are takes of one request, two of other seeds, two in drawn keys.
    """
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(catalog.name.encode()).digest()[:8], "big"))
    keys = [
        Key(int(rng.integers(12)), "minor" if minor else "major")
        for minor in rng.permutation([False, True] * 2)
    ]
    found = [
        Request(f"energy {energy:g}", brief_of(catalog, 1, energy=energy), what=frozenset({"energy"}))
        for energy in ENERGIES
    ]
    for number, bend in enumerate(BENDS):
        key = keys[number // 2] if number % 2 else None
        brief = brief_of(catalog, 10 + number, bend=bend, key=key)
        found.append(Request(f"tempo {bend:+.0%}", brief, what=frozenset({"bend"})))
    pair = brief_of(catalog, 2)
    for take in (1, 2):
        brief = pair.with_seed(seed_of(pair.seed, take))
        before = found[-1] if take > 1 else None
        found.append(Request(f"take {take}", brief, take, what=frozenset({"plain", "pair"}), after=before))
    plain = [brief_of(catalog, 20 + number, key=key) for number, key in enumerate((*keys[2:], None, None))]
    for brief in plain:
        name = f"in {brief.key.name}" if brief.key else f"seed {brief.seed}"
        found.append(Request(name, brief, what=frozenset({"plain"})))
    return found


def made(catalog: Catalog, request: Request) -> Rendering:
    """As `generation.pipeline.Making` makes it: a second take knows what the first was built from."""
    brief = request.brief
    if request.after is not None:
        brief = brief.avoiding([made(catalog, request.after).built_from])
    return Mosaic().render(
        brief,
        catalog.material(judged=request.judged, cached=request.cached),
        take=request.take,
        on_progress=lambda fraction, words: None,
    )


def cpu_seconds() -> float:
    """CPU time of this process and of its children that ended: tracks are decoded in processes of their own."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def reported(catalog: Catalog, request: Request, pictures: Path | None = None) -> Report:
    """Make a take and measure it; with a picture of it in `pictures`."""
    began = cpu_seconds()
    rendering = made(catalog, request)
    report = measured(catalog, request, rendering, cpu_seconds() - began)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        name = "".join(char if char.isalnum() else "-" for char in f"{catalog.name} {request.label}")
        draw(pictures / f"{name}.png", rendering.audio, report.levels)
    return report


def measured(catalog: Catalog, request: Request, rendering: Rendering, cpu: float) -> Report:
    """cpu: seconds it took to make."""
    brief, plan = request.brief, rendering.plan
    audio = rendering.audio
    file = sound.written(audio)
    analysis = analyse(file, RATE)
    donors = sorted({e["track_id"] for e in rendering.built_from if e.get("track_id")})
    match = catalog.model.match(analysis.vector, duration=analysis.duration)
    left = len(catalog.recordings) - len(donors)
    passage, passage_of = _passage(catalog, file, donors)
    shares = lineage.shares(rendering.built_from)
    # by their names in the form: what a genre calls them is for people
    named = [
        {**told, "name": s["name"]} for told, s in zip(rendering.sections, plan["sections"], strict=True)
    ]
    levels = sound.section_levels(file, named)
    drums = [rendering.stems[name] for name in PERCUSSION if name in rendering.stems]
    beaten = np.sum(drums, axis=0) if drums else None
    strokes = np.zeros(0) if beaten is None else strong_onsets(beaten)
    stretches = [e["stretch"] for e in rendering.built_from if e.get("stretch")] or [1.0]
    bar = 240.0 / plan["bpm"]
    return Report(
        catalog=catalog.name,
        label=request.label,
        what=request.what,
        bpm=brief.bpm,
        measured_bpm=analysis.bpm,
        drums_bpm=None if beaten is None else analyse(beaten, RATE).bpm,
        pulse=pulse_of(file, RATE, brief.bpm),
        drums_pulse=None if beaten is None else pulse_of(beaten, RATE, brief.bpm),
        exact_grid=_exact(brief, rendering),
        percussive=catalog.percussive,
        sources_on_grid=catalog.on_grid,
        drums_on_grid=on_grid(strokes, brief.bpm),
        master_on_grid=on_grid(strong_onsets(file), brief.bpm),
        attack=None if beaten is None else sound.attack(beaten, strokes),
        key=plan["key"],
        key_asked=brief.key is not None,
        measured_key=analysis.key.name if analysis.key else None,
        match=match.score,
        aspects=match.breakdown,
        without_donors=catalog.model.match(analysis.vector, exclude=donors).score
        if left >= LEAST_LEFT
        else None,
        catalog_size=len(catalog.recordings),
        energy=brief.energy,
        measured_energy=analysis.energy,
        lufs=sound.loudness(audio),
        target_lufs=plan["target_lufs"],
        true_peak=sound.peak_dbtp(audio),
        null=sound.null_dbfs(audio, rendering.stems),
        clipped=sound.clipped(audio),
        quietest=sound.quietest_second(file, plan["bars"] * bar),
        contrast=sound.contrast(levels),
        levels=levels,
        run=lineage.longest_run(rendering.built_from),
        passage=passage,
        passage_of=passage_of,
        largest_share=next(iter(shares.values()), 0.0),
        sources=len(shares),
        digest=sound.digest(audio),
        cpu=cpu,
        style=plan.get("style", ""),
        candidates=[(c.get("style"), c.get("match")) for c in plan.get("candidates", ())],
        shifts=sorted({e["shift"] for e in rendering.built_from if e.get("shift") is not None}),
        stretches=(min(stretches), max(stretches)),
        built_from=rendering.built_from,
        notes=rendering.notes,
    )


def _exact(brief: Brief, rendering: Rendering) -> bool:
    """Tempo as asked to the last digit, exact length, and sections that begin where that tempo's bars do."""
    plan = rendering.plan
    bar = 240.0 / brief.bpm
    return bool(
        plan["bpm"] == brief.bpm
        and rendering.audio.shape[1] == round(brief.duration_seconds * RATE)
        and all(abs(s["start"] - s["first_bar"] * bar) < 1e-4 for s in rendering.sections)
    )


def _passage(catalog: Catalog, file: np.ndarray, donors: Sequence[str]) -> tuple[float, str]:
    """Seconds and title of the longest passage by fingerprint: donors at every alignment, the rest looked up."""
    marks = fingerprint(file, RATE)
    shelf = Shelf.of((one.id, one.marks) for one in catalog.recordings)
    found = {one.id: one.seconds for one in shared_with([marks], shelf)}
    for one in catalog.recordings:
        if one.id in donors:
            found[one.id] = max(found.get(one.id, 0.0), float(longest_passage(marks, one.marks).seconds))
    if not found:
        return 0.0, ""
    track, seconds = max(found.items(), key=lambda item: item[1])
    return seconds, catalog.titles[track]
