"""The picture that stands for a certificate where its address is shared: 1200 x 630 pixels, a dark document. Pure."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from catalog.svg import levels

VERSION = 1  # of the drawing: a new number makes every kept picture anew
WIDTH, HEIGHT, MARGIN = 1200, 630, 72
VOID, IRON, BONE, SIGNAL, SILVER = "#0A0A0A", "#2A2A2A", "#F5F3F0", "#E8E4DF", "#8A8A8A"
MARKS = {"good": "#4A7C59", "warn": "#8B7355", "bad": "#8B4049"}
BARS, WAVE_TOP, WAVE_HEIGHT = 176, 296, 84
FOOT = 548  # where the last rule runs
VENDOR = Path(__file__).resolve().parents[1] / "static" / "vendor"
DISPLAY, TEXT, STRONG = "playfair-display-{}-500", "inter-{}-400", "inter-{}-500"


@dataclass(frozen=True)
class Card:
    """Everything that is drawn, and nothing that is not public."""

    heading: str
    artist: str
    sentence: str
    state: str
    mark: str  # good, warn or bad
    fingerprint: str
    peaks: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """Names this picture: the same for the same words, another as soon as one of them changes."""
        said = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


def png(card: Card) -> bytes:
    image = Image.new("RGB", (WIDTH, HEIGHT), VOID)
    draw = ImageDraw.Draw(image)
    right = WIDTH - MARGIN
    _write(draw, MARGIN, 84, "Starforge", DISPLAY, 28, BONE)
    label = "Certificate of Provenance"
    _write(draw, right - _wide(label, STRONG, 18), 84, label, STRONG, 18, SILVER)
    lines, size = _heading(card.heading)
    at = 184 if len(lines) == 1 else 160
    for number, line in enumerate(lines):
        _write(draw, MARGIN, at + number * (size + 6), line, DISPLAY, size, BONE)
    at += (len(lines) - 1) * (size + 6) + 44
    _write(draw, MARGIN, at, _cut(card.artist, TEXT, 24), TEXT, 24, SILVER)
    if card.peaks:
        _waveform(draw, card.peaks)
    top = WAVE_TOP + WAVE_HEIGHT + 54 if card.peaks else at + 96
    for number, line in enumerate(_wrapped(card.sentence, TEXT, 24, 3)):
        _write(draw, MARGIN, top + number * 34, line, TEXT, 24, SIGNAL)
    draw.line([(MARGIN, FOOT), (right, FOOT)], fill=IRON)
    draw.rectangle([MARGIN, FOOT + 27, MARGIN + 11, FOOT + 38], fill=MARKS[card.mark])
    _write(draw, MARGIN + 26, FOOT + 39, card.state, STRONG, 18, BONE)
    _fixed(draw, right, FOOT + 39, card.fingerprint, 14, SILVER)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def drawable(text: str) -> bool:
    """Whether the typefaces at hand have every letter of it. Those of the page may be other ones, of the reader."""
    return all(_has(TEXT, letter) and _has(DISPLAY, letter) for letter in set(text))


def _waveform(draw: ImageDraw.ImageDraw, peaks: Sequence[int]) -> None:
    bars = levels(peaks, BARS)
    step = (WIDTH - 2 * MARGIN) / max(1, len(bars))
    for number, level in enumerate(bars):
        tall = max(2.0, min(1.0, level) * WAVE_HEIGHT)
        left, top = MARGIN + number * step, WAVE_TOP + (WAVE_HEIGHT - tall) / 2
        draw.rectangle([round(left), round(top), round(left + step * 0.66) - 1, round(top + tall)], fill=BONE)


def _heading(text: str) -> tuple[list[str], int]:
    """The largest size at which it fits on one line, or else on two."""
    for size in (64, 56, 48):
        if _wide(text, DISPLAY, size) <= WIDTH - 2 * MARGIN:
            return [text], size
    return _wrapped(text, DISPLAY, 44, 2), 44


def _wrapped(text: str, face: str, size: int, most: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _wide(longer, face, size) <= WIDTH - 2 * MARGIN:
            lines[-1] = longer
        else:
            lines.append(word)
    over = len(lines) > most
    lines = [_cut(line, face, size) for line in lines[:most]]
    if over:
        lines[-1] = _cut(f"{lines[-1].rstrip('…')}…", face, size)
    return lines


def _cut(text: str, face: str, size: int) -> str:
    room = WIDTH - 2 * MARGIN
    if _wide(text, face, size) <= room:
        return text
    text = text.rstrip("…")
    while text and _wide(f"{text}…", face, size) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _write(
    draw: ImageDraw.ImageDraw, left: float, base: float, text: str, face: str, size: int, fill: str
) -> None:
    """On the base line, each stretch in the file of the typeface that has its letters."""
    for font, part in _runs(text, face, size):
        draw.text((left, base), part, font=font, fill=fill, anchor="ls")
        left += font.getlength(part)


def _fixed(draw: ImageDraw.ImageDraw, right: float, base: float, text: str, size: int, fill: str) -> None:
    """A hash in cells of one width, ending at `right`: the eye compares it in columns."""
    font, cell = _font(TEXT, "latin", size), size * 0.66
    for number, letter in enumerate(text):
        middle = right - (len(text) - number - 0.5) * cell
        draw.text((middle, base), letter, font=font, fill=fill, anchor="ms")


def _wide(text: str, face: str, size: int) -> float:
    return sum(font.getlength(part) for font, part in _runs(text, face, size))


def _runs(text: str, face: str, size: int) -> list[tuple[ImageFont.FreeTypeFont, str]]:
    return [
        (_font(face, subset, size), "".join(letters))
        for subset, letters in groupby(text, lambda letter: _subset(face, letter) or "latin")
    ]


def _has(face: str, letter: str) -> bool:
    return letter.isspace() or bool(_subset(face, letter))


@cache
def _font(face: str, subset: str, size: int) -> ImageFont.FreeTypeFont:
    path = next(VENDOR.glob(f"*/{face.format(subset)}.woff2"))
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=2048)
def _subset(face: str, letter: str) -> str:
    """Which file of the typeface has this letter; "" for none. A space is in each."""
    return next((one for one in ("latin", "latin-ext") if _drawn(face, one, letter) != _box(face, one)), "")


def _drawn(face: str, subset: str, letter: str) -> bytes:
    return bytes(_font(face, subset, 32).getmask(letter))


@cache
def _box(face: str, subset: str) -> bytes:
    """What the file draws for a letter it does not have."""
    return _drawn(face, subset, "\uffff")
