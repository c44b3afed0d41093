"""The drift of takes as a picture: once as SVG for the page or for a file, once as PNG. Pure.

One drawing for all: the canvas decides what a line or a word becomes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Protocol

from generation.evolution.measure import WINDOW, Drift

COLOURS = {
    "ground": "#FAFAFA",
    "ink": "#0A0A0A",
    "quiet": "#6A6A6A",
    "track": "#BDBDBD",
    "rule": "#E0E0E0",
    "tint": "#EFEFEF",
    "accent": "#66023C",
}
FONTS = Path(__file__).resolve().parents[2] / "static" / "vendor" / "inter"
LEFT, RIGHT, HEAD, FOOT = 44.0, 12.0, 34.0, 30.0


@dataclass(frozen=True)
class Series:
    """What is drawn: the drift, when each of its takes was made, and the numbered moments."""

    drift: Drift
    times: Sequence[datetime]
    moments: Sequence[datetime] = ()


class Canvas(Protocol):
    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None: ...
    def path(self, points: Sequence[tuple[float, float]], colour: str, width: float) -> None: ...
    def word(self, x: float, y: float, words: str, *, size: int, colour: str, anchor: str) -> None: ...


@dataclass
class Svg:
    """classes: for a page, whose style sheet colours it; otherwise colours are in the picture."""

    width: float
    height: float
    classes: bool
    parts: list[str] = field(default_factory=list)

    def _colour(self, kind: str, colour: str) -> str:
        return f'class="{kind}-{colour}"' if self.classes else f'{kind}="{COLOURS[colour]}"'

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self.parts.append(f"<rect {place} {self._colour('fill', colour)}/>")

    def path(self, points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        where = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        look = f'fill="none" stroke-width="{width:g}" {self._colour("stroke", colour)}'
        self.parts.append(f'<path d="M{where}" {look}/>')

    def word(self, x: float, y: float, words: str, *, size: int, colour: str, anchor: str) -> None:
        place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
        self.parts.append(f"<text {place} {self._colour('fill', colour)}>{escape(words)}</text>")

    def whole(self, label: str, look: str = "") -> str:
        head = f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" {look}'
        if not self.classes:
            head += (
                f'xmlns="http://www.w3.org/2000/svg" width="{self.width:g}" height="{self.height:g}" '
                'font-family="Inter, Helvetica Neue, Arial, sans-serif"'
            )
        return f"{head}><title>{escape(label)}</title>{''.join(self.parts)}</svg>"


class Png:
    """Twice as fine as its coordinates."""

    SCALE = 2

    def __init__(self, width: float, height: float) -> None:
        from PIL import Image, ImageDraw

        size = (round(width * self.SCALE), round(height * self.SCALE))
        self._image = Image.new("RGB", size, COLOURS["ground"])
        self._draw = ImageDraw.Draw(self._image)

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        if width > 0 and height > 0:
            far = ((x + width) * self.SCALE - 1, (y + height) * self.SCALE - 1)
            self._draw.rectangle((x * self.SCALE, y * self.SCALE, *far), fill=COLOURS[colour])

    def path(self, points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        line = [(x * self.SCALE, y * self.SCALE) for x, y in points]
        self._draw.line(line, fill=COLOURS[colour], width=max(1, round(width * self.SCALE)), joint="curve")

    def word(self, x: float, y: float, words: str, *, size: int, colour: str, anchor: str) -> None:
        from PIL import ImageFont

        font = ImageFont.truetype(str(FONTS / "inter-latin-400.woff2"), size * self.SCALE)
        place = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        self._draw.text((x * self.SCALE, y * self.SCALE), words, COLOURS[colour], font, anchor=place)

    def whole(self) -> bytes:
        out = BytesIO()
        self._image.save(out, "PNG", optimize=True)
        return out.getvalue()


def for_page(series: Series) -> str:
    """The picture for a wide and for a narrow screen; "" where there is nothing to draw."""
    drawn = []
    for kind, width, height in (("wide", 1152.0, 340.0), ("slim", 342.0, 280.0)):
        canvas = Svg(width, height, classes=True)
        if not draw(canvas, series, (0.0, 0.0, width, height)):
            return ""
        drawn.append(canvas.whole(label_of(series), f'class="picture drift {kind}"'))
    return "".join(drawn)


def as_svg(series: Series, title: str) -> str:
    width, height = 1200.0, 480.0
    canvas = Svg(width, height, classes=False)
    canvas.box(0, 0, width, height, "ground")
    _framed(canvas, series, title, width, height)
    return canvas.whole(label_of(series))


def as_png(series: Series, title: str) -> bytes:
    width, height = 1200.0, 480.0
    canvas = Png(width, height)
    _framed(canvas, series, title, width, height)
    return canvas.whole()


def _framed(canvas: Canvas, series: Series, title: str, width: float, height: float) -> None:
    """The picture with its title and its sentence, as a file that stands alone."""
    canvas.word(24, 40, title, size=20, colour="ink", anchor="start")
    canvas.word(24, 64, series.drift.sentence, size=13, colour="quiet", anchor="start")
    draw(canvas, series, (24.0, 88.0, width - 48, height - 112))


def label_of(series: Series) -> str:
    what = f"Distance of {len(series.times)} takes from the catalog, in the order they were made."
    return f"{what} {series.drift.sentence}"


def draw(canvas: Canvas, series: Series, place: tuple[float, float, float, float]) -> bool:
    """Draw into x, y, width, height. False where there is nothing to draw."""
    found, (left, top, wide, tall) = series.drift, place
    if not found.distances or found.null95 is None:
        return False
    first, last = left + LEFT, left + wide - RIGHT
    ceiling, floor = top + HEAD, top + tall - FOOT
    high = 1.08 * max(*found.distances, *found.windows, found.null95, 1.0)
    many = len(found.distances)

    def x(index: float) -> float:
        return first + (last - first) * (0.5 if many == 1 else index / (many - 1))

    def y(value: float) -> float:
        return floor - (floor - ceiling) * value / high

    canvas.box(first, y(found.null95), last - first, floor - y(found.null95), "tint")
    canvas.path([(first, floor), (last, floor)], "rule", 1)
    for value in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
        if value < high and (high < 2.2 or value % 1 == 0):
            canvas.word(first - 8, y(value) + 4, f"{value:g}", size=11, colour="quiet", anchor="end")
    _moments(canvas, series, x, (ceiling, floor))
    canvas.word(last - 8, floor - 8, "what chance shows", size=11, colour="quiet", anchor="end")
    size = 4.0 if many <= 200 else 2.0
    for index, value in enumerate(found.distances):
        canvas.box(x(index) - size / 2, y(value) - size / 2, size, size, "track")
    if found.windows:
        line = [(x(index + WINDOW - 1), y(value)) for index, value in enumerate(found.windows)]
        if len(line) > 1:
            canvas.path(line, "ink", 1.5)
        canvas.box(line[-1][0] - 4, line[-1][1] - 4, 8, 8, "accent")
    _dates(canvas, series, x, floor + 20)
    return True


def _moments(canvas: Canvas, series: Series, x: Callable[[float], float], rows: tuple[float, float]) -> None:
    """A hairline with its number where each moment falls among the takes; numbers that would touch go higher."""
    ceiling, floor = rows
    before, row = -100.0, 0
    for number, moment in enumerate(series.moments, 1):
        # between the last take before it and the first one after it
        after = bisect_right(series.times, moment)
        at = x(min(max(after - 0.5, 0.0), len(series.times) - 1.0))
        row = (row + 1) % 3 if at - before < 14 else 0
        before = at
        canvas.path([(at, ceiling - 4 - 10 * row), (at, floor)], "rule", 1)
        canvas.word(at, ceiling - 8 - 10 * row, str(number), size=10, colour="quiet", anchor="middle")


def _dates(canvas: Canvas, series: Series, x: Callable[[float], float], y: float) -> None:
    """The day of the first and of the last take, and of some between where there is room."""
    times, many = series.times, len(series.times)
    written = "%-d %b %Y" if times[0].date() != times[-1].date() else "%-d %b %Y, %H:%M"
    canvas.word(
        x(0), y, times[0].strftime(written), size=11, colour="quiet", anchor="start" if many > 1 else "middle"
    )
    if many > 1:
        canvas.word(x(many - 1), y, times[-1].strftime(written), size=11, colour="quiet", anchor="end")
    if many > 8 and x(many - 1) - x(0) > 600:
        for part in (0.33, 0.67):
            index = round(part * (many - 1))
            canvas.word(x(index), y, times[index].strftime(written), size=11, colour="quiet", anchor="middle")
