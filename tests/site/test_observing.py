"""Numbers of requests from the browser to the worker's log lines, and the metrics that whoever may read."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import path
from prometheus_client.parser import text_string_to_metric_families

from catalog import intake, jobs, observed, tracing
from catalog.models import Track
from starforge_site import gpus, metrics
from starforge_site.logs import Line
from starforge_site.urls import urlpatterns
from tests.people import owner
from tests.rows import take_of
from tests.site.test_logs import record


def broken(request: object) -> None:
    raise RuntimeError("meant")


class Broken:
    """The product's routes, and one in each half that fails."""

    urlpatterns = [*urlpatterns, path("broken/", broken), path("api/broken/", broken)]
    handler500 = "starforge_site.problems.server_error"


@pytest.fixture
def failing(client: Client, settings: Any) -> Client:
    settings.ROOT_URLCONF = Broken
    client.raise_request_exception = False
    return client


# --- numbers ----------------------------------------------------------------------------------------


def test_an_answer_says_the_number_of_its_request(client: Client) -> None:
    made = client.get("/healthz").headers["X-Request-ID"]
    assert re.fullmatch(r"req_[a-z][0-9a-z]{15}", made)
    assert client.get("/healthz").headers["X-Request-ID"] != made
    given = client.get("/healthz", headers={"x-request-id": "proxy-7f3a.91_b"})
    assert given.headers["X-Request-ID"] == "proxy-7f3a.91_b"


@pytest.mark.parametrize("given", ["short", "with space in it", "a" * 65, 'quo"te-12345', "línea-12345"])
def test_a_number_that_could_not_stand_in_a_log_line_is_replaced(client: Client, given: str) -> None:
    assert client.get("/healthz", headers={"x-request-id": given}).headers["X-Request-ID"].startswith("req_")


def test_log_lines_end_with_the_number_and_stop_doing_so() -> None:
    tracing.bind("req_abcdefgh")
    try:
        assert Line().format(record("hello")).endswith(" hello request_id=req_abcdefgh")
        assert json.loads(Line(style="json").format(record("hello")))["request_id"] == "req_abcdefgh"
    finally:
        tracing.bind("")
    assert "request_id" not in Line().format(record("hello"))


def test_a_page_that_fails_says_the_number_it_is_logged_under(failing: Client, caplog: Any) -> None:
    answer = failing.get("/broken/")
    assert answer.status_code == 500
    number = answer.headers["X-Request-ID"]
    assert f'this number:</p><p class="mono top">{number}</p>' in answer.content.decode()
    problem = failing.get("/api/broken/")
    assert problem.json()["request_id"] == problem.headers["X-Request-ID"]
    assert tracing.current() == ""


@pytest.mark.django_db
def test_a_form_that_expired_says_the_number() -> None:
    answer = Client(enforce_csrf_checks=True).post("/account/login/", {"username": "x"})
    assert answer.status_code == 403
    assert answer.headers["X-Request-ID"] in answer.content.decode()


