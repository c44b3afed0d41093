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
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django_q.tasks import async_task

from catalog.models import Analysis, Artist, DNASnapshot, Track, TrackQuerySet
from catalog.precedence import Rank
from catalog.queue import address

if TYPE_CHECKING:
    from catalog.analysis import TrackAnalysis
    from catalog.dna import TrackFacts
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


# The day a row of a collection was read says nothing about when its track came into it.
_LISTED = (Track.Origin.REKORDBOX, Track.Origin.LIST)

# What the DNA reads of a track, of its current analysis, and of the JSON beside them. It is also what names a
# snapshot: whatever can change the document stands here, so that nothing is served that has gone out of date.
_INPUTS = (
    *("id", "status", "origin", "audio_sha256", "duration", "created_at", "added_on"),
    *("bpm_override", "key_override", "genre_override", "imported_bpm", "imported_key"),
    *("plays", "rating", "last_played_on", "tag_genre", "imported_genre"),
    *("analysis_id", "analysis__version", "analysis__energy"),
)


def members(artist: Artist) -> list[Track]:
    """The tracks the DNA is drawn from, in a stable order, with what it needs of their analyses.

    Of the documents, tens of kilobytes each, only `palette` and `felt` are read, beside the row; of what a
    collection said, which may carry a whole beat grid, only the genre.
    """
    drawn = (
        _included(artist)
        .select_related("analysis")
        .defer("tags", "imported", "analysis__peaks", "analysis__document")
        .annotate(palette=F("analysis__document__palette"), felt=F("analysis__document__felt"))
    )
    return list(drawn.order_by("id"))


def _included(artist: Artist) -> TrackQuerySet:
    """Analysed tracks, and those of which only a collection has spoken yet: without audio, or not (well) heard."""
    known = Q(status=Track.READY, analysis__isnull=False) | Q(status=Track.METADATA)
    known |= Q(analysis__isnull=True) & ~Q(imported_id="")
    tracks = Track.objects.of(artist).filter(known)
    tracks = tracks.annotate(tag_genre=KT("tags__genre"), imported_genre=KT("imported__genre"))
    return tracks if artist.dna_includes_generated else tracks.own()


def own_count(artist: Artist) -> int:
    """How many analysed tracks of the artist's own making there are: what the minimum counts."""
    return Track.objects.of(artist).ready().own().count()


def _state(artist: Artist) -> list[tuple[Any, ...]]:
    """What `members()` would be drawn from now; cheap, reads no vectors and no documents."""
    return list(_included(artist).order_by("id").values_list(*_INPUTS))


def _digest(artist: Artist, rows: Iterable[Sequence[Any]]) -> str:
    """Changes whenever anything the DNA is drawn from changes."""
    from catalog.dna import DNA_VERSION
    from catalog.dna.genres import graph_version

    head = [DNA_VERSION, graph_version(), background().version, artist.dna_includes_generated]
    text = json.dumps([*head, [list(row) for row in rows]], default=str)
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
        from catalog.dna import DNA_VERSION

        # An older shape of the document is not what a page reads.
        kept = DNASnapshot.objects.filter(artist=artist, document__version=DNA_VERSION)
        newest = kept.order_by("-created_at").first()
        if newest is not None:
            ask_for_drawing(artist)
            return Latest(newest, redrawing=True)
    made = current(artist)
    return None if made is None else Latest(made)


def ask_for_drawing(artist: Artist) -> None:
    """Have a worker draw the DNA: once a minute from one process, however often a page is loaded meanwhile."""
    if cache.add(f"draw-dna:{artist.pk}", True, ASK_AGAIN):
        place = address("cpu", Rank.WAITED_FOR, artist.pk)
        async_task("catalog.tasks.draw_dna", artist.pk, cluster=place)


def current(artist: Artist) -> DNASnapshot | None:
    """The snapshot of the catalog as it is now, made if there is none yet. None for an empty catalog."""
    if (known := _known(artist, _digest(artist, _state(artist)))) is not None:
        return known
    tracks = members(artist)
    if not tracks:
        return None
    # Of the very rows it is drawn from: the catalog may have changed since the look above.
    digest = _digest(artist, [[_input(track, name) for name in _INPUTS] for track in tracks])
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
                # Of the recordings, as the hash is: rows without audio have a part in the document only.
                track_count=document["analysed_count"],
                track_ids=[track.pk for track in tracks if track.analysis_id],
                document=document,
            )
    except IntegrityError:  # another process drew the same one in this moment
        return DNASnapshot.objects.get(artist=artist, inputs_digest=digest)


def _input(track: Track, name: str) -> Any:
    """An input of a row as `_state` reads it: "analysis__energy" of the analysis, None where there is none."""
    value: Any = track
    for part in name.split("__"):
        value = getattr(value, part) if value is not None else None
    return value


def draw(tracks: Sequence[Track]) -> dict[str, Any]:
    """The Audio DNA document of these `members()` (`GET /api/dna/`)."""
    from catalog.dna import build_dna

    return build_dna([_facts(track) for track in tracks], background())


def _facts(track: Track) -> TrackFacts:
    """A track for the DNA. One without audio has what its collection said, and no sound."""
    from catalog.dna import TrackFacts
    from catalog.dna.genres import genres_in
    from catalog.dna.weights import weight

    read: Any = track  # members() carry figures of the analysis and of the tags
    found = track.analysis
    tagged = track.genre_override or read.tag_genre or read.imported_genre or ""
    return TrackFacts(
        id=track.pk,
        title=track.title,
        audio_sha256=track.audio_sha256 if found else "",
        bpm=track.bpm,
        key=track.key,
        energy=found.energy if found else None,
        genres=tuple(genres_in(str(tagged))),
        palette=read.palette or {},
        vector=found.embedding if found else None,
        duration=track.duration or 0.0,
        generated=track.origin == Track.Origin.GENERATED,
        felt=read.felt or "straight",
        weight=weight(track.plays, track.rating, last_played=track.last_played_on),
        added_on=track.added_on or (None if track.origin in _LISTED else track.created_at.date()),
    )


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
