"""Progress from rows to sockets.

Workers only update their rows. One coroutine in each web process tails the rows somebody is watching and
sends what changed: no message broker, and a socket that comes late or misses a message loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import close_old_connections
from django.db.models import Count

from catalog.models import Track
from generation.models import Adapter, Generation

log = logging.getLogger(__name__)

EVERY = 0.2
AFTER_TROUBLE = 2.0


class GenerationMessage(TypedDict):
    type: str
    id: str
    title: str
    status: str
    stage: str
    progress: float
    eta_seconds: float | None
    error: str
    takes_ready: int
    version: int
    url: str


class TrackMessage(TypedDict):
    type: str
    id: str
    title: str
    status: str
    stage: str
    progress: float
    error: str
    bpm: float | None
    key: str
    camelot: str
    version: int


class AdapterMessage(TypedDict):
    type: str
    id: str
    name: str
    status: str
    stage: str
    progress: float
    step: int
    steps: int
    loss: float | None
    best_loss: float | None
    eta_seconds: float | None
    error: str
    version: int


def adapter_message(row: Adapter) -> AdapterMessage:
    train = row.curves.get("train") or []
    return {
        "type": "adapter",
        "id": row.pk,
        "name": row.name,
        "status": row.status,
        "stage": row.stage,
        "progress": round(row.done, 4),
        "step": row.step,
        "steps": row.steps,
        "loss": train[-1][1] if train else None,
        "best_loss": row.best_loss,
        "eta_seconds": row.eta_seconds,
        "error": row.error,
        "version": row.version,
    }


def generation_message(row: Generation) -> GenerationMessage:
    return {
        "type": "generation",
        "id": row.pk,
        "title": row.title,
        "status": row.status,
        "stage": row.stage,
        "progress": round(row.progress, 4),
        "eta_seconds": row.eta_seconds,
        "error": row.error,
        "takes_ready": row.takes_ready,  # type: ignore[attr-defined]  # annotated by generations()
        "version": row.version,
        "url": row.get_absolute_url(),
    }


def track_message(row: Track) -> TrackMessage:
    key = row.key
    return {
        "type": "track",
        "id": row.pk,
        "title": row.title,
        "status": row.status,
        "stage": row.stage,
        "progress": round(row.progress, 4),
        "error": row.error,
        "bpm": row.bpm,
        "key": key.name if key else "",
        "camelot": key.camelot if key else "",
        "version": row.version,
    }


def generations(ids: Iterable[str]) -> list[GenerationMessage]:
    rows = Generation.objects.filter(pk__in=list(ids)).defer("params", "brief", "notes")
    return [generation_message(row) for row in rows.annotate(takes_ready=Count("takes"))]


def adapters(ids: Iterable[str]) -> list[AdapterMessage]:
    return [adapter_message(row) for row in Adapter.objects.filter(pk__in=list(ids)).defer("card")]


def running(artists: Iterable[int], also: Iterable[str]) -> list[tuple[int, Any]]:
    """(artist, message) of all that is under way for these artists, and of the rows in `also`."""
    owners, known = list(artists), list(also)
    found: list[tuple[int, Any]] = []
    busy = Generation.objects.filter(
        artist_id__in=owners, status__in=[Generation.QUEUED, Generation.RUNNING]
    ) | Generation.objects.filter(pk__in=known)
    for one in busy.annotate(takes_ready=Count("takes")).defer("params", "brief", "notes"):
        found.append((one.artist_id, generation_message(one)))
    tracks = Track.objects.filter(artist_id__in=owners, status=Track.RUNNING) | Track.objects.filter(
        pk__in=known
    )
    for track in tracks.listed():
        found.append((track.artist_id, track_message(track)))
    return found


class Relay:
    """Who watches what, and the coroutine that tells them."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.artists: Counter[int] = Counter()
        self.adapters: Counter[str] = Counter()
        self.task: asyncio.Task[None] | None = None

    def watch(
        self, *, generation: str | None = None, artist: int | None = None, adapter: str | None = None
    ) -> None:
        if adapter is not None:
            self.adapters[adapter] += 1
        if generation is not None:
            self.ids[generation] += 1
        if artist is not None:
            self.artists[artist] += 1
        here = asyncio.get_running_loop()
        if self.task is None or self.task.done() or self.task.get_loop() is not here:
            self.task = here.create_task(self._run())

    def leave(
        self, *, generation: str | None = None, artist: int | None = None, adapter: str | None = None
    ) -> None:
        if adapter is not None:
            self.adapters.subtract([adapter])
            self.adapters = +self.adapters
        if generation is not None:
            self.ids.subtract([generation])
            self.ids = +self.ids  # drops what nobody watches any more
        if artist is not None:
            self.artists.subtract([artist])
            self.artists = +self.artists

    async def _run(self) -> None:
        # A thread of its own: the shared one would queue behind slow pages.
        with ThreadPoolExecutor(1, thread_name_prefix="relay") as pool:
            read = sync_to_async(self._read, thread_sensitive=False, executor=pool)
            seen: dict[str, int] = {}
            active: dict[int, set[str]] = {}
            layer = get_channel_layer()
            while self.ids or self.artists or self.adapters:
                try:
                    also = {pk for artist, ids in active.items() if artist in self.artists for pk in ids}
                    rows, activity = await read(
                        list(self.ids), list(self.artists), list(also), list(self.adapters)
                    )
                    for row in rows:
                        if seen.get(row["id"]) != row["version"]:
                            seen[row["id"]] = row["version"]
                            await layer.group_send(f"{row['type']}.{row['id']}", {"type": "row", "row": row})
                    active = {}
                    for artist, message in activity:
                        mark = f"activity:{message['id']}"
                        if message["status"] in {"queued", "running", "analysing"}:
                            active.setdefault(artist, set()).add(message["id"])
                        if seen.get(mark) != message["version"]:
                            seen[mark] = message["version"]
                            await layer.group_send(f"activity.{artist}", {"type": "row", "row": message})
                    if len(seen) > 10_000:
                        seen.clear()
                    await asyncio.sleep(EVERY)
                except Exception:
                    log.warning("progress relay: reading failed, trying again", exc_info=True)
                    await asyncio.sleep(AFTER_TROUBLE)

    @staticmethod
    def _read(
        ids: list[str], artists: list[int], also: list[str], trained: list[str]
    ) -> tuple[list[Any], list[Any]]:
        close_old_connections()
        try:
            rows: list[Any] = [*(generations(ids) if ids else []), *(adapters(trained) if trained else [])]
            return (rows, running(artists, also) if artists else [])
        finally:
            close_old_connections()


relay = Relay()
