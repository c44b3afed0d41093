"""Checking and stamping cost memory and a core: a few at a time, and who waits too long is told so."""

from __future__ import annotations

import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.turns import Busy, Turns
from provenance import uploads
from tests import people

pytestmark = pytest.mark.django_db


def test_no_more_than_the_places_are_at_work_at_once():
    turns, at_work, most = Turns(2, patience=10), [], []

    def work():
        with turns.turn():
            at_work.append(1)
            most.append(len(at_work))
            threading.Event().wait(0.02)
            at_work.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 8 and max(most) <= 2


def test_a_turn_is_given_back_after_an_error():
    turns = Turns(1, patience=0.01)
    with pytest.raises(OSError, match="gone"), turns.turn():
        raise OSError("gone")
    with turns.turn(), pytest.raises(Busy), turns.turn():
        pass


@pytest.fixture
def taken(monkeypatch):
    """Both turns are taken by others."""
    turns = Turns(1, patience=0.01)
    monkeypatch.setattr(uploads, "AT_WORK", turns)
    with turns.turn():
        yield


@pytest.mark.parametrize("path", ["/api/verify", "/api/stamp", "/verify/"])
def test_who_gets_no_turn_is_told_when_to_come_again(path, taken, files, settings):
    person = people.owner()
    client = person.page if path == "/verify/" else person.api
    answer = client.post(path, {"file": SimpleUploadedFile("take.wav", files["wav"].read_bytes())})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert "Try again in a minute" in answer.content.decode()
    if path.startswith("/api/"):
        assert answer.json()["type"] == "urn:starforge:problem:busy"
    assert list(settings.FILE_UPLOAD_TEMP_DIR.glob("check-*")) == []
