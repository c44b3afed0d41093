"""From a claimed generation to published takes: render, score, mark, write, stamp, publish. Safe to run twice."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from catalog import jobs, observed, snapshots, tracing
from catalog.audio import atomic
from catalog.ids import ALPHABET, new_id
from catalog.jobs import Job
from catalog.matching import Matched, closest_of, match_audio, passages
from catalog.models import Track
from generation import adapters, blending, retention, scoring
from generation import corpus as kept
from generation.brief import Brief
from generation.engines import engines
from generation.engines.base import (
    CorpusTrack,
    Engine,
    EngineError,
    Material,
    OnProgress,
    Rendering,
    Replaying,
)
from generation.models import Blend, GeneratedTrack, Generation
from generation.stating import statement_of
from generation.submitting import Refused
from generation.writing import renditions_in, stamp_key, write_files
from provenance import events, stamping, watermarks

if TYPE_CHECKING:
    from catalog.similarity import BlendedModel, CatalogModel
    from generation.training.adapter import Worn

log = logging.getLogger(__name__)

SAMPLE_RATE = 44_100
NO_ROOM = (
    "There is no room left on the server to write this. Nothing half-written was kept. "
    "Try again later, or ask whoever runs this site."
)
REPLAY = "replay_of"  # in the params of a generation: the take whose plan it plays once more
# How far through one take each stage ends; rendering is most of the work.
RENDERED, SCORED, WRITTEN, STAMPED = 0.72, 0.82, 0.94, 0.98


def run(generation_id: str) -> str:
    """The generation task. Returns one word for the queue's records."""
    lease = jobs.claim(Generation, generation_id)
    if lease is None:
        return "not ours"

    def work() -> str:
        generation = Generation.objects.select_related("artist__user", "snapshot").get(pk=generation_id)
        Making(generation, lease).all_takes()
        return "ready"

    return ended(lease, work)


def ended(lease: jobs.Lease, work: Callable[[], str]) -> str:
    """Do the work under this lease and close its row however the work ends. Returns one word."""
    with lease.kept():
        try:
            return work()
        except jobs.Cancelled:
            lease.finish(Job.CANCELLED, stage="")
            return "cancelled"
        except (jobs.Lost, ObjectDoesNotExist):
            return "lost"
        except EngineError as error:
            lease.finish(Job.FAILED, error=error.reason, failure="engine")
            return "failed"
        except jobs.DATABASE_AWAY:
            return lease.give_back()
        except Exception as error:
            if atomic.no_room(error):
                lease.finish(Job.FAILED, failure="no_space", error=NO_ROOM)
                return "full"
            log.exception("%s failed", lease.model.__name__.lower(), extra={"job": lease.pk})
            lease.finish(
                Job.FAILED,
                failure="unexpected",
                error="Something failed that should not have; it was logged. Nothing of yours is lost: try again."
                + tracing.told(),
            )
            raise


def seed_of(brief: Brief, number: int) -> int:
    """The seed of take `number`: the asked one for the first, drawn from it for the rest."""
    if number == 1:
        return brief.seed
    text = f"{brief.seed}:{number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


NEVER_PUBLISHED = (
    "The two artists' agreement ended before this recording was published, so it does not exist."
)


class NoLongerAgreed(EngineError):
    """One of two artists withdrew while a take of both was being made."""


