"""A take whose files are gone, made again from its plan. The row is the job; the same hash, or nothing is written."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog import jobs, snapshots
from catalog.audio import atomic
from catalog.ids import new_id
from catalog.models import Track
from generation import blending, pipeline, remains, retention, submitting, writing
from generation.brief import Brief
from generation.engines import engines
from generation.engines.base import EngineError, Rendering
from generation.models import GeneratedTrack, Generation, Restoration
from generation.prompting import Wishes
from generation.submitting import Refused
from provenance import stamping, watermarks

REPLAYED, WRITTEN = 0.85, 0.95


class CannotRestore(Refused):
    """The take cannot be made again, or need not be; the sentence says why."""


class HereAlready(CannotRestore):
    def __init__(self) -> None:
        super().__init__("The audio of this take is here: there is nothing to make again.")


def restorable(take: GeneratedTrack, known: Any = None) -> str:
    """ "" when the take can be made again, else a sentence why not. known: as in `remains.gone_sources`."""
    return remains.cannot(take, "replay", "made again", known)


def restore(take: GeneratedTrack) -> tuple[Restoration, bool]:
    """Queue the making of a take's missing files. (the row, False) when that is under way already.

    Raises CannotRestore, EngineUnavailable, TooManyUnderWay or PlanForbids.
    """
    under_way = Restoration.objects.filter(take=take, status__in=[Restoration.QUEUED, Restoration.RUNNING])
    if (found := under_way.first()) is not None:
        return found, False
    retention.settle(take.pk)
    if not remains.missing_files(take):
        raise HereAlready
    if why := restorable(take):
        raise CannotRestore(why)
    submitting.available(take.engine)
    submitting.refuse_too_many(take.generation.artist)
    submitting.refuse_full(take.generation.artist)
    again: dict[str, Any] = {
        "status": Restoration.QUEUED,
        "stage": "",
        "progress": 0.0,
        "error": "",
        "note": "",
        "found_sha256": "",
        "cancel_asked": False,
        "attempts": 0,
        "worker": "",
        "queued_at": timezone.now(),
        "started_at": None,
        "finished_at": None,
        "estimate_seconds": submitting.estimate(_once_more(take), take.engine, len(remains.source_ids(take))),
    }
    with transaction.atomic():
        row, created = Restoration.objects.get_or_create(take=take, defaults=again)
        if not created:
            over = Restoration.objects.filter(
                pk=row.pk, status__in=[Restoration.READY, Restoration.FAILED, Restoration.CANCELLED]
            )
            if not over.update(**again, version=F("version") + 1):  # somebody asked in this moment
                row.refresh_from_db()
                return row, False
            row.refresh_from_db()
        jobs.wake(row)
    return row, True


def _once_more(take: GeneratedTrack) -> Brief:
    return replace(Brief.from_json(take.generation_params), takes=1)


def remake(take: GeneratedTrack, *, request_key: str | None = None) -> tuple[Generation, bool]:
    """Queue a new take from the plan of this one: for a machine on which the plan no longer gives the same samples.

    Raises CannotRestore, EngineUnavailable or TooManyUnderWay.
    """
    generation = take.generation
    if (before := submitting.asked_before(generation.artist, request_key)) is not None:
        return before, False
    if why := restorable(take):
        raise CannotRestore(why)
    submitting.available(take.engine)
    submitting.refuse_too_many(generation.artist)
    snapshot = snapshots.current(generation.artist)
    if snapshot is None:  # the tracks were deleted in this moment
        raise CannotRestore("Your catalog is empty now, so this take cannot be made again.")
    return submitting.queue(
        generation.artist,
        brief=_once_more(take),
        params=remade(take),
        engine=take.engine,
        snapshot=snapshot,
        title=f"{generation.title}, made again"[:120],
        parent=generation,
        request_key=request_key,
    )


def remade(take: GeneratedTrack) -> dict[str, Any]:
    """What `remake` asks for, as its row keeps it."""
    wishes = replace(Wishes.from_json(take.generation.params), takes=1)
    return wishes.to_json() | {pipeline.REPLAY: take.pk}


def run(take_id: str) -> str:
    """The restoration task. Returns one word for the queue's records."""
    lease = jobs.claim(Restoration, take_id)
    if lease is None:
        return "not ours"

    def work() -> str:
        rows = Restoration.objects.select_related("take__generation__artist", "take__certificate")
        return Restoring(rows.get(pk=take_id).take, lease).go()

    return pipeline.ended(lease, work)


