"""The DNA of a catalog at a moment: drawn from stored analyses, kept for ever, named by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F
from django_q.tasks import async_task

from catalog.models import Analysis, Artist, DNASnapshot, Track, TrackQuerySet

if TYPE_CHECKING:
    from catalog.analysis import TrackAnalysis
    from catalog.similarity import Background, CatalogModel

# More analysed tracks than this, and a page shows the last DNA while a worker draws the new one.
DRAWN_AT_ONCE = 200
ASK_AGAIN = 60  # seconds


@dataclass(frozen=True)
class Latest:
    """A snapshot to show now. redrawing: the catalog has changed since, and a worker draws it anew."""

    snapshot: DNASnapshot
    redrawing: bool = False


@lru_cache(maxsize=1)
def background() -> Background:
    from catalog.similarity import Background

    return Background.load()


def members(artist: Artist) -> list[Track]:
    """The tracks the DNA is drawn from, in a stable order, with what it needs of their analyses.

    Of the documents, tens of kilobytes each, only `palette` and `felt` are read, beside the row.
    """
    tracks = _included(artist).select_related("analysis").defer("analysis__peaks", "analysis__document")
    drawn = tracks.annotate(palette=F("analysis__document__palette"), felt=F("analysis__document__felt"))
    return list(drawn.order_by("id"))


def _included(artist: Artist) -> TrackQuerySet:
    tracks = Track.objects.of(artist).ready()
    return tracks if artist.dna_includes_generated else tracks.own()


def own_count(artist: Artist) -> int:
    """How many analysed tracks of the artist's own making there are: what the minimum counts."""
    return Track.objects.of(artist).ready().own().count()


_INPUTS = ("id", "analysis_id", "bpm_override", "key_override", "genre_override", "title", "origin")


def _state(artist: Artist) -> list[tuple[Any, ...]]:
    """What `members()` would be drawn from now; cheap, reads no analyses."""
    return list(_included(artist).order_by("id").values_list(*_INPUTS))


def _digest(artist: Artist, rows: Iterable[Sequence[Any]]) -> str:
    """Changes whenever anything the DNA is drawn from changes."""
    text = json.dumps([background().version, artist.dna_includes_generated, [list(row) for row in rows]])
    return hashlib.sha256(text.encode()).hexdigest()


def _known(artist: Artist, digest: str) -> DNASnapshot | None:
    return DNASnapshot.objects.filter(artist=artist, inputs_digest=digest).first()


def latest(artist: Artist) -> Latest | None:
    """What a page shows: the DNA as it is now, or of a large catalog the newest there is while it is redrawn.

    None for an empty catalog.
    """
    rows = _state(artist)
    if (known := _known(artist, _digest(artist, rows))) is not None:
        return Latest(known)
    if len(rows) > DRAWN_AT_ONCE:
        newest = DNASnapshot.objects.filter(artist=artist).order_by("-created_at").first()
        if newest is not None:
            ask_for_drawing(artist)
            return Latest(newest, redrawing=True)
    made = current(artist)
    return None if made is None else Latest(made)


def ask_for_drawing(artist: Artist) -> None:
    """Have a worker draw the DNA: once a minute from one process, however often a page is loaded meanwhile."""
    if cache.add(f"draw-dna:{artist.pk}", True, ASK_AGAIN):
        async_task("catalog.tasks.draw_dna", artist.pk, cluster="cpu.urgent")


def current(artist: Artist) -> DNASnapshot | None:
    """The snapshot of the catalog as it is now, made if there is none yet. None for an empty catalog."""
    if (known := _known(artist, _digest(artist, _state(artist)))) is not None:
        return known
    tracks = members(artist)
    if not tracks:
        return None
    # Of the very rows it is drawn from: the catalog may have changed since the look above.
    digest = _digest(artist, [[getattr(track, name) for name in _INPUTS] for track in tracks])
    if (known := _known(artist, digest)) is not None:
        return known
    document = draw(tracks)
    identity = hashlib.sha256(f"{artist.pk}:{digest}".encode()).hexdigest()[:24]
    try:
        with transaction.atomic():
            return DNASnapshot.objects.create(
                id=f"dna_{identity}",
                artist=artist,
                inputs_digest=digest,
                catalog_hash=document["catalog_hash"],
                track_count=len(tracks),
                track_ids=[track.pk for track in tracks],
                document=document,
            )
    except IntegrityError:  # another process drew the same one in this moment
        return DNASnapshot.objects.get(artist=artist, inputs_digest=digest)


def draw(tracks: Sequence[Track]) -> dict[str, Any]:
    """The Audio DNA document of these `members()` (`GET /api/dna/`)."""
    from catalog.dna import TrackFacts, build_dna

    facts = []
    for track in tracks:
        found: Analysis = track.analysis  # type: ignore[assignment]  # members() are ready
        read: Any = track  # members() carry two figures of the analysis
        facts.append(
            TrackFacts(
                id=track.pk,
                title=track.title,
                audio_sha256=track.audio_sha256,
                bpm=track.bpm,
                key=track.key,
                energy=found.energy,
                genres=tuple(track.genres),
                palette=read.palette,
                vector=found.embedding,
                duration=track.duration or 0.0,
                generated=track.origin == Track.Origin.GENERATED,
                felt=read.felt or "straight",
            )
        )
    return build_dna(facts, background())


def analysis_of(track: Track) -> TrackAnalysis:
    """The stored analysis as a value, with the artist's corrections of BPM and key applied."""
    from dataclasses import replace

    from catalog.analysis import TrackAnalysis
    from catalog.analysis.correction import with_bpm

    found: Analysis = track.analysis  # type: ignore[assignment]
    value = TrackAnalysis.from_json(found.document, vector=np.array(found.embedding))
    if track.bpm_override:
        value = with_bpm(value, track.bpm_override)
    if track.key_override and track.key is not None:
        value = replace(value, key=track.key)
    return value


def catalog_model(artist: Artist, *, own_only: bool = False) -> CatalogModel | None:
    """What a file is matched against. None for an empty catalog."""
    tracks = Track.objects.of(artist).ready()
    if own_only:
        tracks = tracks.own()
    rows = list(tracks.order_by("id").values_list("id", "analysis_id", "analysis__vector"))
    if not rows:
        return None
    vectors = [bytes(vector) for _, _, vector in rows]
    return _model(_Vectors(tuple((pk, analysis) for pk, analysis, _ in rows), vectors))


@dataclass(frozen=True)
class _Vectors:
    """Vectors by (track, analysis). The pairs say which vectors they are, as an analysis is never edited."""

    pairs: tuple[tuple[str, int], ...]
    data: list[bytes] = field(compare=False, repr=False)


@lru_cache(maxsize=4)
def _model(vectors: _Vectors) -> CatalogModel:
    """Kept, because a large catalog takes seconds to calibrate and is asked again for every take and file."""
    from catalog.similarity import CatalogModel

    stacked = np.frombuffer(b"".join(vectors.data), dtype="<f4").reshape(len(vectors.data), -1)
    return CatalogModel([pk for pk, _ in vectors.pairs], stacked, background())