@dataclass
class Making:
    """One claimed generation, being made by this worker."""

    generation: Generation
    lease: jobs.Lease

    @cached_property
    def brief(self) -> Brief:
        return Brief.from_json(self.generation.brief)

    @cached_property
    def engine(self) -> Engine:
        return engines()[self.generation.engine]

    @cached_property
    def tracks(self) -> list[Track]:
        """The recordings the engine may use: the snapshot's, still there, made by the artist."""
        rows = Track.objects.of(self.generation.artist).to_compose()
        return list(rows.filter(pk__in=self.generation.snapshot.track_ids))

    @cached_property
    def partner(self) -> blending.Partner | None:
        """The other artist of a take of two; their recordings are `partner_tracks`."""
        try:
            return blending.of(self.generation, self.brief.blend)
        except blending.Ended as error:
            raise EngineError(str(error)) from None

    @cached_property
    def partner_tracks(self) -> list[Track]:
        return self.partner.tracks() if self.partner else []

    def still_agreed(self) -> None:
        """Raises EngineError when one of the two withdrew, or their account was closed: it stops at its next stage."""
        if self.partner and not blending.stands(self.partner.blend.pk):
            raise NoLongerAgreed(str(blending.Ended(self.partner.blend.pk, self.partner.name)))

    @cached_property
    def titles(self) -> dict[str, str]:
        found = {track.pk: track.title for track in self.tracks}
        if self.partner:
            found |= {track.pk: self.partner.title(track.title) for track in self.partner_tracks}
        return found

    @cached_property
    def model(self) -> CatalogModel | BlendedModel:
        model = snapshots.catalog_model(self.generation.artist, own_only=True)
        if model is None:
            raise EngineError(
                "Your catalog is empty now. Upload tracks, wait for their analysis, and try again."
            )
        if self.partner is None:
            return model
        theirs = snapshots.catalog_model(self.partner.artist, own_only=True)
        if theirs is None:
            raise EngineError(f"Nothing of {self.partner.name} is left to work from. Generate alone.")
        from catalog.similarity import BlendedModel

        return BlendedModel(model, theirs, self.partner.weight)

    @cached_property
    def material(self) -> Material:
        def judge(vector: np.ndarray, without: Collection[str]) -> float:
            return float(self.model.match(vector, exclude=without).score)

        def copied(sound: np.ndarray, rate: int) -> float:
            near = [reference.track_id for reference in self.brief.references]
            shared = passages(sound, rate, self.generation.artist, near=near)
            return max((one.seconds for one in shared), default=0.0)

        plan = self.parent.plan if self.parent else None
        corpus = corpus_of(self.tracks) + corpus_of(self.partner_tracks, self.partner)
        return Material(corpus, judge, plan, kept.cache(), self.adapter, copied)

    @property
    def adapter(self) -> Worn | None:
        """What the brief says the model shall have learned from recordings."""
        if self.brief.adapter is None:
            return None
        try:
            found = adapters.worn(self.generation.artist, self.brief.adapter, self.brief.strength)
        except Refused as error:
            raise EngineError(str(error)) from error
        if found is None:
            raise EngineError(
                "The adapter this was to be made with was deleted meanwhile. Choose another, or go without."
            )
        return found

    @cached_property
    def parent(self) -> GeneratedTrack | None:
        """The take that this generation edits, or plays once more from its plan."""
        pk = self.brief.edit.take_id if self.brief.edit else self.generation.params.get(REPLAY)
        if pk is None:
            return None
        found = GeneratedTrack.objects.filter(pk=pk, generation__artist=self.generation.artist).first()
        if found is None:
            raise EngineError(
                "The take this was to be made from was deleted meanwhile. Choose another, or make a new one."
            )
        return found

    def rendered(self, brief: Brief, number: int, on_progress: OnProgress) -> Rendering:
        if brief.edit is None and self.parent is not None:
            return replayed(self.engine, self.parent.plan, self.material.corpus, on_progress)
        return self.engine.render(brief, self.material, take=number, on_progress=on_progress)

    def all_takes(self) -> None:
        done = set(self.generation.takes.values_list("number", flat=True))
        notes: list[str] = list(self.generation.notes)
        for number in range(1, self.brief.takes + 1):
            if number not in done:
                for note in self.one_take(number):
                    if note not in notes:
                        notes.append(note)
        if not self.lease.finish(Generation.READY, stage="", notes=notes):
            raise jobs.Lost

    def tell(self, number: int) -> Callable[[float, str], None]:
        """Progress of take `number` as progress of the whole."""
        share, prefix = 1 / self.brief.takes, ""
        if self.brief.takes > 1:
            prefix = f"Take {number} of {self.brief.takes}. "
        last = 0.0

        def on_progress(fraction: float, words: str) -> None:
            nonlocal last
            last = max(last, min(1.0, fraction))  # never backwards, whatever an engine says
            self.lease.report((number - 1 + last) * share, prefix + words)

        return on_progress

    def brief_of(self, number: int) -> Brief:
        """The brief of one take: with a seed of its own, and away from what the takes before it were built from."""
        brief = self.brief.with_seed(seed_of(self.brief, number))
        if brief.edit is not None or "lineage" not in self.engine.capabilities():
            return brief
        before = self.generation.takes.filter(number__lt=number).order_by("-number")
        return brief.avoiding(before.values_list("built_from", flat=True))

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Whoever runs the site sees how long these take."""
        return observed.stage("generation", name, self.generation.engine)

    def one_take(self, number: int) -> list[str]:
        """Make, stamp and publish one take. Returns the engine's notes."""
        tell = self.in_stages(self.tell(number))
        brief = self.brief_of(number)
        tell(0.0, "Reading your catalog")
        with self.stage("render"):
            rendering = self.rendered(brief, number, lambda part, words: tell(part * RENDERED, words))
        tell(RENDERED, "Measuring the take against your catalog")
        with self.stage("score"):
            matched = self.matched(brief, rendering)
        tell(SCORED, "Marking, and writing WAV, FLAC, MP3 and stems")
        take = self.describe(number, brief, rendering, matched)
        staging = Path(settings.MEDIA_ROOT) / "staging" / new_id("stage")
        staging.mkdir(parents=True)
        try:
            with self.stage("write"):
                self.write(take, rendering, staging)
            tell(WRITTEN, "Signing and logging")
            with self.stage("stamp"):
                self.stamp(take, brief, rendering, matched, staging)
            tell(STAMPED, "Publishing")
            try:
                self.publish(take, staging, lambda: tell(1.0, "Ready"))  # asks once more: it is a stage
            except NoLongerAgreed:
                # Signed and logged a moment ago, about a recording that will not be there.
                if take.certificate is not None:
                    with suppress(events.EventRefused):
                        events.revoke_certificate(take.certificate, NEVER_PUBLISHED)
                raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        missed = blending.note(take.blend) if take.blend else ""
        return [*rendering.notes, *([missed] if missed else [])]

    def in_stages(self, tell: OnProgress) -> OnProgress:
        """`tell`, which at each new stage of a take of two asks whether both still agree."""
        stage = ""

        def on_progress(fraction: float, words: str) -> None:
            nonlocal stage
            if words != stage:
                stage = words
                self.still_agreed()
            tell(fraction, words)

        return on_progress

    def matched(self, brief: Brief, rendering: Rendering) -> Matched:
        """The take measured against the catalog; of two artists against both, with titles as each may know them."""
        sources = dict.fromkeys(str(one["track_id"]) for one in rendering.built_from if one.get("track_id"))
        sound, rate = rendering.audio, rendering.sample_rate
        matched = match_audio(
            self.generation.artist,
            sound,
            rate,
            model=self.model,
            near=sources,
            bpm_range=(brief.bpm / 1.4, brief.bpm * 1.4),
        )
        if self.partner is None:
            return matched
        theirs = {track.pk for track in self.partner_tracks}
        named = [{**one, "theirs": one["id"] in theirs} for one in closest_of(matched.match, self.titles)]
        shared = passages(sound, rate, self.partner.artist, near=[pk for pk in sources if pk in theirs])
        heard = [*matched.passages, *blending.passages(self.partner, shared)]
        heard.sort(key=lambda one: (not one.identical, not one.is_copy, -one.seconds))
        return replace(matched, closest=named, passages=heard)

    def blend_of(self, rendering: Rendering, matched: Matched) -> dict[str, Any]:
        """What the take's row keeps of the other artist; {} of a take of one's own."""
        from catalog.similarity import BlendedModel

        if self.partner is None or not isinstance(self.model, BlendedModel):
            return {}
        own, other = self.model.apart(matched.analysis.vector, duration=matched.analysis.duration)
        theirs = [track.pk for track in self.partner_tracks]
        return blending.told(self.partner, rendering.built_from, theirs, own, other, matched.match.score)

    def describe(self, number: int, brief: Brief, rendering: Rendering, matched: Matched) -> GeneratedTrack:
        from catalog.audio.peaks import peaks

        generation, engine = self.generation, self.engine
        sources = {entry["track_id"] for entry in rendering.built_from if entry.get("track_id")}
        without = None
        if sources and len(self.tracks) + len(self.partner_tracks) - len(sources) >= 4:
            without = float(self.model.match(matched.analysis.vector, exclude=sorted(sources)).score)
        name = re.sub(r"[^\w.-]+", "_", generation.title)
        stem = f"{name}_{datetime.now(UTC):%Y%m%d}_{number:02d}"
        snapshot = generation.snapshot
        return GeneratedTrack(
            # The same for every attempt at this take, so that a second one finds what a first left behind.
            id=take_id_of(generation.pk, number),
            generation=generation,
            user=generation.artist.user,
            number=number,
            title=generation.title if self.brief.takes == 1 else f"{generation.title}, take {number}",
            filename=f"{stem}.wav",
            prompt=generation.prompt,
            generation_params=brief.to_json(),
            catalog_snapshot={
                "id": snapshot.pk,
                "catalog_hash": snapshot.catalog_hash,
                "track_count": snapshot.track_count,
            },
            blend=self.blend_of(rendering, matched),
            engine=engine.slug,
            model_version=engine.version,
            licence=blending.LICENCE if self.partner else engine.licence,
            seed=str(brief.seed),
            similarity_score=round(matched.match.score, 4),
            similarity=scoring.similarity(matched, without_donors=without),
            closest_tracks=matched.closest,
            novelty=scoring.novelty(rendering, matched, self.titles),
            measured=scoring.measured(matched, scoring.pulse(rendering)),
            requested=scoring.requested(brief),
            built_from=rendering.built_from,
            sections=rendering.sections,
            plan=rendering.plan,
            peaks=peaks(rendering.audio),
            vector=matched.analysis.vector.astype("<f4").tobytes(),
            duration=round(rendering.audio.shape[1] / rendering.sample_rate, 3),
        )

    def write(self, take: GeneratedTrack, rendering: Rendering, folder: Path) -> None:
        from catalog.audio.hashing import pcm_sha256_of
        from generation.marking import marked

        take.render_sha256 = pcm_sha256_of(rendering.audio, rendering.sample_rate)  # before it is marked
        if self.brief.watermark:
            done = marked(rendering, watermarks.serial_for(take.pk), watermarks.pattern())
            rendering, take.watermark = done.rendering, done.stated
        take.stems = write_files(rendering, folder, Path(take.filename).stem)

    def stamp(
        self, take: GeneratedTrack, brief: Brief, rendering: Rendering, matched: Matched, folder: Path
    ) -> None:
        from catalog.audio.fingerprint import fingerprint

        renditions = renditions_in(folder, Path(take.filename).stem)
        certificate = stamping.stamp(
            artist=self.generation.artist,
            provenance=statement_of(
                take, self.generation, brief, rendering, self.engine, self.parent, self.partner
            ),
            renditions=renditions,
            title=take.title,
            # Sentences of what changed may name recordings, which is nobody's business until the artist says so.
            private={
                "title": take.title,
                "prompt": brief.prompt,
                "changes": " ".join(map(str, rendering.plan.get("changes") or [])),
            },
            # A second attempt after a killed worker renders the same bytes and finds the same certificate; after
            # an upgrade of an encoder it renders others, and gets another.
            idempotency_key=stamp_key(take, [rendition.path for rendition in renditions]),
            peaks=take.peaks,
            duration=take.duration,
            fingerprint=fingerprint(rendering.audio, rendering.sample_rate),
        )
        if take.watermark:
            watermarks.belongs_to(take.watermark["serial"], certificate)
        take.certificate = certificate
        take.provenance_signature = certificate.signature

    def publish(self, take: GeneratedTrack, staging: Path, last_look: Callable[[], None]) -> None:
        """Row and folder appear together; nothing does when the lease is lost or a cancel came in."""
        final = Path(settings.MEDIA_ROOT) / "takes" / take.pk
        final.parent.mkdir(parents=True, exist_ok=True)
        take.audio_path = f"takes/{take.pk}"
        take.size_bytes = sum(file.stat().st_size for file in staging.rglob("*") if file.is_file())
        take.full_until = retention.until(self.generation.artist)
        with transaction.atomic():
            if self.partner:  # no withdrawal comes between this look and the commit
                Blend.objects.select_for_update().filter(pk=self.partner.blend.pk).first()
            last_look()  # raises Lost or Cancelled; on PostgreSQL it also holds the row until we commit
            take.save(force_insert=True)
            shutil.rmtree(final, ignore_errors=True)  # of an attempt that died between rename and commit
            atomic.move_folder(staging, final)


