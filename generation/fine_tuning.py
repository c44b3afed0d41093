"""The training task: one slice after another until the adapter is finished, certified and published."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from catalog import jobs, snapshots
from catalog.accounts import catalog_id_of
from catalog.dna import catalog_hash
from catalog.models import Track
from generation import adapter_files, token_cache
from generation.engines.base import EngineError
from generation.engines.neural import devices
from generation.engines.neural.audiocraft_models import Loaded, load
from generation.models import Adapter, AdapterSource
from generation.pipeline import ended
from generation.training import adapter as files
from generation.training import session
from generation.training.captions import Known
from generation.training.checkpoint import FILE as CHECKPOINT
from generation.training.dataset import Recording
from generation.training.recipe import Recipe
from generation.training.session import Material, News
from provenance import origins, stamping
from provenance.canonical import canonical
from provenance.lineage import ADAPTER

REPORT_SECONDS = 0.5


def run(adapter_id: str) -> str:
    """One slice. Returns one word for the queue's records: again, ready, failed, cancelled, lost or not ours."""
    lease = jobs.claim(Adapter, adapter_id)
    if lease is None:
        return "not ours"

    def work() -> str:
        row = Adapter.objects.select_related("artist").get(pk=adapter_id)
        learned = adapter_files.learned_by(row)
        try:
            return Training(row, lease).go_on()
        finally:
            # Deleted in the middle of a step, after which a checkpoint or tokens were written once more.
            if not Adapter.objects.filter(pk=adapter_id).exists():
                adapter_files.remove(row.folder, learned)

    return ended(lease, work)


@dataclass
class Training:
    """One claimed adapter, being trained by this worker for a while."""

    adapter: Adapter
    lease: jobs.Lease

    def go_on(self) -> str:
        row = self.adapter
        began, teller = time.monotonic(), Teller(self.lease, row.seconds_trained)
        self.lease.report(row.done, "Loading the model")
        loaded = load(
            row.base,
            replace(devices.chosen(), half=False),
            lambda: self.lease.report(row.done, "Loading the model"),
        )
        material = self.material(self.sources())
        card = session.train(
            loaded,
            material,
            Recipe.from_json(row.recipe),
            name=row.name,
            folder=row.folder,
            cache=token_cache.cache(),
            on_news=teller,
            pause=lambda: time.monotonic() - began > settings.STARFORGE_TRAIN_SLICE_SECONDS,
        )
        if card is None:
            self.lease.later(stage="", **teller.fields)
            return "again"
        return self.publish(card, loaded, [one.id for one in material.recordings])

    def sources(self) -> list[AdapterSource]:
        """The catalogs that may still be learned from. Raises EngineError when too few are left."""
        found = list(self.adapter.sources.standing().select_related("artist"))
        if len(found) < (2 if self.adapter.aggregate else 1):
            raise EngineError(
                "The artists whose catalogs this was to learn from took their consent back. Train a new one."
            )
        return found

    def material(self, sources: list[AdapterSource]) -> Material:
        """What is here of the recordings that were chosen. Hashes are of these: some may be gone since then."""
        recordings, catalogs = [], []
        for source in sources:
            rows = Track.objects.of(source.artist).ready().filter(pk__in=source.track_ids)  # type: ignore[arg-type]
            tracks = rows.select_related("analysis").defer("analysis__peaks").order_by("id")
            found = [recording_of(track, source.words) for track in tracks]
            if found:
                digest = catalog_hash(one.digest for one in found)
                catalogs.append({"catalog_hash": digest, "consent_sha256": source.consent_sha256})
            recordings += found
        if not recordings:
            raise EngineError("The recordings this was to learn from were deleted. Train a new one.")
        return Material(
            recordings,
            {
                "catalog_hash": catalog_hash(one.digest for one in recordings),
                "track_count": len(recordings),
                "catalogs": catalogs,
            },
        )

    def publish(self, card: dict[str, Any], loaded: Loaded, learned: list[str]) -> str:
        """Certify the file, then close the row. Killed in between, the next slice does both again, to the same."""
        row = self.adapter
        self.lease.report(1.0, "Signing and logging")
        certificate = stamping.stamp(
            artist=row.artist,
            provenance=statement_of(row, card, learned),
            renditions=[stamping.Rendition("adapter", row.folder / files.FILE, mark=False, whole=True)],
            title=row.name,
            private={"title": row.name},
            idempotency_key=hashlib.sha256(f"{row.pk}:{card['sha256']}".encode()).hexdigest(),
        )
        done = self.lease.finish(
            Adapter.READY,
            stage="",
            card=card,
            step=card["steps"],
            sha256=card["sha256"],
            base_sha256=loaded.sha256,
            size_bytes=card["size_bytes"],
            catalog_hash=card["training"]["catalog_hash"],
            best_loss=card["losses"]["best"],
            curves={name: card["losses"][name] for name in ("train", "validation")},
            certificate=certificate,
        )
        if not done:
            raise jobs.Lost
        (row.folder / CHECKPOINT).unlink(missing_ok=True)
        return "ready"