@dataclass
class Restoring:
    """One claimed restoration, being done by this worker."""

    take: GeneratedTrack
    lease: jobs.Lease

    def go(self) -> str:
        from catalog.audio.hashing import pcm_sha256_of

        if not remains.missing_files(self.take):  # an earlier attempt ended after it had put them there
            return self.back(self.take.render_sha256, "")
        self.lease.report(0.0, "Reading your catalog")
        rendering = self.rendered()
        self.lease.report(REPLAYED, "Writing WAV, FLAC, MP3 and stems")
        staging = Path(settings.MEDIA_ROOT) / "staging" / new_id("stage")
        staging.mkdir(parents=True)
        try:
            found = pcm_sha256_of(rendering.audio, rendering.sample_rate)
            if found != self.take.render_sha256:
                return self.different(found)
            stem = Path(self.take.filename).stem
            stems = writing.write_files(self.marked(rendering), staging, stem)
            self.lease.report(WRITTEN, "The same to the sample: putting the files back")
            note = self.certified(staging, stem)
            self.put_back(staging, stems)
            return self.back(found, note)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def rendered(self) -> Rendering:
        if why := restorable(self.take):
            raise EngineError(why)
        rows = Track.objects.of(self.take.generation.artist).to_compose()
        corpus = pipeline.corpus_of(list(rows.filter(pk__in=remains.source_ids(self.take))))
        brief = Brief.from_json(self.take.generation_params)
        try:
            partner = blending.of(self.take.generation, brief.blend)
        except blending.Ended as error:
            raise EngineError(str(error)) from None
        if partner:
            used = remains.source_ids(self.take)
            corpus += pipeline.corpus_of([one for one in partner.tracks() if one.pk in used], partner)
        return pipeline.replayed(
            engines()[self.take.engine],
            self.take.plan,
            corpus,
            lambda fraction, words: self.lease.report(fraction * REPLAYED, words),
        )

    def marked(self, rendering: Rendering) -> Rendering:
        """With the mark the take had, from the number on its row. Raises EngineError."""
        from generation import marking

        stated = self.take.watermark
        return marking.again(rendering, stated, watermarks.pattern()) if stated else rendering

    def certified(self, staging: Path, stem: str) -> str:
        """Mark the files with the take's own certificate; those it does not cover go. Returns a sentence about them.

        The samples are the same, so these can only be files that a newer encoder packs differently. The preview
        stays, unmarked: it is only listened to.
        """
        certificate = self.take.certificate
        if certificate is None:
            return ""
        files = writing.renditions_in(staging, stem)
        covered = [one for one in files if stamping.matches(certificate, one)]
        stamping.mark_again(certificate, covered)
        left = [one for one in files if one not in covered and one.format != "preview"]
        for one in left:
            one.path.unlink()
        if not left:
            return ""
        names = " and ".join(one.format.upper() for one in left)
        return f"{names} would be packed differently by now, which the certificate does not cover, so it stays away."

    def put_back(self, staging: Path, stems: list[dict[str, Any]]) -> None:
        """Move what is missing into the take's folder, file by file; what is there stays. Safe to run twice."""
        take = self.take
        with transaction.atomic():
            self.lease.report(
                WRITTEN
            )  # raises Lost or Cancelled; on PostgreSQL it holds the row until we commit
            GeneratedTrack.objects.select_for_update().get(pk=take.pk)
            retention.settle(take.pk)
            for file in sorted(one for one in staging.rglob("*") if one.is_file()):
                home = take.folder / file.relative_to(staging)
                if not home.is_file():
                    home.parent.mkdir(parents=True, exist_ok=True)
                    atomic.move(file, home)
            take.stems = stems or take.stems
            take.size_bytes = sum(one.stat().st_size for one in take.folder.rglob("*") if one.is_file())
            retention.back(take)
            take.save(update_fields=["stems", "size_bytes", "full_audio", "full_until"])

    def different(self, found: str) -> str:
        error = (
            "Made again here it is not the same to the sample: this machine or this version computes differently. "
            "Nothing was written. It can be made as a new take, with a certificate of its own."
        )
        said = {"stage": "", "error": error, "failure": "different"}
        if not self.lease.finish(Restoration.FAILED, **said, found_sha256=found):
            raise jobs.Lost
        return "different"

    def back(self, found: str, note: str) -> str:
        if not self.lease.finish(Restoration.READY, stage="", found_sha256=found, note=note):
            raise jobs.Lost
        return "ready"
