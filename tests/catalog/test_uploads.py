"""Recordings come in by the hundred: the request only stores them, and one bad file is one file's trouble."""

from __future__ import annotations

import io
from typing import Any

import pytest

from catalog import intake, jobs
from catalog.audio import decode
from catalog.listening import listen
from catalog.models import Analysis, Track
from tests.people import owner
from tests.rows import loop_bytes

pytestmark = pytest.mark.django_db


def sent(artist: Any, data: bytes, name: str) -> Track:
    return intake.accept(artist, stream=io.BytesIO(data), filename=name).track


def test_failure_16_an_upload_is_stored_and_queued_and_nothing_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The earlier system analysed up to a hundred files inside one request."""
    monkeypatch.setattr(decode, "decode", lambda *a, **k: pytest.fail("decoded inside the request"))
    me = owner()
    data = io.BytesIO(loop_bytes())
    data.name = "One.wav"
    answer = me.api.post("/api/tracks/", {"file": data})
    assert (answer.status_code, answer.json()["status"]) == (201, "queued")
    assert not Analysis.objects.exists()


def test_failure_16_one_bad_file_fails_alone_with_its_reason_and_progress_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    me = owner().artist
    good = loop_bytes(seed=1)
    tracks = [
        sent(me, good, "First.wav"),
        sent(me, good[: len(good) // 100] + b"\0" * 64, "Cut off.wav"),
        sent(me, loop_bytes(seed=2), "Last.wav"),
    ]
    told: list[float] = []
    report = jobs.Lease.report

    def watch(self: jobs.Lease, progress: float, stage: str = "") -> None:
        told.append(progress)
        report(self, progress, stage)

    monkeypatch.setattr(jobs.Lease, "report", watch)
    for track in tracks:
        listen(track.pk)
        track.refresh_from_db()
    assert [track.status for track in tracks] == [Track.READY, Track.FAILED, Track.READY]
    assert tracks[1].error.endswith(".") and tracks[1].file.is_file()
    assert len(set(told)) > 5 and max(told) < 1.0