class Teller:
    """Writes progress into the row, twice a second at most; the sockets hear of it from there."""

    def __init__(self, lease: jobs.Lease, before: float) -> None:
        self.lease, self.before, self.told = lease, before, 0.0
        self.fields: dict[str, Any] = {}

    def __call__(self, news: News) -> None:
        if news.curves is not None:
            self.fields = {
                "step": news.step,
                "seconds_trained": self.before + news.seconds,
                "curves": news.curves,
                "best_loss": news.best_loss,
            }
        if time.monotonic() - self.told < REPORT_SECONDS:
            return
        self.told = time.monotonic()
        self.lease.report(news.step / news.steps if news.steps else 0.0, news.stage, **self.fields)


def recording_of(track: Track, words: list[str]) -> Recording:
    return Recording(
        id=track.pk,
        digest=track.audio_sha256,
        analysis=snapshots.analysis_of(track),
        load=partial(_sound, track.file, track.title),
        known=Known(tuple(track.genres), tuple(words)),
        wanted=partial(token_cache.wanted, track.pk),
    )


def _sound(file: Path, title: str, rate: int) -> np.ndarray:
    """(2, samples) float32. Raises EngineError for a track that was deleted in the meantime."""
    from catalog.audio.decode import decode
    from catalog.audio.errors import AudioError

    try:
        return decode(file, sample_rate=rate).samples
    except (OSError, AudioError):
        if file.is_file():
            raise
        raise EngineError(
            f"“{title}” was deleted during the training. Continue: it then goes without."
        ) from None


def statement_of(row: Adapter, card: dict[str, Any], learned: list[str]) -> dict[str, Any]:
    """The provenance JSON of an adapter: what is signed. learned: ids of the recordings it learned from."""
    base, training, losses = card["base"], card["training"], card["losses"]
    return {
        "type": ADAPTER,
        "artist": row.artist.name,
        "generator": {
            "model": base["model"],
            "label": base["label"],
            "weights_sha256": base["sha256"],
            "licence": base["licence"],
            "licence_url": base["licence_url"],
            "commercial_use": base["commercial_use"],
            "fine_tuned": True,
            "training_catalog_hash": training["catalog_hash"],
        },
        "source": {
            "catalog_id": catalog_id_of(row.artist),
            "track_count": training["track_count"],
            "catalog_hash": training["catalog_hash"],
        },
        "adapter": {
            "sha256": card["sha256"],
            "card_sha256": "sha256:" + hashlib.sha256(canonical(card)).hexdigest(),
            "hyperparameters_sha256": card["recipe_sha256"],
            "parameters": card["parameters"],
        },
        "training": {
            "track_count": training["track_count"],
            "seconds": training["seconds"],
            "steps": card["steps"],
            "loss_before": losses["before"],
            "loss_best": losses["best"],
            "catalogs": training["catalogs"],
            "aggregate": row.aggregate,
        },
        "rights": {"training": "granted for this adapter"},
        "parents": origins.of(row.artist, learned),
    }
