"""What is known about a tempo besides its sound, and how far each source may be believed.

Octaves are not in the sound: a half-time track at 140 is as right at 70. So the artist's other
tempos, tags, the file's name and a DJ program's grid may choose between readings that the sound
supports. The figure itself is always the sound's, and what contradicts the sound is left aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

import numpy as np

Evidence = Literal["audio", "artist range", "tag", "file name", "collection"]
LEAST_TRACKS = 8
_SLOWEST, _FASTEST = 40.0, 240.0
_SAME_GRID = 0.002

_NUMBER = r"(?<![\d.,])(\d{2,3}(?:[.,]\d{1,3})?)"
_BEFORE = re.compile(_NUMBER + r"[\s_.\-]*b\.?p\.?m", re.IGNORECASE)
_AFTER = re.compile(r"bpm[\s_.\-=:]*" + _NUMBER + r"(?![\d])", re.IGNORECASE)
# A bare number counts with three digits only: "Route 66" and "Class of 99" are no tempos. Nor are years,
# bit rates ("320", "192kbps"), parts of decimals, and numbers with a unit or an ordinal behind them.
_BARE = re.compile(
    r"(?<![\d.,])(?<!vol )(?<!vol\.)(?<!#)(1\d\d)"
    r"(?!\d|[.,]\d|\s?(?:k|kb|hz|khz|kbps|bit|db|st|nd|rd|th|sec|min|ms|%)(?![a-z]))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class TempoContext:
    """Everything known beforehand; every part may be missing.

    artist_range: where the middle of the artist's other tempos lies, BPM. tag_bpm: of the file's
    tags. filename_bpm: read from the name the file came with. collection_bpm: a DJ program's
    average. collection_grid: its beat grid, (seconds of a bar's first beat, BPM) for each change.
    """

    artist_range: tuple[float, float] | None = None
    tag_bpm: float | None = None
    filename_bpm: float | None = None
    collection_bpm: float | None = None
    collection_grid: tuple[tuple[float, float], ...] = ()

    @property
    def claims(self) -> tuple[tuple[Evidence, float], ...]:
        """Named tempos, the most credible first; the file's name, which is weak, is not among them."""
        found: list[tuple[Evidence, float | None]] = [
            ("collection", self.grid_bpm),
            ("collection", self.collection_bpm),
            ("tag", self.tag_bpm),
        ]
        return tuple((name, bpm) for name, bpm in found if bpm and _SLOWEST / 2 <= bpm <= 2 * _FASTEST)

    @property
    def grid_bpm(self) -> float | None:
        """The tempo of a collection's grid, when it has one tempo only."""
        tempos = [bpm for _, bpm in self.collection_grid if bpm > 0]
        if not tempos or max(tempos) / min(tempos) - 1 > _SAME_GRID:
            return None
        return float(np.median(tempos))

    @property
    def grid_start(self) -> float | None:
        """Seconds of a bar's first beat in a collection's grid of one tempo."""
        return self.collection_grid[0][0] if self.grid_bpm else None


def artist_range_of(tempos: Iterable[float | None]) -> tuple[float, float] | None:
    """Where an artist's tempos lie: from the 10th to the 90th percentile; None under eight tracks.

    Percentiles, so that one stray reading does not decide; a little wider than they say, because
    the next track need not repeat the last.
    """
    known = np.array([bpm for bpm in tempos if bpm and np.isfinite(bpm) and bpm > 0])
    if len(known) < LEAST_TRACKS:
        return None
    low, high = np.percentile(known, [10, 90])
    return float(low * 0.97), float(high * 1.03)


def bpm_in_name(filename: str) -> float | None:
    """The tempo that a file's original name mentions, or None when it names none or several.

    "140bpm_dark", "BPM 87.5 demo", "track_140_final" and "DARK140" are read;
    "tune-100-final-174" is left open.
    """
    name = PurePath(filename.replace("\\", "/")).name
    stem = re.sub(r"\.[A-Za-z][A-Za-z0-9]{1,4}$", "", name)
    marked = {_value(m[1]) for pattern in (_BEFORE, _AFTER) for m in pattern.finditer(stem)}
    marked = {bpm for bpm in marked if _SLOWEST <= bpm <= _FASTEST}
    if marked:
        return marked.pop() if len(marked) == 1 else None
    bare = {_value(m[1]) for m in _BARE.finditer(stem)}
    return bare.pop() if len(bare) == 1 else None


def _value(text: str) -> float:
    return float(text.replace(",", "."))


def bar_starts(grid: Iterable[tuple[float, float, int]]) -> tuple[tuple[float, float], ...]:
    """(seconds of a bar's first beat, BPM) for each (seconds of a beat, BPM, its number in the bar) of a grid."""
    return tuple(
        (start - (number - 1) * 60 / bpm, bpm) for start, bpm, number in grid if bpm > 0 and 1 <= number <= 4
    )