def corpus_of(tracks: Sequence[Track], partner: blending.Partner | None = None) -> tuple[CorpusTrack, ...]:
    """partner: whose these are, when not the artist's own; then they are called as the artist may know them."""
    return tuple(
        CorpusTrack(
            track.pk,
            (title := partner.title(track.title) if partner else track.title),
            snapshots.analysis_of(track),
            partial(load, track, title),
            digest=track.audio_sha256,
            theirs=partner is not None,
        )
        for track in tracks
    )


def replayed(
    engine: Engine, plan: dict[str, Any], corpus: tuple[CorpusTrack, ...], on_progress: OnProgress
) -> Rendering:
    """The take of a stored plan once more. Raises EngineError."""
    if not isinstance(engine, Replaying):
        raise EngineError(f"{engine.label} cannot make a take again from its plan.")
    return engine.replay(plan, Material(corpus, cache=kept.cache()), on_progress=on_progress)


def take_id_of(generation_id: str, number: int) -> str:
    """The id of take `number`: nothing to guess for who does not know the generation's own random id."""
    digest = hashlib.sha256(f"{generation_id}:{number}".encode()).digest()
    return "take_" + "".join(ALPHABET[byte % 32] for byte in digest[:16])


def load(track: Track, title: str = "") -> np.ndarray:
    """(2, samples) float32 at 44.1 kHz. Raises EngineError for a track that was deleted in the meantime.

    title: what the artist may know it by, where that is not its own.
    """
    from catalog.audio.decode import decode
    from catalog.audio.errors import AudioError

    try:
        return decode(track.file, sample_rate=SAMPLE_RATE).samples
    except (OSError, AudioError):
        if track.file.is_file():
            raise
        raise EngineError(
            f"“{title or track.title}” was deleted while this generation worked with it. "
            "Try again: it is then made from the tracks that are there."
        ) from None
