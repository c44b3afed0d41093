"""Sounds heard against each other: as loud as each other, and changed over at the same place in the bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from catalog.models import Track
from catalog.templatetags.editorial import tenth
from generation.engines import engines
from generation.models import GeneratedTrack

BEATS = 4


@dataclass(frozen=True)
class Heard:
    """One of several sounds. gain_db: what it is turned down by, 0 or less, so that all are as loud as the quietest.

    lufs: integrated loudness, None where it is not known; then nothing is changed. first, bar: seconds of the first
    bar's start and of one bar, None where the grid is not known.
    """

    lufs: float | None
    gain_db: float = 0.0
    first: float | None = None
    bar: float | None = None

    @property
    def words(self) -> str:
        """What is done to it: "−9.1 LUFS, 4.9 dB lower"."""
        if self.lufs is None:
            return "loudness not known"
        done = f"{tenth(-self.gain_db)} dB lower" if self.gain_db <= -0.05 else "as it is"
        return f"{tenth(self.lufs)} LUFS, {done}"


def matched(sounds: Sequence[Heard]) -> list[Heard]:
    """The same with their gains: each is turned down to the quietest of those whose loudness is known."""
    known = [one.lufs for one in sounds if one.lufs is not None]
    target = min(known, default=0.0)
    return [
        Heard(one.lufs, 0.0 if one.lufs is None else round(target - one.lufs, 2), one.first, one.bar)
        for one in sounds
    ]


def of_take(take: GeneratedTrack) -> Heard:
    """A take. Its grid is known where its engine keeps to one: from its first sample, at the tempo asked for."""
    lufs, bpm = take.measured.get("lufs"), take.generation_params.get("bpm")
    engine = engines().get(take.engine)
    exact = bpm and engine is not None and "lineage" in engine.capabilities()
    return Heard(
        None if lufs is None else float(lufs),
        0.0,
        *((0.0, BEATS * 60 / float(bpm)) if exact else (None, None)),
    )


def of_track(track: Track) -> Heard:
    """A recording that `with_grid` found. Where the artist corrected its tempo the measured grid does not count."""
    analysis = track.analysis
    first, beat = getattr(track, "found_first_downbeat", None), getattr(track, "found_beat_period", None)
    known = first is not None and beat and not track.bpm_override
    return Heard(
        analysis.lufs if analysis else None,
        0.0,
        *((float(first or 0), BEATS * float(beat or 0)) if known else (None, None)),
    )


def with_grid(artist: Any, ids: Sequence[str]) -> dict[str, Track]:
    """These recordings of the artist that can be heard, by id, with where their bars lie."""
    names = ("first_downbeat", "beat_period")
    rows = Track.objects.of(artist).ready().listed().filter(pk__in=ids).exclude(path="")
    return rows.annotate(**{f"found_{name}": F(f"analysis__document__{name}") for name in names}).in_bulk()
