"""Whose turn it is: by rank, then between artists, then by age; and that pages say what the broker does."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.utils.timezone import now
from django_q.conf import Conf
from django_q.models import OrmQ

from catalog import jobs, queue
from catalog.models import A_FEW, Artist, Track
from catalog.precedence import Rank, Served, Turn, Waiting, in_turn
from catalog.queue import OneInHand, address
from generation import lifecycle
from generation.models import Generation
from tests.people import person
from tests.rows import generation_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conf, "POLL", 0.0)
    monkeypatch.setattr(Conf, "WORKERS", 1)
    monkeypatch.setattr(queue, "OLDEST_EVERY", 10**9)


def artists(count: int) -> list[Artist]:
    return [person(f"artist{number}").artist for number in range(count)]


def wait(payload: str, rank: Rank, owner: Artist | None = None, *, on: str = "cpu") -> None:
    OrmQ.objects.create(
        key=address(on, rank, owner.pk if owner else None),
        payload=payload,
        lock=now() - timedelta(seconds=1),
    )


def handed_out(broker: OneInHand, count: int = 10**6) -> list[str]:
    """What one worker gets, one after another, each ending before the next."""
    found: list[str] = []
    while len(found) < count and (given := broker.dequeue()):
        ((row, payload),) = given
        found.append(payload)
        broker.acknowledge(row)
    return found


def test_what_somebody_waits_for_comes_before_a_catalog_and_begun_work_before_all() -> None:
    (artist,) = artists(1)
    for number in range(20):
        wait(f"one of many {number}", Rank.BATCH, artist)
    wait("upload", Rank.WAITED_FOR, artist)
    wait("generation of a plan that comes first", Rank.PRIORITY, artist)
    wait("its worker was killed", Rank.BEGUN, artist)
    assert handed_out(OneInHand("cpu"), 4) == [
        "its worker was killed",
        "generation of a plan that comes first",
        "upload",
        "one of many 0",
    ]


def test_an_artist_with_thousands_of_jobs_keeps_another_waiting_for_one() -> None:
    many, few = artists(2)
    OrmQ.objects.bulk_create(
        OrmQ(key=address("cpu", Rank.BATCH, many.pk), payload=f"many {n}", lock=now() - timedelta(seconds=1))
        for n in range(4000)
    )
    broker = OneInHand("cpu")
    assert handed_out(broker, 3) == ["many 0", "many 1", "many 2"]
    for number in range(3):
        wait(f"few {number}", Rank.BATCH, few)
    assert handed_out(broker, 7) == ["few 0", "many 3", "few 1", "many 4", "few 2", "many 5", "many 6"]


def test_who_has_a_worker_already_lets_others_have_the_next() -> None:
    """Also when turns alone would say otherwise: the other was served a moment ago, with something short."""
    long, short = artists(2)
    for _ in range(2):
        track = Track.objects.create(artist=long, title="Long")
        assert jobs.claim(Track, track.pk)
    Turn.objects.create(queue="cpu", artist=long, at=now() - timedelta(minutes=5))
    Turn.objects.create(queue="cpu", artist=short, at=now())
    wait("long", Rank.BATCH, long)
    wait("short", Rank.BATCH, short)
    assert handed_out(OneInHand("cpu"), 1) == ["short"]


def test_work_on_another_queue_does_not_count() -> None:
    trains, other = artists(2)
    Turn.objects.create(queue="train", artist=trains, at=now())
    wait("of the one who trains", Rank.BATCH, trains)
    wait("of the other", Rank.BATCH, other)
    assert handed_out(OneInHand("cpu"), 1) == ["of the one who trains"]


def test_nothing_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "OLDEST_EVERY", 8)
    (artist,) = artists(1)
    wait("oldest", Rank.BATCH, artist)
    for number in range(20):
        wait(f"pressing {number}", Rank.PRIORITY, artist)
    assert handed_out(OneInHand("cpu"), 8)[-1] == "oldest"


def test_wake_ups_of_before_the_upgrade_are_handed_out_too() -> None:
    for key in ("cpu", "cpu.urgent"):
        OrmQ.objects.create(key=key, payload=key, lock=now() - timedelta(seconds=1))
    assert handed_out(OneInHand("cpu")) == ["cpu.urgent", "cpu"]


def test_looking_costs_one_query_while_nobody_else_waits(django_assert_num_queries: Any) -> None:
    (artist,) = artists(1)
    broker = OneInHand("cpu")
    with django_assert_num_queries(1):
        assert broker.dequeue() is None
    for number in range(3):
        wait(f"{number}", Rank.BATCH, artist)
    with django_assert_num_queries(4):  # look, read, take, note the turn
        assert broker.dequeue()


@pytest.mark.parametrize("seed", range(6))
def test_the_order_told_is_the_order_kept(seed: int) -> None:
    draw = random.Random(seed)
    people = artists(4)
    for one in draw.sample(people, 2):
        Turn.objects.create(queue="cpu", artist=one, at=now() - timedelta(seconds=draw.randint(1, 900)))
    for number in range(40):
        wait(f"{number}", draw.choice(list(Rank)), draw.choice(people))
    told = in_turn(
        (Waiting(*queue.read_address(row.key)[:0:-1], row.pk, row.payload) for row in OrmQ.objects.all()),
        Served({}, {turn.artist_id: turn.at.timestamp() for turn in Turn.objects.all()}),
    )
    assert [one.what for one in told] == handed_out(OneInHand("cpu"))


# --- what the page says -------------------------------------------------------------------------------------


def request_of(artist: Artist, **fields: Any) -> Generation:
    made = generation_of(artist, **fields)
    jobs.wake(made)
    return made


def test_places_follow_the_order_in_which_requests_are_handed_out() -> None:
    first, second, elite = artists(3)
    Artist.objects.exclude(pk=elite.pk).update(plan=Artist.Plan.FREE)
    Artist.objects.filter(pk=elite.pk).update(plan=Artist.Plan.ELITE)
    for one in (first, second, elite):
        one.refresh_from_db()
    made = [request_of(first, title=f"first {n}") for n in range(4)]
    made += [request_of(second, title="second"), request_of(elite, title="elite")]
    interrupted = made[3]
    Generation.objects.filter(pk=interrupted.pk).update(started_at=now())
    OrmQ.objects.order_by("pk")[3].delete()
    jobs.wake(Generation.objects.get(pk=interrupted.pk))
    made = list(Generation.objects.filter(pk__in=[one.pk for one in made]))
    places = lifecycle.queue_positions(made)
    told = [one.title for one in sorted(made, key=lambda one: places[one.pk])]
    broker, kept = OneInHand("cpu"), []
    while given := broker.dequeue():
        ((row, _),) = given
        (pk,) = OrmQ.objects.get(pk=row).task["args"]
        kept.append(Generation.objects.get(pk=pk).title)
        broker.acknowledge(row)
    assert told == kept == ["first 3", "elite", "second", "first 0", "first 1", "first 2"]
    waits = [places[one.pk][1] for one in sorted(made, key=lambda one: places[one.pk])]
    assert waits == sorted(waits) and waits[0] == 0.0 and waits[-1] > 0


# --- which rank a job has -----------------------------------------------------------------------------------


def test_a_few_uploads_are_waited_for_and_a_catalog_is_not() -> None:
    (artist,) = artists(1)
    ranks = []
    for number in range(A_FEW + 2):
        track = Track.objects.create(artist=artist, title=f"{number}")
        ranks.append(track.rank)
    assert ranks == [Rank.WAITED_FOR] * A_FEW + [Rank.BATCH] * 2
    Track.objects.update(queued_at=now() - timedelta(hours=1))
    assert Track.objects.create(artist=artist, title="a single one, later").rank is Rank.WAITED_FOR
    Track.objects.filter(title="0").update(started_at=now())
    assert Track.objects.get(title="0").rank is Rank.BEGUN


def test_the_plan_decides_about_requests_only() -> None:
    free, elite = artists(2)
    free.plan, elite.plan = Artist.Plan.FREE, Artist.Plan.ELITE
    assert generation_of(free).rank is Rank.WAITED_FOR
    assert generation_of(elite).rank is Rank.PRIORITY
    assert Track(artist=elite, title="Loop").rank is Rank.WAITED_FOR


def test_every_job_stands_on_a_queue_that_a_worker_can_serve() -> None:
    from generation.engines import engines
    from generation.models import Adapter

    told = {slug: Generation(engine=slug).queue_name for slug in engines()}
    assert told == {
        "mosaic": "cpu",
        "musicgen": "gpu",
        "audiogen": "gpu",
        "stable-audio": "gpu",
        "stability-api": "cpu",  # made elsewhere: it needs a line, no card
    }
    assert set(told.values()) <= set(Generation.QUEUES)
    assert Adapter().queue_name == "train"
    configured = {settings.Q_CLUSTER["name"], *settings.Q_CLUSTER["ALT_CLUSTERS"]}
    kinds = [model for model in apps.get_models() if issubclass(model, jobs.Job)]
    assert len(kinds) >= 8
    for model in kinds:
        assert set(model.QUEUES) <= configured, model
        if model.OWNER:
            model._base_manager.values_list(model.OWNER)  # a way that exists
