"""The row is the job: one start whatever is delivered, one end whoever dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from django_q.models import OrmQ

from catalog import jobs
from catalog.models import Artist, Track
from tests.people import owner

pytestmark = pytest.mark.django_db


def waiting(**fields: object) -> Track:
    track = Track.objects.create(
        artist=Artist.objects.first() or owner().artist, title="Waiting", file_sha256="", **fields
    )
    jobs.wake(track)
    return track


def dead_worker() -> str:
    """The name of a process that has certainly ended on this host."""
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    host, _, _, thread = jobs.me().split("|")
    return f"{host}|{int(child.stdout)}|1|{thread}"


def test_three_deliveries_are_one_start() -> None:
    track = waiting()
    leases = [jobs.claim(Track, track.pk) for _ in range(3)]
    assert [lease is not None for lease in leases] == [True, False, False]


def test_a_cancelled_row_cannot_be_claimed() -> None:
    track = waiting()
    assert jobs.cancel(track)
    assert jobs.claim(Track, track.pk) is None
    track.refresh_from_db()
    assert track.status == "cancelled"


def test_a_running_job_hears_of_its_cancel_at_the_next_report() -> None:
    track = waiting()
    lease = jobs.claim(Track, track.pk)
    assert lease is not None
    lease.report(0.3, "Measuring")
    assert jobs.cancel(track)
    with pytest.raises(jobs.Cancelled):
        lease.report(0.4)


def test_a_job_taken_over_cannot_report_or_finish() -> None:
    track = waiting()
    lease = jobs.claim(Track, track.pk)
    assert lease is not None
    Track.objects.filter(pk=track.pk).update(worker="elsewhere|1|1|1")
    with pytest.raises(jobs.Lost):
        lease.report(0.4)
    assert not lease.finish(Track.READY)
    track.refresh_from_db()
    assert track.status == "analysing"


def test_a_deleted_row_is_lost() -> None:
    track = waiting()
    lease = jobs.claim(Track, track.pk)
    assert lease is not None
    track.delete()
    with pytest.raises(jobs.Lost):
        lease.report(0.5)


def test_a_job_of_a_killed_process_is_given_on_at_once() -> None:
    track = waiting()
    assert jobs.claim(Track, track.pk)
    Track.objects.filter(pk=track.pk).update(worker=dead_worker())
    OrmQ.objects.all().delete()
    assert jobs.recover(Track) == 1
    track.refresh_from_db()
    assert (track.status, track.attempts) == ("queued", 1)
    assert OrmQ.objects.count() == 1


def test_a_job_of_a_living_process_is_left_alone() -> None:
    track = waiting()
    assert jobs.claim(Track, track.pk)
    assert jobs.recover(Track) == 0
    track.refresh_from_db()
    assert track.worker.split("|")[1] == str(os.getpid())


def test_a_worker_on_another_host_is_given_its_lease() -> None:
    track = waiting()
    assert jobs.claim(Track, track.pk)
    Track.objects.filter(pk=track.pk).update(worker="another-host|1|5|1")
    assert jobs.recover(Track) == 0
    assert jobs.recover(Track, now=timezone.now() + jobs.LEASE + timedelta(seconds=5)) == 1


def test_a_job_that_kills_every_worker_fails_with_a_reason() -> None:
    track = waiting()
    for _ in range(jobs.ATTEMPTS):
        assert jobs.claim(Track, track.pk)
        Track.objects.filter(pk=track.pk).update(worker=dead_worker())
        jobs.recover(Track)
    track.refresh_from_db()
    assert track.status == "failed"
    assert "3 times" in track.error


def test_a_cancelled_job_of_a_killed_worker_ends_cancelled() -> None:
    track = waiting()
    assert jobs.claim(Track, track.pk)
    jobs.cancel(track)
    Track.objects.filter(pk=track.pk).update(worker=dead_worker())
    jobs.recover(Track)
    track.refresh_from_db()
    assert track.status == "cancelled"


def test_a_lost_wake_up_is_sent_again() -> None:
    track = waiting()
    OrmQ.objects.all().delete()
    assert jobs.recover(Track) == 0
    assert jobs.recover(Track, now=timezone.now() + jobs.WAKE_AGAIN + timedelta(seconds=1)) == 1
    assert OrmQ.objects.count() == 1
    track.refresh_from_db()
    assert track.status == "queued"


def test_a_failed_job_can_be_tried_again_and_a_ready_one_cannot() -> None:
    track = waiting(status="failed", error="It broke.")
    assert jobs.requeue(track)
    track.refresh_from_db()
    assert (track.status, track.error, track.attempts) == ("queued", "", 0)
    Track.objects.filter(pk=track.pk).update(status="ready")
    assert not jobs.requeue(track)


def test_the_eta_starts_at_the_estimate_and_ends_at_what_is_seen() -> None:
    track = Track(status="analysing", started_at=timezone.now() - timedelta(seconds=10), progress=0.0)
    assert track.eta(30) == pytest.approx(20, abs=0.5)
    track.progress = 0.5
    assert track.eta(None) == pytest.approx(10, abs=0.5)
    track.progress = 1.0
    assert track.eta(30) == pytest.approx(0, abs=0.5)


def test_a_planned_stop_gives_the_job_back_without_counting_the_attempt() -> None:
    track = waiting()
    assert jobs.claim(Track, track.pk) is not None
    Track.objects.filter(pk=track.pk).update(worker=dead_worker())
    OrmQ.objects.all().delete()
    track.refresh_from_db()
    pid = int(track.worker.split("|")[1])
    assert jobs.hand_back([pid + 1]) == 0
    assert jobs.hand_back([pid]) == 1
    track.refresh_from_db()
    assert (track.status, track.attempts, track.worker) == ("queued", 0, "")
    assert OrmQ.objects.count() == 1


def test_a_planned_stop_takes_nothing_from_a_worker_that_lives() -> None:
    track = waiting()
    assert jobs.claim(Track, track.pk) is not None
    assert jobs.hand_back([os.getpid()]) == 0
    track.refresh_from_db()
    assert track.status == Track.RUNNING


def test_a_process_that_ended_but_was_not_looked_at_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    host, _, _, thread = jobs.me().split("|")
    assert jobs.is_gone(f"{host}|{child.pid}|1|{thread}")
    assert jobs._born(child.pid) == ""
    child.wait()


def test_a_wake_up_taken_by_a_worker_that_died_before_its_claim_is_sent_again() -> None:
    """The dequeued row is locked for half an hour; the job does not wait for that."""
    from catalog.queue import OneInHand

    parked = waiting()
    assert OneInHand("cpu").dequeue()
    later = waiting()  # its wake-up stands in the queue, and must not hide the other's loss
    soon = timezone.now() + jobs.WAKE_AGAIN + timedelta(seconds=10)
    Track.objects.filter(pk=parked.pk).update(queued_at=timezone.now() - timedelta(minutes=1))
    assert jobs.recover(Track, now=soon) == 1
    assert OrmQ.objects.filter(lock__lt=soon).count() == 2
    later.refresh_from_db()
    assert later.status == "queued"


def test_a_long_queue_is_not_taken_for_lost_wake_ups() -> None:
    for _ in range(3):
        waiting()
    assert jobs.recover(Track, now=timezone.now() + timedelta(hours=1)) == 0
    assert OrmQ.objects.count() == 3


def test_a_machine_that_slept_does_not_lose_its_jobs() -> None:
    track = waiting()
    assert jobs.claim(Track, track.pk)
    assert jobs.recover(Track, now=timezone.now() + timedelta(minutes=10)) == 0
    assert jobs.recover(Track, now=timezone.now() + jobs.LONG_LEASE + timedelta(seconds=5)) == 1


def test_what_killed_uploads_left_is_swept_and_fresh_files_are_not(settings: object) -> None:
    from catalog import intake

    home = Path(settings.MEDIA_ROOT) / "tracks"  # type: ignore[attr-defined]
    home.mkdir(parents=True, exist_ok=True)
    old, fresh = home / ".incoming-old", home / ".incoming-fresh"
    nobodys, somebodys, just_now = (home / f"trk_{name}.wav" for name in ("nobodys", "somebodys", "now"))
    for file in (old, fresh, nobodys, somebodys, just_now):
        file.write_bytes(b"half")
        if file not in (fresh, just_now):
            os.utime(file, (0, 0))
    Track.objects.filter(pk=waiting().pk).update(path=f"tracks/{somebodys.name}")
    assert intake.sweep(every=0.0) >= 2
    assert not old.exists() and fresh.exists()
    assert not nobodys.exists()  # its upload was killed before there was a row
    assert somebodys.exists() and just_now.exists()
    for file in (fresh, somebodys, just_now):
        file.unlink()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_under_a_job_costs_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker lives, so nobody else would take it for half an hour."""
    track = waiting()
    OrmQ.objects.all().delete()
    lease = jobs.claim(Track, track.pk)
    assert lease is not None
    let_go, tried = jobs._let_go, []

    def away_at_first(*arguments: Any) -> int:
        tried.append(1)
        if len(tried) == 1:
            raise OperationalError("the server closed the connection")
        return let_go(*arguments)

    monkeypatch.setattr(jobs, "_let_go", away_at_first)
    monkeypatch.setattr(jobs, "ASK_AGAIN", 0.01)
    with pytest.raises(OperationalError), lease.kept():
        raise OperationalError("the server closed the connection")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and Track.objects.get(pk=track.pk).status != Track.QUEUED:
        time.sleep(0.02)
    track.refresh_from_db()
    assert (track.status, track.worker, OrmQ.objects.count()) == (Track.QUEUED, "", 1)
    while any(thread.name == "give back" for thread in threading.enumerate()):
        time.sleep(0.01)


def test_a_job_whose_database_is_always_away_fails_with_a_reason() -> None:
    track = waiting()
    for _ in range(jobs.ATTEMPTS):
        assert (lease := jobs.claim(Track, track.pk)) is not None
        assert jobs._let_go(lease._mine, Track, "The database went away") == 1
    track.refresh_from_db()
    assert track.status == Track.FAILED and track.error.startswith("The database went away 3 times")
