"""Which task is handed out next, and how many at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils.timezone import now
from django_q.conf import Conf
from django_q.models import OrmQ

from catalog.queue import ALSO, OneInHand

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conf, "POLL", 0.0)
    monkeypatch.setattr(Conf, "WORKERS", 1)


def waiting(payload: str, key: str = "cpu", *, since: float = 1.0) -> OrmQ:
    return OrmQ.objects.create(key=key, payload=payload, lock=now() - timedelta(seconds=since))


def taken(broker: OneInHand) -> list[str]:
    return [payload for _, payload in broker.dequeue() or []]


def test_it_hands_out_the_oldest_first() -> None:
    for name in ("first", "second", "third"):
        waiting(
            name, since=1.0 if name == "first" else 5.0
        )  # the clock does not decide, the order of arrival does
    broker, order = OneInHand("cpu"), []
    for _ in range(3):
        ((row, payload),) = broker.dequeue() or []
        order.append(payload)
        broker.acknowledge(row)
    assert order == ["first", "second", "third"]


def test_it_hands_out_urgent_tasks_before_older_ones() -> None:
    waiting("old")
    waiting("urgent", "cpu.urgent")
    assert taken(OneInHand("cpu")) == ["urgent"]


def test_urgent_tasks_reach_the_queue_by_its_urgent_name() -> None:
    OneInHand("cpu.urgent").enqueue("pressing")
    OrmQ.objects.update(lock=now() - timedelta(seconds=1))
    assert taken(OneInHand("cpu")) == ["pressing"]


def test_it_hands_out_nothing_while_a_task_is_in_hand() -> None:
    waiting("first")
    waiting("second")
    broker = OneInHand("cpu")
    assert taken(broker) == ["first"]
    assert broker.dequeue() is None
    assert broker.dequeue() is None


def test_it_hands_out_as_many_as_there_are_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conf, "WORKERS", 2)
    for name in ("first", "second", "third"):
        waiting(name)
    broker = OneInHand("cpu")
    assert [taken(broker), taken(broker), taken(broker)] == [["first"], ["second"], []]


def test_acknowledging_makes_room_for_the_next() -> None:
    waiting("first")
    waiting("second")
    broker = OneInHand("cpu")
    ((row, _),) = broker.dequeue() or []
    broker.acknowledge(row)
    assert taken(broker) == ["second"]


def test_two_clusters_never_get_the_same_task() -> None:
    waiting("first")
    waiting("second")
    here, there = OneInHand("cpu"), OneInHand("cpu")
    assert taken(here) + taken(there) == ["first", "second"]


def test_a_task_taken_by_another_between_looking_and_taking_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = waiting("contested")
    here = OneInHand("cpu")
    deadline = here.timeout

    def other_is_faster(task: OrmQ) -> object:
        OrmQ.objects.filter(pk=row.pk).update(lock=now() + timedelta(hours=1))
        return deadline(task)

    monkeypatch.setattr(here, "timeout", other_is_faster)
    assert here.dequeue() is None


def test_a_task_that_was_never_acknowledged_comes_back_after_its_time() -> None:
    row = waiting("lost")
    broker = OneInHand("cpu")
    assert taken(broker) == ["lost"]
    OrmQ.objects.filter(pk=row.pk).update(lock=now() - timedelta(seconds=1))
    assert taken(broker) == ["lost"]


def test_a_long_task_of_a_further_queue_is_held_for_as_long_as_that_queue_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ALSO, "gpu")
    row = waiting("network for hours", "gpu.urgent")
    assert taken(OneInHand("cpu")) == ["network for hours"]
    row.refresh_from_db()
    assert row.lock > now() + timedelta(seconds=settings.Q_CLUSTER["ALT_CLUSTERS"]["gpu"]["timeout"])


def test_it_leaves_other_queues_alone() -> None:
    waiting("for the graphics card", "gpu")
    assert OneInHand("cpu").dequeue() is None


def test_a_cluster_works_on_a_further_queue_where_nobody_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting("network", "gpu")
    assert taken(OneInHand("cpu")) == []
    monkeypatch.setenv(ALSO, "gpu")
    waiting("plain")
    waiting("network, urgent", "gpu.urgent")
    found, broker = [], OneInHand("cpu")
    for _ in range(3):
        ((row, payload),) = broker.dequeue() or []
        found.append(payload)
        broker.acknowledge(row)
    assert found == [
        "network, urgent",
        "network",
        "plain",
    ]  # of one rank the oldest, whichever queue it is on
