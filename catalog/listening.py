"""One track from waiting to analysed: decode once, measure everything, store it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from catalog import adoption, duplicates, jobs, observed, snapshots, tracing
from catalog.audio.errors import AudioError
from catalog.models import Analysis, Artist, Fingerprint, Track
from catalog.signals import track_analysed

if TYPE_CHECKING:
    from catalog.analysis import TempoContext

log = logging.getLogger(__name__)

# How many of the artist's other tracks say where the tempos lie, and how sure the sound must be of each.
OTHERS, SURE = 200, 0.8


def listen(track_id: str) -> str:
    """The analysis task. Returns one word for the queue's records."""
    lease = jobs.claim(Track, track_id)
    if lease is None:
        return "not ours"
    with lease.kept():
        try:
            track = Track.objects.get(pk=track_id)
            outcome = _measure(track, lease)
        except jobs.Cancelled:
            lease.finish(Track.CANCELLED)
            return "cancelled"
        except (jobs.Lost, Track.DoesNotExist, Artist.DoesNotExist):
            return "lost"
        except AudioError as error:
            lease.finish(Track.FAILED, error=error.reason, failure=error.code)
            return f"refused: {error.code}"
        except jobs.DATABASE_AWAY:
            return lease.give_back()
        except Exception:
            log.exception("analysis failed", extra={"track": track_id})
            lease.finish(
                Track.FAILED,
                failure="unexpected",
                error="The analysis failed for a reason that was logged. Your file is safe; try again."
                + tracing.told(),
            )
            raise
    if not Track.objects.filter(artist=track.artist_id, status__in=[Track.QUEUED, Track.RUNNING]).exists():
        snapshots.current(track.artist)
        duplicates.ask(track.artist)
    return outcome


def _measure(track: Track, lease: jobs.Lease) -> str:
    from catalog.analysis import ANALYSIS_VERSION, analyse
    from catalog.audio.decode import Limits, decode, require_sound
    from catalog.audio.fingerprint import fingerprint
    from catalog.audio.peaks import peaks

    began = time.monotonic()
    lease.report(0.02, "Decoding")
    limits = Limits(max_bytes=settings.STARFORGE_UPLOAD_BYTES, max_seconds=settings.STARFORGE_UPLOAD_SECONDS)
    with observed.stage("track", "decode"):
        decoded = decode(track.file, limits=limits)
    require_sound(decoded)
    if _ended_as_twin(track, decoded.pcm_sha256, lease):
        return "known already"
    lease.report(0.25, "Measuring tempo, key and loudness")
    with observed.stage("track", "analyse"):
        result = analyse(
            decoded.samples,
            decoded.sample_rate,
            context=known_of(track, decoded.tags),
            on_progress=lambda fraction: lease.report(0.25 + 0.6 * fraction),
        )
    lease.report(0.88, "Taking a fingerprint")
    with observed.stage("track", "fingerprint"):
        marks = fingerprint(decoded.samples, decoded.sample_rate)
    key = result.key
    changes: dict[str, Any] = {
        "audio_sha256": decoded.pcm_sha256,
        "duration": round(decoded.duration, 3),
        "sample_rate": decoded.source_sample_rate,
        "channels": decoded.source_channels,
        "tags": decoded.tags,
    }
    with transaction.atomic():
        # One at a time for each artist, so that of two equal recordings in two workers one gets in. (SQLite has
        # one writer anyway, and its transactions begin as writers.)
        adoption.locked(track.artist)
        if _ended_as_twin(track, decoded.pcm_sha256, lease):
            return "known already"
        changes |= _names_in(decoded.tags, track)
        analysis = Analysis.objects.create(
            track=track,
            version=ANALYSIS_VERSION,
            bpm=result.bpm,
            bpm_confidence=result.bpm_confidence,
            key_name=key.name if key else "",
            camelot=key.camelot if key else "",
            key_confidence=key.confidence if key else 0.0,
            lufs=result.lufs,
            energy=result.energy,
            document=result.to_json(),
            vector=result.vector.astype("<f4").tobytes(),
            peaks=peaks(decoded.samples),
            seconds_taken=round(time.monotonic() - began, 3),
        )
        Fingerprint.objects.update_or_create(track=track, defaults={"data": marks.astype("<u4").tobytes()})
        if not lease.finish(Track.READY, stage="", analysis=analysis, **changes):
            raise jobs.Lost  # and the transaction takes the analysis back
        track.refresh_from_db()
        track_analysed.send(Track, track=track)
    return "ready"


def _names_in(tags: dict[str, Any], track: Track) -> dict[str, str]:
    """Title and artist in a file's tags, unless a person or a collection said them, if only while it was heard."""
    now = Track.objects.only("settled_title", "imported", "credit").get(pk=track.pk)
    leading = now.imported.get("source") == "rekordbox"  # the name in a collection is looked after
    found = {
        "title": "" if now.settled_title or leading else str(tags.get("title", "")).strip()[:200],
        "credit": "" if now.credit or now.imported else str(tags.get("artist", "")).strip()[:300],
    }
    return {name: text for name, text in found.items() if text}


def known_of(track: Track, tags: dict[str, Any]) -> TempoContext:
    """What is known of a track's tempo before it is heard."""
    from catalog.analysis.context import TempoContext, artist_range_of, bar_starts, bpm_in_name
    from catalog.imports import Entry

    entry = Entry.from_json(track.imported)
    return TempoContext(
        artist_range=artist_range_of(_settled_tempos(track)),
        tag_bpm=tags.get("bpm"),
        filename_bpm=bpm_in_name(track.filename),
        collection_bpm=track.imported_bpm,
        collection_grid=bar_starts((point.start, point.bpm, point.beat) for point in entry.grid),
    )


def _settled_tempos(track: Track) -> Iterator[float]:
    """Tempos of the artist's other tracks, newest first, that somebody said or the sound alone was sure of.

    What the range itself decided is not among them: one misread track would make the next.
    """
    others = Track.objects.of(track.artist).own().exclude(pk=track.pk).exclude(status=Track.METADATA)
    rows = others.order_by("-created_at").values_list(
        "bpm_override",
        "imported_bpm",
        "analysis__bpm",
        "analysis__bpm_confidence",
        "analysis__document__bpm_evidence",
    )
    for said, collected, measured, confidence, evidence in rows[:OTHERS]:
        if told := said or collected:
            yield told
        elif measured and (evidence == "tag" or (evidence == "audio" and confidence >= SURE)):
            yield measured


def _ended_as_twin(track: Track, audio_sha256: str, lease: jobs.Lease) -> bool:
    """Close a track whose recording is in the library already, in another file. Raises Lost when it is not ours.

    What a collection said of it is said of that recording from now on.
    """
    with transaction.atomic():
        adoption.locked(track.artist)
        same = Track.objects.of(track.artist).filter(audio_sha256=audio_sha256, status=Track.READY)
        twin = same.exclude(pk=track.pk).first()
        if twin is None:
            return False
        if not lease.finish(
            Track.FAILED,
            failure="known-already",
            duplicate_of=twin,
            error=f"This is the same recording as “{twin.title}”, bit for bit, in another file. "
            "Keep that one and delete this one.",
        ):
            raise jobs.Lost
        row = Track.objects.get(pk=track.pk)
        if row.imported_id:
            duplicates.hand_over(twin, row)
    return True
