"""Who plays: which of the artist's tracks give drums, bass, harmony and lead to a take, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from catalog.analysis.keys import Key
from generation.brief import Brief
from generation.engines.mosaic.corpus import BLOCK_BARS, GOOD_SHIFT, Phrase, Source
from generation.engines.mosaic.dial import wanted_energy

FEW = 8  # tracks, of which a range of energies is not told
DONORS = 3  # for each of drums and harmony: with three, none has to play in more than two bars of five

# what a mood asks of a track: brightness, energy, drums, bass, minor (+) or major (-)
MOODS: Mapping[str, tuple[float, float, float, float, float]] = {
    "dark": (-1.0, 0.2, 0.0, 0.5, 1.0),
    "deep": (-0.8, -0.2, 0.0, 0.8, 0.3),
    "moody": (-0.6, -0.3, 0.0, 0.2, 0.8),
    "sad": (-0.5, -0.6, -0.3, 0.0, 1.0),
    "melancholic": (-0.5, -0.5, -0.2, 0.0, 1.0),
    "bright": (1.0, 0.2, 0.0, -0.2, -0.8),
    "happy": (0.8, 0.4, 0.2, 0.0, -1.0),
    "uplifting": (0.8, 0.5, 0.1, 0.0, -0.8),
    "euphoric": (0.8, 0.7, 0.1, 0.0, -0.5),
    "aggressive": (0.5, 1.0, 0.8, 0.6, 0.4),
    "hard": (0.4, 1.0, 0.9, 0.4, 0.2),
    "heavy": (-0.2, 0.9, 0.6, 1.0, 0.3),
    "energetic": (0.3, 1.0, 0.6, 0.2, 0.0),
    "driving": (0.1, 0.8, 0.8, 0.3, 0.0),
    "intense": (0.3, 1.0, 0.5, 0.3, 0.2),
    "calm": (-0.3, -1.0, -0.8, -0.2, 0.0),
    "chill": (-0.3, -0.8, -0.5, 0.0, 0.0),
    "soft": (-0.5, -0.8, -0.7, -0.2, 0.0),
    "dreamy": (0.2, -0.8, -0.8, -0.2, 0.0),
    "ethereal": (0.5, -0.8, -0.9, -0.5, 0.0),
    "atmospheric": (0.0, -0.6, -0.7, 0.0, 0.1),
    "warm": (-0.6, -0.1, 0.0, 0.5, -0.2),
    "cold": (0.6, 0.0, 0.0, -0.4, 0.5),
    "percussive": (0.2, 0.4, 1.0, 0.0, 0.0),
    "tribal": (0.0, 0.3, 1.0, 0.2, 0.1),
    "ethnic": (0.0, 0.2, 0.9, 0.1, 0.1),
    "hypnotic": (-0.2, 0.1, 0.4, 0.3, 0.2),
    "groovy": (0.1, 0.4, 0.7, 0.4, 0.0),
    "minimal": (-0.2, -0.5, 0.1, 0.1, 0.1),
    "dense": (0.2, 0.5, 0.2, 0.2, 0.0),
    "gritty": (0.3, 0.6, 0.3, 0.3, 0.4),
    "melodic": (0.2, 0.0, -0.7, -0.2, 0.0),
}
# an instrument asked for: the mood its tracks should have, and the layer that steps forward
INSTRUMENTS: Mapping[str, tuple[str, str]] = {
    "hand percussion": ("ethnic", "drums"),
    "drums": ("percussive", "drums"),
    "hats": ("percussive", "drums"),
    "sub bass": ("deep", "bass"),
    "bass": ("deep", "bass"),
    "pads": ("atmospheric", "harmony"),
    "chords": ("melodic", "harmony"),
    "lead": ("melodic", "harmony"),
    "vocals": ("melodic", "harmony"),
}
FORWARD = 1.15  # linear gain of a layer that was asked for by name


@dataclass(frozen=True)
class Part:
    """One track in one role. low, high: the bars it may be cut from, None for all. asked: named for this role."""

    source: Source
    shift: int
    asked: bool = False
    low: int | None = None
    high: int | None = None

    def phrases(self) -> list[Phrase]:
        """What may be cut: the phrases that lie wholly within its bars."""
        if self.low is None and self.high is None:
            return list(self.source.phrases)
        low, high = (
            self.low or 0,
            self.high if self.high is not None else len(self.source.track.analysis.bars),
        )
        inside = (p for p in self.source.phrases if p.bars and p.first_bar >= low)
        return [p for p in inside if p.first_bar + p.bars <= high]


@dataclass(frozen=True)
class Cast:
    """The parts of a take. bass is empty where the bass is the harmony's own; lead is empty unless asked for."""

    key: Key | None
    drums: tuple[Part, ...]
    harmony: tuple[Part, ...]
    bass: tuple[Part, ...] = ()
    lead: tuple[Part, ...] = ()
    style_ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    costs: dict[str, float] = field(default_factory=dict)

    def price(self, key: Key) -> float:
        """How far the harmony would have to be bent to a key, and how much of it would only be a neighbour's."""
        return sum(part.source.shift(key).cost for part in self.harmony)

    def moved(self, key: Key) -> Cast:
        """The same tracks in another key."""
        harmony, bass, lead = (
            tuple(replace(part, shift=part.source.shift(key).semitones) for part in line)
            for line in (self.harmony, self.bass, self.lead)
        )
        return replace(self, key=key, harmony=harmony, bass=bass, lead=lead)

    def sources(self) -> list[Source]:
        parts = [*self.harmony, *self.drums, *self.bass, *self.lead]
        return list({part.source.id: part.source for part in parts}.values())


