"""Bass figures in a small notation: two bars each, notes as "step:length", then pitch and shape marks.

^ is the octave, v the fifth, > a tone that leads into the next root. The shape follows after a space:
"open" (the default), "short", or a wobble rate such as 1/8t. Bars are separated by "|".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stroke:
    """One note of a figure, in sixteenths."""

    step: float
    steps: float
    pitch: str = "root"
    shape: str = "open"


Figure = tuple[tuple[Stroke, ...], ...]

_PITCHES = {"^": "octave", "v": "fifth", ">": "leading"}

_SIXTEENTHS = ", ".join(f"{step}:1{'^' if step in (3, 11) else ''} short" for step in range(16) if step % 4)
_GALLOP = ", ".join(
    f"{step}:1{'^' if step == 6 else ''} short" for step in (0, 2, 3, 5, 6, 8, 10, 11, 13, 14)
)
_EIGHTHS = ", ".join(f"{step}:2 short" for step in range(0, 16, 2))
_EIGHTHS_HOME = ", ".join(f"{step}:2 short" for step in range(0, 12, 2)) + ", 12:2v short, 14:2> short"

_NOTATION: dict[str, tuple[str, ...]] = {
    "wobble": (
        "0:6 1/4, 6:2 1/8, 8:4 1/8t, 12:4 1/16 | 0:4 1/8, 4:4 1/4, 10:6^ 1/8",
        "0:8 1/4., 8:3 1/16, 11:5 1/8t | 0:3 1/16, 3:5 1/8, 8:8 1/4",
        "0:3, 3:3 1/8, 6:6 1/8t, 13:3^ 1/16 | 0:6 1/8, 6:2>, 8:8 1/4",
        "0:12 1/4, 12:4v 1/8 | 0:6 1/8t, 8:4 1/16, 12:4 1/8",
        "0:6 1/8t, 6:6 1/8, 14:2> | 0:8 1/4, 8:4^ 1/16, 12:4 1/8t",
    ),
    "steppers": (
        "0:3, 6:2 short, 10:5 | 0:3, 6:2v short, 10:3, 14:2> short",
        "0:5, 8:2 short, 11:4^ | 0:5, 8:3v short, 12:4",
        "0:2 short, 3:3, 8:2 short, 11:3v | 0:2 short, 3:5, 10:2^ short, 13:3",
    ),
    "rolling": (
        "0:6, 6:4 1/8, 10:6 | 0:3, 3:3v short, 6:4, 10:4^ 1/8, 14:2> short",
        "0:10 1/4., 10:6 1/8 | 0:6, 6:2^ short, 10:6 1/8",
        "0:4, 6:2 short, 8:2 short, 10:5v | 0:4, 6:4 1/8, 10:6>",
    ),
    "offbeat": (
        "2:2 short, 6:2 short, 10:2 short, 14:2 short | 2:2 short, 6:2 short, 10:2v short, 13:1^ short, 14:2 short",
        "0:1.5 short, 3:2 short, 6:2 short, 10:2 short, 14:2v short"
        " | 0:1.5 short, 3:2 short, 6:2^ short, 11:2 short, 14:2> short",
        "2:2 short, 5:1^ short, 7:2 short, 10:2 short, 14:2 short"
        " | 2:2 short, 6:2 short, 9:1^ short, 11:2v short, 14:2> short",
    ),
    "octaves": (
        "0:2 short, 2:2^ short, 4:2 short, 6:2^ short, 8:2 short, 10:2^ short, 12:2v short, 14:2^ short"
        " | 0:2 short, 2:2^ short, 4:1.5 short, 7:1^ short, 8:2 short, 10:2^ short, 12:2v short, 14:2> short",
        "0:2 short, 3:1 short, 4:1.5^ short, 7:2 short, 10:1.5 short, 12:1.5^ short, 14:2v short"
        " | 0:2 short, 3:1 short, 4:1.5^ short, 8:2 short, 11:1v short, 12:1.5^ short, 14:2> short",
    ),
    "sixteenths": (f"{_SIXTEENTHS} | {_SIXTEENTHS}", f"{_GALLOP} | {_GALLOP}"),
    "long": ("0:15 | 0:10, 10:6v", "0:7, 10:6 | 0:7, 8:8v"),
    "lazy": (
        "0:5, 7:2 short, 10:4v | 0:5, 7:2^ short, 10:3, 14:2> short",
        "0:3, 6:2v short, 8:6 | 0:3, 6:3, 11:2v short, 14:2> short",
    ),
    "slides": ("0:6, 6:4, 10:6^ | 0:9, 11:5>", "0:8, 10:3 short, 13:3^ short | 0:6, 9:7v"),
    "eighths": (f"{_EIGHTHS} | {_EIGHTHS}", f"{_EIGHTHS} | {_EIGHTHS_HOME}"),
}


def _read(text: str) -> Figure:
    bars = []
    for bar in text.split("|"):
        strokes = []
        for word in bar.split(","):
            place, _, shape = word.strip().partition(" ")
            pitch = _PITCHES.get(place[-1], "root")
            step, _, steps = place.rstrip("^v>").partition(":")
            strokes.append(Stroke(float(step), float(steps), pitch, shape or "open"))
        bars.append(tuple(strokes))
    return tuple(bars)


FIGURES: dict[str, tuple[Figure, ...]] = {
    name: tuple(_read(text) for text in options) for name, options in _NOTATION.items()
}
