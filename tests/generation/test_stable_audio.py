"""Stable Audio on a tiny genuine pipeline: from the wish over queue and socket to the certificate, on the processor."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator

from catalog.models import Artist, Track
from generation import lifecycle, pipeline, tasks
from generation.brief import Brief, Reference
from generation.engines.base import EngineError, Material, OnProgress, Rendering
from generation.engines.neural import finishing
from generation.engines.neural.exact import SAMPLE_RATE, measured
from generation.engines.stable_audio import StableAudio
from generation.models import GeneratedTrack, Generation
from generation.prompting import Wishes
from provenance import verification
from starforge_site.asgi import application
from tests import sounds
from tests.catalogs import stock
from tests.people import Person, owner

STEPS = {"steps": 4, "candidates": 1}


@pytest.fixture
def person(recordings: Path, tiny_stable_audio: Path) -> Person:
    made = owner()
    stock(made.artist, recordings)
    return made


def submitted(artist: Artist, **wishes: Any) -> Generation:
    options = {"prompt": "dark techno", "bpm": 140.0, "duration_seconds": 15.0, "seed": 11, **wishes}
    options["options"] = STEPS | options.get("options", {})
    return lifecycle.submit(artist, wishes=Wishes(**options), engine="stable-audio")[0]


def brief(**more: Any) -> Brief:
    fields = {"options": STEPS, "duration_seconds": 15.0, **more}
    return Brief("dark techno", 140.0, None, 0.8, "Techno", seed=7, **fields)


def rendered(
    wanted: Brief,
    material: Material = Material(()),  # noqa: B008 - frozen
    on_progress: OnProgress = lambda *_: None,
) -> Rendering:
    return StableAudio().render(wanted, material, take=1, on_progress=on_progress)


@pytest.mark.django_db(transaction=True)
def test_the_same_recipe_gives_the_same_bytes_and_two_references_differ(person: Person) -> None:
    tracks = list(Track.objects.of(person.artist).ready().order_by("id").select_related("analysis")[:2])
    material = Material(pipeline.corpus_of(tracks))

    def drawn(*tracks: Track) -> Rendering:
        return rendered(brief(references=tuple(Reference(track.pk) for track in tracks)), material)

    first, again, near, far = drawn(), drawn(), drawn(tracks[0]), drawn(tracks[1])
    assert first.audio.tobytes() == again.audio.tobytes()
    assert len({one.audio.tobytes() for one in (first, near, far)}) == 3
    assert near.plan["conditioned_on"][0]["track_id"] == tracks[0].pk
    assert {"drums", "harmony"} <= set(first.stems) and near.generator["conditioned_on"] == [tracks[0].pk]


@pytest.mark.django_db(transaction=True)
async def test_progress_is_heard_and_the_certificate_names_the_weights(person: Person) -> None:
    generation = await sync_to_async(submitted)(
        person.artist, duration_seconds=30.0, options={"candidates": 2}
    )
    cookie = (await sync_to_async(lambda: person.page.cookies["sessionid"].value)()).encode()
    socket = WebsocketCommunicator(
        application,
        f"/ws/generations/{generation.pk}/",
        headers=[
            (b"origin", b"http://localhost"),
            (b"host", b"localhost"),
            (b"cookie", b"sessionid=" + cookie),
        ],
    )
    assert (await socket.connect(timeout=5))[0]
    working = asyncio.create_task(sync_to_async(tasks.run, thread_sensitive=False)(generation.pk))
    heard: list[dict[str, Any]] = []
    while not heard or heard[-1]["status"] in {"queued", "running"}:
        heard.append(await socket.receive_json_from(timeout=60))
    assert await working == "ready"
    await socket.disconnect()
    progress = [message["progress"] for message in heard]
    assert progress == sorted(progress) and any("Drawing stretch" in message["stage"] for message in heard)
    take = await GeneratedTrack.objects.select_related("certificate", "generation").aget(
        generation=generation
    )
    assert len(take.plan["candidates"]) == 2 and sum(one["chosen"] for one in take.plan["candidates"]) == 1
    assert len(take.plan["windows"]) == len(take.sections) == 2  # it makes 24 seconds at once
    assert any("at once" in note for note in take.generation.notes)
    verdict = await sync_to_async(verification.verify_file)(take.file("wav"), filename="take.wav")
    assert verdict.exit_code == 0, verdict.sentence
    said = take.certificate.provenance["generator"]
    assert (
        take.generation.brief["text"].startswith("dark techno, ")
        and take.plan["model"] == "stable-audio-open"
    )
    assert (said["weights"], said["licence"]) == ("stable-audio-open", "Stability AI Community License")
    assert len(said["weights_sha256"]) == 64 and "1 million" in take.licence


# --- without a database -------------------------------------------------------------------------------


def test_damaged_weights_are_named_and_a_stop_is_heard(tiny_stable_audio: Path) -> None:
    class Stop(Exception): ...

    steps: list[str] = []

    def stop(part: float, words: str) -> None:
        steps.append(words)
        if "Drawing" in words and part > 0.3:
            raise Stop

    with pytest.raises(Stop):
        rendered(brief(), on_progress=stop)
    assert "Taking it apart into stems" not in steps
    file = tiny_stable_audio / "vae/diffusion_pytorch_model.safetensors"
    for spoil, words in (
        (lambda data: data[: len(data) // 2], "not as long as it was"),
        (lambda data: b"\xff" * len(data), "damaged or of another model: it cannot be read"),
    ):
        whole = file.read_bytes()
        file.write_bytes(spoil(whole))
        with pytest.raises(EngineError, match=words) as refused:
            rendered(brief())
        assert "vae/diffusion_pytorch_model" in refused.value.reason and "fetch_model" in refused.value.reason
        file.write_bytes(whole)
    with pytest.raises(EngineError, match="Steps is a whole number from 4 to 250"):
        StableAudio().render(
            brief(options={"steps": 9000}), Material(()), take=1, on_progress=lambda *_: None
        )


def test_stretches_are_put_right_and_joined_on_a_bar() -> None:
    late = np.concatenate([np.zeros((2, 11_000), np.float32), sounds.kick_loop(136.0, 20.0)], axis=1)
    piece = finishing.put_right(late, brief())
    assert piece.by.possible and piece.by.factor == pytest.approx(140 / 136, abs=1e-3)
    assert np.abs(piece.audio[0, :4000]).argmax() < 2500  # it begins on a beat
    joined = finishing.joined([piece, piece], [4, 4], brief())
    assert joined.shape[1] == round(8 * 4 * 60 / 140 * SAMPLE_RATE)
    assert measured(joined, 140.0).bpm == pytest.approx(140.0, abs=0.05)
    far = finishing.put_right(sounds.kick_loop(112.0, 20.0), brief())
    assert not far.by.possible and far.by.factor == 1.0 and "left as it is" in far.notes[0]
