"""The shape of a take beyond one stretch of the model: sections of whole bars, windows that join on bar lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BEATS = 4
# (name, share of the whole) of a form that is long enough to have one
FORM = (
    ("intro", 0.125),
    ("build", 0.125),
    ("drop", 0.25),
    ("break", 0.125),
    ("drop", 0.25),
    ("outro", 0.125),
)
SHORT_FORM = (("intro", 0.2), ("drop", 0.5), ("outro", 0.3))
WHOLE = "main"
NEAR_A_LINE = 0.1  # bars: so near before a bar line counts as on it
HEARD_SECONDS = 12.0  # that a first stretch needs at least, so that its tempo and key can be told


@dataclass(frozen=True)
class Part:
    """A section: its name and its bars, counted from 0."""

    name: str
    first_bar: int
    bars: int

    @property
    def end_bar(self) -> int:
        return self.first_bar + self.bars


@dataclass(frozen=True)
class Window:
    """Frames start … end that are made in one go, after `context` frames of what is there already."""

    start: int
    end: int
    context: int
    part: int


def bars_for(seconds: float, bpm: float) -> int:
    return max(1, round(seconds * bpm / 60.0 / BEATS))


def parts(bars: int, bpm: float, longest_seconds: float) -> list[Part]:
    """One section where the model makes all of it at once; else a form, in blocks of four bars as far as they go."""
    seconds = bars * BEATS * 60.0 / bpm
    if seconds <= longest_seconds or bars < 8:
        return [Part(WHOLE, 0, bars)]
    form = FORM if bars >= 24 else SHORT_FORM
    block = 4 if bars >= 24 else 2
    ends, total = [], 0.0
    for _, share in form:
        total += share
        ends.append(block * round(total * bars / block))
    ends[-1] = bars
    starts = [0, *ends[:-1]]
    return [
        Part(name, start, end - start)
        for (name, _), start, end in zip(form, starts, ends, strict=True)
        if end > start
    ]


def beginning(found: Sequence[Part], bpm: float) -> int:
    """Bars of what is judged: the first section, and those after it while it is too short to tell tempo and key."""
    enough = HEARD_SECONDS * bpm / 60.0 / BEATS
    return next((one.end_bar for one in found if one.end_bar >= enough), found[-1].end_bar)


def windows(
    found: Sequence[Part], begin: int, bar_frames: float, first_bar_line: float, longest: int, total: int
) -> list[Window]:
    """The windows after frame `begin`, up to `total`: each ends with its section or at the longest whole bar.

    bar_frames, first_bar_line: of the music as it came out, in frames, fractional. longest: frames a model makes at
    once, what it goes on from included; of those a third is what it goes on from.
    """
    made: list[Window] = []
    context = longest // 3
    here = begin
    while here < total:
        bar = (here - first_bar_line) / bar_frames + NEAR_A_LINE
        part = next((n for n, one in enumerate(found) if bar < one.end_bar), len(found) - 1)
        behind = min(context, here)
        reach = here + longest - behind
        end = first_bar_line + found[part].end_bar * bar_frames
        if part == len(found) - 1:
            end = total
        if end > reach:
            end = first_bar_line + int((reach - first_bar_line) / bar_frames) * bar_frames
            if end <= here:  # a bar longer than what the model can add
                end = reach
        end = min(total, max(here + 1, round(end)))
        made.append(Window(here, end, behind, part))
        here = end
    return made