def own_energies(sources: Sequence[Source]) -> list[float]:
    """Energies of the tracks that can play at this tempo, or of all where they are few."""
    near = [source.track.analysis.energy for source in sources if source.fits]
    return near if len(near) >= FEW else [source.track.analysis.energy for source in sources]


def mood_wishes(brief: Brief) -> np.ndarray:
    """(5,) what the brief's moods and instruments ask for together; zeros when they ask nothing."""
    words = [mood.casefold() for mood in brief.moods]
    words += [INSTRUMENTS[name.casefold()][0] for name in brief.instruments if name.casefold() in INSTRUMENTS]
    known = [MOODS[word] for word in words if word in MOODS]
    return np.asarray(np.mean(known, axis=0) if known else np.zeros(5))


def forward(brief: Brief) -> dict[str, float]:
    """Gain for each layer that the brief's instruments name."""
    return {INSTRUMENTS[n.casefold()][1]: FORWARD for n in brief.instruments if n.casefold() in INSTRUMENTS}


def choose_cast(
    sources: Sequence[Source],
    brief: Brief,
    key: Key | None,
    rng: np.random.Generator,
    *,
    used: Mapping[tuple[str, str], float] | None = None,
) -> Cast:
    """Pick donors by cost: tempo, key, taste and chance. used: (role, track id) -> how much in earlier takes.

    Tracks out of range of the tempo or the key are taken only when too few others are left, and then it is noted.
    """
    used = used or {}
    notes: list[str] = []
    by_id = {source.id: source for source in sources}
    taste = _taste(sources, brief)
    # one draw for each source in a fixed order, so that a choice depends on the seed alone
    chance = {source.id: rng.exponential(0.25, 2) * brief.temperature for source in sources}

    def harmony_cost(source: Source) -> float:
        cost = _tempo_cost(source) + source.shift(key).cost + taste[source.id] + float(chance[source.id][0])
        cost += 0.4 * source.doubt + (0.8 if source.drums > 0.8 else 0.0)
        return cost + 0.5 * used.get(("harmony", source.id), 0)

    mean_drums = float(np.mean([source.drums for source in sources])) or 1.0

    def drums_cost(source: Source) -> float:
        cost = _tempo_cost(source) - 0.35 * min(2.0, source.drums / mean_drums) + taste[source.id]
        cost += 0.8 * source.doubt + (1.5 if not source.pulse else 0.0)
        return cost + float(chance[source.id][1]) + 0.5 * used.get(("drums", source.id), 0)

    asked = _asked(brief, by_id, key, notes)
    # a small catalog is shared out: harmony needs the variety more than drums do
    donors, drummers = min(DONORS, (len(sources) + 1) // 2), min(DONORS, max(1, len(sources) // 2))
    whole = [replace(part, asked=False) for part in asked["all"]]
    harmony = list(asked["harmony"]) + whole
    for source in sorted(sources, key=lambda s: (harmony_cost(s), s.id)):
        if len(harmony) >= max(donors, len(asked["harmony"])):
            break
        if source.id not in {part.source.id for part in harmony} and source.id not in _ids(asked["drums"]):
            harmony.append(Part(source, source.shift(key).semitones))
    taken = _ids(harmony)
    drums = list(asked["drums"])
    free = [source for source in sources if source.id not in taken and source.id not in _ids(drums)]
    if len(free) + len(drums) < min(drummers, len(sources)):
        free = [source for source in sources if source.id not in _ids(drums)]
    for source in sorted(free, key=lambda s: (drums_cost(s), s.id)):
        if len(drums) >= drummers:
            break
        drums.append(Part(source, 0))
    # a track asked for as a whole also drums, though not under its own chords (the themes see to that)
    missing = [replace(part, shift=0) for part in whole if part.source.id not in _ids(drums)]
    if missing and not asked["drums"] and len(sources) > 2:
        drums = [*drums[: max(0, drummers - len(missing))], *missing]
    cast = Cast(
        key=key,
        drums=tuple(drums),
        harmony=tuple(harmony),
        bass=tuple(asked["bass"]),
        lead=tuple(asked["lead"]),
        style_ids=tuple(
            r.track_id for r in brief.references if r.role in ("style", "all") and r.track_id in by_id
        ),
        costs={
            "harmony": round(float(np.mean([harmony_cost(p.source) for p in harmony])), 4),
            "drums": round(float(np.mean([drums_cost(p.source) for p in drums])), 4),
        },
    )
    notes += _range_notes(cast, brief, key)
    return replace(cast, notes=tuple(dict.fromkeys(notes)))


def _asked(
    brief: Brief, by_id: Mapping[str, Source], key: Key | None, notes: list[str]
) -> dict[str, list[Part]]:
    """The references as parts by role; what cannot play says so and guides the style instead."""
    asked: dict[str, list[Part]] = {role: [] for role in ("all", "drums", "bass", "harmony", "lead", "style")}
    for reference in brief.references:
        source = by_id.get(reference.track_id)
        if source is None:
            notes.append("A reference track has no sound that can be cut into bars; it was left out.")
            continue
        shift = source.shift(key)
        if reference.role != "style" and not source.fits:
            notes.append(
                f"“{source.track.title}” is at {source.bpm or 0:.0f} BPM, too far from {brief.bpm:g} to be stretched "
                "well; it guides the style and is not cut."
            )
            continue
        if reference.role not in ("style", "drums") and abs(shift.semitones) > GOOD_SHIFT:
            notes.append(
                f"“{source.track.title}” would have to be moved {abs(shift.semitones)} semitones to reach the key; "
                "it guides the style and is not cut."
            )
            continue
        moved = 0 if reference.role == "drums" else shift.semitones
        part = Part(source, moved, True, reference.start_bar, reference.end_bar)
        if reference.role != "style" and source.phrases and not part.phrases():
            notes.append(
                f"The bars named of “{source.track.title}” hold no phrase that can be cut: at this tempo one takes "
                f"{max(1, round(BLOCK_BARS / source.fold))} bars with a steady beat. It was left out; name more of "
                "its bars."
            )
            continue
        asked[reference.role].append(part)
    return asked


def _tempo_cost(source: Source) -> float:
    # beyond 12 % stretching is heard, so such a source must be better in everything else by far
    return (
        4.0 * source.bend + (0.0 if source.fits else 2.0 + 6.0 * source.bend) + (0.0 if source.pulse else 1.0)
    )


def _taste(sources: Sequence[Source], brief: Brief) -> dict[str, float]:
    """Cost of each source against energy, moods and style references; about -1 (just right) to 1."""
    traits = np.array([_traits(source) for source in sources], dtype=np.float64)
    spread = traits.std(axis=0)
    scaled = (traits - traits.mean(axis=0)) / np.where(spread > 1e-6, spread, 1.0)
    wishes = mood_wishes(brief)
    # within the catalog by rank, for most catalogs are of one energy; and by distance, or the one calm track of a metal
    # band would sooner or later play in every take
    energies = np.array([source.track.analysis.energy for source in sources])
    wanted = wanted_energy(brief.energy, own_energies(sources))
    away = np.abs(energies - wanted)
    rank = np.argsort(np.argsort(traits[:, 1], kind="stable"), kind="stable") / max(1, len(sources) - 1)
    place = float(np.mean(energies < wanted))
    cost = 0.5 * np.abs(rank - place) + away + 4.0 * away**2
    cost = cost - 0.18 * np.clip(scaled, -2, 2) @ wishes
    guides = [r.track_id for r in brief.references if r.role in ("style", "all")]
    vectors = np.array([source.track.analysis.vector for source in sources], dtype=np.float64)
    deviation = vectors.std(axis=0)
    vectors = (vectors - vectors.mean(axis=0)) / np.where(deviation > 1e-6, deviation, 1.0)
    rows = [i for i, source in enumerate(sources) if source.id in guides]
    if rows and len(sources) > 2:
        distance = np.min([np.linalg.norm(vectors - vectors[i], axis=1) for i in rows], axis=0)
        cost = cost + 0.8 * distance / max(float(distance.mean()), 1e-9)
    return {source.id: float(value) for source, value in zip(sources, cost, strict=True)}


def _traits(source: Source) -> tuple[float, float, float, float, float]:
    """(brightness, energy, drums, bass, minor) of a track, to be standardised within the catalog."""
    analysis = source.track.analysis
    share = analysis.palette
    bright = np.log10(
        share.get("presence", 0.0) + share.get("brilliance", 0.0) + share.get("high_mid", 0.0) + 1e-4
    )
    low = np.log10(share.get("sub_bass", 0.0) + share.get("bass", 0.0) + 1e-3)
    minor = 0.0 if analysis.key is None else 1.0 if analysis.key.mode == "minor" else -1.0
    return float(bright), analysis.energy, source.drums, float(low), minor


def _range_notes(cast: Cast, brief: Brief, key: Key | None) -> list[str]:
    notes = []
    far = [s for s in cast.sources() if not s.fits]
    if far:
        worst = max(far, key=lambda s: s.bend)
        notes.append(
            f"Few of your tracks are within 12 % of {brief.bpm:g} BPM, so some were stretched further (up to "
            f"{abs(worst.ratio - 1) * 100:.0f} %, “{worst.track.title}”). "
            "A tempo nearer to your own will sound cleaner."
        )
    shifted = [p for p in (*cast.harmony, *cast.bass, *cast.lead) if abs(p.shift) > GOOD_SHIFT]
    if shifted and key is not None:
        notes.append(
            f"Few of your tracks are within {GOOD_SHIFT} semitones of {key.name}, so some were moved further. "
            "A key nearer to your own will sound cleaner."
        )
    loose = [s for s in cast.sources() if not s.pulse]
    if loose:
        notes.append(
            f"{len(loose)} of the tracks used have no steady beat; they are cut by the clock and give texture."
        )
    return notes


def _ids(parts: Sequence[Part]) -> set[str]:
    return {part.source.id for part in parts}
