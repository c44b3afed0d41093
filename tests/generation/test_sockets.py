"""Progress over sockets: the state at once, every change soon, and nothing of anybody else's."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import TransactionTestCase

from catalog import jobs
from catalog.models import Track
from generation import adapters, fine_tuning
from generation.models import Adapter, Generation
from generation.relay import relay
from generation.training.session import News
from starforge_site.asgi import application
from tests.people import Person, collaborator, owner
from tests.rows import generation_of, take_of

SOON = 2.0


def socket(path: str, person: Person | None) -> WebsocketCommunicator:
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    if person is not None:
        cookie = person.page.cookies["sessionid"].value
        headers.append((b"cookie", f"sessionid={cookie}".encode()))
    return WebsocketCommunicator(application, path, headers=headers)


class SocketTests(TransactionTestCase):
    """Real rows in a real database, read by the relay's own thread."""

    def setUp(self) -> None:
        self.owner = owner()
        self.generation = generation_of(self.owner.artist)

    async def connected(self, path: str, person: Person | None) -> WebsocketCommunicator | None:
        made = await sync_to_async(socket)(path, person)
        accepted, _ = await made.connect(timeout=5)
        return made if accepted else None

    async def until(self, made: WebsocketCommunicator, **wanted: Any) -> dict[str, Any]:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            message: dict[str, Any] = await made.receive_json_from(timeout=5)
            if all(message.get(name) == value for name, value in wanted.items()):
                return message
        raise AssertionError(f"no message with {wanted}")

    async def test_a_socket_hears_the_state_at_once_and_every_change_soon(self) -> None:
        made = await self.connected(f"/ws/generations/{self.generation.pk}/", self.owner)
        assert made is not None
        first = await made.receive_json_from(timeout=5)
        assert (first["type"], first["status"], first["takes_ready"]) == ("generation", "queued", 0)
        lease = await sync_to_async(jobs.claim)(Generation, self.generation.pk)
        assert lease is not None
        await sync_to_async(lease.report)(0.4, "Arranging")
        began = time.monotonic()
        heard = await self.until(made, stage="Arranging")
        assert time.monotonic() - began < SOON
        assert heard["progress"] == pytest.approx(0.4)
        await sync_to_async(take_of)(self.owner.artist, generation=self.generation)
        await sync_to_async(lease.finish)(Generation.READY)
        assert (await self.until(made, status="ready"))["takes_ready"] == 1
        await made.disconnect()

    async def test_the_socket_of_a_training_tells_steps_and_losses_over_its_slices(self) -> None:
        row = await Adapter.objects.acreate(
            artist=self.owner.artist, name="Night", base="musicgen-small", recipe={"steps": 8}
        )
        path = f"/ws/adapters/{row.pk}/"
        other = await sync_to_async(collaborator)()
        for stranger in (other, None):
            assert await self.connected(path, stranger) is None
        assert await self.connected("/ws/adapters/adp_0000000000000000/", self.owner) is None
        assert await self.connected(f"/ws/adapters/{self.generation.pk}/", self.owner) is None
        made = await self.connected(path, self.owner)
        assert made is not None
        first = await made.receive_json_from(timeout=5)
        assert (first["type"], first["id"], first["status"]) == ("adapter", row.pk, "queued")
        assert (first["step"], first["steps"], first["loss"], first["eta_seconds"]) == (0, 8, None, None)
        lease = await sync_to_async(jobs.claim)(Adapter, row.pk)
        assert lease is not None
        tell = await sync_to_async(fine_tuning.Teller)(lease, 0.0)
        curves = {"train": [[4, 2.5]], "validation": [[0, 3.0], [4, 2.0]]}
        await sync_to_async(tell)(News("Training", 4, 8, 6.0, curves, 2.0))
        heard = await self.until(made, step=4)
        assert (heard["status"], heard["stage"], heard["progress"]) == ("running", "Training", 0.5)
        assert (heard["loss"], heard["best_loss"], heard["eta_seconds"]) == (2.5, 2.0, 6.0)
        await sync_to_async(lease.later)(stage="", **tell.fields)
        assert (await self.until(made, status="queued"))["progress"] == 0.5  # it waits for its next slice
        assert await sync_to_async(adapters.cancel)(row)
        assert (await self.until(made, status="cancelled"))["step"] == 4
        await made.disconnect()
        assert not relay.adapters

    async def test_the_activity_of_an_artist_holds_tracks_and_generations(self) -> None:
        track = await Track.objects.acreate(artist=self.owner.artist, title="Coming in")
        made = await self.connected("/ws/activity/", self.owner)
        assert made is not None
        assert (await self.until(made, type="generation"))["id"] == self.generation.pk
        lease = await sync_to_async(jobs.claim)(Track, track.pk)
        assert lease is not None
        await self.until(made, type="track", status="analysing", id=track.pk)
        await sync_to_async(lease.finish)(Track.FAILED, error="There is only silence in this file.")
        failed = await self.until(made, type="track", status="failed")
        assert failed["error"] == "There is only silence in this file."
        await made.disconnect()

    async def test_strangers_and_other_artists_are_turned_away(self) -> None:
        other = await sync_to_async(collaborator)()
        path = f"/ws/generations/{self.generation.pk}/"
        assert await self.connected(path, other) is None
        assert await self.connected(path, None) is None
        assert await self.connected("/ws/activity/", None) is None
        assert await self.connected("/ws/generations/gen_0000000000000000/", self.owner) is None

    async def test_another_artists_activity_is_not_heard(self) -> None:
        other = await sync_to_async(collaborator)()
        made = await self.connected("/ws/activity/", other)
        assert made is not None
        lease = await sync_to_async(jobs.claim)(Generation, self.generation.pk)
        assert lease is not None
        await sync_to_async(lease.report)(0.5, "Mixing")
        assert await made.receive_nothing(timeout=1)
        await made.disconnect()

    async def test_whatever_a_client_says_is_ignored(self) -> None:
        made = await self.connected(f"/ws/generations/{self.generation.pk}/", self.owner)
        assert made is not None
        await made.receive_json_from(timeout=5)
        await made.send_to(text_data="{not json")
        await made.send_to(bytes_data=b"\x00\xff")
        await sync_to_async(Generation.objects.filter(pk=self.generation.pk).update)(
            stage="Still here", version=9
        )
        await self.until(made, stage="Still here")
        await made.disconnect()

    async def test_the_relay_ends_when_nobody_watches(self) -> None:
        made = await self.connected("/ws/activity/", self.owner)
        assert made is not None and relay.task is not None
        await made.disconnect()
        for _ in range(50):
            if relay.task.done():
                break
            await asyncio.sleep(0.1)
        assert relay.task.done()
        assert not relay.artists and not relay.ids
