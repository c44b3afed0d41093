"""Sockets: a signed-in artist hears of their own work and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from catalog.accounts import artist_of
from generation.models import Adapter, Generation
from generation.relay import adapters, generations, relay, running


class RowSocket(AsyncJsonWebsocketConsumer):
    """Sends the current state at once, then every change. Listens to nothing."""

    group: str | None = None

    async def row(self, event: dict[str, Any]) -> None:
        await self.send_json(event["row"])

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        return None  # whatever a client says is not even parsed

    async def join(self, group: str) -> None:
        await self.channel_layer.group_add(group, self.channel_name)
        self.group = group

    async def disconnect(self, code: int) -> None:
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)


@database_sync_to_async
def artist_id_of(user: Any) -> int | None:
    return artist_of(user).pk if user.is_authenticated else None


class JobSocket(RowSocket):
    """One row of the artist's own, named by `pk` in the path. kind: as its messages and the relay call it."""

    model: type[Adapter] | type[Generation]
    kind: str
    messages: staticmethod[[list[str]], Sequence[Any]]
    watched: dict[str, Any] | None = None

    async def connect(self) -> None:
        artist = await artist_id_of(self.scope["user"])
        wanted = self.scope["url_route"]["kwargs"]["pk"]
        named = artist is not None and "\0" not in wanted  # a NUL is in no id, and PostgreSQL fails on it
        if not (named and await self.model.objects.filter(pk=wanted, artist_id=artist).aexists()):
            await self.close(code=4404)
            return
        await self.join(f"{self.kind}.{wanted}")
        await self.accept()
        self.watched = {self.kind: wanted}
        relay.watch(**self.watched)
        for row in await database_sync_to_async(self.messages)([wanted]):
            await self.send_json(row)

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        if self.watched:
            relay.leave(**self.watched)


class GenerationSocket(JobSocket):
    model, kind, messages = Generation, "generation", staticmethod(generations)


class AdapterSocket(JobSocket):
    model, kind, messages = Adapter, "adapter", staticmethod(adapters)


class ActivitySocket(RowSocket):
    artist_id: int | None = None

    async def connect(self) -> None:
        artist = await artist_id_of(self.scope["user"])
        if artist is None:
            await self.close(code=4404)
            return
        await self.join(f"activity.{artist}")
        await self.accept()
        self.artist_id = artist
        relay.watch(artist=artist)
        for _, row in await database_sync_to_async(running)([artist], []):
            await self.send_json(row)

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        if self.artist_id is not None:
            relay.leave(artist=self.artist_id)
