"""Would this be theirs? Any audio against an artist's catalog, without adding it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import QuerySet

from catalog import snapshots
from catalog.models import Artist, Fingerprint, Track

if TYPE_CHECKING:
    from catalog.analysis import TrackAnalysis
    from catalog.audio.copies import Shared, Shelf
    from catalog.audio.limits import Limits
    from catalog.similarity import BlendedModel, CatalogModel, Match

# Of so many tracks named by the caller every alignment is tried, which also finds short and mixed passages.
COMPARE_AT_MOST = 60
ON_A_SHELF = 500  # recordings
COPY_SECONDS = 10.0
COPY_SHARE = 0.3
_WHOLE = 0.9


class EmptyCatalog(Exception):
    """There is nothing to compare with yet."""


@dataclass(frozen=True)
class Passage:
    """The longest passage two recordings share by fingerprint, found `at` in the tested one.

    Seconds. share: of the tested recording, 0..1; of_track: the part of the catalog's recording that lies
    on the same alignment. speed: of the tested recording against the catalog's, 1.02 when 2 % faster.
    identical: both decode to the same audio, bit for bit.
    """

    track_id: str
    title: str
    seconds: float
    share: float
    of_track: float = 0.0
    at: float = 0.0
    at_track: float = 0.0
    speed: float = 1.0
    identical: bool = False

    @property
    def is_copy(self) -> bool:
        return self.identical or (self.seconds >= COPY_SECONDS and self.share >= COPY_SHARE)

    @property
    def kind(self) -> str:
        """identical, speed, recording (the whole, in whatever format or level), excerpt, or passage."""
        if self.identical:
            return "identical"
        if self.speed != 1.0:
            return "speed"
        if self.share >= _WHOLE:
            return "recording" if self.of_track >= _WHOLE else "excerpt"
        return "passage"

    @property
    def sentence(self) -> str:
        """How it is a copy, in words."""
        of = f"of “{self.title}”"
        change = abs(self.speed - 1)
        return {
            "identical": f"The audio {of}, bit for bit.",
            "recording": f"The same recording as “{self.title}”, in another format or at another level.",
            "excerpt": f"An excerpt {of}: {self.seconds:.0f} seconds of it in a row.",
            "speed": f"The recording {of}, about {change:.1%} {'faster' if self.speed > 1 else 'slower'}.",
            "passage": f"{self.seconds:.0f} seconds in a row are the recording {of}.",
        }[self.kind]

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.track_id,
            "title": self.title,
            "seconds": self.seconds,
            "share": self.share,
            "kind": self.kind,
            "speed": self.speed,
            "at": self.at,
            "at_track": self.at_track,
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Matched:
    match: Match
    analysis: TrackAnalysis
    closest: list[dict[str, Any]]
    passages: list[Passage]

    @property
    def copy_of(self) -> Passage | None:
        """The catalog track this seems to be a copy of, if any."""
        return next((passage for passage in self.passages if passage.is_copy), None)

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
            "copy_of": None if copy is None else copy.to_json(),
            "longest_shared_passage": None
            if not self.passages
            else {
                "id": self.passages[0].track_id,
                "title": self.passages[0].title,
                "seconds": self.passages[0].seconds,
                "at": self.passages[0].at,
                "at_track": self.passages[0].at_track,
            },
        }


def closest_of(match: Match, titles: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"id": pk, "title": titles[pk], "similarity": round(score, 4)}
        for pk, score in match.closest
        if pk in titles
    ]


def shelves(
    stored: QuerySet[Any], named: str = "track_id", *, each: int | None = None
) -> list[Callable[[], Shelf]]:
    """Fingerprints in portions of a few megabytes, each read when it is called for: memory does not grow with them.

    named: the field whose value is the id on the shelf; the numbers are in `data`. each: recordings on a shelf.
    """
    from catalog.audio.copies import Shelf

    def load(pks: list[int]) -> Shelf:
        rows = stored.model._base_manager.filter(pk__in=pks).order_by("pk").values_list(named, "data")
        return Shelf.of((pk, np.frombuffer(bytes(data), "<u4")) for pk, data in rows.iterator(100))

    each = each or ON_A_SHELF
    pks = list(stored.values_list("pk", flat=True))
    return [partial(load, pks[start : start + each]) for start in range(0, len(pks), each)]


def passages(
    samples: np.ndarray,
    sample_rate: int,
    artist: Artist,
    *,
    near: Iterable[str] = (),
    audio_sha256: str = "",
) -> list[Passage]:
    """Longest passages shared with the artist's tracks, copies first, then the longest.

    samples: (channels, samples) float32. Of the tracks named in `near` every alignment is tried; all others are
    looked up by their fingerprints, at other speeds too when nothing seems to be a copy.
    """
    from catalog.audio.copies import SPEEDS, shared_with
    from catalog.audio.fingerprint import FRAME_SECONDS, fingerprint, fingerprints_at, longest_run

    marks = fingerprint(samples, sample_rate)
    stored = Fingerprint.objects.filter(track__artist=artist).order_by("pk")
    found: dict[str, Passage] = {}
    for load in (parts := shelves(stored)):
        found |= {one.id: _passage(one) for one in shared_with([marks], load())}
    if not any(one.is_copy for one in found.values()):
        at_speeds = fingerprints_at(samples, sample_rate, SPEEDS)
        for load in parts:
            others = map(_passage, shared_with(at_speeds, load(), speeds=SPEEDS))
            found |= {one.track_id: one for one in others if one.is_copy}
    named = list(dict.fromkeys(near))
    theirs = dict(stored.filter(track__in=named).values_list("track_id", "pk"))
    wanted = [theirs[pk] for pk in named if pk in theirs][:COMPARE_AT_MOST]
    for row in stored.filter(pk__in=wanted).only("track_id", "data"):
        pk, frames = row.track_id, row.frames
        run = longest_run(marks, frames)
        if run.seconds > (found[pk].seconds if pk in found else 0.0):
            found[pk] = Passage(
                pk,
                "",
                seconds=round(float(run.seconds), 2),
                share=round(float(run.share), 4),
                of_track=round(run.seconds / max(len(frames) * FRAME_SECONDS, 0.1), 4),
                at=round(float(run.at_a), 2),
                at_track=round(float(run.at_b), 2),
            )
    twins = (
        Track.objects.of(artist).filter(audio_sha256=audio_sha256) if audio_sha256 else Track.objects.none()
    )
    for pk, duration in twins.values_list("pk", "duration"):
        found[pk] = Passage(pk, "", round(duration or 0.0, 2), 1.0, 1.0, identical=True)
    titles = dict(Track.objects.of(artist).filter(pk__in=found).values_list("pk", "title"))
    known = [replace(one, title=titles[pk]) for pk, one in found.items() if pk in titles]
    return sorted(known, key=lambda one: (not one.identical, not one.is_copy, -one.seconds))


def _passage(one: Shared) -> Passage:
    return Passage(
        one.id,
        "",
        seconds=round(one.seconds, 2),
        share=round(one.covered, 4),
        of_track=round(one.of_other, 4),
        at=round(one.at_asked, 2),
        at_track=round(one.at_other, 2),
        speed=one.speed,
    )


def match_audio(
    artist: Artist,
    samples: np.ndarray,
    sample_rate: int,
    *,
    model: CatalogModel | BlendedModel | None = None,
    near: Iterable[str] = (),
    bpm_range: tuple[float, float] | None = None,
    audio_sha256: str = "",
) -> Matched:
    """Analyse and score audio (channels, n) float32. Raises EmptyCatalog when nothing is analysed yet.

    near: tracks it may be made of, each compared at every alignment. audio_sha256: of the decoded file, if known.
    """
    from catalog.analysis import TempoContext, analyse

    model = model or snapshots.catalog_model(artist)
    if model is None:
        raise EmptyCatalog("Your catalog has no analysed track yet. Upload some and wait for their analysis.")
    analysis = analyse(samples, sample_rate, context=TempoContext(artist_range=bpm_range))
    match = model.match(analysis.vector, duration=analysis.duration)
    ids = [pk for pk, _ in match.closest]
    titles = dict(Track.objects.of(artist).filter(pk__in=ids).values_list("pk", "title"))
    shared = passages(samples, sample_rate, artist, near=near, audio_sha256=audio_sha256)
    return Matched(match, analysis, closest_of(match, titles), shared)


def match_file(artist: Artist, path: Path, *, limits: Limits | None = None) -> Matched:
    """The same for a file of unknown origin. Raises AudioError with a sentence when it cannot be read."""
    from catalog.audio.decode import decode

    decoded = decode(path, limits=limits) if limits else decode(path)
    return match_audio(artist, decoded.samples, decoded.sample_rate, audio_sha256=decoded.pcm_sha256)
