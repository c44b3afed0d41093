"""Would this be theirs? Any audio against an artist's catalog, without adding it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catalog import snapshots
from catalog.models import Artist, Fingerprint, Track

if TYPE_CHECKING:
    from catalog.analysis import TrackAnalysis
    from catalog.audio.limits import Limits
    from catalog.similarity import CatalogModel, Match

# Every fingerprint of a small catalog is compared; of a large one those that sound nearest, and those named.
COMPARE_AT_MOST = 60
COPY_SECONDS = 10.0


class EmptyCatalog(Exception):
    """There is nothing to compare with yet."""


@dataclass(frozen=True)
class Passage:
    """The longest passage two recordings share by fingerprint. Seconds; share of the tested audio 0..1."""

    track_id: str
    title: str
    seconds: float
    share: float


@dataclass(frozen=True)
class Matched:
    match: Match
    analysis: TrackAnalysis
    closest: list[dict[str, Any]]
    passages: list[Passage]

    @property
    def copy_of(self) -> Passage | None:
        """The catalog track this seems to be a copy of, if any."""
        longest = self.passages[0] if self.passages else None
        if longest and longest.seconds >= COPY_SECONDS and longest.share >= 0.3:
            return longest
        return None

    def to_json(self) -> dict[str, Any]:
        copy = self.copy_of
        return {
            "similarity_score": round(self.match.score, 4),
            "similarity": {name: round(value, 4) for name, value in self.match.breakdown.items()},
            "closest_tracks": self.closest,
            "confidence": round(self.match.confidence, 3),
            "low_confidence": self.match.low_confidence,
            "reasons": list(self.match.reasons),
            "tracks_compared": self.match.n,
            "copy_of": None
            if copy is None
            else {"id": copy.track_id, "title": copy.title, "seconds": copy.seconds, "share": copy.share},
            "longest_shared_passage": None
            if not self.passages
            else {
                "id": self.passages[0].track_id,
                "title": self.passages[0].title,
                "seconds": self.passages[0].seconds,
            },
        }


def closest_of(match: Match, titles: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"id": pk, "title": titles[pk], "similarity": round(score, 4)}
        for pk, score in match.closest
        if pk in titles
    ]


def passages(
    samples: np.ndarray, sample_rate: int, artist: Artist, *, near: Iterable[str] = ()
) -> list[Passage]:
    """Longest passages shared with the artist's tracks, longest first. samples: (channels, n) float32."""
    from catalog.audio.fingerprint import fingerprint, longest_run

    marks = fingerprint(samples, sample_rate)
    stored = (
        Fingerprint.objects.filter(track__artist=artist)
        .select_related("track")
        .only("data", "track__title", "track__origin")
    )
    wanted = list(dict.fromkeys(near))
    if stored.count() > COMPARE_AT_MOST:
        stored = stored.filter(track_id__in=wanted[:COMPARE_AT_MOST])
    found = []
    for fingerprint_row in stored:
        run = longest_run(marks, fingerprint_row.frames)
        if run.seconds > 0:
            found.append(
                Passage(
                    fingerprint_row.track_id,
                    fingerprint_row.track.title,
                    round(float(run.seconds), 2),
                    round(float(run.share), 4),
                )
            )
    return sorted(found, key=lambda passage: -passage.seconds)


def match_audio(
    artist: Artist,
    samples: np.ndarray,
    sample_rate: int,
    *,
    model: CatalogModel | None = None,
    near: Iterable[str] = (),
    bpm_range: tuple[float, float] | None = None,
) -> Matched:
    """Analyse and score audio (channels, n) float32. Raises EmptyCatalog when nothing is analysed yet."""
    from catalog.analysis import TempoContext, analyse

    model = model or snapshots.catalog_model(artist)
    if model is None:
        raise EmptyCatalog("Your catalog has no analysed track yet. Upload some and wait for their analysis.")
    analysis = analyse(samples, sample_rate, context=TempoContext(artist_range=bpm_range))
    match = model.match(analysis.vector, duration=analysis.duration)
    ids = [pk for pk, _ in match.closest]
    titles = dict(Track.objects.filter(pk__in=ids).values_list("pk", "title"))
    shared = passages(samples, sample_rate, artist, near=[*near, *ids])
    return Matched(match, analysis, closest_of(match, titles), shared)


def match_file(artist: Artist, path: Path, *, limits: Limits | None = None) -> Matched:
    """The same for a file of unknown origin. Raises AudioError with a sentence when it cannot be read."""
    from catalog.audio.decode import decode

    decoded = decode(path, limits=limits) if limits else decode(path)
    return match_audio(artist, decoded.samples, decoded.sample_rate)
