"""The shape of a take: which sections, how long, how loud each layer, from energy, density, style and duration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from generation.engines.mosaic.plan import SAMPLE_RATE, Event, Grid, Section

# name, least bars, share of the bars beyond the least, energy before the brief's own is applied
Shape = tuple[tuple[str, int, float, float], ...]
LONG: Shape = (
    ("intro", 8, 0.10, 0.28),
    ("build", 8, 0.05, 0.58),
    ("drop", 16, 0.20, 0.92),
    ("break", 8, 0.11, 0.30),
    ("build", 4, 0.05, 0.62),
    ("drop", 16, 0.18, 0.95),
    ("break", 8, 0.10, 0.35),
    ("build", 4, 0.05, 0.68),
    ("drop", 16, 0.18, 1.00),
    ("outro", 8, 0.08, 0.30),
)
FULL: Shape = (
    ("intro", 4, 0.12, 0.30),
    ("build", 4, 0.08, 0.60),
    ("drop", 8, 0.24, 0.95),
    ("break", 4, 0.14, 0.30),
    ("build", 4, 0.08, 0.65),
    ("drop", 8, 0.24, 1.00),
    ("outro", 2, 0.10, 0.30),
)
MIDDLE: Shape = (
    ("intro", 4, 0.15, 0.30),
    ("build", 4, 0.10, 0.60),
    ("drop", 8, 0.30, 0.95),
    ("break", 4, 0.10, 0.35),
    ("drop", 4, 0.25, 1.00),
    ("outro", 2, 0.10, 0.30),
)
SHORT: Shape = (
    ("intro", 4, 0.1, 0.35),
    ("build", 4, 0.1, 0.6),
    ("drop", 4, 0.6, 1.0),
    ("outro", 2, 0.2, 0.35),
)
SHORTER: Shape = (("intro", 2, 0.2, 0.4), ("drop", 4, 0.6, 1.0), ("outro", 2, 0.2, 0.35))
SHORTEST: Shape = (("build", 1, 0.3, 0.5), ("drop", 2, 0.5, 1.0), ("outro", 1, 0.2, 0.4))
ALONE: Shape = (("drop", 1, 1.0, 1.0),)
SONG_LONG: Shape = (
    ("intro", 4, 0.06, 0.40),
    ("build", 8, 0.16, 0.58),
    ("drop", 8, 0.16, 0.90),
    ("build", 8, 0.14, 0.62),
    ("drop", 8, 0.16, 0.95),
    ("break", 4, 0.10, 0.42),
    ("drop", 8, 0.16, 1.00),
    ("outro", 4, 0.06, 0.40),
)
SONG: Shape = (
    ("intro", 2, 0.06, 0.40),
    ("build", 4, 0.18, 0.58),
    ("drop", 8, 0.26, 0.90),
    ("build", 4, 0.18, 0.62),
    ("drop", 8, 0.26, 1.00),
    ("outro", 2, 0.06, 0.40),
)
SCORE: Shape = (
    ("intro", 4, 0.16, 0.25),
    ("build", 4, 0.18, 0.50),
    ("drop", 4, 0.24, 0.85),
    ("break", 4, 0.16, 0.30),
    ("drop", 4, 0.14, 0.95),
    ("outro", 2, 0.12, 0.25),
)
CLUB_FORMS = (LONG, FULL, MIDDLE)
SHORT_FORMS = (SHORT, SHORTER, SHORTEST, ALONE)
# what each family of genres builds its takes from, longest first, and what it calls the parts
FORMS: Mapping[str, tuple[Shape, ...]] = {
    "club": (*CLUB_FORMS, *SHORT_FORMS),
    "song": (SONG_LONG, SONG, *SHORT_FORMS),
    "score": (SCORE, *SHORT_FORMS),
}
LABELS: Mapping[str, Mapping[str, str]] = {
    "club": {},
    "song": {"build": "verse", "drop": "chorus", "break": "bridge"},
    "score": {"build": "rise", "drop": "theme", "break": "rest"},
}
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "club": ("baile funk", "ambient techno", "ambient house", "jazz house", "dub techno"),
    "song": (
        "rock",
        "pop",
        "hip hop",
        "hip-hop",
        "rap",
        "funk",
        "soul",
        "r&b",
        "reggae",
        "folk",
        "indie",
        "metal",
        "punk",
        "country",
        "blues",
        "latin",
        "afrobeats",
        "dancehall",
    ),
    "score": (
        "ambient",
        "orchestral",
        "classical",
        "score",
        "soundtrack",
        "cinematic",
        "drone",
        "beatless",
        "new age",
        "jazz",
    ),
}

# linear gains (drums, bass, harmony); "hard" has the contours of club music, "soft" those of songs and scores
GAINS = {
    "hard": {
        "intro": (0.40, 0.00, 0.85),
        "build": (0.75, 0.00, 0.90),
        "drop": (1.00, 1.00, 1.00),
        "break": (0.12, 0.55, 1.00),
        "outro": (0.65, 0.35, 0.75),
    },
    "soft": {
        "intro": (0.60, 0.60, 0.90),
        "build": (0.85, 0.80, 0.95),
        "drop": (1.00, 1.00, 1.00),
        "break": (0.50, 0.80, 1.00),
        "outro": (0.80, 0.80, 0.90),
    },
}


FAINTEST_BASS = 0.2  # a section with no low end at all sounds broken where the artist only thins it out


@dataclass(frozen=True)
class Length:
    """bars: whole bars of music. samples: exact length of the take; what is left after the bars is the last ring."""

    bars: int
    samples: int


def family(genre: str | None) -> str:
    """club, song or score: what form a genre takes. Club unless the genre says otherwise."""
    wanted = (genre or "").casefold()
    words = set(re.split(r"[^a-z&]+", wanted))
    for name, genres in FAMILIES.items():
        if any(genre in words or ((" " in genre or "-" in genre) and genre in wanted) for genre in genres):
            return name
    return "club"


def length(duration_seconds: float, grid: Grid) -> Length:
    """Exactly the requested duration: as many whole bars as leave at least a third of a bar to ring out in."""
    samples = round(duration_seconds * SAMPLE_RATE)
    bars = max(1, int((duration_seconds - grid.bar_seconds / 3.0) / grid.bar_seconds))
    return Length(bars, samples)


# for each kind of section: (drums, bass) of the artist's own such sections, 0 = left out, 1 = as in the drops
Contour = Mapping[str, tuple[float, float]]


def sections(
    bars: int,
    *,
    energy: float,
    density: float,
    style: str,
    drop_bars: int | None = None,
    contour: Contour | None = None,
    emphasis: Mapping[str, float] | None = None,
    kind: str = "club",
) -> tuple[Section, ...]:
    """Sections that add up to `bars`. Lengths are multiples of 4 from 16 bars up, of 2 from 8, else whole bars.

    drop_bars: how long the artist's own drops are; followed where it fits. contour: what the artist leaves out of
    which sections; a "hard" take leaves out no more than that. emphasis: linear gain by layer. kind: of `family`.
    """
    shape = next(shape for shape in FORMS[kind] if bars >= _least(shape))
    made: list[Section] = []
    at = 0
    for (name, _, _, level), count in zip(shape, _lengths(shape, bars, energy, drop_bars), strict=True):
        wanted = _energy(level, energy)
        gains = _gains(name, style, energy, density, contour or {})
        gains = {layer: round(gain * (emphasis or {}).get(layer, 1.0), 4) for layer, gain in gains.items()}
        label = LABELS[kind].get(name, name)
        made.append(Section(name, at, count, round(wanted, 4), gains, label=label))
        at += count
    return tuple(made)


def with_energy(
    made: Sequence[Section],
    *,
    style: str,
    energy: float,
    density: float,
    emphasis: Mapping[str, float] | None = None,
    contour: Contour | None = None,
    kind: str = "club",
) -> tuple[Section, ...]:
    """The same sections as another energy would have them: their levels of layers, not their lengths."""
    levels: dict[str, float] = {}
    for name, _, _, level in (row for shape in FORMS[kind] for row in shape):
        levels.setdefault(name, level)
    found = []
    for section in made:
        gains = _gains(section.name, style, energy, density, contour or {})
        gains = {layer: round(gain * (emphasis or {}).get(layer, 1.0), 4) for layer, gain in gains.items()}
        wanted = round(_energy(levels[section.name], energy), 4)
        found.append(replace(section, energy=wanted, gains=gains))
    return tuple(found)


def _least(shape: Shape) -> int:
    return sum(least for _, least, _, _ in shape)


def _lengths(shape: Shape, bars: int, energy: float, drop_bars: int | None) -> list[int]:
    """Least lengths, then steps of four bars to whoever is furthest below its share; what is left ends the take."""
    lengths = [least for _, least, _, _ in shape]
    # a calm take gives its quiet sections more room, a driving one its drops
    lean = 0.8 * (energy - 0.5)
    weights = [share * (1.0 + (lean if name == "drop" else -lean)) for name, _, share, _ in shape]
    unit = 4 if bars >= 14 else 2
    spare = bars - sum(lengths)
    while spare >= unit:
        extra = spare - unit + sum(lengths) - _least(shape) + unit
        behind = [
            weight / sum(weights) * extra - (length - least)
            for weight, length, (_, least, _, _) in zip(weights, lengths, shape, strict=True)
        ]
        for i, (name, _, _, _) in enumerate(shape):
            if name == "drop" and drop_bars and unit == 4:
                # the artist's own length draws the drops towards it, and a drop of twelve bars limps
                behind[i] += 2.0 if lengths[i] < drop_bars else -6.0
                behind[i] += 1.0 if lengths[i] % 8 else 0.0
            if name == "outro":
                behind[i] -= spare % unit
        chosen = max(range(len(behind)), key=lambda i: (round(behind[i], 6), -i))
        step = (
            unit * 2
            if shape[chosen][0] == "drop" and unit == 4 and spare >= 8 and lengths[chosen] % 8 == 0
            else unit
        )
        lengths[chosen] += step
        spare -= step
    lengths[-1] += spare
    return lengths


def _energy(level: float, energy: float) -> float:
    """A section's energy: its place in the form, moved by the brief's; gently, or a calm drop is made of breaks."""
    return min(1.0, max(0.0, level + 0.55 * (energy - 0.6)))


def _gains(name: str, style: str, energy: float, density: float, contour: Contour) -> dict[str, float]:
    drums, bass, harmony = GAINS[style][name]
    if name in contour and style == "hard":
        own_drums, own_bass = contour[name]
        drums, bass = max(drums, 0.9 * own_drums), max(bass, own_bass, FAINTEST_BASS)
    # energy pushes the drums and how far the quiet sections fall back; density opens what a section leaves out
    drums *= 0.6 + 0.58 * energy
    drums = drums + (1.0 - drums) * max(0.0, density - 0.5) * 0.6 if name != "drop" else drums
    drums *= 1.0 - 0.5 * max(0.0, 0.5 - density)
    bass *= 0.8 + 0.3 * energy
    harmony *= 1.08 - 0.16 * energy
    if density < 0.35 and name in ("intro", "outro"):
        bass = 0.0
    return {
        "drums": round(drums, 4),
        "bass": round(bass, 4),
        "harmony": round(harmony, 4),
        "lead": round(harmony, 4),
    }


def events(
    made: Sequence[Section], *, style: str, energy: float, bars: int, kind: str = "club"
) -> tuple[Event, ...]:
    """Fills before changes, swells and impacts around drops, ducking in them, and an ending.

    What only club music does (sweeps, cuts before a drop, impacts on it) is left to it; a score has no fills either.
    """
    found: list[Event] = []
    for section, following in zip(made, [*made[1:], None], strict=True):
        last = section.end_bar - 1
        if kind != "score" and following is not None and section.bars >= 2 and section.name != "outro":
            found.append(Event("fill", last + 0.5, 0.5, 1.0 if section.name == "build" else 0.5))
        if section.name == "drop":
            depth = (0.55 if style == "hard" and kind == "club" else 0.25) * (0.6 + 0.5 * energy)
            found.append(Event("duck", section.first_bar, section.bars, round(min(0.7, depth), 4)))
            if section.bars >= 16:
                found.append(Event("fill", section.first_bar + 7.5, 0.5, 0.4))
        if following is not None and following.name == "drop" and section.bars >= 2:
            amount = round((0.9 if style == "hard" else 0.5) * (0.4 + 0.6 * energy), 4)
            found.append(Event("swell", last, 1.0, amount if kind == "club" else 0.5 * amount))
            if kind == "club":
                found.append(Event("impact", following.first_bar, 1.0, amount))
            if kind == "club" and style == "hard" and energy >= 0.4:
                found.append(Event("cut", last + 0.75, 0.25, 1.0))
        if kind == "club" and style == "hard" and section.name in ("intro", "build"):
            found.append(
                Event("sweep", section.first_bar, section.bars, 1.0 if section.name == "build" else 0.6)
            )
    found.append(Event("ending", bars, 0.0, 1.0))
    return tuple(sorted(found, key=lambda event: (event.bar, event.kind)))
