"""Which stretches of which recordings are learned from, and which tracks are kept apart to validate on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from catalog.analysis import TrackAnalysis
from generation.training.captions import Known, caption
from generation.training.errors import TrainingError

TRUSTED_DOWNBEAT = 0.5
SHORTEST_SECONDS = 2.0
HOP = 0.5  # of a chunk: how far the next one of the same track begins, so that no join is learned as such
SILENT_DB = -55.0
LEAST_TRACKS = 2


@dataclass(frozen=True, eq=False)
class Recording:
    """One track to learn from. load(sample_rate): float32 (2, samples). digest: of the decoded sound.

    wanted: whether it may be learned from at this moment; what was withdrawn meanwhile may not.
    """

    id: str
    digest: str
    analysis: TrackAnalysis
    load: Callable[[int], np.ndarray]
    known: Known = field(default_factory=Known)
    wanted: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Chunk:
    """A stretch of one recording, in seconds, with its caption."""

    track_id: str
    start: float
    seconds: float
    caption: str


def split(ids: Sequence[str], held_out: float, seed: int) -> tuple[list[str], list[str]]:
    """(tracks to train on, tracks to validate on): by track, never by chunk, the same for the same seed and set.

    At least one track is on each side. Raises TrainingError for fewer than two.
    """
    if len(set(ids)) < LEAST_TRACKS:
        raise TrainingError(
            "An adapter is trained on one part of your tracks and tested on another: two are needed."
        )
    ordered = sorted(set(ids))
    drawn = np.random.default_rng([seed, 7]).permutation(len(ordered))
    count = min(len(ordered) - 1, max(1, round(held_out * len(ordered))))
    apart = {ordered[place] for place in drawn[:count]}
    return [pk for pk in ordered if pk not in apart], sorted(apart)


def trusted_grid(heard: TrackAnalysis) -> bool:
    """Whether bars are where the analysis says, so that a chunk may begin with one."""
    return heard.tempo_steady and heard.downbeat_confidence >= TRUSTED_DOWNBEAT and len(heard.bars) > 1


def chunks(recording: Recording, seconds: float, hop: float = HOP) -> list[Chunk]:
    """Stretches of at most `seconds`, each beginning on a bar where the grid is trusted. Silent ones are left out.

    A recording shorter than a chunk is one chunk; below two seconds it is none.
    """
    heard = recording.analysis
    if heard.silent or heard.duration < SHORTEST_SECONDS:
        return []
    length = min(seconds, heard.duration)
    last = heard.duration - length
    if trusted_grid(heard):
        grid = [float(start) for start in heard.bars.start if 0 <= start <= last]
    else:
        grid = [float(start) for start in np.arange(0.0, last + 1e-6, length * hop)]
    starts: list[float] = []
    for start in grid or [0.0]:
        if not starts or start >= starts[-1] + length * hop - 1e-6:
            starts.append(start)
    return [
        Chunk(recording.id, start, length, caption(recording.known, heard, start, start + length))
        for start in starts
        if not _silent(heard, start, start + length)
    ]


def _silent(heard: TrackAnalysis, start: float, end: float) -> bool:
    inside = heard.bars.rms_db[(heard.bars.start >= start - 0.05) & (heard.bars.end <= end + 0.05)]
    return bool(len(inside)) and float(np.max(inside)) < SILENT_DB
