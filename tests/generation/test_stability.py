"""The hosted Stable Audio against a local server that behaves like it: fields, refusals, and never paying twice."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import soundfile
from django.db import connection

from catalog.models import Artist, Track
from generation import lifecycle, pipeline
from generation.brief import Reference
from generation.engines.base import EngineError
from generation.engines.stability import StabilityAPI
from generation.engines.stability.client import Order, Service
from generation.engines.stability.paid import Paid
from generation.models import GeneratedTrack, Generation
from generation.prompting import Wishes
from provenance import verification
from tests.catalogs import stock
from tests.generation.stability_server import KEY, Stability, stability
from tests.people import owner

ORDER = Order("dark techno", 20, 7)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stability]:
    with stability() as made:
        monkeypatch.setenv("STARFORGE_STABILITY_URL", made.base)
        monkeypatch.setenv("STARFORGE_STABILITY_KEY", KEY)
        monkeypatch.setenv("STARFORGE_PAID", str(tmp_path / "paid"))
        yield made


def buy(api: Stability, order: Order = ORDER, **options: Any) -> tuple[int, bytes, list[float]]:
    waited: list[float] = []
    into = io.BytesIO()
    seed = Service(api.base, options.pop("key", KEY), wait=waited.append, **options).buy(order, into)
    return seed, into.getvalue(), waited


def test_an_order_is_what_the_api_documents(api: Stability) -> None:
    seed, sound, _ = buy(api)
    assert seed == 7 and sound[:4] == b"RIFF" and api.charged == 20
    (order,) = api.orders
    assert order["path"] == "/v2beta/audio/stable-audio-2/text-to-audio" and order["accept"] == "audio/*"
    assert (order["prompt"], order["duration"], order["model"]) == ("dark techno", "20", "stable-audio-2.5")


def test_refusals_that_pass_are_waited_for_and_others_are_said(api: Stability) -> None:
    api.answers = [(429, {"name": "rate_limit_exceeded"}), (503, {}), (500, {})]
    _, _, waited = buy(api)
    assert waited == [1.0, 6.0, 15.0] and api.charged == 20
    for status, body, words in (
        (402, {"errors": ["You lack sufficient credits"]}, "too few credits"),
        (403, {"name": "content_moderation", "errors": ["flagged"]}, "content filter"),
        (422, {"errors": ["prompt: must be English"]}, "must be English"),
        (413, {}, "too large"),
        (504, {}, "Whether it was charged is not known"),
    ):
        api.answers = [(status, body)]
        with pytest.raises(EngineError, match=words):
            buy(api)
    api.answers = [(429, {})] * 9
    with pytest.raises(EngineError, match="Nothing was charged"):
        buy(api)
    with pytest.raises(EngineError, match="does not know the key"):
        buy(api, key="sk-wrong")
    with pytest.raises(EngineError, match="could not be reached"):
        Service("http://127.0.0.1:9", KEY, wait=lambda _: None).buy(ORDER, io.BytesIO())
    assert api.charged == 20


def test_what_may_have_been_paid_is_never_asked_for_again(api: Stability) -> None:
    api.cut = True
    with pytest.raises(EngineError, match="Whether it was charged is not known"):
        buy(api)
    api.cut, api.held = False, threading.Event()
    with pytest.raises(EngineError, match="did not answer in time"):
        buy(api, timeouts=(1.0, 0.2))
    api.held.set()
    api.held = None
    api.kind = "text/html"
    with pytest.raises(EngineError, match="instead of sound"):
        buy(api)
    api.kind, api.reason = "audio/wav", "CONTENT_FILTERED"
    with pytest.raises(EngineError, match="content filter"):
        buy(api)
    assert len(api.orders) == 4


def test_what_was_kept_too_long_is_bought_again_and_said_so(tmp_path: Path) -> None:
    paid, bought = Paid(tmp_path), []

    def buy_it(into: IO[bytes]) -> int:
        bought.append(into.write(b"sound"))
        return 0

    file, new = paid.get(ORDER, "one", buy_it)
    assert new and paid.get(ORDER, "one", buy_it) == (file, False)
    left = tmp_path / ".coming-left"
    left.touch()
    for one in (file, left):
        os.utime(one, (0, 0))
    assert paid.get(ORDER, "one", buy_it) == (file, True)
    assert len(bought) == 2 and not left.exists()


def test_without_a_key_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STARFORGE_STABILITY_KEY", raising=False)
    availability = StabilityAPI().availability()
    assert (
        not availability.ready
        and "STARFORGE_STABILITY_KEY" in availability.how
        and "20 credits" in availability.how
    )


# --- through the queue's task to the certificate ------------------------------------------------------


@pytest.fixture
def artist(recordings: Path) -> Artist:
    made = owner().artist
    stock(made, recordings)
    return made


def submitted(artist: Artist, **wishes: Any) -> Generation:
    options = {"prompt": "dark techno", "bpm": 140.0, "duration_seconds": 15.0, "seed": 11, **wishes}
    generation, _ = lifecycle.submit(artist, wishes=Wishes(**options), engine="stability-api")
    return generation


def made(artist: Artist, **wishes: Any) -> GeneratedTrack:
    generation = submitted(artist, **wishes)
    word = pipeline.run(generation.pk)
    generation.refresh_from_db()
    assert word == "ready", generation.error
    return generation.takes.get()


@pytest.mark.django_db(transaction=True)
def test_a_take_is_paid_once_put_right_and_certified(artist: Artist, api: Stability) -> None:
    take = made(artist)
    assert api.charged == 20 and "140 BPM" in api.orders[0]["prompt"]
    assert take.plan["windows"][0]["stretch"] == pytest.approx(140 / 136, abs=0.003)
    assert take.measured["bpm"] == pytest.approx(140, abs=0.3)
    assert verification.verify_file(take.file("wav"), filename="take.wav").exit_code == 0
    assert take.certificate is not None
    said = take.certificate.provenance["generator"]
    assert (said["model"], said["weights"]) == ("stability-api", "stable-audio-2.5")
    again = made(artist)
    assert again.render_sha256 == take.render_sha256 and api.charged == 20
    assert any("had been paid for" in note for note in again.generation.notes)
    track = Track.objects.of(artist).ready().order_by("id")[0]
    near = made(artist, references=(Reference(track.pk),), options={"reference_strength": 0.3})
    assert api.orders[-1]["path"].endswith("audio-to-audio") and api.orders[-1]["strength"] == "0.30"
    assert near.plan["conditioned_on"][0]["track_id"] == track.pk and api.charged == 40


@pytest.mark.django_db(transaction=True)
def test_what_still_is_a_recording_of_the_artist_is_refused(artist: Artist, api: Stability) -> None:
    track = Track.objects.of(artist).ready().order_by("id")[0]
    assert made(artist).plan["copied_seconds"] == 0.0
    sound, rate = soundfile.read(track.file, frames=25 * 44_100)
    out = io.BytesIO()
    soundfile.write(out, sound, rate, format="WAV", subtype="PCM_16")
    api.body = out.getvalue()  # the service sends back what it was sent
    generation = submitted(artist, bpm=track.bpm, references=(Reference(track.pk),))
    assert pipeline.run(generation.pk) == "failed"
    generation.refresh_from_db()
    assert "still is a recording of yours" in generation.error and "20 credits were" in generation.error
    assert generation.takes.count() == 0
    lifecycle.retry(generation)
    assert pipeline.run(generation.pk) == "failed" and api.charged == 40  # not ordered, nor paid, again
    generation.refresh_from_db()
    assert "it was not ordered again" in generation.error


@pytest.mark.django_db(transaction=True)
def test_a_cancel_is_heard_while_waiting_and_the_sound_kept(artist: Artist, api: Stability) -> None:
    api.held = threading.Event()
    generation = submitted(artist)

    def soon() -> None:
        while not api.orders:
            time.sleep(0.05)
        lifecycle.cancel(generation)
        connection.close()

    threading.Thread(target=soon).start()
    assert pipeline.run(generation.pk) == "cancelled"
    assert api.charged == 0  # it did not wait for the answer
    api.held.set()
    take = made(artist)  # waits for the sound that was on its way
    assert api.charged == 20 and len(api.orders) == 1
    assert take.plan["credits"] == 0


@pytest.mark.django_db(transaction=True)
def test_what_is_no_sound_is_a_sentence(artist: Artist, api: Stability) -> None:
    api.body = b"RIFF, but not really"
    generation = submitted(artist)
    assert pipeline.run(generation.pk) == "failed"
    generation.refresh_from_db()
    assert "cannot be read as sound" in generation.error
