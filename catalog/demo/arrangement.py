"""Form and dynamics: which parts play how loud in every bar."""

from __future__ import annotations

from dataclasses import dataclass

from .model import Clock, Section

Plan = tuple[tuple[str, int], ...]

FORMS: dict[str, Plan] = {
    "long": (("intro", 8), ("build", 4), ("drop", 16), ("break", 8), ("drop", 16), ("outro", 8)),
    "radio": (("intro", 8), ("build", 4), ("drop", 12), ("break", 8), ("drop", 12), ("outro", 4)),
    "double": (
        ("intro", 4),
        ("build", 4),
        ("drop", 12),
        ("break", 4),
        ("build", 4),
        ("drop", 12),
        ("outro", 4),
    ),
    "tool": (("intro", 8), ("build", 4), ("drop", 16), ("break", 4), ("drop", 12), ("outro", 8)),
    "short": (("intro", 4), ("build", 4), ("drop", 8), ("break", 8), ("drop", 8), ("outro", 4)),
    "sketch": (("intro", 4), ("build", 4), ("drop", 4), ("break", 4), ("drop", 4), ("outro", 4)),
    "journey": (
        ("intro", 8),
        ("build", 8),
        ("drop", 16),
        ("break", 8),
        ("build", 4),
        ("drop", 16),
        ("outro", 8),
    ),
    "club": (
        ("intro", 8),
        ("build", 4),
        ("drop", 16),
        ("break", 8),
        ("build", 4),
        ("drop", 16),
        ("outro", 8),
    ),
}

_ORDER = ("intro", "drop", "outro", "break", "drop2", "build")
_GROWTH = (
    "drop",
    "drop2",
    "drop",
    "intro",
    "break",
    "drop2",
    "drop",
    "drop2",
    "outro",
    "drop",
    "build",
    "drop2",
)


def form_for(bars: int) -> Plan:
    """A form of about this many bars (whole multiples of 4, at least 12)."""
    units = max(3, round(bars / 4))
    size = dict.fromkeys(_ORDER[: min(units, 6)], 1)
    for turn in range(units - len(size)):
        name = _GROWTH[turn % len(_GROWTH)]
        size[name] += 1
    sequence = ("intro", "build", "drop", "break", "drop2", "outro")
    return tuple((name.rstrip("2"), 4 * size[name]) for name in sequence if name in size)


@dataclass(frozen=True)
class Bar:
    """What one bar does: levels 0..1 per part and a few events."""

    number: int
    section: str
    occurrence: int
    index_in_section: int
    bars_in_section: int
    kick: float = 0.0
    snare: float = 0.0
    hats: float = 0.0
    perc: float = 0.0
    bass: float = 0.0
    sub_only: bool = False
    pad: float = 0.0
    keys: float = 0.0
    lead: float = 0.0
    arp: float = 0.0
    ride: float = 0.0
    roll: bool = False
    gap: bool = False
    fill: bool = False
    crash: bool = False

    @property
    def progress(self) -> float:
        return self.index_in_section / self.bars_in_section


def sections_of(plan: Plan, clock: Clock) -> tuple[Section, ...]:
    result, bar = [], 0
    for name, bars in plan:
        result.append(Section(name, round(clock.seconds(bar), 6), bars))
        bar += bars
    return tuple(result)


def bars_of(plan: Plan, *, four_on_floor: bool, has_drums: bool) -> list[Bar]:
    """The arrangement, bar by bar."""
    result: list[Bar] = []
    seen: dict[str, int] = {}
    for name, bars in plan:
        occurrence = seen[name] = seen.get(name, -1) + 1
        for index in range(bars):
            last = index == bars - 1
            base = dict(
                number=len(result),
                section=name,
                occurrence=occurrence,
                index_in_section=index,
                bars_in_section=bars,
            )
            levels = _levels(name, occurrence, index, bars, four_on_floor=four_on_floor)
            if not has_drums:
                levels |= {"pad": {"drop": 1.0, "break": 0.7, "build": 0.8}.get(name, 0.6)}
            events = {
                "fill": (index % 8 == 7 or last) and name in ("drop", "intro", "break") and bars > 2,
                "gap": last and name == "build",
                "crash": index == 0 and name == "drop" and has_drums,
                "roll": name == "build" and has_drums,
            }
            result.append(Bar(**base, **levels, **events))  # type: ignore[arg-type]
    return result


def _levels(
    name: str, occurrence: int, index: int, bars: int, *, four_on_floor: bool
) -> dict[str, float | bool]:
    half = index >= bars / 2
    rise = index / max(1, bars - 1)
    if name == "intro":
        return {
            "kick": 0.62 if four_on_floor and half else 0.0,
            "snare": 0.0,
            "hats": 0.5 if half else 0.0,
            "perc": 0.5 + 0.25 * rise,
            "pad": 0.85,
            "keys": 0.45 if half else 0.0,
            "lead": 0.0,
            "bass": 0.0,
        }
    if name == "build":
        # the floor goes away in the second half, so that the drop brings it back
        return {
            "kick": 0.0 if half else (0.65 if four_on_floor else 0.5),
            "hats": 0.4 + 0.25 * rise,
            "perc": 0.6 if not half else 0.4,
            "pad": 0.85 + 0.15 * rise,
            "keys": 0.5 + 0.2 * rise,
            "lead": 0.35,
            "arp": 0.55 * rise,
            "bass": 0.0,
            "snare": 0.0,
        }
    if name == "drop":
        second = occurrence > 0
        late = index >= 8
        return {
            "kick": 1.0,
            "snare": 1.0,
            "hats": 0.9 if late or second else 0.8,
            "perc": 1.0 if second or late else 0.75,
            "bass": 1.0,
            "pad": 0.7,
            "keys": 0.9,
            "lead": 0.9 if second or late or bars <= 8 else 0.55,
            "ride": 0.7 if second and late else (0.45 if second else 0.0),
            "arp": 0.55 if second else 0.0,
        }
    if name == "break":
        return {
            "kick": 0.0,
            "snare": 0.0,
            "hats": 0.25 if half else 0.0,
            "perc": 0.4,
            "bass": 0.45,
            "sub_only": True,
            "pad": 1.0,
            "keys": 0.5,
            "lead": 0.6,
            "ride": 0.0,
        }
    fall = 1.0 - rise
    return {
        "kick": (0.7 if four_on_floor else 0.8) if not half else 0.0,
        "snare": 0.5 if not half else 0.0,
        "hats": 0.55 * (0.4 + 0.6 * fall),
        "perc": 0.6,
        "bass": 0.5 if not half else 0.0,
        "sub_only": True,
        "pad": 0.75,
        "keys": 0.4 * fall,
        "lead": 0.25 if not half else 0.0,
    }