@pytest.mark.django_db
def test_the_number_goes_with_the_job_to_the_worker(caplog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    me, asked = owner(), "browser-12345678"
    track = Track.objects.create(artist=me.artist, title="t", status=Track.FAILED, request_id="first-11111")
    address = f"/api/tracks/{track.pk}/retry/"
    assert me.api.post(address, headers={"x-request-id": asked}).status_code == 202
    assert Track.objects.get().request_id == asked
    with caplog.at_level(logging.INFO, logger="catalog.jobs"):
        lease = jobs.claim(Track, track.pk)
        assert lease is not None and tracing.current() == asked
        lease.finish(Track.FAILED, error="Too short.", failure="too_short")
    tracing.bind("")
    taken, left = (entry for entry in caplog.records if entry.name == "catalog.jobs")
    assert (taken.getMessage(), taken.job, taken.kind, taken.attempt) == ("job taken", track.pk, "track", 1)
    assert (left.getMessage(), left.status, left.failure) == ("job left", "failed", "too_short")
    # Without a request, as recovery tries again, the number of the one that asked stays.
    assert intake.retry(Track.objects.get()) and Track.objects.get().request_id == asked


@pytest.mark.django_db
def test_what_a_job_asks_for_is_asked_for_by_the_same_request() -> None:
    me = owner()
    tracing.bind("browser-12345678")
    first = Track.objects.create(artist=me.artist, title="first")
    tracing.bind("")
    assert jobs.claim(Track, first.pk)
    second = Track.objects.create(artist=me.artist, title="second")
    tracing.bind("")
    assert second.request_id == "browser-12345678"


# --- metrics ----------------------------------------------------------------------------------------


def samples(client: Client) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


@pytest.mark.django_db
def test_the_metrics_tell_of_the_work(client: Client) -> None:
    me = owner()
    take_of(me.artist)
    Track.objects.create(artist=me.artist, title="waits")
    Track.objects.create(artist=me.artist, title="works", status=Track.RUNNING)
    for reason in ("silent", "whatever a row says"):
        Track.objects.create(artist=me.artist, title="failed", status=Track.FAILED, failure=reason)
    with observed.stage("generation", "render", "mosaic"):
        pass
    observed.took("generation", "render", 2.0, "mosaic")
    observed.beat("cpu", also=["gpu"], gpus=[{"name": "H100", "used_mb": 1, "total_mb": 3}])
    host = jobs.here()
    client.get("/healthz")
    found = samples(client)
    assert found["starforge_queue_depth", ("track", "cpu")] == 1
    assert 0 <= found["starforge_queue_oldest_wait_seconds", ("cpu",)] < 60
    assert found["starforge_jobs_running", ("track", "cpu")] == 1
    assert found["starforge_jobs_failed", ("track", "silent")] == 1
    assert found["starforge_jobs_failed", ("track", "other")] == 1
    assert found["starforge_takes", ("mosaic",)] == 1
    assert found["starforge_stage_seconds_count", ("mosaic", "generation", "render")] == 2
    assert 2.0 <= found["starforge_stage_seconds_sum", ("mosaic", "generation", "render")] < 2.5
    assert found["starforge_workers", ("gpu",)] == 1
    assert found["starforge_gpu_memory_bytes", ("0", host, "total")] == 3 * 2**20
    assert found["starforge_request_seconds_count", ("healthz", "200")] >= 1
    assert found["starforge_database_up", ()] == 1


@pytest.mark.django_db
def test_an_address_is_no_label(client: Client) -> None:
    client.get("/catalog/tracks/trk_nobody_has/")
    client.get("/no/such/address")
    assert "trk_nobody_has" not in client.get("/metrics").content.decode()
    assert ("starforge_request_seconds_count", ("none", "404")) in samples(client)


@pytest.mark.django_db
def test_nobody_else_reads_the_metrics(client: Client, settings: Any) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403
    for proxy in ({"x-forwarded-for": "127.0.0.1"}, {"x-forwarded-proto": "https"}, {"via": "1.1 edge"}):
        assert client.get("/metrics", headers=proxy).status_code == 403
    settings.STARFORGE_PUBLIC_URL = "https://music.example"
    assert client.get("/metrics").status_code == 403  # a proxy need not say that it is one
    settings.STARFORGE_PUBLIC_URL = ""
    settings.STARFORGE_METRICS_TOKEN = "secret-of-ours"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer secret-of-other"}).status_code == 403
    given = {"authorization": "Bearer secret-of-ours"}
    assert client.get("/metrics", headers=given, REMOTE_ADDR="192.0.2.7").status_code == 200


async def test_open_sockets_are_counted() -> None:
    from channels.testing import WebsocketCommunicator

    from starforge_site.observing import CountedSockets

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()

    def count() -> float:
        return float(metrics.SOCKETS._value.get())

    before = count()
    socket = WebsocketCommunicator(CountedSockets(application), "/ws/activity/")
    assert (await socket.connect())[0] and count() == before + 1
    await socket.disconnect()
    assert count() == before


def test_the_memory_of_gpus_is_read_from_the_drivers_tool() -> None:
    table = "NVIDIA H100 80GB HBM3, 1024, 81559\nSome, odd name, 7, 16384\nbroken, [N/A], 5\n"
    assert gpus.parsed(table) == [
        {"name": "NVIDIA H100 80GB HBM3", "used_mb": 1024, "total_mb": 81559},
        {"name": "Some, odd name", "used_mb": 7, "total_mb": 16384},
    ]
